"""A read that is late after a write is waited for: AWS promises no read after write."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from jobs.aws.calls import Answered, AwsRefused, Sent
from service.store.database import Database
from tests.support.onboarding import CREATE, Installation, opened


@pytest.fixture
def installation(database: Database) -> Iterator[Installation]:
    with opened(database) as installation:
        yield installation


@pytest.mark.parametrize(
    ("write", "read"),
    [
        ("account:PutAlternateContact", "account:GetAlternateContact"),
        ("iam:UpdateAssumeRolePolicy", "iam:GetAccountAuthorizationDetails"),
    ],
)
@pytest.mark.parametrize("late", [1, 20])
def test_it_is_looked_at_again_and_not_written_again(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, write: str, read: str, late: int
) -> None:
    """Twenty stale reads, two seconds apart and then doubled: minutes, and no second write."""
    caller = installation.environment.caller
    send = caller.send
    before: dict[str, Answered | AwsRefused] = {}
    written: list[str] = []
    stale: list[str] = []

    def lagging(sent: Sent) -> Answered | AwsRefused:
        name, key = f"{sent.service}:{sent.operation}", repr(sorted(sent.arguments.items()))
        if name == read and written and len(stale) < late and key in before:
            stale.append(key)
            return before[key]
        reply = send(sent)
        if name == read and not written:
            before[key] = reply
        written.extend([key] if name == write else [])
        return reply

    monkeypatch.setattr(caller, "send", lagging)
    asked = installation.ask(CREATE)
    installation.work(until=installation.now() + timedelta(hours=2))

    assert installation.stored(asked.id).state == "live"
    assert len(stale) == late
    assert len(written) <= len(set(written)) + (1 if late == 20 else 0)
    waits = [each.words for each in installation.events(asked.id) if each.step == "waiting_aws"]
    assert any("does not show it yet" in words for words in waits)
