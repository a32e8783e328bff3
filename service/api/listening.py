"""Owns how long a connection may take to say what it wants: uvicorn itself waits for ever."""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_SECONDS_MAX = 20.0
"""For the request line, the headers and the body together: a megabyte at 50 kB/s."""
CONNECTIONS_MAX = 200
"""More are answered 503 at once."""


class DeadlineProtocol(H11Protocol):
    """A request that is not whole in time ends its connection; what is answered may last."""

    # uvicorn has `timeout_keep_alive` only, which each byte takes back:
    # https://github.com/Kludex/uvicorn/issues/157,
    # `tests/api/test_listening.py::test_a_request_that_is_never_whole_is_closed`.

    request_seconds_max = REQUEST_SECONDS_MAX
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_watching()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if self.conn.their_state not in {h11.IDLE, h11.SEND_BODY}:
            self._stop_watching()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self.request_seconds_max, self._give_up)

    def _stop_watching(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        self.transport.close()
