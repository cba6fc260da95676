"""The machine's own addresses."""

import ipaddress
import socket

from rotom.server.interfaces import local_addresses


def test_the_loopback_address_is_there_and_all_can_be_bound() -> None:
    found = local_addresses()
    assert "127.0.0.1" in found
    assert len(found) == len(set(found))
    for address in found:
        assert ipaddress.ip_address(address).version == 4
        with socket.socket() as sock:
            sock.bind((address, 0))
