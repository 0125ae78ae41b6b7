"""How many connections one address may have, and which addresses count as one."""

from __future__ import annotations

import ipaddress

import pytest

from serve.http.middleware.connections import ConnectionLimits, Peers


def make_peers(*trusted, most=10, most_per_peer=2):
    networks = tuple(map(ipaddress.ip_network, trusted))
    return Peers(
        ConnectionLimits(head_s=1.0, write_s=1.0, most=most, most_per_peer=most_per_peer, trusted=networks)
    )


def test_one_address_has_so_many_and_another_its_own():
    peers = make_peers()
    assert [peers.enter("10.0.0.1") for _ in range(3)] == [True, True, False]
    assert peers.enter("10.0.0.2")
    peers.leave("10.0.0.1")
    peers.leave("10.0.0.1")
    assert peers.enter("10.0.0.1")


def test_all_together_are_bounded_too():
    peers = make_peers(most=3)
    assert [peers.enter(f"10.0.0.{number}") for number in range(4)] == [True, True, True, False]


@pytest.mark.parametrize(
    ("first", "second", "is_one"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("", "", True),
    ],
)
def test_addresses_of_one_peer_count_together(first, second, is_one):
    peers = make_peers(most_per_peer=1)
    assert peers.enter(first)
    assert peers.enter(second) is not is_one


@pytest.mark.parametrize("host", ["10.1.2.3", "2001:db8:5::1", "::ffff:10.1.9.9", "127.0.0.1"])
def test_a_proxy_speaks_for_many(host):
    peers = make_peers("10.1.0.0/16", "2001:db8:5::/48", "127.0.0.1")
    assert all(peers.enter(host) for _ in range(5))
    assert [peers.enter("10.2.0.1") for _ in range(3)] == [True, True, False]
