"""The schedule: what AWS delivered is taken in and billed once, by itself, until told to stop."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from invoices.clients import AccountId
from invoices.periods import BillingPeriod
from jobs import deliveries
from jobs.environment import Environment
from jobs.runs import engine
from service.actions.billing.apply_configuration import apply_configuration
from service.actions.billing.request_run import request_ingest
from service.actions.billing.watch_deliveries import watch_deliveries
from service.clock import Clock
from service.configuration.reading import read_configuration
from service.store import runs
from service.store.billing import invoices, snapshots
from service.store.billing.snapshots import DeliveryWatch
from service.store.tables.runs import RunKind, RunState
from tests.conftest import NOW
from tests.support.bills.front_door import client, exported, payer, written
from tests.support.bills.ingest_builders import PAYER, data_exports_manifest, line, put

ACME = "111111111111"
OCTOBER, NOVEMBER = BillingPeriod(2026, 10), BillingPeriod(2026, 11)


@pytest.fixture
def export(environment: Environment, tmp_path: Path) -> Path:
    """A payer whose export is a folder, of which nothing was delivered so far."""
    place = tmp_path / "exports/main"
    place.mkdir(parents=True)
    configure(environment, tmp_path, place)
    return place


def configure(environment: Environment, folder: Path, *places: Path, dialect: str = "cur2") -> None:
    exports = [{"dialect": dialect, "location": str(each)} for each in places]
    file = written(folder, payers=[payer(exports=exports)], clients=[client("acme", ACME)])
    with environment.database.transaction() as session:
        apply_configuration(
            session, read_configuration(file.read_text()), actor="test", now=environment.now()
        )


def deliver(export: Path, *costs: str, period: str = "2026-10") -> Path:
    """Acme's usage; the file takes the place of the one before, as AWS overwrites it."""
    dates = {
        "bill_billing_period_start_date": f"{period}-01T00:00:00.000Z",
        "line_item_usage_start_date": f"{period}-05T07:00:00.000Z",
    }
    rows = [line(cost, line_item_usage_account_id=ACME, **dates) for cost in costs]
    return exported(export / f"data/BILLING_PERIOD={period}", rows)


def tick(environment: Environment, minutes: int = 0) -> list[str]:
    """The schedule's turn, and those of the workers; which kinds of runs it asked for."""
    with environment.database.transaction() as session:
        known = {each.id for each in runs.recent_runs(session)}
    for turn in range(3):  # Seen, seen again a minute later and taken in, billed.
        later = replace(environment, now=at(minutes + turn))
        deliveries.look_as_scheduled(later)
        with environment.database.transaction() as session:
            waiting = runs.unfinished_runs(session)
        for each in waiting:
            engine.finish(later, each.id)
    with environment.database.transaction() as session:
        new = [each for each in runs.recent_runs(session) if each.id not in known]
    assert all(each.requested_by == "schedule" for each in new)
    return [f"{each.kind} {each.period}" for each in reversed(new)]


def at(minutes: int) -> Clock:
    return lambda: NOW + timedelta(minutes=minutes)


def totals(environment: Environment, period: BillingPeriod = OCTOBER) -> dict[str, int]:
    with environment.database.transaction() as session:
        records = invoices.invoices_of(session, period, payer_account_id=PAYER)
    return {each.client: each.total_minor for each in records}


def watch_of(environment: Environment) -> DeliveryWatch:
    with environment.database.transaction() as session:
        return snapshots.delivery_watch(session, AccountId(PAYER))


def take_in_by_hand(environment: Environment, file: Path) -> None:
    with environment.database.transaction() as session:
        run_id = request_ingest(
            session, AccountId(PAYER), OCTOBER, location=str(file), dialect="auto",
            actor="ada", now=NOW,
        )  # fmt: skip
    engine.follow(environment, run_id)


def current(environment: Environment) -> str:
    with environment.database.transaction() as session:
        return snapshots.current_snapshot(session, AccountId(PAYER), OCTOBER).id


def fail_the_last_run(environment: Environment) -> None:
    with environment.database.transaction() as session:
        session.execute(
            sa.text("UPDATE run SET state = 'failed' WHERE id = (SELECT max(id) FROM run)")
        )


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


def chunk(export: Path, number: int, cost: str, *, at: int) -> Path:
    file = deliver(export, cost)
    return written_at(file.rename(file.with_name(f"chunk-{number}.csv.gz")), at)


def written_at(file: Path, minutes: int) -> Path:
    moment = at(minutes)().timestamp()
    os.utime(file, (moment, moment))
    return file


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


def test_what_cannot_be_taken_in_is_told_and_tried_again_after_an_hour(
    environment: Environment, export: Path
) -> None:
    file = deliver(export, "10")
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    assert tick(environment) == ["ingest 2026-10"]
    with environment.database.transaction() as session:
        failed = runs.last_run(session, RunKind.INGEST, AccountId(PAYER), OCTOBER)
    assert failed is not None and failed.state is RunState.FAILED
    assert "cur.csv.gz" in (failed.error or "")

    assert tick(environment, 30) == [], "the same broken file"
    assert tick(environment, 61) == ["ingest 2026-10"], "an hour later"
    file.write_bytes(whole)
    assert tick(environment, 76) == ["ingest 2026-10", "billing 2026-10"], "another file, at once"
    assert totals(environment) == {"acme": 10_00}


