"""The schedule: what AWS delivered is taken in and billed once, by itself, until told to stop."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from invoices.clients import AccountId
from jobs import deliveries
from jobs.environment import Environment
from jobs.runs import engine
from service.actions.billing.watch_deliveries import watch_deliveries
from service.store import runs
from service.store.tables.runs import RunKind
from tests.conftest import NOW
from tests.support.bills.deliveries import (
    NOVEMBER,
    at,
    chunk,
    current,
    deliver,
    take_in_by_hand,
    tick,
    totals,
    watch_of,
    written_at,
)
from tests.support.bills.ingest_builders import PAYER, data_exports_manifest, put


def test_a_month_left_alone_has_right_drafts_after_each_delivery(
    environment: Environment, export: Path
) -> None:
    """Nothing yet; a part of the month; more of it; the same again; the next month beside it."""
    assert tick(environment) == []
    assert [each.delivery for each in watch_of(environment).looks] == ["", "", ""]

    deliver(export, "10")
    assert tick(environment, 10) == [], "looked at ten minutes ago"
    assert tick(environment, 15) == ["ingest 2026-10", "billing 2026-10"]
    assert totals(environment) == {"acme": 10_00}

    deliver(export, "10", "2.50")
    deliver(export, "4", period="2026-11")
    assert tick(environment, 32) == [
        "ingest 2026-11", "ingest 2026-10", "billing 2026-11", "billing 2026-10",
    ]  # fmt: skip
    assert totals(environment) == {"acme": 12_50}
    assert totals(environment, NOVEMBER) == {"acme": 4_00}
    assert tick(environment, 60) == [], "twice is once"


def test_a_delivery_that_is_still_being_written_is_waited_for(
    environment: Environment, export: Path
) -> None:
    """Its first file is new, the second still the one of the refresh before: no bill of AWS's."""
    deliver(export, "10")
    deliveries.look_as_scheduled(environment)
    deliver(export, "10", "2.50")
    deliveries.look_as_scheduled(replace(environment, now=at(1)))
    with environment.database.transaction() as session:
        assert runs.recent_runs(session) == ()

    assert tick(environment, 2) == ["ingest 2026-10", "billing 2026-10"]
    assert totals(environment) == {"acme": 12_50}


def test_a_refresh_is_waited_for_until_its_manifest_is_written(
    environment: Environment, export: Path
) -> None:
    """AWS overwrites 10 and 2.50 with 20 and 5, the manifest last, and takes its time for it."""
    first, second = chunk(export, 1, "10", at=-30), chunk(export, 2, "2.50", at=-29)
    names = [f"s3://billing/exports/main/{each.relative_to(export)}" for each in (first, second)]
    manifest = export / f"metadata/{first.parent.name}/main-Manifest.json"
    written_at(put(manifest, data_exports_manifest(*names)), -28)
    assert tick(environment) == ["ingest 2026-10", "billing 2026-10"]
    assert totals(environment) == {"acme": 12_50}

    chunk(export, 1, "20", at=10)
    assert tick(environment, 20) == [], "10 minutes later it is still 20 and 2.50"
    assert "chunk-1.csv.gz: it is newer than its manifest" in watch_of(environment).looks[1].trouble
    chunk(export, 2, "5", at=23)
    assert tick(environment, 36) == []
    written_at(manifest, 37)
    assert tick(environment, 51) == ["ingest 2026-10", "billing 2026-10"]
    assert totals(environment) == {"acme": 25_00}


def test_a_copy_whose_manifest_is_the_older_one_is_taken_in_an_hour_later(
    environment: Environment, export: Path
) -> None:
    file = chunk(export, 1, "10", at=-30)
    manifest = export / f"metadata/{file.parent.name}/main-Manifest.json"
    name = f"s3://billing/exports/main/{file.relative_to(export)}"
    written_at(put(manifest, data_exports_manifest(name)), -31)

    assert tick(environment) == []
    assert tick(environment, 31) == ["ingest 2026-10", "billing 2026-10"]


