"""What cannot be taken in or billed: told, tried again, and in nobody else's way."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from invoices.clients import AccountId
from jobs import deliveries
from jobs.environment import Environment
from jobs.runs import engine
from service.actions.billing.apply_configuration import apply_configuration
from service.configuration.reading import read_configuration
from service.store import runs
from service.store.billing import snapshots
from service.store.tables.runs import RunKind, RunState
from tests.conftest import NOW
from tests.support.bills.deliveries import (
    ACME,
    OCTOBER,
    at,
    configure,
    deliver,
    fail_the_last_run,
    take_in_by_hand,
    tick,
    totals,
    watch_of,
)
from tests.support.bills.front_door import client, payer, written
from tests.support.bills.ingest_builders import PAYER, put


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
