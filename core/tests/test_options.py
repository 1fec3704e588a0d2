"""Options made of a request type's schema, and parameters made of what they were given."""

from __future__ import annotations

from typing import Any

import click
import pytest
from click.testing import CliRunner

from gombus.config import load
from gombus.openrpc import document
from gombus.options import Form
from gombus.registry import Registry
from support import plugin, request

TEXT = {"type": "string", "maxLength": 9}


def form(required: tuple[str, ...] = (), definitions: dict[str, Any] | None = None, **properties: Any) -> Form:
    """The form of a request type with these parameters."""
    method = {
        "name": "say",
        "summary": "Say",
        "description": "Says it.",
        "params": [
            {
                "name": name,
                "required": name in required,
                "schema": {**schema, "$defs": definitions} if definitions else schema,
                "description": schema.get("description", ""),
            }
            for name, schema in properties.items()
        ],
        "result": {"name": "receipt"},
    }
    return Form(method, ("--url", "--json"))


def invoke(made: Form, *arguments: str) -> Any:
    """What is sent for these arguments; the text of the usage error where there is one."""
    found: list[Any] = []

    def callback(named: tuple[str, ...], **given: Any) -> None:
        found.append(made.params(given, named))

    options = [*made.options, click.Option(["--param", "named"], multiple=True)]
    done = CliRunner().invoke(click.Command("say", params=list(options), callback=callback), list(arguments))
    return found[0] if found else done.output


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        (TEXT, "5", "5"),
        (TEXT, "", ""),
        (TEXT, "null", "null"),
        ({"type": "number"}, "5", 5),
        ({"type": "number"}, "5.0", 5.0),
        ({"type": "integer"}, "-5", -5),
        ({"type": "integer"}, "5.5", 5.5),
        ({"type": ["number", "string"]}, "2.0", 2.0),
        ({"type": ["number", "string"]}, "050", "050"),
        ({"type": ["number", "string"]}, "99999999999999999999", "99999999999999999999"),
        ({"type": ["number", "string"]}, "true", "true"),
        ({"type": ["number", "null"]}, "null", None),
        ({"type": "object"}, '{"a": [1]}', {"a": [1]}),
        ({"type": ["object", "array"]}, "[1]", [1]),
        ({"anyOf": [{"type": "number"}, TEXT]}, "7", 7),
        ({"oneOf": [{"type": "number"}, {"enum": ["a"]}]}, "a", "a"),
        ({"enum": ["a", "b"]}, "b", "b"),
        ({"enum": ["a", 1, None]}, "1", 1),
        ({"enum": ["a", 1, None]}, "null", None),
        ({"const": True}, "true", True),
        ({}, "5", 5),
    ],
)
def test_values(schema: dict[str, Any], text: str, value: Any) -> None:
    sent = invoke(form(x=schema), "--x", text)["x"]
    assert (sent, type(sent)) == (value, type(value))
    assert invoke(form(x=schema), "--param", f"x={text}") == {"x": value}


@pytest.mark.parametrize(
    ("schema", "text", "why"),
    [
        ({"type": "number"}, "abc", "'abc' is not a JSON number"),
        ({"type": "integer"}, "true", "'true' is not a whole number"),
        ({"type": "integer"}, "99999999999999999999", "an integer beyond 2^53"),
        ({"type": "object"}, "[1]", "'[1]' is not a JSON object"),
        ({"type": "object"}, "{a", "is not a JSON object: no JSON"),
        ({"type": ["number", "null"]}, "x", "is not a JSON number or null"),
        ({"enum": ["a", "b"]}, "c", "is not one of 'a', 'b'"),
    ],
)
def test_what_cannot_be_meant(schema: dict[str, Any], text: str, why: str) -> None:
    said = invoke(form(x=schema), "--x", text)
    assert "Invalid value for '--x'" in said
    assert why in said


