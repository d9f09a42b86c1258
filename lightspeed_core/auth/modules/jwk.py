"""Believes tokens that a key of the configured key server has signed (`jwk-token`).

How keys are kept and what claims must fulfil is decided in `auth/jwt`; here it is put in order.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, override

from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwa import JWSAlgModel
from joserfc.jwk import Key
from joserfc.jws import JWSRegistry, deserialize_compact

from lightspeed_core.auth.bearer import bearer_token
from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.auth.jwt.cache import KeyCache, KeySource
from lightspeed_core.auth.jwt.claims import ClaimRules
from lightspeed_core.auth.jwt.form import (
    LONGEST_TOKEN,
    TokenHeader,
    read_header,
    read_object,
    refuse_long,
)
from lightspeed_core.auth.jwt.keys import KeySet, SigningKey
from lightspeed_core.auth.jwt.server import KeyServer
from lightspeed_core.auth.jwt.verdicts import Verdicts
from lightspeed_core.config.authentication import JwkConfiguration, JwtConfiguration
from lightspeed_core.domain.identity import Identity
from lightspeed_core.errors import Unauthenticated
from lightspeed_core.http.client import open_client
from lightspeed_core.http.settings import OutboundSettings

VERDICT_SECONDS: Final = 60.0
MOST_VERDICTS: Final = 1024


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whom a token names, and the keys that were known when that was found."""

    identity: Identity
    keys: KeySet


class JwkAuthenticator:
    """Verifies each token once; for a short time after it the verdict stands.

    A changed key set ends all verdicts, for the key of a token may have been withdrawn.
    """

    def __init__(self, keys: KeyCache, rules: ClaimRules, verdicts: Verdicts[Verdict]) -> None:
        self._keys = keys
        self._rules = rules
        self._verdicts = verdicts

    async def authenticate(self, credentials: Credentials) -> Identity:
        """Return whom the bearer token names.

        Raises `Unauthenticated` for a token that is not believed, `AuthenticationUnavailable`
        when the keys to judge it by cannot be had.
        """
        token = bearer_token(credentials)
        refuse_long(token)
        verdict = self._verdicts.find(token)
        if verdict is not None and verdict.keys is self._keys.at_hand():
            return verdict.identity
        return await self._judge(token)

    async def _judge(self, token: str) -> Identity:
        header = read_header(token)
        keys, signing = await self._signing_key(header)
        claims = _verified_claims(token, signing.key)
        self._rules.check_type(header.token_type)
        self._rules.check(claims)
        identity = self._rules.identity_of(claims, token)
        self._verdicts.keep(token, Verdict(identity, keys), self._rules.seconds_left(claims))
        return identity

    async def _signing_key(self, header: TokenHeader) -> tuple[KeySet, SigningKey]:
        keys = await self._keys.get()
        found = keys.find(header.algorithm, header.key_id)
        if found is None:
            keys = await self._keys.get_anew()
            found = keys.find(header.algorithm, header.key_id)
        if found is None:
            raise Unauthenticated("Token signed by unknown key")
        return keys, found


@asynccontextmanager
async def open_jwk(
    settings: JwkConfiguration, outbound: OutboundSettings
) -> AsyncGenerator[JwkAuthenticator]:
    """Hold the module open over its key server; raises `ConfigurationError`."""
    demands = settings.jwt_configuration
    async with AsyncExitStack() as stack:
        client = open_client(outbound, is_trusted=True)
        stack.push_async_callback(client.close)
        server = KeyServer(client=client, url=settings.url, algorithms=demands.algorithms)
        yield await stack.enter_async_context(judging_by(server, demands))


@asynccontextmanager
async def judging_by(
    source: KeySource, demands: JwtConfiguration
) -> AsyncGenerator[JwkAuthenticator]:
    """Hold the module open over a source of keys; the first fetch begins at once."""
    async with asyncio.TaskGroup() as group:
        keys = KeyCache(source, group)
        keys.renew()
        try:
            yield JwkAuthenticator(
                keys, ClaimRules(demands), Verdicts(seconds=VERDICT_SECONDS, most=MOST_VERDICTS)
            )
        finally:
            keys.close()


class _Registry(JWSRegistry):
    """Leaves to `read_header` and `KeySet` what they have judged: size, members, algorithm."""

    max_header_length = LONGEST_TOKEN
    max_signature_length = LONGEST_TOKEN

    @override
    def get_alg(self, name: str) -> JWSAlgModel:
        return self.algorithms[name]


def _verified_claims(token: str, key: Key) -> dict[str, Any]:
    registry = _Registry(strict_check_header=False)
    try:
        signed = deserialize_compact(token, key, registry=registry)
    except BadSignatureError as error:
        raise Unauthenticated("Invalid token signature") from error
    except (JoseError, ValueError) as error:
        raise Unauthenticated("Token could not be decoded") from error
    try:
        return read_object(signed.payload)
    except ValueError as error:
        raise Unauthenticated("Token could not be decoded") from error
