"""How connections are opened, and how long a lost one is missed."""

from __future__ import annotations

from itertools import islice

import pytest

from gombus.client import Unreachable
from gombus.client.opening import Outage, TimeUp, Until, check_subprotocol, pauses


def test_pauses_double_up_to_a_second() -> None:
    assert list(islice(pauses(), 7)) == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_an_outage_is_borne_for_its_limit() -> None:
    outage = Outage(0.2)
    assert outage.pause(100.0) == 0.05
    assert outage.pause(100.05) == 0.1
    assert outage.pause(100.15) == pytest.approx(0.05)
    assert outage.pause(100.2) is None


def test_an_outage_that_is_not_borne_at_all() -> None:
    assert Outage(0.0).pause(100.0) is None


def test_an_outage_that_is_borne_for_ever() -> None:
    outage = Outage(None)
    assert outage.pause(0.0) == 0.05
    assert outage.pause(1e9) == 0.1


def test_a_connection_that_lived_ends_an_outage_and_one_that_did_not_goes_on_with_it() -> None:
    outage = Outage(10.0)
    outage.pause(100.0)
    assert outage.pause(110.0, lived_s=0.9) is None
    assert outage.pause(110.0, lived_s=1.0) == 0.05


def test_a_server_must_take_up_json_rpc() -> None:
    check_subprotocol("ws://x", "gombus.v1.json")
    with pytest.raises(Unreachable, match=r"ws://x does not speak JSON-RPC \(gombus.v1.json\)"):
        check_subprotocol("ws://x", None)


def test_time_without_an_end() -> None:
    until = Until(None)
    assert (until.left_s, until.passed, until.cut(5.0)) == (None, False, 5.0)
    assert until.sooner(3.0).limit_s == 3.0


def test_time_with_an_end() -> None:
    assert not Until(1000.0).passed
    assert Until(1000.0).cut(5.0) == 5.0
    assert 0 < Until(2.0).cut(5.0) <= 2.0
    assert Until(1000.0).sooner(3.0).limit_s == 3.0
    over = Until(0.0)
    assert over.passed
    assert over.left_s == 0.0
    with pytest.raises(TimeUp):
        over.cut(5.0)
