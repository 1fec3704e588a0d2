"""Ctrl-C and SIGTERM become bytes in a socket; gombus as a program is tried in commands/test_serve.py."""

from __future__ import annotations

import signal
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from gombus.signals import stop_signals
from support import WAIT_S


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_a_byte_and_nothing_else(number: signal.Signals) -> None:
    with stop_signals() as reader:
        assert reader is not None
        reader.settimeout(WAIT_S)
        signal.raise_signal(number)
        signal.raise_signal(number)
        assert reader.recv(1) + reader.recv(1) == bytes([number, number])


def test_all_is_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with stop_signals() as reader:
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
    assert signal.set_wakeup_fd(-1) == -1
    assert isinstance(reader, socket.socket)
    assert reader.fileno() == -1


def test_more_signals_than_are_read_do_not_block() -> None:
    with stop_signals() as reader:
        assert reader is not None
        for _ in range(10_000):
            signal.raise_signal(signal.SIGINT)


def test_off_the_main_thread_there_are_none() -> None:
    def ask() -> object:
        with stop_signals() as reader:
            return reader

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(ask).result() is None
