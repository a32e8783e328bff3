"""Owns the promise that no test and no demo ever reaches a network outside this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

from botocore.httpsession import URLLib3Session

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class NetworkForbidden(BaseException):
    """Not an Exception: botocore would take it for a broken connection and try again."""


def is_loopback(url: str) -> bool:
    return (urlsplit(url).hostname or "") in LOOPBACK


@contextmanager
def no_network() -> Iterator[None]:
    """Every boto3 request that is not answered in process must go to loopback, or it raises.

    Needed because moto only knows `*.amazonaws.com`: services at `*.api.aws` would escape it.
    """
    send = URLLib3Session.send

    def guarded(session: URLLib3Session, request: Any) -> Any:
        if not is_loopback(request.url):
            host = urlsplit(request.url).hostname
            raise NetworkForbidden(
                f"a request to {host} left the sandbox: answer it with a stub, or set an endpoint"
            )
        return send(session, request)

    with patch.object(URLLib3Session, "send", guarded):
        yield
