"""A worker whose clock is wrong does nothing by it; one whose clock jumped begins anew."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime, timedelta

import pytest

from jobs import worker
from service.store.database import ClockDiffers, Database


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (7_200, "this machine's clock is 7[12]\\d\\d s ahead of the database's"),
        (-90, "this machine's clock is [89]\\d s behind the database's"),
    ],
)
def test_a_clock_that_is_not_the_databases_is_told_in_one_line(
    database: Database, seconds: int, words: str
) -> None:
    now = datetime.now(UTC)  # noqa: TID251 - the server's clock is this machine's
    database.check_clock(now)

    with pytest.raises(ClockDiffers, match=words) as told:
        database.check_clock(now + timedelta(seconds=seconds))

    assert "\n" not in str(told.value)


@pytest.mark.parametrize("jump", [timedelta(days=400), timedelta(hours=-1)])
def test_a_jump_ends_the_work_as_a_stop_does_and_nothing_else(
    jump: timedelta, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looks, machine = iter(range(1_000)), time.time
    monkeypatch.setattr(worker, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(
        time, "time", lambda: machine() + (jump.total_seconds() if next(looks) > 3 else 0)
    )
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("the jobs at hand")
            raise

    asyncio.run(worker._work_until_the_clock_jumps(work()))

    assert ended == ["the jobs at hand"]
    assert caplog.record_tuples == [
        ("rebill.worker", logging.WARNING, "the machine's clock jumped")
    ]


def test_trouble_of_the_work_is_raised_and_no_jump(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError, match="gone"):
        asyncio.run(worker._work_until_the_clock_jumps(work()))

    assert caplog.records == []
