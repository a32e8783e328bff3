"""Events are read by pages, each after the last one seen: none may come in behind a reader."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime

from service.store.accounts import onboarding_events
from service.store.accounts.onboarding_events import Event
from service.store.database import Database
from service.store.session import Session
from service.store.tables.onboarding import EventKind
from tests.support.onboarding import CREATE, opened

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def record(session: Session, onboarding_id: str, step: str) -> None:
    event = Event(at=NOW, kind=EventKind.PERSON, step=step)
    onboarding_events.record(session, onboarding_id, event)
    session.flush()


def test_who_has_seen_the_later_of_two_events_has_seen_the_earlier(database: Database) -> None:
    """The earlier one's transaction ends last."""

    def later() -> None:
        with database.transaction() as session:
            record(session, asked, "later")

    def steps_after(seen: int) -> list[tuple[int, str]]:
        with database.transaction() as session:
            found = onboarding_events.events(session, asked, after=seen)
        return [(each.id, each.step) for each in found]

    with opened(database) as installation, ThreadPoolExecutor(1) as other:
        asked = installation.ask(CREATE).id
        seen = steps_after(0)[-1][0]
        with database.transaction() as session:
            record(session, asked, "earlier")
            recording = other.submit(later)
            wait([recording], timeout=0.5)
            before = steps_after(seen)
        recording.result(timeout=30)
        seen = max([seen, *(number for number, _ in before)])
        after = steps_after(seen)

    assert [step for _, step in before + after] == ["earlier", "later"]
