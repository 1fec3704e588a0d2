"""What the gom client asks for, by number, and how it is told that something was refused."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from enum import IntEnum

from ..twin.errors import NOT_MODELLED


class Request(IntEnum):
    """The numbers of the requests, as the client has them."""

    API, COMMAND, CONFIGURATION, CONSOLE, DATA_ARRAY, DATA_ATTR, DATA_INDEX, DATA_SHAPE = range(1, 9)
    DOC, EQUAL, EXCEPTION, EXIT, GET, GETATTR, FILTER, IMPORT, INDEX, KEY, LEN, LESS, LINE, LOG = range(9, 23)
    OBJECTTYPES, QUERY, REGISTER, RELEASE, REPR, RESOURCE_KEY, RESOURCE_LEN, RESULT, RUNAPI = range(23, 32)
    SERVICE, SETATTR, SETENV, TEST, TOKENS, TRANSLATE = range(32, 38)
    TYPE_CALL, TYPE_CONSTRUCT, TYPE_CMP, TYPE_DOC, TYPE_GETATTR, TYPE_GETITEM, TYPE_ITER = range(38, 45)
    TYPE_LEN, TYPE_REPR, TYPE_SETATTR, TYPE_SETITEM, TYPE_STR = range(45, 50)


PLAIN = "Tom::GScript::TwinException"
"""Unknown to the client, which raises gom.RequestError for it."""
BREAK = "Tom::GScript::BreakException"
"""gom.BreakError: the user pressed Esc, or cancelled a dialog."""
ATTRIBUTE = "Tom::GScript::AttributeException"
"""AttributeError, which hasattr() needs."""
INDEX = "Tom::GScript::IndexException"
"""IndexError, which a loop over items ends with."""
PYTHON = "Tom::GScript::PythonException"
"""The Python exception that is pickled in the value."""


@dataclass(frozen=True)
class Refusal:
    """What INSPECT says where it does not do as asked: by its `error` the client chooses the exception."""

    description: str
    code: str = NOT_MODELLED
    log: str = ""
    error: str = PLAIN

    def reply(self) -> dict[str, object]:
        """The members of the reply that carries it."""
        value = pickle.dumps((RuntimeError, self.description)) if self.error == PYTHON else None
        # Of attributes and indexes the client shows the log alone.
        log = self.log or (self.description if self.error in (ATTRIBUTE, INDEX) else "")
        return {
            "type": "error",
            "error": self.error,
            "description": self.description,
            "code": self.code,
            "log": log,
            "value": value,
        }


class Refused(Exception):
    """A request is answered by a refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.description)
        self.refusal = refusal
