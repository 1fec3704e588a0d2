"""TLS between a socket's transport and a connection, which sees a transport and knows nothing of TLS.

It replaces what asyncio does for `ssl=`, whose limits differ between Python's versions: it tells of a client that does
not take its answers only beyond 64 KiB, and cannot say how much waits for one. Here both are what they are without TLS.
The connection is made before TLS is agreed on, so that its limits hold for that, too.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from contextlib import suppress
from typing import Any, cast

log = logging.getLogger(__name__)

_READ_SIZE = 64 * 1024


class TlsTransport(asyncio.Transport):
    """What a connection writes to: the socket's transport, with everything encrypted."""

    def __init__(self, raw: asyncio.Transport, context: ssl.SSLContext) -> None:
        super().__init__()
        self._raw = raw
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._agreed = False
        self._goodbye = False
        self.deaf = False
        """Whether nothing more of the client is looked at."""

    def decrypt(self, data: bytes) -> tuple[bytes, bool]:
        """What bytes of the network mean, which may be nothing, and whether they say that the client sends no more.

        :raises ssl.SSLError: they are no TLS, or none that is allowed.
        """
        plain = bytearray()
        self._incoming.write(data)
        try:
            if not self._agreed:
                self._tls.do_handshake()
                self._agreed = True
            while chunk := self._tls.read(_READ_SIZE):
                plain += chunk
        except ssl.SSLWantReadError:
            return bytes(plain), False
        finally:
            self._send()
        return bytes(plain), True

    def write(self, data: Any) -> None:
        """Encrypt and send."""
        left = memoryview(data)
        while left:
            left = left[self._tls.write(left) :]
        self._send()

    def write_eof(self) -> None:
        """Say that nothing more is sent; what the client still sends is thrown away."""
        self._say_goodbye()
        self._raw.write_eof()

    def close(self) -> None:
        """Send what waits, and close."""
        self._say_goodbye()
        self._raw.close()

    def _say_goodbye(self) -> None:
        self.deaf = True
        if self._agreed and not self._goodbye and not self._raw.is_closing():
            self._goodbye = True
            with suppress(ssl.SSLError):
                # The client's goodbye is not waited for.
                self._tls.unwrap()
            self._send()

    def _send(self) -> None:
        if self._outgoing.pending:
            self._raw.write(self._outgoing.read())

    # The same with and without TLS.

    def can_write_eof(self) -> bool:
        """Always."""
        return True

    def abort(self) -> None:
        """Close at once."""
        self._raw.abort()

    def is_closing(self) -> bool:
        """Whether it is closing or closed."""
        return self._raw.is_closing()

    def pause_reading(self) -> None:
        """Read no further."""
        self._raw.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        self._raw.resume_reading()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """When the connection is told that something waits to be sent."""
        self._raw.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        """How many bytes wait to be sent."""
        return self._raw.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What is known of the socket."""
        return self._raw.get_extra_info(name, default)


class Tls(asyncio.Protocol):
    """What the socket's transport calls.

    :param inner: gets what the client says, and a transport that encrypts.
    """

    def __init__(self, context: ssl.SSLContext, inner: asyncio.Protocol) -> None:
        self._context = context
        self._inner = inner
        self._transport: TlsTransport
        self._client = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        self._transport = TlsTransport(cast(asyncio.Transport, transport), self._context)
        address = transport.get_extra_info("peername")
        self._client = f"{address[0]}:{address[1]}" if address else "gone"
        self._inner.connection_made(self._transport)

    def data_received(self, data: bytes) -> None:
        """Bytes arrived."""
        if self._transport.deaf:
            return
        try:
            plain, ended = self._transport.decrypt(data)
        except ssl.SSLError as error:
            log.warning("%s: closed, because of its TLS: %s", self._client, error.reason or "malformed")
            self._transport.close()
            return
        if plain:
            self._inner.data_received(plain)
        if ended and not self._transport.is_closing():
            # As asyncio does where a client ends its side of the connection.
            self._inner.eof_received()
            self._transport.close()

    def eof_received(self) -> None:
        """The client sends no more; the transport closes by itself."""
        if not self._transport.deaf:
            self._inner.eof_received()

    def pause_writing(self) -> None:
        """Something could not be sent at once."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """All of it was sent."""
        self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._inner.connection_lost(exc)
