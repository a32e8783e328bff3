"""Connections that never say what they want are closed; those that are served may last."""

from __future__ import annotations

import asyncio

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from service.api.listening import DeadlineProtocol

HALVES = {
    "nothing": b"",
    "half a line": b"GET /v1/health",
    "half the headers": b"GET / HTTP/1.1\r\nHost: a\r\n",
    "half the body": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345",
    "half a chunk": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12",
}
WHOLE = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class Impatient(DeadlineProtocol):
    request_seconds_max = 0.3


async def answer_late(scope: Scope, receive: Receive, send: Send) -> None:
    """After the deadline of a request has long passed."""
    while (await receive()).get("more_body"):
        pass
    await asyncio.sleep(0.8)
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
    )
    await send({"type": "http.response.body", "body": b"ok"})


async def _served(begin: bytes, slowly: bytes = b"") -> tuple[bytes, float]:
    """What came back until the server closed, and after how long; `slowly` byte by byte."""
    config = uvicorn.Config(
        answer_late, port=0, http=Impatient, lifespan="off", log_level="error", timeout_keep_alive=1
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event of it
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = asyncio.get_running_loop().time()
    writer.write(begin)

    async def trickle() -> None:
        for each in slowly:
            await asyncio.sleep(0.05)
            writer.write(bytes([each]))

    trickling = asyncio.create_task(trickle())
    try:
        got = await asyncio.wait_for(reader.read(), 20)
    except ConnectionError:
        got = b""
    took = asyncio.get_running_loop().time() - began
    trickling.cancel()
    writer.close()
    server.should_exit = True
    await serving
    return got, took


@pytest.mark.parametrize("half", HALVES.values(), ids=HALVES.keys())
def test_a_request_that_is_never_whole_is_closed(half: bytes) -> None:
    got, took = asyncio.run(_served(half))

    assert got == b""
    assert 0.2 < took < 10


def test_a_request_that_comes_byte_by_byte_is_closed() -> None:
    """Each byte takes back what uvicorn itself has of timeouts."""
    got, took = asyncio.run(_served(b"GET / HTTP/1.1\r\n", slowly=b"X-Slow: " + b"a" * 300))

    assert got == b""
    assert took < 10


def test_what_is_answered_may_take_longer() -> None:
    got, took = asyncio.run(_served(WHOLE))

    assert got.startswith(b"HTTP/1.1 200")
    assert got.endswith(b"ok")
    assert took > 0.8
