"""Asks the configured key server for its keys, once for each call."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from lightspeed_core.auth.jwt.cache import KeysUnavailable
from lightspeed_core.auth.jwt.keys import KeySet, MalformedKeys, read_key_set
from lightspeed_core.http.client import OutboundClient
from lightspeed_core.http.failures import OutboundError, OutboundFailed

LARGEST_KEY_SET_BYTES: Final = 1024 * 1024
FETCH_SECONDS: Final = 5.0
_OK: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyServer:
    """A key set behind an address; bounded in size and time, and never led to another host."""

    client: OutboundClient
    url: str
    algorithms: Collection[str] | None

    async def fetch(self) -> KeySet:
        """Ask the server; raises `KeysUnavailable`."""
        try:
            answer = await self.client.get(
                self.url, limit=LARGEST_KEY_SET_BYTES, seconds=FETCH_SECONDS
            )
            if answer.status != _OK:
                raise OutboundFailed(f"the key server answered with status {answer.status}")
            return read_key_set(answer.body, self.algorithms)
        except OutboundError as error:
            raise KeysUnavailable("Unable to reach authentication key server") from error
        except MalformedKeys as error:
            raise KeysUnavailable(str(error)) from error
