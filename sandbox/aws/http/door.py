"""Owns the one door every call passes: identity, log, faults, rights, answer, or on to moto."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import UnknownServiceError
from moto.core.model import OperationModel
from moto.core.request import Request
from moto.core.utils import get_service_model

from sandbox.aws.core.calls import HANDLERS, ApiCall, Handler
from sandbox.aws.core.errors import AwsError, Undescribed
from sandbox.aws.core.faults import Crash, Fault, Faults
from sandbox.aws.core.sessions import Principal, caller_of
from sandbox.aws.core.world import World
from sandbox.aws.http.shapes import CODES, check_answer, check_input
from sandbox.aws.http.wire import (
    OPAQUE,
    Reply,
    SignedScope,
    concurrency_code,
    failure,
    operation_of,
    outage,
    success,
    throttling_code,
)
from sandbox.aws.iam.resource_policies import check_bucket
from sandbox.aws.iam.rights import authorize

OWNED = frozenset({"organizations", "account"})
"""Services of which moto answers nothing."""
STRICT = OWNED | set(CODES)
SECRETS = frozenset(
    {"Otp", "TokenCode", "Password", "OldPassword", "NewPassword", "SecretAccessKey"}
    | {"AuthenticationCode1", "AuthenticationCode2", "SessionToken"}
)


class Lost(Exception):
    """The connection is gone: before the call took effect, or with the answer on its way."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass
class LogEntry:
    """One line of the call log. `outcome` is ok, AWS's error code, or moto's HTTP status."""

    number: int
    name: str
    params: Mapping[str, Any]
    fault: Fault | None
    account_id: str = ""
    caller: str = ""
    outcome: str = "lost"
    words: str = ""
    """Of a refusal of ours."""


Asked = tuple[OperationModel, dict[str, Any]]
Delegate = Callable[[str], Reply | None]
"""Lets moto answer for this account; None when moto does not know the host."""


class Door:
    def __init__(self, world: World, faults: Faults) -> None:
        self.world = world
        self.faults = faults
        self.log: list[LogEntry] = []

    def handle(
        self, scope: SignedScope, request: Callable[[], Request], *, host: str, delegate: Delegate
    ) -> Reply | None:
        asked = None if scope.service in OPAQUE else _asked(scope, request())
        name = f"{scope.service}:{asked[0].name if asked else request().method}"
        fault = self.faults.next(name)
        entry = LogEntry(self.faults.calls, name, without_secrets(asked[1] if asked else {}), fault)
        self.log.append(entry)
        if fault and not fault.strikes_after:
            return self._strike(fault, scope.service)
        try:
            if asked is None:
                reply = self._unread(scope, request, entry, delegate)
            else:
                reply = self._answer(scope, asked, entry, host, delegate)
        except AwsError as error:
            entry.outcome, entry.words = error.code, error.message
            reply = failure(scope.service, error, str(uuid.uuid4()))
        return self._strike(fault, scope.service) if fault else reply

    def _unread(
        self,
        scope: SignedScope,
        request: Callable[[], Request],
        entry: LogEntry,
        delegate: Delegate,
    ) -> Reply | None:
        """A call whose operation we do not look at: moto's, for the caller's account."""
        caller = self._sign(entry, caller_of(self.world, scope.access_key_id))
        if scope.service == "s3":
            check_bucket(caller, request())
        reply = delegate(entry.account_id)
        entry.outcome = _outcome(reply)
        return reply

    def _sign(self, entry: LogEntry, caller: Principal) -> Principal:
        entry.account_id, entry.caller = caller.account_id, caller.arn
        return caller

    def _answer(
        self, scope: SignedScope, asked: Asked, entry: LogEntry, host: str, delegate: Delegate
    ) -> Reply | None:
        operation, params = asked
        with self.world.lock:
            caller = self._sign(entry, caller_of(self.world, scope.access_key_id))
            call = ApiCall(
                scope.service, operation.name, params, caller, self.world, scope.region, host
            )
            if scope.service in STRICT:
                check_input(scope.service, operation, params)
            authorize(call)
            answer = self._handled(call)
            if answer is not None:
                check_answer(call.name, operation, answer)
                entry.outcome = "ok"
                return success(operation, answer, str(uuid.uuid4()))
            reply = delegate(caller.account_id)
        if reply is not None and reply[2] in {"Not yet implemented", b"Not yet implemented"}:
            raise Undescribed(f"{call.name} is not modelled: give it a stub")
        entry.outcome = _outcome(reply)
        return reply

    def _handled(self, call: ApiCall) -> dict[str, Any] | None:
        stub = self.world.stubs.get((call.service, call.operation))
        if stub is not None:
            return stub(dict(call.params))
        handler: Handler | None = HANDLERS.get((call.service, call.operation))
        if handler is None and call.service in OWNED:
            raise Undescribed(f"{call.name} is not modelled: give it a stub")
        return handler(call) if handler else None

    def _strike(self, fault: Fault, service: str) -> Reply:
        request_id = str(uuid.uuid4())
        match fault:
            case Fault.CRASH_BEFORE | Fault.CRASH_AFTER:
                raise Crash(fault.value)
            case Fault.TIMEOUT_BEFORE | Fault.TIMEOUT_AFTER:
                raise Lost(fault)
            case Fault.THROTTLE:
                error = AwsError(throttling_code(service), "Rate exceeded")
                return failure(service, error, request_id)
            case Fault.CONCURRENT_MODIFICATION:
                words = "The request failed because another one modifies the same. Try again later."
                return failure(service, AwsError(concurrency_code(service), words), request_id)
            case Fault.ERROR_BEFORE | Fault.ERROR_AFTER:
                return outage(request_id)

    def calls(self, name: str) -> list[LogEntry]:
        """Those of `service:Operation`. Of a misspelt one there is none, so that it is refused."""
        service, _, operation = name.partition(":")
        assert operation in get_service_model(service).operation_names, f"AWS has no {name}"
        return [entry for entry in self.log if entry.name == name]


def _asked(scope: SignedScope, request: Request) -> Asked | None:
    """None for a service that botocore's models do not describe under this name."""
    try:
        return operation_of(scope.service, request)
    except (KeyError, UnknownServiceError):
        return None


def _outcome(reply: Reply | None) -> str:
    if reply is None:
        return "?"
    return "ok" if reply[0] < 300 else str(reply[0])


def without_secrets(params: Mapping[str, Any]) -> dict[str, Any]:
    return dict(_masked(params))


def _masked(params: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in params.items():
        if key in SECRETS:
            yield key, "***"
        else:
            yield key, without_secrets(value) if isinstance(value, Mapping) else value
