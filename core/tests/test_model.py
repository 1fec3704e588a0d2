"""The values that travel through gombus."""

from __future__ import annotations

import dataclasses
import logging

import pytest

from gombus import Context, Legacy, Request
from gombus.model import Call, Outcome
from support import SCHEMA, say


@pytest.mark.parametrize("value", [Request("say", SCHEMA, say), Legacy()])
def test_what_a_plugin_offers_cannot_be_changed(value: object) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        value.name = "other"  # type: ignore[attr-defined]  # it must not


@pytest.mark.parametrize("value", [Call("say", {}), Outcome()])
def test_calls_and_outcomes_cannot_be_changed(value: object) -> None:
    with pytest.raises(AttributeError):
        value.name = "other"  # type: ignore[attr-defined]  # it must not


def test_a_request_type_has_safe_defaults() -> None:
    request = Request("say", SCHEMA, say)
    assert (request.commands, request.files, request.at_once) == ((), (), False)
    assert (request.legacy.ok, request.legacy.plain, request.legacy.precedence) == ("O.k.", False, 0)


def test_a_context_takes_nothing_that_it_does_not_have() -> None:
    context = Context("say", None, "client:1", logging.getLogger("test"))
    with pytest.raises(AttributeError):
        context.extra = 1  # type: ignore[attr-defined]  # it must not
    assert not context.stopping
    context.stop()
    assert context.stopping
