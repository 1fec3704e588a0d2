"""What the servers share: websockets with the same settings of the transport as gombus."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import suppress
from typing import Any, Awaitable, Callable

from websockets.asyncio.server import serve


def run(handler: Callable[[Any], Awaitable[None]]) -> None:
    """Serve on a free port of 127.0.0.1 until SIGTERM."""
    asyncio.run(_main(handler))


async def _main(handler: Callable[[Any], Awaitable[None]]) -> None:
    # As gombus does at its start (net/server.py): without it the ratios would show the allocator, not the servers.
    del [bytes(300_000)][:]
    # As gombus does, too: clients that leave without a word are no errors of the server.
    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    stop = asyncio.Event()
    # On Windows there are no signal handlers for the event loop, and the process is simply ended.
    with suppress(NotImplementedError):
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with serve(handler, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await stop.wait()
