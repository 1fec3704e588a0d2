"""The benchmark's own plugin of gombus: request types that make no gom call, and a backend with nothing behind it.

So the figures are gombus's alone. The environment variable ``BENCH_TYPES`` says how many request types there are.
"""

from __future__ import annotations

import copy
import os
from types import SimpleNamespace
from typing import Any

from gombus import BackendFactory, CallEach, Context, JsonObject, Legacy, Request, hookimpl, read_schema

TYPES = "BENCH_TYPES"


def do_nothing(params: JsonObject, context: Context) -> None:
    """The handler."""


@hookimpl
def gombus_requests() -> list[Request]:
    """As many types as asked for. `bench` is the last one in every order, so that a search would be seen."""
    fillers = [f"a{index:04}" for index in range(1, int(os.environ.get(TYPES, "3")))]
    return [_request(name) for name in [*fillers, "bench"]]


def _request(name: str) -> Request:
    schema = copy.deepcopy(read_schema("gombus_image_import"))
    return Request(name=name, schema=schema, handler=do_nothing, legacy=Legacy(required=tuple(schema["required"])))


class NothingBackend:
    """A backend for handlers that never use it."""

    name = "bench"
    title = "nothing"
    version = "1"

    def open(self) -> Any:
        """The two exceptions that gombus asks for."""
        return SimpleNamespace(
            RequestError=type("RequestError", (Exception,), {}), BreakError=type("BreakError", (Exception,), {})
        )

    def close(self) -> None:
        """Nothing to let go of."""


def _open(call_each: CallEach) -> NothingBackend:
    return NothingBackend()


@hookimpl
def gombus_backends() -> dict[str, BackendFactory]:
    """The backend `bench`."""
    return {"bench": _open}
