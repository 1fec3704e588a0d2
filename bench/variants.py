"""What is measured: servers, and the request that each of them gets."""

from __future__ import annotations

import json
from typing import NamedTuple

from . import plugin


class Variant(NamedTuple):
    """A server, how it is started, and what it is asked."""

    title: str
    command: tuple[str, ...]
    """Arguments after the name of the Python interpreter."""
    request: str
    answer: str
    environ: tuple[tuple[str, str], ...] = ()
    loads: tuple[str, ...] = ("sequence", "in_flight", "connections")
    primed: bool = True
    base: str = "echo"
    """The variant that its throughput is divided by."""
    server: str = ""
    """Its title where nothing is asked; empty: the same."""


_GOMBUS = ("-m", "gombus", "serve", "--json", "--host", "127.0.0.1", "--port", "0", "--log-level", "error")
GOMBUS_TWIN = (*_GOMBUS, "--backend", "twin")
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


def _request(name: str, file: str) -> str:
    return json.dumps({name: {"file": file, "name": "Microscopy", "focal_length": "2.0"}})


def variants() -> dict[str, Variant]:
    """All variants by name, in the order in which they are shown.

    :raises ImportError: the kit is not installed.
    """
    from gombus_kit import samples

    request = _request("bench", "C:/temp/example.jpg")
    image = _request("image", str(samples.IMAGE))
    gombus = Variant("gombus", GOMBUS_BENCH, request, "O.k.", _bench(3))
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
