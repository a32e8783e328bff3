"""Owns who is asking: an API key, what it may do, and whose documents it sees."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException

from service.store.access import keys
from service.store.access.keys import ApiKey, Scope
from service.store.database import Database
from service.store.session import Session

SECURITY_SCHEMES = {"apiKey": {"type": "http", "scheme": "bearer", "bearerFormat": "rb_…"}}

_bearer = HTTPBearer(auto_error=False, scheme_name="apiKey")


def _session(request: Request) -> Iterator[Session]:
    """One request is one transaction, committed before its answer leaves."""
    with _database(request).transaction() as session:
        yield session


def _database(request: Request) -> Database:
    database = request.app.state.database
    assert isinstance(database, Database)
    return database


SessionDep = Annotated[Session, Depends(_session, scope="function")]


# What only computes is `async`: FastAPI hands all else to another thread, which costs more.


async def _now(request: Request) -> datetime:
    clock = request.app.state.clock
    assert callable(clock)
    instant = clock()
    assert isinstance(instant, datetime)
    return instant


NowDep = Annotated[datetime, Depends(_now)]


def _api_key(
    request: Request,
    session: SessionDep,
    now: NowDep,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> ApiKey:
    found = keys.find_key(session, given.credentials, now) if given is not None else None
    if found is None:
        raise HTTPException(
            401,
            "Send a valid API key as `Authorization: Bearer rb_…`.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    if found.is_use_to_be_noted(now):
        # By itself: what is refused is a use, too.
        with _database(request).transaction() as beside:
            keys.note_use(beside, found.prefix, now)
    return found


_AnyKeyDep = Annotated[ApiKey, Depends(_api_key)]
"""The key of the request; a missing, wrong, ended or revoked one is answered 401, all alike."""


def _check_scope(key: ApiKey, scope: Scope) -> ApiKey:
    if scope not in key.scopes:
        raise HTTPException(403, f"This key may not do that: it lacks the scope {scope.value}.")
    return key


async def _reader(key: _AnyKeyDep) -> ApiKey:
    return _check_scope(key, Scope.READ)


KeyDep = Annotated[ApiKey, Depends(_reader)]
"""Anybody's who may read; what it sees is for the endpoint to limit to its client."""


def _may(scope: Scope) -> Callable[[Request, ApiKey], Awaitable[ApiKey]]:
    """A key bound to a client is told that there is nothing here, not that it may not look."""

    async def check(request: Request, key: _AnyKeyDep) -> ApiKey:
        if key.client is not None:
            raise HTTPException(404, "There is nothing here.")
        _check_scope(key, scope)
        _check_preconditions(request)
        return key

    return check


def _check_preconditions(request: Request) -> None:
    """A change that is asked for only if nobody else changed it since is refused, not just done.

    None of what may be changed has an ETag, so that none matches; `*` is whatever there is.
    RFC 9110, 13.1.1: the method is not performed where the condition is false.
    """
    given = request.headers.get("If-Match", "*").strip()
    if request.method not in {"GET", "HEAD"} and given != "*":
        raise HTTPException(
            412, "What is changed here has no ETag, so that no If-Match holds: leave it out."
        )


StaffDep = Annotated[ApiKey, Depends(_may(Scope.READ))]
BillerDep = Annotated[ApiKey, Depends(_may(Scope.BILL))]
OnboarderDep = Annotated[ApiKey, Depends(_may(Scope.ONBOARD))]
ApproverDep = Annotated[ApiKey, Depends(_may(Scope.APPROVE))]
RootDep = Annotated[ApiKey, Depends(_may(Scope.ROOT))]
AdminDep = Annotated[ApiKey, Depends(_may(Scope.ADMIN))]


def actor_of(key: ApiKey) -> str:
    """As the audit names it; a second person is another key, but not one that replaced theirs."""
    return f"API key {key.holder} ({key.name})"
