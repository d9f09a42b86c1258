"""Believes what a proxy says of the user, once the cluster has said who the proxy is."""

import time
from collections.abc import Callable
from typing import Final

from lightspeed_core.auth.bearer import bearer_token
from lightspeed_core.auth.brief_answers import BriefAnswers
from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.auth.kubernetes.api import KubernetesApi
from lightspeed_core.config.authentication import TrustedProxyConfiguration
from lightspeed_core.domain.identity import Identity
from lightspeed_core.errors import Forbidden, MalformedRequest, Unauthenticated

LONGEST_NAME: Final = 256
_SERVICE_ACCOUNT: Final = "system:serviceaccount:"


class TrustedProxyAuthenticator:
    """Reviews the proxy's token, and takes the user from the header that the proxy sets."""

    def __init__(
        self,
        api: KubernetesApi,
        settings: TrustedProxyConfiguration,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._header = settings.user_header
        accounts = settings.allowed_service_accounts
        self._allowed = (
            None
            if accounts is None
            else frozenset(f"{_SERVICE_ACCOUNT}{each.namespace}:{each.name}" for each in accounts)
        )
        self._reviews = BriefAnswers(
            api.review_token, is_yes=lambda user: user is not None, clock=clock
        )

    async def authenticate(self, credentials: Credentials) -> Identity:
        """Return the user whom a trusted proxy names.

        Raises `Unauthenticated` for a missing or refused token and for a missing header,
        `Forbidden` for a token of somebody who is no trusted proxy, `MalformedRequest` for a
        header that holds no name, and what reviewing the token raises.
        """
        proxy = await self._reviews.about(bearer_token(credentials))
        if proxy is None:
            raise Unauthenticated("Invalid or expired Kubernetes token")
        if not self._is_trusted(proxy.username):
            raise Forbidden.of_endpoint(proxy.username)
        name = self._name_in(credentials)
        # The proxy's token is nobody's to pass on.
        return Identity(user_id=name, username=name, skip_user_id_check=True)

    def _is_trusted(self, account: str) -> bool:
        if self._allowed is None:
            return account.startswith(_SERVICE_ACCOUNT)
        return account in self._allowed

    def _name_in(self, credentials: Credentials) -> str:
        value = credentials.header(self._header.lower())
        if value is None or not value.strip():
            raise Unauthenticated(f"Missing required header '{self._header}'")
        try:
            # HTTP carries bytes, which the server decodes as Latin-1; names are UTF-8.
            name = value.encode("latin-1").decode()
        except UnicodeError as error:
            raise self._malformed("must be UTF-8") from error
        if not name.isprintable():
            raise self._malformed("can only contain printable characters")
        if len(name) > LONGEST_NAME:
            raise self._malformed(f"cannot be longer than {LONGEST_NAME} characters")
        return name

    def _malformed(self, rule: str) -> MalformedRequest:
        return MalformedRequest("Invalid user ID", f"Header '{self._header}' {rule}")