def test_two_refreshes_in_one_folder_are_told_and_nothing_is_taken_in(
    environment: Environment, export: Path
) -> None:
    file = deliver(export, "10")
    for name in ("20261105T000000Z-1", "20261106T000000Z-1"):
        folder = file.parent / name
        folder.mkdir()
        shutil.copy(file, folder)
    file.unlink()

    assert tick(environment) == []
    (trouble,) = (each.trouble for each in watch_of(environment).looks if each.trouble)
    assert "2 refreshes lie here" in trouble


def test_a_file_that_names_no_month_is_left_to_a_person(
    environment: Environment, tmp_path: Path
) -> None:
    """Of which month it is, only its rows say."""
    file = deliver(tmp_path / "exports", "10")
    bare = tmp_path / "bare"
    bare.mkdir()
    shutil.copy(file, bare)
    configure(environment, tmp_path, bare)

    assert tick(environment) == []
    assert "names no month" in watch_of(environment).looks[0].trouble


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


def test_a_file_that_a_person_took_in_is_not_replaced_by_the_broken_one(
    environment: Environment, export: Path, tmp_path: Path
) -> None:
    file = deliver(export, "10")
    file.write_bytes(file.read_bytes()[:-20])
    assert tick(environment) == ["ingest 2026-10"]
    take_in_by_hand(environment, deliver(tmp_path / "by hand", "99"))

    assert tick(environment, 120) == []


def test_a_billing_that_failed_is_tried_again_after_an_hour(
    environment: Environment, export: Path
) -> None:
    """As where a disk was full for a while: nobody asks again for what the schedule asked for."""
    deliver(export, "10")
    tick(environment)
    fail_the_last_run(environment)

    assert tick(environment, 30) == []
    assert tick(environment, 63) == ["billing 2026-10"]
    assert tick(environment, 90) == [], "it is billed"


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


def test_a_delivery_is_taken_in_at_once_where_its_dialect_was_put_right(
    environment: Environment, export: Path, tmp_path: Path
) -> None:
    deliver(export, "10")
    configure(environment, tmp_path, export, dialect="focus")
    assert tick(environment) == ["ingest 2026-10"], "it has none of the columns of FOCUS"
    configure(environment, tmp_path, export)

    assert tick(environment, 16) == ["ingest 2026-10", "billing 2026-10"]
    assert totals(environment) == {"acme": 10_00}


def test_a_person_who_mended_what_failed_need_not_wait_for_the_hour(
    environment: Environment, export: Path
) -> None:
    deliver(export, "10")
    tick(environment)
    fail_the_last_run(environment)
    with environment.database.transaction() as session:
        (watched,) = deliveries.watched(session)

    later = replace(environment, now=at(3))
    assert deliveries.bill_what_came(later) == ()
    assert deliveries.bill_what_came(later, again_after=timedelta()) == (3,)
    engine.finish(later, 3)
    assert deliveries.look(later, watched, again_after=timedelta()) == (), "it is taken in"


def test_a_look_noted_by_a_clock_that_was_ahead_is_not_waited_for(
    environment: Environment, export: Path
) -> None:
    deliveries.look_as_scheduled(replace(environment, now=at(minutes=2 * 24 * 60)))
    deliver(export, "10")

    assert tick(environment) == ["ingest 2026-10", "billing 2026-10"]


def test_a_file_whose_name_is_no_text_is_told_and_others_go_on(
    environment: Environment, export: Path, tmp_path: Path
) -> None:
    """Its name is in Latin-1, as old archives unpack to; the other payer's bill is fine."""
    other = tmp_path / "exports/other"
    usual, second = (
        payer(account, exports=[{"dialect": "cur2", "location": str(place)}])
        for account, place in (("000000000001", other), (PAYER, export))
    )
    file = written(tmp_path, payers=[usual, second], clients=[client("acme", ACME)])
    with environment.database.transaction() as session:
        apply_configuration(session, read_configuration(file.read_text()), actor="test", now=NOW)
    named = deliver(other, "10")
    named.rename(named.with_name(os.fsdecode(b"caf\xe9.csv.gz")))
    deliver(export, "10")

    assert tick(environment) == ["ingest 2026-10", "billing 2026-10"]
    with environment.database.transaction() as session:
        looks = snapshots.delivery_watch(session, AccountId("000000000001")).looks
    assert "'data/BILLING_PERIOD=2026-10/caf\\udce9.csv.gz', which is no UTF-8" in looks[1].trouble


def test_a_manifest_that_may_not_be_read_is_told(
    environment: Environment, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only its owner may: tests are run by root, who may read anything."""
    deliver(export, "10")
    put(export / "metadata/BILLING_PERIOD=2026-10/main-Manifest.json", b"{}")
    kept = Path.read_bytes

    def refused(path: Path) -> bytes:
        if path.name == "main-Manifest.json":
            raise PermissionError(13, "Permission denied", path.name)
        return kept(path)

    monkeypatch.setattr(Path, "read_bytes", refused)

    assert tick(environment) == []
    assert "cannot be read: [Errno 13] Permission denied" in watch_of(environment).looks[1].trouble


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
