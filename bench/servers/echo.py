"""A plain echo: the base of all ratios."""

from __future__ import annotations

from typing import Any

from .base import run


async def echo(connection: Any) -> None:
    """Send back every message."""
    async for message in connection:
        await connection.send(message)


if __name__ == "__main__":
    run(echo)
