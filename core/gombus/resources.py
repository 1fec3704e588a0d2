"""JSON files that ship in a package."""

from __future__ import annotations

from importlib import resources

from .errors import MalformedMessage, PluginError
from .model import JsonObject
from .strict import loads


def read_schema(package: str, name: str = "schema.json") -> JsonObject:
    """Read a JSON file that ships in a plugin's package; the usual call is ``read_schema(__name__)``.

    :param package: import name of the package that holds the file.
    :raises PluginError: the file is missing or no JSON object.
    """
    try:
        value = loads((resources.files(package) / name).read_text(encoding="utf-8"))
    # KeyError: what a zip file says of a missing file on Python 3.9.
    except (OSError, KeyError, UnicodeDecodeError, MalformedMessage) as error:
        raise PluginError(f"the file {name} of {package} cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise PluginError(f"the file {name} of {package} is no JSON object")
    return value
