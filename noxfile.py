"""All checks, one by one: nox -s tests-3.9, nox -s lint, and so on; nox alone runs all but audit."""

from __future__ import annotations

import shutil
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.sessions = ["tests", "real_client", "core_alone", "types", "lint", "sbom"]

SERVER = ["./core", *(f"./{path.parent}" for path in sorted(Path("plugins").glob("*/pyproject.toml")))]
"""The distributions of a server on the line."""


@nox.session(python=["3.9", "3.10", "3.11", "3.12", "3.13"])
def tests(session: nox.Session) -> None:
    """The whole test suite with branch coverage of the core."""
    session.install("-r", "requirements-dev.txt")
    session.run("python", "-m", "pytest", "-q", "--cov", *session.posargs)


@nox.session(python=["3.9", "3.10", "3.11", "3.12", "3.13"])
@nox.parametrize("series", ["2025", "2026"])
def real_client(session: nox.Session, series: str) -> None:
    """The tests that run the real gom client, with each of its series."""
    session.install("-r", "requirements-dev.txt")
    if series == "2025":
        session.install("--no-deps", "-r", "requirements-inspect-2025.txt")
    session.run("python", "-m", "pytest", "-q", "-m", "gom", *session.posargs)


@nox.session(python="3.9")
def core_alone(session: nox.Session) -> None:
    """The core's tests with neither plugins nor kit."""
    session.install("-c", "constraints.txt", "./core[tls]", "pytest", "hypothesis")
    session.run("python", "-m", "pytest", "-q", "core/tests")


@nox.session(python=["3.9", "3.13"])
def types(session: nox.Session) -> None:
    """mypy --strict."""
    session.install("-r", "requirements-dev.txt")
    session.run("python", "-m", "mypy")


@nox.session(python="3.13")
def lint(session: nox.Session) -> None:
    """ruff, and whether generated files are up to date."""
    session.install("-r", "requirements-dev.txt")
    session.run("python", "-m", "ruff", "check", ".")
    session.run("python", "-m", "ruff", "format", "--check", ".")
    session.run("gombus", "schemas", "--to", "schemas", "--check")


@nox.session
def sbom(session: nox.Session) -> None:
    """dist/gombus.cdx.json: what a server install contains, in CycloneDX; the same for the same commit and Python."""
    session.install("-c", "constraints.txt", "cyclonedx-bom", "hatchling")
    installed = _install(session, SERVER)
    # The file says what the whole is, and wants its version written out.
    version = next(Path(installed).parent.glob("wheels/gombus-*.whl")).name.split("-")[1]
    project = Path("core/pyproject.toml").read_text(encoding="utf-8")
    whole = Path(session.create_tmp(), "pyproject.toml")
    whole.write_text(project.replace('dynamic = ["version"]', f'version = "{version}"'), encoding="utf-8")
    out = Path("dist", "gombus.cdx.json")
    out.parent.mkdir(exist_ok=True)
    date = session.run("git", "log", "-1", "--format=%ct", external=True, silent=True, success_codes=[0, 128])
    session.run(
        *("cyclonedx-py", "environment", "--pyproject", str(whole), "--mc-type", "application"),
        *("--output-reproducible", "--validate", "--of", "JSON", "-o", str(out), installed),
        # Outside a clone it has no date.
        env={"SOURCE_DATE_EPOCH": str(date).strip()} if str(date).strip().isdecimal() else {},
    )
    if "file:" in out.read_text(encoding="utf-8"):
        session.error(f"{out} names a path of this machine")


@nox.session
def audit(session: nox.Session) -> None:
    """Known vulnerabilities of what gombus needs to run, the kit's needs included; asks pypi.org."""
    session.install("-c", "constraints.txt", "pip-audit", "hatchling")
    installed = _install(session, [*SERVER, "./kit"])
    pins = session.run("python", "-m", "pip", "--python", installed, "freeze", silent=True)
    needed = [line for line in str(pins).splitlines() if not line.startswith("gombus")]
    pinned = Path(session.create_tmp(), "pinned.txt")
    pinned.write_text("\n".join(needed) + "\n", encoding="utf-8")
    # Without --strict what the service does not know counts as good.
    session.run("pip-audit", "--strict", "--no-deps", "--disable-pip", "--progress-spinner", "off", "-r", str(pinned))


def _install(session: nox.Session, folders: list[str]) -> str:
    """Install these distributions as a site would, from wheels, into an environment that has nothing else.

    :returns: its folder.
    """
    installed, wheels = (str(Path(session.create_tmp(), name).resolve()) for name in ("installed", "wheels"))
    shutil.rmtree(wheels, ignore_errors=True)
    session.run("python", "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", wheels, *folders)
    session.run("python", "-m", "venv", "--clear", "--without-pip", installed)
    pip = ("python", "-m", "pip", "--python", installed, "install", "-q")
    built = {path.name.split("-")[0]: str(path) for path in Path(wheels).glob("*.whl")}
    built["gombus"] += "[inspect]"
    session.run(*pip, "-c", "constraints.txt", *built.values())
    # Once more, by name: what is installed by path remembers the path.
    session.run(*pip, "--force-reinstall", "--no-deps", "--no-index", "--find-links", wheels, *built)
    return installed
