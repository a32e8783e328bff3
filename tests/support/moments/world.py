"""Owns a moment of the strict sandbox as bytes: taken, compared with another, gone back to."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

from moto.core.base_backend import BackendDict, BaseBackend

from jobs.aws.calls import Caller
from jobs.aws.signers import Signer
from sandbox.aws import StrictAWS
from sandbox.aws.core.sessions import Principal

Place = tuple[str, str, str]
"""Of a backend of moto's: service, account, region."""


@dataclass(frozen=True)
class World:
    """All that AWS is, and the sessions a caller holds in it; no copy sees another one's changes.

    Of stubs it is only known that they are there: nobody goes back to a moment that has any.
    """

    content: bytes
    principals: tuple[Principal, ...] = field(compare=False)
    """Frozen, and known by identity: clients are kept by it from one world to the next."""


class _Pickler(pickle.Pickler):
    def __init__(self, to: io.BytesIO, aws: StrictAWS) -> None:
        super().__init__(to)
        self._named = {id(aws): "aws", id(aws.world): "world", id(aws.clock): "clock"}
        self._places = {id(backend): place for place, backend in _backends()}
        self.principals: dict[int, Principal] = {}

    def persistent_id(self, it: Any) -> Any:
        if id(it) in self._named:
            return self._named[id(it)]
        if isinstance(it, BaseBackend):
            return self._places[id(it)]
        if isinstance(it, Principal):
            self.principals[id(it)] = it
            return list(self.principals).index(id(it))
        if isinstance(it, FunctionType) and "<" in it.__qualname__:
            return f"function {id(it)}"  # Never gone back to: where nothing happened is none.
        return None


class _Unpickler(pickle.Unpickler):
    def __init__(self, world: World, aws: StrictAWS) -> None:
        super().__init__(io.BytesIO(world.content))
        self._named = {"aws": aws, "world": aws.world, "clock": aws.clock}
        self._principals = world.principals

    def persistent_load(self, name: Any) -> Any:
        match name:
            case int():
                return self._principals[name]
            case (service, account_id, region):
                return _backend_dicts()[service][account_id][region]
            case _:
                return self._named[name]


def taken(aws: StrictAWS, caller: Caller) -> World:
    to = io.BytesIO()
    pickler = _Pickler(to, aws)
    pickler.dump(_parts(aws, caller))
    return World(to.getvalue(), tuple(pickler.principals.values()))


def _parts(aws: StrictAWS, caller: Caller) -> dict[str, Any]:
    return {
        "world": _without(vars(aws.world), "lock", "stubs"),
        "stubs": sorted(aws.world.stubs),
        "clock": vars(aws.clock),
        "faults": _without(vars(aws.faults), "_lock"),
        "log": aws.log,
        "signers": _signers(caller),
        "sessions": caller._sessions,
        "moto": {place: vars(backend) for place, backend in _backends()},
    }


def _without(them: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in them.items() if key not in names}


def _signers(caller: Caller) -> dict[str, Signer]:
    named = caller._signers.named
    assert isinstance(named, dict)
    return named


def gone_back_to(world: World, aws: StrictAWS, caller: Caller) -> None:
    """What is there by now is forgotten; the objects that stand for AWS stay the same ones."""
    for backends in _backend_dicts().values():
        backends.clear()
    parts = _Unpickler(world, aws).load()
    vars(aws.world).update(parts["world"])
    vars(aws.clock).update(parts["clock"])
    vars(aws.faults).update(parts["faults"])
    aws.log[:] = parts["log"]
    signers = _signers(caller)
    signers.clear()
    signers.update(parts["signers"])
    caller._sessions = parts["sessions"]
    for (service, account_id, region), state in parts["moto"].items():
        vars(_backend_dicts()[service][account_id][region]).update(state)


_seen: dict[str, Any] = {}


def _backend_dicts() -> dict[str, Any]:
    """Also those that moto has forgotten, because it is in no use at the moment."""
    in_use: Iterable[Any] = vars(BackendDict)["_instances"]
    _seen.update({each.service_name: each for each in in_use})
    return _seen


def _backends() -> Iterator[tuple[Place, BaseBackend]]:
    for service, backends in sorted(_backend_dicts().items()):
        for account_id in list(backends):
            for region, backend in backends[account_id].items():
                yield (service, account_id, region), backend
