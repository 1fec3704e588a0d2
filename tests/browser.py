"""Web pages of a foreign origin, opened by a real browser: they try to talk to servers, and report what came of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from support import WAIT_S

HTML = Path(__file__).with_name("browser_page.html").read_text(encoding="utf-8")
CHROMIUM = (shutil.which("chromium") or shutil.which("chromium-browser")) if os.name == "posix" else None
"""Debian's and others' name of the program; None where it is missing, or cannot be ended with all its children."""
OPTIONS = (
    "--headless",
    "--no-sandbox",  # needed as root, and the pages are ours
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
)

Attempt = dict[str, Any]
"""What a page tries: its name, the way (a function of the page), the url, and what that way needs."""


class Page:
    """A page: what it tries, and which further pages it holds in frames.

    :param frames: pairs of a page's address and whether it is held in a sandbox, where it has no origin of its own.
    """

    def __init__(self, attempts: list[Attempt], frames: list[tuple[str, bool]] | None = None) -> None:
        self.attempts = attempts
        self.frames = frames or []
        self.outcomes: dict[str, str] = {}
        """Name of the attempt -> what came of it, as the page has reported."""


class Pages:
    """Serves pages by name, and keeps what they report."""

    def __init__(self) -> None:
        self._pages: dict[str, Page] = {}
        self._missing: set[tuple[str, str]] = set()
        self._reported = threading.Event()
        self.taken: list[Any] = []
        """What was posted elsewhere than to a page: this server takes everything from everybody."""
        pages = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page = pages._pages.get(self.path)
                self.send_response(200 if page else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                if page:
                    self.wfile.write(pages._html(self.path, page).encode())

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                page = pages._pages.get(self.path)
                if page:
                    pages._take(self.path, *json.loads(body))
                else:
                    pages.taken.append(json.loads(body))
                self.send_response(204 if page else 200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port

    @contextmanager
    def serving(self) -> Iterator[Pages]:
        """Serve them until the end of the block."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def visit(self, pages: dict[str, Page], profile: Path, *options: str) -> None:
        """Have the browser open the first one of these pages, and wait until all have reported all outcomes.

        :param pages: path -> page; all but the first are held by others in frames.
        :param profile: an empty folder for the browser.
        """
        self._pages = pages
        self._missing = {(path, attempt["name"]) for path, page in pages.items() for attempt in page.attempts}
        self._reported.clear()
        url = f"http://127.0.0.1:{self.port}{next(iter(pages))}"
        with (profile / "log.txt").open("wb") as log, _browser(url, profile, log, *options) as process:
            if not self._reported.wait(WAIT_S):
                lines = (profile / "log.txt").read_text(encoding="utf-8", errors="replace")
                raise AssertionError(f"no report of {sorted(self._missing)} (exit code {process.poll()}):\n{lines}")

    def _html(self, path: str, page: Page) -> str:
        frames = [{"src": src, "sandbox": sandbox} for src, sandbox in page.frames]
        plan = {"report": path, "attempts": page.attempts, "pages": frames}
        return HTML.replace("/*PLAN*/ {}", json.dumps(plan))

    def _take(self, path: str, name: str, outcome: str) -> None:
        self._pages[path].outcomes[name] = outcome
        self._missing.discard((path, name))
        if not self._missing:
            self._reported.set()


@contextmanager
def _browser(url: str, profile: Path, log: Any, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """The browser with a page; it and all the processes that it started are killed at the end."""
    assert CHROMIUM
    process = subprocess.Popen(
        [CHROMIUM, *OPTIONS, *options, f"--user-data-dir={profile}", url],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)
