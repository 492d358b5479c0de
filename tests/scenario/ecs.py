"""EDNS client subnet (RFC 7871): options of our own making, right or wrong, and an answer's."""

import dataclasses
import ipaddress
import struct

import dns.edns
import dns.message

IPV4 = 1
IPV6 = 2


@dataclasses.dataclass(frozen=True)
class Ecs:
    family: int
    source: int
    scope: int
    address: bytes  # the octets on the wire, unpadded

    @property
    def scope_network(self):
        """The network that the answer holds for."""
        size = 4 if self.family == IPV4 else 16
        return ipaddress.ip_network((self.address.ljust(size, b"\0"), self.scope), strict=False)


def ecs_option(subnet):
    """The option for "192.0.2.0/24"."""
    network = ipaddress.ip_network(subnet)
    octets = (network.prefixlen + 7) // 8
    return raw_ecs_option(IPV4 if network.version == 4 else IPV6, network.prefixlen, 0,
                          network.network_address.packed[:octets])


def raw_ecs_option(family, source, scope, address):
    """The option with these very bytes; nothing is checked."""
    header = struct.pack("!HBB", family, source, scope)
    return dns.edns.GenericOption(dns.edns.ECS, header + address)


def query_with(name, rtype, *options):
    return dns.message.make_query(name, rtype, use_edns=0, options=list(options))


def ecs_of(message):
    """The answer's option, or None. More than one is an error."""
    found = [o.to_wire() for o in message.options if o.otype == dns.edns.ECS]
    if not found:
        return None
    if len(found) > 1:
        raise AssertionError(f"{len(found)} client subnet options in one answer")
    family, source, scope = struct.unpack("!HBB", found[0][:4])
    return Ecs(family, source, scope, found[0][4:])
