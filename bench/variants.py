"""What is measured: servers, and the request that each of them gets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from . import plugin
from .journals import FEW, JOURNAL, MANY, Filled


class Variant(NamedTuple):
    """A server, how it is started, and what it is asked."""

    title: str
    command: tuple[str, ...]
    """Arguments after the name of the Python interpreter."""
    request: str
    answer: str = ""
    """As `peers.connect` says."""
    environ: tuple[tuple[str, str], ...] = ()
    loads: tuple[str, ...] = ("sequence", "in_flight", "connections")
    primed: bool = True
    base: str = "echo"
    """The variant that its throughput is divided by."""
    server: str = ""
    """Its title where nothing is asked; empty: the same."""
    journal: Path | None = None
    """Folder of a journal, a copy of which it finds at its start."""


_GOMBUS = (
    "-m",
    "gombus",
    "serve",
    "--json",
    "--host",
    "127.0.0.1",
    "--port",
    "0",
    "--log-level",
    "error",
    "--tokens",
    "off",
)
_OFF = ("--journal", "off")
# In the folder that a server is started in, with a receipt log beside it.
_ON = ("--journal", JOURNAL)
GOMBUS_TWIN = (*_GOMBUS, "--backend", "twin", *_OFF)
GOMBUS_BENCH = (*_GOMBUS, "--backend", "bench")
ECHO = ("-m", "bench.servers.echo")
MANY_TYPES = 1000

# A threshold that is set stays where it is: glibc then never learns to keep large buffers, whatever the server frees.
_FRESH = (("MALLOC_MMAP_THRESHOLD_", str(128 * 1024)),)


def _bench(types: int) -> tuple[tuple[str, str], ...]:
    return (
        ("GOMBUS_PLUGIN_MODULES", plugin.__name__),
        ("GOMBUS_PLUGINS_ENABLED", plugin.__name__),
        (plugin.TYPES, str(types)),
    )


def _params(file: str) -> dict[str, str]:
    return {"file": file, "name": "Microscopy", "focal_length": "2.0"}


def variants(few: Filled, many: Filled) -> dict[str, Variant]:
    """All variants by name, in the order in which they are shown.

    :param few: a journal with `FEW` finished jobs.
    :param many: one with `MANY`.
    :raises ImportError: the kit is not installed.
    """
    from gombus_kit import samples

    params = _params("C:/temp/example.jpg")
    request = json.dumps({"bench": params})
    image = json.dumps({"image": _params(str(samples.IMAGE))})
    gombus = Variant("gombus", (*GOMBUS_BENCH, *_OFF), request, "O.k.", _bench(3))
    jsonrpc = gombus._replace(
        title="gombus, JSON-RPC", request=json.dumps({"method": "bench", "params": params}), answer="", base="gombus"
    )
    journal = gombus._replace(title="gombus, with journal", command=(*GOMBUS_BENCH, *_ON), base="gombus")
    echo = Variant("plain websockets echo", ECHO, request, request)
    fresh = echo._replace(title="fresh: plain websockets echo", environ=_FRESH, primed=False, base="echo_fresh")
    return {
        "echo": echo,
        "minimal": Variant("websockets + json + jsonschema", ("-m", "bench.servers.minimal"), request, "O.k."),
        "gombus": gombus,
        "many_types": gombus._replace(
            title=f"gombus, {MANY_TYPES} request types",
            environ=_bench(MANY_TYPES),
            loads=("sequence", "in_flight"),
            base="gombus",
        ),
        "jsonrpc": jsonrpc,
        "journal": journal,
        "jsonrpc_journal": jsonrpc._replace(
            title="gombus, JSON-RPC, with journal", command=journal.command, base="jsonrpc"
        ),
        **_filled(journal, f"{FEW}", few, "few"),
        **_filled(journal, f"{MANY:,}", many, "many"),
        "image": Variant(
            "gombus, image request on the twin",
            GOMBUS_TWIN,
            image,
            "O.k.",
            server="gombus with the default plugins, the kit and its twin",
        ),
        "echo_fresh": fresh,
        "gombus_fresh": gombus._replace(
            title="fresh: gombus", environ=(*gombus.environ, *_FRESH), primed=False, base="echo_fresh"
        ),
    }


def _filled(journal: Variant, count: str, filled: Filled, name: str) -> dict[str, Variant]:
    """A new request, and a question for a job that ended, with so many jobs in the journal; each against few."""
    title = f"gombus, {count} finished jobs in its journal"
    new = journal._replace(
        title=f"{title}, new request",
        server=title,
        journal=filled.folder,
        loads=("sequence",),
        base="new_few",
    )
    get = json.dumps({"method": "tasks/get", "params": {"job": filled.job}})
    return {
        f"new_{name}": new,
        f"get_{name}": new._replace(title=f"{title}, tasks/get", request=get, answer="", base="get_few"),
    }
