"""Owns what is done with a request before anybody asks who sent it: its pace, method and query."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address
from typing import Any
from urllib.parse import parse_qsl

from fastapi import HTTPException, Request, Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.problems import FieldProblem, problem_response

ADDRESSES_MAX = 10_000
HEALTH = "/v1/health"
BODY_BYTES_MAX = 1_200_000
"""A batch of the most and longest onboardings has less."""


@dataclass
class Pace:
    """How fast one address may go without a key that opens: so many at once, then so many a second.

    Requests with a key that opens are not counted, whoever shares their address.
    """

    burst: float = 60.0
    per_second: float = 2.0
    seconds: Callable[[], float] = time.monotonic
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Of each address how many it had left, and when."""

    def take(self, address: str) -> bool:
        """Whether one more is within the pace."""
        now = self.seconds()
        left, at = self._left.pop(address, (self.burst, now))
        left = min(left + (now - at) * self.per_second, self.burst)
        if len(self._left) >= ADDRESSES_MAX:
            del self._left[next(iter(self._left))]  # The one that was seen the longest ago.
        self._left[address] = (max(left - 1, 0), now)
        return left >= 1


@dataclass(frozen=True)
class Paths:
    """Of each path in an OpenAPI document: its methods, and what each may be asked with."""

    patterns: tuple[tuple[re.Pattern[str], Mapping[str, frozenset[str]]], ...]

    @classmethod
    def of(cls, openapi: Mapping[str, Any]) -> Paths:
        paths = {
            path: {
                method.upper(): frozenset(
                    each["name"]
                    for each in operation.get("parameters", ())
                    if each["in"] == "query"
                )
                for method, operation in methods.items()
            }
            for path, methods in openapi["paths"].items()
        }
        paths["/v1/openapi.json"] = {"GET": frozenset()}
        return cls(tuple((_pattern(path), known) for path, known in paths.items()))

    def methods(self, path: str) -> dict[str, frozenset[str]]:
        """By method the names that may stand in the query; none where there is no such path."""
        found: dict[str, frozenset[str]] = {}
        for pattern, known in self.patterns:
            if pattern.match(path):
                for method, names in known.items():
                    found[method] = found.get(method, frozenset()) | names
        return found


def _pattern(path: str) -> re.Pattern[str]:
    # The key of a line holds slashes, and OpenAPI has no way to say so of a part of a path.
    return compile_path(path.replace("{line_key}", "{line_key:path}"))[0]