def test_a_delivery_of_the_same_charges_is_taken_in_and_not_billed_again(
    environment: Environment, export: Path
) -> None:
    """AWS writes its files anew, also where no cost has changed."""
    file = deliver(export, "10")
    tick(environment)
    again = file.read_bytes()
    file.unlink()
    file.with_name("other.csv.gz").write_bytes(again)

    assert tick(environment, 15) == ["ingest 2026-10"]
    assert totals(environment) == {"acme": 10_00}


def test_what_a_person_takes_in_a_person_bills(
    environment: Environment, export: Path, tmp_path: Path
) -> None:
    take_in_by_hand(environment, deliver(tmp_path / "by hand", "10"))

    assert tick(environment) == []
    assert totals(environment) == {}


def test_what_a_person_took_in_after_a_delivery_stands_until_aws_delivers_anew(
    environment: Environment, export: Path, tmp_path: Path
) -> None:
    """10 by the schedule, 99 by hand and not billed; then AWS delivers 12.50."""
    deliver(export, "10")
    tick(environment)
    take_in_by_hand(environment, deliver(tmp_path / "by hand", "99"))
    by_hand = current(environment)

    assert tick(environment, 15) == [], "AWS has delivered nothing since"
    assert current(environment) == by_hand
    deliver(export, "12.50")
    assert tick(environment, 31) == ["ingest 2026-10", "billing 2026-10"]
    assert totals(environment) == {"acme": 12_50}


def test_one_worker_alone_asks_for_a_payer_s_billing(
    environment: Environment, export: Path
) -> None:
    deliver(export, "10")
    for minute in (0, 1):
        deliveries.look_as_scheduled(replace(environment, now=at(minute)))
    engine.finish(environment, 1)

    with environment.database.try_lock(f"deliveries {PAYER}"):
        assert deliveries.bill_what_came(environment) == ()
    assert deliveries.bill_what_came(environment) == (2,)
    assert deliveries.bill_what_came(environment) == (), "it is under way"


def test_a_payer_that_is_stopped_is_left_alone_until_it_is_started(
    environment: Environment, export: Path
) -> None:
    deliver(export, "10")
    with environment.database.transaction() as session:
        assert watch_deliveries(session, AccountId(PAYER), is_stopped=True, actor="ada", now=NOW)
    assert tick(environment) == []

    with environment.database.transaction() as session:
        assert watch_deliveries(session, AccountId(PAYER), is_stopped=False, actor="ada", now=NOW)
        assert not watch_deliveries(
            session, AccountId(PAYER), is_stopped=False, actor="ada", now=NOW
        )
        told = session.execute(
            sa.text("SELECT action, actor FROM audit_entry WHERE action LIKE '%deliveries'")
        ).all()
    assert told == [("stop_deliveries", "ada"), ("start_deliveries", "ada")]
    assert tick(environment) == ["ingest 2026-10", "billing 2026-10"]


def test_months_before_the_last_two_are_left_to_a_person(
    environment: Environment, export: Path
) -> None:
    deliver(export, "10", period="2026-08")
    deliver(export, "10", period="2026-09")

    assert tick(environment) == ["ingest 2026-09", "billing 2026-09"]


def test_the_last_word_on_december_is_taken_in_in_january(
    environment: Environment, export: Path
) -> None:
    """AWS finalizes a month in the next one, and that month may have nothing for a day."""
    midnight = datetime(2027, 1, 1, tzinfo=UTC)
    environment = replace(environment, now=lambda: midnight)
    deliver(export, "10", period="2026-10")
    deliver(export, "10", "2.50", period="2026-12")
    deliveries.look_as_scheduled(environment)
    deliveries.look_as_scheduled(replace(environment, now=lambda: midnight + timedelta(minutes=1)))

    with environment.database.transaction() as session:
        (asked,) = runs.recent_runs(session)
    assert (str(asked.period), asked.kind) == ("2026-12", RunKind.INGEST)
    assert [str(each.period) for each in watch_of(environment).looks] == [
        "2027-01", "2026-12", "2026-11",
    ]  # fmt: skip