def test_what_is_sent_for_the_server_to_judge() -> None:
    made = form(x={"type": "number"}, choice={"enum": ["a"]}, flag={"type": "boolean"})
    assert invoke(made, "--param", "x=abc", "--param", "choice=c", "--param", "flag=no", "--param", "unknown=5") == {
        "x": "abc",
        "choice": "c",
        "flag": "no",
        "unknown": 5,
    }


def test_flags() -> None:
    made = form(keep_name={"type": "boolean"})
    assert invoke(made) == {}
    assert invoke(made, "--keep-name") == {"keep_name": True}
    assert invoke(made, "--no-keep-name") == {"keep_name": False}
    assert invoke(made, "--param", "keep_name=true") == {"keep_name": True}


def test_arrays() -> None:
    numbers = {"type": "array", "items": {"type": "number"}, "maxItems": 9}
    made = form(n=numbers, mode={"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 9})
    assert invoke(made) == {}
    assert invoke(made, "--n", "1", "--n", "2") == {"n": [1, 2]}
    assert invoke(made, "--mode", "a", "--mode", "b") == {"mode": ["a", "b"]}
    assert "'x' is not a JSON number" in invoke(made, "--n", "x")
    assert invoke(made, "--n", "1", "--param", "n=2", "--param", "n=x") == {"n": [1, 2, "x"]}
    assert invoke(made, "--n", "1", "--param", "n=[]") == {"n": []}
    assert invoke(made, "--param", "mode=a", "--param", "mode=b") == {"mode": ["a", "b"]}


def test_references() -> None:
    definitions = {"deep": {"$ref": "#/$defs/length"}, "length": {"type": "number"}}
    made = form(
        definitions=definitions, x={"$ref": "#/$defs/deep"}, many={"type": "array", "items": {"$ref": "#/$defs/length"}}
    )
    assert invoke(made, "--x", "5", "--many", "6") == {"x": 5, "many": [6]}


def test_parameters_whose_option_is_taken_or_cannot_be() -> None:
    made = form(url=TEXT, a_b=TEXT, **{"a-b": TEXT, "größe": TEXT, "no-x": TEXT, "x": {"type": "boolean"}, "$": TEXT})
    assert [option.opts for option in made.options] == [["--a-b"], ["--no-x"]]
    assert made.without_option == ["url", "a-b", "größe", "x", "$"]
    assert invoke(made, "--param", "url=u", "--param", "größe=5", "--a-b", "c", "--param", "$==") == {
        "url": "u",
        "a_b": "c",
        "größe": "5",
        "$": "=",
    }


def test_a_parameter_without_a_name() -> None:
    assert "--param url: is not NAME=VALUE" in invoke(form(), "--param", "url")


def test_help() -> None:
    made = form(
        ("focal_length",),
        focal_length={"type": ["number", "string"], "description": "Focal length in mm"},
        mode={"enum": ["a", "b"], "description": "Where it goes"},
    )
    command = click.Command("say", params=list(made.options))
    text = CliRunner().invoke(command, ["--help"]).output
    assert "--focal-length NUMBER|TEXT  Focal length in mm [required]" in text
    assert "--mode [a|b]                Where it goes\n" in text


def test_what_a_problem_is_about() -> None:
    made = form(focal_length=TEXT, url=TEXT)
    assert made.flag_of("/focal_length") == "--focal-length"
    assert made.flag_of("/focal_length/2/x") == "--focal-length"
    assert made.flag_of("/url") == "--param url"
    assert made.flag_of("/un~1known") == "--param un/known"


def test_a_request_type_as_the_server_describes_it() -> None:
    quick = request("quick", at_once=True)
    registry = Registry(load(environ={}), [plugin(request(), quick)])
    forms = [Form(method, ()) for method in document(registry.types)["methods"]]
    say = next(made for made in forms if made.name == "say")
    assert (say.title, say.description, say.at_once) == ("A test's request", "Says one word to gom.", False)
    assert [option.opts for option in say.options] == [["--word"], ["--file"], ["--files"]]
    assert next(made for made in forms if made.name == "quick").at_once
