"""Which IP addresses the public internet consists of, and which others an operator allows.

It judges address objects and names alone; it parses no URL and asks no name server.
"""

from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_network,
)
from typing import Final

type Address = IPv4Address | IPv6Address
type Network = IPv4Network | IPv6Network

# What `is_global` of some supported Python version lets through.
_NOT_PUBLIC: Final[tuple[Network, ...]] = (
    IPv4Network("168.63.129.16/32"),  # the metadata server of Azure
    IPv4Network("192.0.0.0/24"),  # RFC 6890; one cloud's metadata server is here
    IPv4Network("192.88.99.0/24"),  # RFC 7526, relays of 6to4
    IPv6Network("2001::/23"),  # RFC 2928; Teredo, which carries any IPv4 address, is part of it
    IPv6Network("2002::/16"),  # RFC 3056, 6to4, which carries any IPv4 address
    IPv6Network("3fff::/20"),  # RFC 9637, documentation
)
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_LOW_32_BITS: Final = 0xFFFFFFFF


def effective(address: Address) -> Address:
    """Return where packets end up: the IPv4 address behind a mapped or a NAT64 one.

    RFC 4291 section 2.5.5.2 and RFC 6052 section 2.1.
    """
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & _LOW_32_BITS)
    return address


def is_public(address: Address) -> bool:
    """Say whether anybody on the internet may own the address; all special ranges are refused."""
    target = effective(address)
    if isinstance(target, IPv6Address) and target not in _GLOBAL_UNICAST:
        return False
    if not target.is_global or target.is_multicast:
        return False
    return not any(target in network for network in _NOT_PUBLIC)


class Allowed:
    """The addresses and names of an operator's list."""

    def __init__(self, entries: Iterable[str]) -> None:
        networks: list[Network] = []
        names: set[str] = set()
        domains: list[str] = []
        for entry in entries:
            network = _network(entry)
            if network is not None:
                networks.append(network)
            elif entry.startswith("*."):
                domains.append(entry[1:].lower())
            else:
                names.add(entry.lower().rstrip("."))
        self._networks = tuple(networks)
        self._names = frozenset(names)
        self._domains = tuple(domains)

    def permits(self, host: str, address: Address) -> bool:
        """Say whether a connection to `address`, found under the name `host`, may be opened.

        A listed name opens private addresses, but not link-local ones: who answers for the name
        could else name the metadata server of a cloud. A listed address opens itself.
        """
        target = effective(address)
        if is_public(address) or any(target in network for network in self._networks):
            return True
        return self._names_host(host) and _can_be_named(target)

    def _names_host(self, host: str) -> bool:
        name = host.lower().rstrip(".")
        return name in self._names or name.endswith(self._domains)


def _can_be_named(address: Address) -> bool:
    if any(address in network for network in _NOT_PUBLIC):
        return False
    return not (address.is_link_local or address.is_multicast or address.is_unspecified)


def _network(entry: str) -> Network | None:
    try:
        return ip_network(entry, strict=False)
    except ValueError:
        return None
