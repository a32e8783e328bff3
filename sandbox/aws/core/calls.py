"""Owns what one call is (who, what, when) and which function answers which operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sandbox.aws.core.errors import invalid

if TYPE_CHECKING:
    from sandbox.aws.core.sessions import Principal
    from sandbox.aws.core.world import World

Params = Mapping[str, Any]
Answer = dict[str, Any]


@dataclass(frozen=True)
class ApiCall:
    """`name` is `service:Operation`; `host` tells a global endpoint from a regional one."""

    service: str
    operation: str
    params: Params
    caller: Principal
    world: World
    region: str
    host: str

    @property
    def name(self) -> str:
        return f"{self.service}:{self.operation}"

    @property
    def now(self) -> datetime:
        return self.world.now()

    @property
    def account_id(self) -> str:
        return self.caller.account_id


Handler = Callable[[ApiCall], Answer | None]
"""None means: the rules are kept, now let moto answer."""

HANDLERS: dict[tuple[str, str], Handler] = {}


def answers(service: str, *operations: str) -> Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        for operation in operations:
            assert (service, operation) not in HANDLERS, f"{service}:{operation} answered twice"
            HANDLERS[service, operation] = handler
        return handler

    return register


def page(call: ApiCall, key: str, items: Sequence[Any], *, limit: int = 20) -> Answer:
    """One page of a list. AWS may give fewer than asked for; only the token says it is the end."""
    try:
        start = int(call.params.get("NextToken") or 0)
    except ValueError:
        raise invalid("INVALID_NEXT_TOKEN") from None
    size = min(int(call.params.get("MaxResults") or limit), limit, call.world.rules.page_size)
    answer: Answer = {key: list(items[start : start + size])}
    if start + size < len(items):
        answer["NextToken"] = str(start + size)
    return answer
