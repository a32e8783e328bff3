"""Each issue is remembered outside the database, at once or as soon as the place lets it."""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jobs.environment import CheckpointTarget, Environment, Kept, Retention
from jobs.runs import engine, issuing
from jobs.verification import checkpoints
from jobs.verification.remembering import remember, remember_as_scheduled
from kernel.findings import Finding
from sandbox.server import SandboxAWS
from service.store.archive import chain
from tests.conftest import MonthOf
from tests.support.months import approve_all, ask_to_issue, bill, issue, issued
from tests.support.room import file_bytes_max

LINKS = 5
"""Of one invoice and its four files."""


@pytest.fixture
def books(environment: Environment, month_of: MonthOf, tmp_path: Path) -> Environment:
    """Two approved drafts, and a folder outside to remember them in."""
    month_of(2)
    bill(environment)
    approve_all(environment)
    checkpoints.make_key(tmp_path / "key")
    target = CheckpointTarget(str(tmp_path / "outside"), tmp_path / "key")
    started, seconds = environment.now(), itertools.count()
    return replace(
        environment,
        checkpoints=target,
        now=lambda: started + timedelta(seconds=next(seconds)),
    )


def positions(environment: Environment) -> list[int]:
    """Where the one series ended, checkpoint by checkpoint."""
    target = environment.checkpoints
    assert target is not None
    there = checkpoints.place_of(target.place)
    said = [json.loads(there.read(name))["checkpoint"]["heads"] for name in there.names()]
    return [head["position"] for (head,) in said]


def issue_one(environment: Environment, client: str) -> tuple[Finding, ...]:
    return engine.follow(environment, ask_to_issue(environment, client=client)).findings


def begun_anew(environment: Environment) -> Environment:
    """As another process has it, which remembers nothing of this one."""
    anew = replace(environment)
    assert anew.kept is not environment.kept and isinstance(anew.kept, Kept)
    return anew


def test_each_issue_writes_one_and_an_issue_of_nothing_none(books: Environment) -> None:
    assert issue_one(books, "c00") == ()
    assert positions(books) == [LINKS]
    assert issue_one(books, "c01") == ()
    assert positions(books) == [LINKS, 2 * LINKS]

    issue(books)
    issue(begun_anew(books))
    assert positions(books) == [LINKS, 2 * LINKS]


def test_without_a_place_nothing_is_written(books: Environment, tmp_path: Path) -> None:
    assert issue_one(replace(books, checkpoints=None), "c00") == ()
    assert not (tmp_path / "outside").exists()


def _unreadable_key(books: Environment, tmp_path: Path) -> Environment:
    (tmp_path / "key").chmod(0o640)
    return books


def _no_key(books: Environment, tmp_path: Path) -> Environment:
    (tmp_path / "key").unlink()
    return books


def _place_is_a_file(books: Environment, tmp_path: Path) -> Environment:
    (tmp_path / "outside").write_text("not a folder")
    return books


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (_unreadable_key, "others may read this key"),
        (_no_key, "no private key"),
        (_place_is_a_file, "File exists"),
    ],
)
def test_what_cannot_be_written_is_told_and_the_invoices_stand(
    books: Environment,
    tmp_path: Path,
    break_it: Callable[[Environment, Path], Environment],
    words: str,
) -> None:
    (finding,) = issue_one(break_it(books, tmp_path), "c00")

    assert (finding.code, finding.severity) == ("checkpoint_not_written", "warning")
    assert words in finding.message and "\n" not in finding.message
    assert [each.number for each in issued(books)] == ["INV-000001"]


def test_a_full_place_is_made_up_for_by_the_next_issue(books: Environment) -> None:
    run = ask_to_issue(books, client="c00")
    with file_bytes_max(100):
        # The documents are in the database, whose files are the server's.
        (finding,) = engine.follow(books, run).findings
    assert finding.code == "checkpoint_not_written"
    assert "file too large" in finding.message
    assert positions(books) == []

    assert issue_one(books, "c01") == ()
    assert positions(books) == [2 * LINKS]


