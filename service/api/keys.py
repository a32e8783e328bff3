"""API keys over HTTP: listed, made, replaced and revoked by keys that administer."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field

from service.actions.access.create_api_key import DAYS_MAX, NAME_CHARS_MAX, create_api_key
from service.actions.access.end_api_key import (
    OVERLAP_HOURS_MAX,
    prefix_of,
    revoke_api_key,
    rotate_api_key,
)
from service.api import cursors
from service.api.access import AdminDep, NowDep, SessionDep, actor_of
from service.api.accounts.onboarding_schemas import CLIENT_KEY, In, Instant
from service.api.billing.schemas import ClientText, ExternalRefs, Out
from service.configuration.values import AS_WHOLE
from service.store.access import keys
from service.store.access.keys import ApiKey, Scope
from service.store.billing import clients
from service.store.session import Session

router = APIRouter(tags=["keys"])

PREFIX = "^[0-9a-f]{12}$"
PrefixText = Annotated[str, Field(pattern=PREFIX, examples=["0f3a91c2b7d4"])]
Prefix = Annotated[str, Path(pattern=PREFIX, examples=["0f3a91c2b7d4"])]


class KeyRequest(In):
    name: str = Field(
        min_length=1, max_length=NAME_CHARS_MAX, description="Who or what will use it."
    )
    scopes: list[Scope] = Field(min_length=1, max_length=len(Scope))
    client: str | None = Field(
        None, pattern=CLIENT_KEY, description="Whose documents it sees, and nothing else."
    )
    days: Annotated[int, Field(strict=True, ge=1, le=DAYS_MAX), AS_WHOLE] | None = Field(
        None, description="Until it ends."
    )


class RotationRequest(In):
    overlap_hours: Annotated[int, Field(strict=True, ge=0, le=OVERLAP_HOURS_MAX), AS_WHOLE] = Field(
        24, description="For so long the old one opens."
    )


class KeyItem(Out):
    """Never the key itself."""

    prefix: PrefixText
    holder: PrefixText = Field(description="The first key of its line: rotated keys share it.")
    name: str = Field(max_length=200)
    scopes: list[Scope] = Field(max_length=len(Scope))
    client: ClientText | None
    external_refs: ExternalRefs
    created_at: Instant
    expires_at: Instant | None
    last_used_at: Instant | None = Field(description="To five minutes.")
    revoked_at: Instant | None


class KeyList(Out):
    items: list[KeyItem] = Field(max_length=500)
    next_cursor: str | None = Field(max_length=400)
    has_more: bool


class MadeKey(KeyItem):
    key: str = Field(max_length=100, description="Shown this once: nobody can show it again.")


@router.get("/api-keys", operation_id="list_api_keys")
def list_api_keys(
    session: SessionDep,
    _key: AdminDep,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
    limit: Annotated[int, Query(ge=1)] = 100,
) -> KeyList:
    """All that were ever made, by prefix; `limit` is at most 500."""
    filters, size = {"list": "api-keys"}, min(limit, 500)
    found = keys.keys(session, after=cursors.after(cursor, filters, PREFIX), limit=size + 1)
    shown, has_more = found[:size], len(found) > size
    return KeyList(
        items=_items(session, shown),
        next_cursor=cursors.encode((shown[-1].prefix,), filters) if has_more else None,
        has_more=has_more,
    )


@router.post("/api-keys", operation_id="create_api_key", status_code=201)
def create(session: SessionDep, key: AdminDep, now: NowDep, asked: KeyRequest) -> MadeKey:
    """Not repeatable: its answer is kept nowhere. Where it got lost, revoke the key it made."""
    made = create_api_key(
        session,
        asked.name,
        scopes=asked.scopes,
        client=asked.client,
        days=asked.days,
        actor=actor_of(key),
        now=now,
    )
    return _shown_once(session, made)


@router.post("/api-keys/{prefix}/rotate", operation_id="rotate_api_key", status_code=201)
def rotate(
    session: SessionDep, key: AdminDep, now: NowDep, prefix: Prefix, asked: RotationRequest
) -> MadeKey:
    """Another key that may the same, and is the same person's."""
    made = rotate_api_key(
        session, prefix, overlap_hours=asked.overlap_hours, actor=actor_of(key), now=now
    )
    return _shown_once(session, made)


@router.delete("/api-keys/{prefix}", operation_id="revoke_api_key")
def revoke(session: SessionDep, key: AdminDep, now: NowDep, prefix: Prefix) -> KeyItem:
    """It opens nothing from the next request on. Twice is once."""
    revoked = revoke_api_key(session, prefix, actor=actor_of(key), now=now)
    return _items(session, [revoked])[0]


def _shown_once(session: Session, made: str) -> MadeKey:
    (item,) = _items(session, [keys.key(session, prefix_of(made))])
    return MadeKey(**item.model_dump(), key=made)


def _items(session: Session, shown: Sequence[ApiKey]) -> list[KeyItem]:
    refs = clients.external_refs(session, {each.client for each in shown if each.client})
    return [
        KeyItem(**each.to_json(), external_refs=refs.get(each.client or "", {})) for each in shown
    ]
