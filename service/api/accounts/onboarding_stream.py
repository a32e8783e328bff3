"""Owns telling what happens to an onboarding while it happens, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from fastapi.concurrency import run_in_threadpool
from fastapi.sse import format_sse_event

from accounts.model.lifecycle import Stage
from service.api.accounts.onboarding_schemas import to_api_event
from service.store.accounts import onboarding_events, onboardings
from service.store.accounts.onboarding_events import Event
from service.store.accounts.onboardings import Onboarding
from service.store.database import Database, DatabaseUnavailable

POLL_SECONDS = 0.5
POLLS_MAX = 600
"""A stream lasts five minutes at most; its reader comes back with `Last-Event-ID`."""
POLLS_SILENT = 30
"""So often nothing may be new before a comment says that the stream is alive."""
AT_A_TIME = 200


async def stream_of(database: Database, onboarding_id: str, *, after: int) -> AsyncIterator[bytes]:
    """Every event after that one, in order, and those to come; ends once all is done.

    Where the database is lost it ends, too: its reader comes back.
    """
    for poll in range(POLLS_MAX):
        try:
            onboarding, found, is_done = await run_in_threadpool(
                _look, database, onboarding_id, after
            )
        except DatabaseUnavailable:
            return
        for event in found:
            after = event.id
            told = to_api_event(event, onboarding).model_dump_json()
            yield format_sse_event(data_str=told, event=event.kind.value, id=str(event.id))
        if is_done and not found:
            return
        if not found:
            if poll % POLLS_SILENT == 0:
                yield format_sse_event(comment="nothing new")
            await asyncio.sleep(POLL_SECONDS)


def _look(
    database: Database, onboarding_id: str, after: int
) -> tuple[Onboarding, tuple[Event, ...], bool]:
    """What is new, and whether more is to be expected."""
    with database.transaction() as session:
        onboarding = onboardings.onboarding(session, onboarding_id)
        found = onboarding_events.events(session, onboarding_id, after=after, limit=AT_A_TIME)
    is_live = onboarding.stage is Stage.LIVE and onboarding.next_at is None
    return onboarding, found, onboarding.has_ended or is_live
