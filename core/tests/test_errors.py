"""The exception tree, and the one table that gives each refusal its code."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any

import pytest

from gombus import errors
from gombus.errors import Problem
from gombus.refusals import ERRORS, code_of, error_object, recorded

TREE: dict[str, type[BaseException]] = {
    name: cls
    for name, cls in vars(errors).items()
    if inspect.isclass(cls) and issubclass(cls, BaseException) and cls.__module__ == errors.__name__
}
PROBLEM = Problem("/focal_length", "exclusiveMinimum", "-1 is not allowed")
ONE_OF_EACH: dict[str, errors.Refusal] = {
    "refused": errors.Refusal("It is locked."),
    "malformed": errors.MalformedMessage("no JSON", "/a"),
    "invalid_request": errors.InvalidRequest("no request"),
    "unknown_request": errors.UnknownRequest("no such type"),
    "invalid_params": errors.InvalidParams((PROBLEM,)),
    "path_refused": errors.PathRefused((PROBLEM,)),
    "unknown_job": errors.UnknownJob("no such job"),
    "schema_mismatch": errors.SchemaMismatch("image", "a", "b", None),
    "forbidden": errors.Forbidden("'image' request", "viewer", "operator"),
    "conflict": errors.Conflict("1"),
    "busy": errors.Busy(256, 256),
    "not_ready": errors.NotReady("the disk is full"),
    "file_unsettled": errors.FileUnsettled("still being written"),
    "spool_failed": errors.SpoolFailed("no room"),
    "file_unreadable": errors.FileUnreadable("missing"),
    "gom_refused": errors.GomRefused("refused", "GAPP-0011", "log"),
    "timeout": errors.TimedOut("image", 2.5),
    "interrupted": errors.Interrupted(),
    "cancelled": errors.Cancelled("cancelled"),
    "stopping": errors.ServerStopping("stopping"),
    "internal": errors.InternalError("bug"),
}


def test_the_tree_in_the_module_s_text_is_the_tree_that_is_there() -> None:
    drawn = re.findall(r"^[│├└─ ]*(\w+)(?: {2,}|$)", str(errors.__doc__).partition("GombusError")[2], re.MULTILINE)
    assert sorted(["GombusError", *filter(None, drawn)]) == sorted(TREE)


@pytest.mark.parametrize("cls", list(TREE.values()), ids=list(TREE))
def test_every_exception_says_what_it_means_and_belongs_to_gombus(cls: type[BaseException]) -> None:
    assert issubclass(cls, errors.GombusError)
    assert (cls.__doc__ or "").strip()


def test_every_refusal_has_one_row_and_nothing_else_has_one() -> None:
    refusals = {cls for cls in TREE.values() if issubclass(cls, errors.Refusal)}
    # What the journal kept has the code that it had.
    assert {row.error for row in ERRORS} == refusals - {errors.RecordedRefusal}
    assert {row.code: row.error for row in ERRORS} == {code: type(error) for code, error in ONE_OF_EACH.items()}


def test_codes_are_different_words_and_every_row_says_when_and_what_to_do() -> None:
    codes = [row.code for row in ERRORS]
    assert len(set(codes)) == len(codes)
    for row in ERRORS:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", row.code)
        assert row.when
        assert row.remedy


@pytest.mark.parametrize("code", ONE_OF_EACH)
def test_each_refusal_is_the_same_after_the_journal_kept_it(code: str) -> None:
    error = ONE_OF_EACH[code]
    assert code_of(error) == code
    kept = recorded(json.loads(json.dumps(error_object(error))))
    assert (code_of(kept), str(kept), kept.details()) == (code, str(error), error.details())


def test_a_refusal_of_a_plugin_s_own_takes_its_parent_s_code() -> None:
    class Locked(errors.FileUnreadable):
        pass

    class Elsewhere(errors.PathRefused):
        pass

    assert code_of(Locked("x")) == "file_unreadable"
    assert code_of(Elsewhere(())) == "path_refused"


def test_a_plugin_s_own_refusal_is_just_refused() -> None:
    class Other(errors.Refusal):
        pass

    assert code_of(Other("x")) == code_of(errors.Refusal("x")) == "refused"


@pytest.mark.parametrize("error", ONE_OF_EACH.values(), ids=ONE_OF_EACH)
def test_every_refusal_is_a_sentence(error: errors.Refusal) -> None:
    assert str(error)
    assert "\n" not in str(error)


def test_a_malformed_message_knows_the_place() -> None:
    assert errors.MalformedMessage("NaN", "/a/0").pointer == "/a/0"
    assert errors.MalformedMessage("no JSON").pointer == ""


@pytest.mark.parametrize("cls", [errors.InvalidParams, errors.PathRefused])
def test_problems_are_kept_and_all_stand_in_the_sentence(cls: Any) -> None:
    problems = (PROBLEM, Problem("", "type", "5 is not allowed"))
    error = cls(problems)
    assert error.problems == problems
    assert str(error) == "/focal_length: -1 is not allowed; /: 5 is not allowed"


def test_what_inspect_said_is_kept() -> None:
    error = errors.GomRefused("No such series", "GAPP-0011", "line 1\nline 2")
    assert (error.description, error.error_code, error.error_log) == ("No such series", "GAPP-0011", "line 1\nline 2")
    bare = errors.GomRefused("No")
    assert (str(bare), bare.error_code, bare.error_log) == ("No", "", "")