class Edge:
    """As RFC 9110 has HEAD, OPTIONS and Allow, which FastAPI leaves to the application."""

    # https://github.com/fastapi/fastapi/issues/1773 (HEAD), and Starlette's Allow is of one route:
    # `tests/api/test_edge.py::test_allow_names_all_methods_of_a_path`.

    def __init__(self, app: ASGIApp, *, paths: Callable[[], Paths], pace: Pace) -> None:
        self._app, self._paths, self._pace = app, paths, pace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        methods = self._paths().methods(scope["path"])
        method = scope["method"]
        if method == "HEAD" and "HEAD" not in methods:
            scope, send = _as_get(scope), _without_body(send)
        answer = self._refusal(scope, methods)
        if answer is None and method == "OPTIONS" and methods:
            answer = Response(status_code=204, headers={"Allow": _allowed(methods)})
        if answer is not None:
            await answer(scope, receive, send)
            return
        await self._app(scope, _limited(receive), self._watched(scope, methods, receive, send))

    def _refusal(self, scope: Scope, methods: Mapping[str, frozenset[str]]) -> Response | None:
        if not _has_key(scope) and not self._pace.take(_who(scope)):
            return _too_many(scope)
        if _said_length(scope) > BODY_BYTES_MAX:
            words = f"A body has at most {BODY_BYTES_MAX:,} bytes."
            return problem_response(
                Request(scope),
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                code=HTTPStatus.REQUEST_ENTITY_TOO_LARGE.name.lower(),
                detail=words,
                headers={"Connection": "close"},
            )
        known = methods.get(scope["method"])
        return None if known is None else _unknown_query(scope, known)

    def _watched(self, scope: Scope, methods: Iterable[str], receive: Receive, send: Send) -> Send:
        """Keys that do not open are counted; what is not allowed says all that is."""
        replaced = False

        async def watched(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start":
                status = message["status"]
                if status == 401 and _has_key(scope) and not self._pace.take(_address(scope)):
                    replaced = True
                    await _too_many(scope)(scope, receive, send)
                elif status == 405 and methods:
                    others = [each for each in message["headers"] if each[0].lower() != b"allow"]
                    allow = (b"allow", _allowed(methods).encode())
                    message = {**message, "headers": [*others, allow]}
            if not replaced:
                await send(message)

        return watched


def _has_key(scope: Scope) -> bool:
    """Or what looks like one: whether it opens is found out later."""
    return any(
        name == b"authorization" and value.lower().startswith(b"bearer rb_")
        for name, value in scope["headers"]
    )


def _who(scope: Scope) -> str:
    """Health is counted by itself: a load balancer asks it from the address of all its callers.

    Else a stranger who guesses keys through it would have it take us for dead.
    """
    return _address(scope) + (HEALTH if scope["path"] == HEALTH else "")


def _address(scope: Scope) -> str:
    """Whom to count: of IPv6 the network, as a host has as many addresses there as it likes."""
    host = scope["client"][0] if scope.get("client") else ""
    try:
        address = ip_address(host)
    except ValueError:
        return str(host)
    if isinstance(address, IPv6Address):
        return str(IPv6Address(int(address) >> 64 << 64))
    return str(address)


def _said_length(scope: Scope) -> int:
    said = dict(scope["headers"]).get(b"content-length", b"0")
    return int(said) if re.fullmatch(rb"[0-9]{1,18}", said) else 0


def _limited(receive: Receive) -> Receive:
    """A body that does not say how long it is ends where it is too long."""
    # FastAPI's own `max_body_size` answers outside of us, as plain text and without our headers:
    # `tests/api/test_edge.py::test_a_huge_body_is_refused_before_it_is_read_and_before_its_key`.
    left = BODY_BYTES_MAX

    async def limited() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(413, f"A body has at most {BODY_BYTES_MAX:,} bytes.")
        return message

    return limited


def _too_many(scope: Scope) -> Response:
    return problem_response(
        Request(scope),
        HTTPStatus.TOO_MANY_REQUESTS,
        code="too_many_requests",
        detail="Too many requests without a key that opens; wait, and send a valid one.",
        headers={"Retry-After": "30"},
    )


def _unknown_query(scope: Scope, known: frozenset[str]) -> Response | None:
    """A filter that is misspelt, or there twice, would answer for something else than was asked."""
    given = Counter(name for name, _ in _query(scope))
    words = f"there are {', '.join(sorted(known))}" if known else "there are none"
    errors = [
        FieldProblem(
            pointer=f"/query/{name}"[:1000],
            code="unknown_parameter" if name not in known else "repeated_parameter",
            detail=f"no parameter of this operation: {words}" if name not in known else "once only",
        )
        for name, count in given.items()
        if name not in known or count > 1
    ]
    if not errors:
        return None
    return problem_response(
        Request(scope),
        HTTPStatus.UNPROCESSABLE_ENTITY,
        code="validation",
        detail="; ".join(f"{each.pointer}: {each.detail}" for each in errors[:10]),
        errors=errors[:100],
    )


def _query(scope: Scope) -> list[tuple[str, str]]:
    return parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)


def _allowed(methods: Iterable[str]) -> str:
    return ", ".join(sorted({*methods, "OPTIONS", *({"HEAD"} if "GET" in methods else ())}))


def _as_get(scope: Scope) -> Scope:
    """Never as a stream, which has no end to wait for."""
    headers = [each for each in scope["headers"] if each[0] != b"accept"]
    return {**scope, "method": "GET", "headers": headers}


def _without_body(send: Send) -> Send:
    async def bodiless(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return bodiless
