"""Progress on a terminal."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from clients import counting
from programs import environ
from support import WAIT_S, request, serving


@pytest.mark.skipif(sys.platform == "win32", reason="terminals are made otherwise on Windows")
def test_progress_is_shown_on_a_terminal() -> None:
    import pty

    with serving(request("count", counting)) as server:
        ours, theirs = pty.openpty()
        program = [sys.executable, "-m", "gombus", "send", "count", "--url", server.url]
        # A terminal keeps what is written for whoever reads later.
        done = subprocess.run(
            program, stdout=subprocess.PIPE, stderr=theirs, env=environ(TERM="xterm"), timeout=WAIT_S, check=True
        )
        shown = os.read(ours, 65536).decode()
        for end in (ours, theirs):
            os.close(end)
    assert b"completed in " in done.stdout
    assert "count" in shown
    assert "100%" in shown
    assert "None" not in shown
