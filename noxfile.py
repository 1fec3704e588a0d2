"""All checks, one by one: nox -s tests-3.9, nox -s lint, and so on; nox alone runs them all."""

from __future__ import annotations

import nox

nox.options.default_venv_backend = "venv"


@nox.session(python=["3.9", "3.10", "3.11", "3.12", "3.13"])
def tests(session: nox.Session) -> None:
    """The whole test suite with branch coverage of the core."""
    session.install("-r", "requirements-dev.txt")
    session.run("python", "-m", "pytest", "-q", "--cov", *session.posargs)


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
