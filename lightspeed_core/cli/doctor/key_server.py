"""Asks the key server of `jwk-token` for its keys, as the service will."""

from collections.abc import Sequence
from typing import Final

from lightspeed_core.auth.jwt.cache import KeysUnavailable
from lightspeed_core.auth.jwt.server import KeyServer
from lightspeed_core.cli.doctor.finding import Finding, fatal, fine
from lightspeed_core.config.authentication import JwkConfiguration
from lightspeed_core.http.client import open_client
from lightspeed_core.http.settings import OutboundSettings

_PLACE: Final = "authentication.jwk_config.url"


async def check_key_server(
    settings: JwkConfiguration, outbound: OutboundSettings
) -> Sequence[Finding]:
    """Check that the server answers and has keys that tokens can be verified with."""
    client = open_client(outbound, is_trusted=True)
    algorithms = settings.jwt_configuration.algorithms
    try:
        keys = await KeyServer(client=client, url=settings.url, algorithms=algorithms).fetch()
    except KeysUnavailable as error:
        told = f"the key server gives no keys: {error.__cause__ or error}"
        remedy = "start the key server, correct its address, or let this machine connect to it"
        return [fatal(told, where=_PLACE, remedy=remedy)]
    finally:
        await client.close()
    if not keys.keys:
        told = "the key server lists no key that can be used, so no token can be verified"
        remedy = (
            "publish keys with `alg` and for signatures, or name the algorithms in "
            "jwt_configuration.algorithms"
        )
        return [fatal(told, where=_PLACE, remedy=remedy)]
    used = sorted({name for key in keys.keys for name in key.algorithms})
    told = f"keys of the key server that can be used: {len(keys.keys)}, for {', '.join(used)}"
    return [fine(told, where=_PLACE)]