def test_the_scheduled_turn_makes_up_for_it_too(
    books: Environment, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _place_is_a_file(books, tmp_path)
    issue_one(books, "c00")

    remember_as_scheduled(books)
    ((name, level, words),) = caplog.record_tuples
    assert (name, level) == ("rebill.checkpoint", logging.WARNING)
    assert words.startswith(f"{tmp_path / 'outside'}: what is issued stands, and no checkpoint")

    (tmp_path / "outside").unlink()
    remember_as_scheduled(books)
    remember_as_scheduled(books)
    remember_as_scheduled(begun_anew(books))
    assert positions(books) == [LINKS]


class Killed(BaseException):
    pass


def test_a_worker_that_dies_before_its_checkpoint_leaves_it_to_the_next(
    books: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(_environment: Environment) -> tuple[Finding, ...]:
        raise Killed

    run = ask_to_issue(books)
    with monkeypatch.context() as dying:
        dying.setattr(issuing, "remember", die)
        with pytest.raises(Killed):
            engine.follow(books, run)
    assert len(issued(books)) == 2

    (resumed,) = engine.resume(begun_anew(books))
    assert (resumed.id, resumed.findings) == (run, ())
    assert positions(books) == [2 * LINKS]


def test_a_worker_that_dies_after_it_writes_no_second_one(
    books: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def remember_and_die(environment: Environment) -> tuple[Finding, ...]:
        remember(environment)
        raise Killed

    run = ask_to_issue(books)
    with monkeypatch.context() as dying:
        dying.setattr(issuing, "remember", remember_and_die)
        with pytest.raises(Killed):
            engine.follow(books, run)
    engine.resume(begun_anew(books))

    assert positions(books) == [2 * LINKS]


def test_a_checkpoint_that_saw_more_than_there_is_is_told_at_once(
    books: Environment, tmp_path: Path
) -> None:
    """It saw link 10 and INV-000002; the database has one invoice, and five links."""
    issue_one(books, "c00")
    with books.database.transaction() as session:
        (head,) = chain.heads(session)
    seen = replace(head, position=2 * LINKS, number="INV-000002")
    key, later = checkpoints.signing_key(tmp_path / "key"), books.now() + timedelta(days=1)
    checkpoints.write_checkpoint(str(tmp_path / "outside"), key, (seen,), later)

    (finding,) = remember(begun_anew(books))

    assert finding.code == "checkpoint_ahead"
    assert "a checkpoint saw link 10 of seller (INV-000002)" in finding.message


@pytest.fixture
def audited(books: Environment, monkeypatch: pytest.MonkeyPatch) -> Environment:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "sandbox")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert books.checkpoints is not None
    target = replace(
        books.checkpoints, place="s3://audit/rebill", lock=Retention("GOVERNANCE", 3650)
    )
    # S3 takes no lock until a day that is over.
    now = datetime.now(UTC)  # noqa: TID251
    return replace(books, checkpoints=target, now=lambda: now)


def test_s3_refuses_and_later_does_not(
    audited: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SandboxAWS() as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
        (finding,) = issue_one(audited, "c00")
        assert (finding.code, finding.where) == ("checkpoint_not_written", "s3://audit/rebill")
        assert "s3://audit: " in finding.message and "NoSuchBucket" in finding.message

        aws.client("s3").create_bucket(Bucket="audit", ObjectLockEnabledForBucket=True)
        assert issue_one(audited, "c01") == ()
        assert positions(audited) == [2 * LINKS]
        (name,) = checkpoints.place_of("s3://audit/rebill").names()
        until = audited.now() + timedelta(days=3650)
        assert checkpoints.lock_words("s3://audit/rebill", name) == (
            f"locked until {until:%Y-%m-%d %H:%M} UTC (GOVERNANCE)"
        )


def test_a_bucket_without_object_lock_gets_it_without_and_says_so(
    audited: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SandboxAWS() as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
        aws.client("s3").create_bucket(Bucket="audit")

        (finding,) = issue_one(audited, "c00")

        assert finding.code == "checkpoint_not_locked"
        assert finding.message.startswith("the checkpoint is written, and who may delete it can: ")
        assert "InvalidRequest" in finding.message or "Lock" in finding.message
        assert positions(audited) == [LINKS]
        (name,) = checkpoints.place_of("s3://audit/rebill").names()
        assert "S3 tells of no object lock" in checkpoints.lock_words("s3://audit/rebill", name)
