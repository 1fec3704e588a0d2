"""The exception tree, and the one table that gives each refusal its code."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

from gombus import errors
from gombus.errors import ERRORS, Problem, code_of

TREE: dict[str, type[BaseException]] = {
    name: cls
    for name, cls in vars(errors).items()
    if inspect.isclass(cls) and issubclass(cls, BaseException) and cls.__module__ == errors.__name__
}
PROBLEM = Problem("/focal_length", "exclusiveMinimum", "-1 is not allowed")
ONE_OF_EACH: list[errors.Refusal] = [
    errors.Refusal("It is locked."),
    errors.MalformedMessage("no JSON", "/a"),
    errors.UnknownRequest("no such type"),
    errors.InvalidParams((PROBLEM,)),
    errors.PathRefused((PROBLEM,)),
    errors.FileUnreadable("missing"),
    errors.GomRefused("refused", "GAPP-0011", "log"),
    errors.ServerStopping("stopping"),
    errors.InternalError("bug"),
]
CODES = [
    "refused",
    "malformed",
    "unknown_request",
    "invalid_params",
    "path_refused",
    "file_unreadable",
    "gom_refused",
    "stopping",
    "internal",
]


def test_the_tree_in_the_module_s_text_is_the_tree_that_is_there() -> None:
    drawn = re.findall(r"^[│├└─ ]*(\w+)(?: {2,}|$)", str(errors.__doc__).partition("GombusError")[2], re.MULTILINE)
    assert sorted(["GombusError", *filter(None, drawn)]) == sorted(TREE)


@pytest.mark.parametrize("cls", list(TREE.values()), ids=list(TREE))
def test_every_exception_says_what_it_means_and_belongs_to_gombus(cls: type[BaseException]) -> None:
    assert issubclass(cls, errors.GombusError)
    assert (cls.__doc__ or "").strip()


def test_every_refusal_has_one_row_and_nothing_else_has_one() -> None:
    refusals = [cls for cls in TREE.values() if issubclass(cls, errors.Refusal)]
    assert [row.error for row in ERRORS] == refusals == [type(error) for error in ONE_OF_EACH]


def test_codes_are_different_words_and_every_row_says_when_and_what_to_do() -> None:
    codes = [row.code for row in ERRORS]
    assert len(set(codes)) == len(codes)
    for row in ERRORS:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", row.code)
        assert row.when
        assert row.remedy


@pytest.mark.parametrize(("error", "code"), list(zip(ONE_OF_EACH, CODES)), ids=CODES)
def test_the_code_of_each_refusal(error: errors.Refusal, code: str) -> None:
    assert code_of(error) == code


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


@pytest.mark.parametrize("error", ONE_OF_EACH, ids=lambda error: type(error).__name__)
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
