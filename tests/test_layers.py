"""The house's rule: imports run one way, and the core knows neither plugins nor the kit."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "core" / "gombus"

FLOORS = [
    {"redaction", "net", "inspect"} | {"presence", "inspect.effects", "inspect.values"},
    {"_version", "ahead", "batches", "errors", "receipt", "rendering", "loglimit", "net.portions"} | {"inspect.remote"},
    {"lockfile", "net.certificate", "net.door", "inspect.address", "net.selfsigned", "net.tls"} | {"inspect.process"},
    {"model", "refusals", "strict", "paths", "patterns", "executor", "signals", "ids", "evidence", "placeholders"}
    | {"inspect.client", "inspect.supervisor"},
    {"hookspecs", "resources", "guard", "validation", "schemahash", "followers"} | {"inspect.holder", "inspect.inside"},
    {"__init__", "config", "schemas", "tasks", "journal", "plan", "receiptlog"} | {"inspect.backend", "outcomes"},
    {
        "discovery",
        "log",
        "net.listening",
        "offers",
        "wire",
        "wire.jsonrpc",
        "wire.legacy",
        "journal.layout",
        "net.tokens",
    },
    {"files", "files.pathmap", "files.roots", "files.settling", "files.spool"},
    {"files.site"},
    {"files.rules"},
    {"registry", "net.access", "wire.choice", "journal.memory", "journal.store"},
    {"job", "openrpc", "net.handshake", "journal.recovery", "journal.reading"},
    {"line", "stats", "net.connection", "watch", "journal.writer"},
    {"jobs", "journal.sqlite", "inspect.display"},
    {"backends", "bus", "journal.location"},
    {"methods"},
    {"net.exchange"},
    {"net.session"},
    {"net.server"},
    {"runtime"},
    {"inspect.script"},
    {"client.messages", "options", "reports"},
    {"client.opening"},
    {"client.oneshot", "client.async_line", "client.blocking_line"},
    {"client.blocking", "client.aio"},
    {"client"},
    {"served", "commands.progress"},
    {"commands.reaching"},
    {
        "cli",
        "commands",
        "commands.config",
        "commands.journal",
        "commands.plugins",
        "commands.receipts",
        "commands.schemas",
        "commands.send",
        "commands.serve",
        "commands.tls",
        "commands.token",
    },
    {"__main__"},
]
"""Ground floor first. A module imports from floors below its own, and commands from each other's package."""

MODULES = {name: floor for floor, names in enumerate(FLOORS) for name in names}


def module_name(path: Path) -> str:
    parts = path.relative_to(CORE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def imports(path: Path) -> Iterator[str]:
    """Whole names of what a file imports; relative imports are made whole."""
    package = ["gombus", *path.relative_to(CORE).parts[:-1]] if CORE in path.parents else []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])
            whole = base if node.level else str(node.module)
            yield from (f"{whole}.{alias.name}" for alias in node.names)


def own_modules(path: Path) -> Iterator[str]:
    """Names, below gombus, of the core's modules that a file imports."""
    for name in imports(path):
        parts = name.split(".")
        if parts[0] != "gombus":
            continue
        for length in range(len(parts), 0, -1):
            inner = ".".join(parts[1:length]) or "__init__"
            if inner in MODULES:
                yield inner
                break


def test_every_module_has_its_floor() -> None:
    assert {module_name(path) for path in CORE.rglob("*.py")} == set(MODULES)


@pytest.mark.parametrize("path", sorted(CORE.rglob("*.py")), ids=module_name)
def test_imports_run_one_way(path: Path) -> None:
    mine = module_name(path)
    above = {
        name
        for name in own_modules(path)
        if MODULES[name] >= MODULES[mine] and not (mine.startswith("commands.") and name == "commands")
    }
    # Only for types, and not at run time: a hook's signature names what the floors above make.
    if mine == "hookspecs":
        above -= {"config"}
    assert not above


@pytest.mark.parametrize(
    "name",
    [
        *("model", "wire.legacy", "wire.jsonrpc", "executor", "strict", "paths", "patterns"),
        *("files.pathmap", "files.roots", "presence", "inspect.effects"),
        *("inspect.values", "inspect.remote", "inspect.process", "inspect.client"),
    ],
)
def test_the_small_rooms_know_little(name: str) -> None:
    allowed = {
        "model": {"errors", "receipt"},
        "wire.legacy": {"errors", "model", "refusals", "strict"},
        "wire.jsonrpc": {"errors", "model", "tasks"},
        "presence": set(),
        "inspect.effects": set(),
        "inspect.values": set(),
        "inspect.remote": {"inspect.values"},
        "inspect.process": {"inspect.remote", "inspect.values"},
        "inspect.client": {"errors", "redaction", "inspect.address", "inspect.effects"},
        "executor": set(),
        "strict": {"errors"},
        "paths": set(),
        "patterns": set(),
        "files.pathmap": set(),
        "files.roots": set(),
    }[name]
    path = CORE.joinpath(*name.split(".")).with_suffix(".py")
    assert set(own_modules(path)) - {"__init__"} <= allowed


def test_only_one_file_imports_gom_and_only_one_jsonschema() -> None:
    users = {"gom": set(), "jsonschema": set()}  # type: dict[str, set[str]]
    for path in CORE.rglob("*.py"):
        for name in imports(path):
            users.setdefault(name.split(".")[0], set()).add(module_name(path))
        if 'import_module("gom")' in path.read_text(encoding="utf-8"):
            users["gom"].add(module_name(path))
    assert users["gom"] == {"inspect.client"}
    assert users["jsonschema"] == {"validation"}


@pytest.mark.parametrize("path", sorted(CORE.rglob("*.py")), ids=module_name)
def test_the_core_names_no_plugin_and_no_kit(path: Path) -> None:
    tops = {name.split(".")[0] for name in imports(path)}
    assert not {top for top in tops if top.startswith("gombus_")}


@pytest.mark.parametrize("folder", ["plugins/image_import", "plugins/elements_import", "plugins/quit"])
def test_a_plugin_uses_the_public_surface_only(folder: str) -> None:
    import gombus

    for path in (ROOT / folder).glob("gombus_*/*.py"):
        for name in imports(path):
            if name.split(".")[0] == "gombus":
                assert name.partition(".")[2] in gombus.__all__
            else:
                # The kit's type is imported for type checkers alone.
                assert name == "gombus_kit.twin.Twin" or name.split(".")[0] in ("__future__", "typing")


def test_files_stay_small() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for folder in ("core/gombus", "kit/gombus_kit", "plugins", "bench")
        for path in (ROOT / folder).rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 300
    }
    assert not long


def test_importing_gombus_is_light() -> None:
    heavy = "click rich PIL gom websockets jsonschema asyncio"
    script = f"import sys, gombus; print(sorted(set({heavy!r}.split()) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "[]"
