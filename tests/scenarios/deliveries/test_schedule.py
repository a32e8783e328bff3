"""The schedule by its commands, and a month that is left alone with a worker."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from invoices.periods import BillingPeriod
from jobs.deliveries import look_as_scheduled
from jobs.environment import Environment
from service.clock import system_clock
from service.store.billing import invoices
from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import client, exported, payer, written
from tests.support.bills.ingest_builders import PAYER, line
from tests.support.servers.processes import Installation

ACME = "111111111111"


def this_month() -> str:
    return f"{system_clock():%Y-%m}"


def deliver(export: Path, *costs: str) -> Path:
    """Acme's usage of this month; the file takes the place of the one before."""
    month = this_month()
    dates = {
        "bill_billing_period_start_date": f"{month}-01T00:00:00.000Z",
        "line_item_usage_start_date": f"{month}-01T07:00:00.000Z",
    }
    rows = [line(cost, line_item_usage_account_id=ACME, **dates) for cost in costs]
    return exported(export / f"data/BILLING_PERIOD={month}", rows)


def configured(folder: Path, export: Path) -> Path:
    exports = [{"dialect": "cur2", "location": str(export)}]
    return written(folder, payers=[payer(exports=exports)], clients=[client("acme", ACME)])


@pytest.fixture
def export(rebill: Rebill, tmp_path: Path) -> Path:
    place = tmp_path / "exports/main"
    place.mkdir(parents=True)
    assert rebill("apply", configured(tmp_path, place)).status == 0
    return place


def test_a_person_looks_at_once_and_sees_what_became_of_it(rebill: Rebill, export: Path) -> None:
    nothing = rebill("deliveries", "show")
    deliver(export, "10", "2.50")
    looked = rebill("deliveries", "look", "--json").json
    again = rebill("deliveries", "look")

    assert (nothing.status, nothing.err) == (0, "")
    assert looked["stopped"] == []
    this, *before = looked["months"]
    assert (this["period"], this["trouble"], len(this["delivery"])) == (this_month(), "", 64)
    assert this["ingest"] == {"run": 1, "state": "done", "by": "schedule", "error": None}
    assert this["billing"]["run"] == 2
    assert [each["delivery"] for each in before] == ["", ""]
    shown = " ".join(again.out.replace("│", " ").split())
    assert f"{PAYER} {this_month()}" in shown
    assert "taken in (run 1), billed (run 2)" in shown and "nothing yet" in shown
    billed = rebill("bill", "--period", this_month(), "--json").json["invoices"]
    assert [(each["client"], each["total"]) for each in billed] == [("acme", "12.50")]


def test_exports_beside_the_first_are_told_to_be_left_alone(
    rebill: Rebill, export: Path, tmp_path: Path
) -> None:
    places = [{"dialect": "cur2", "location": str(each)} for each in (export, tmp_path / "focus")]
    file = written(tmp_path, payers=[payer(exports=places)], clients=[client("acme", ACME)])
    assert rebill("apply", file).status == 0

    assert f"not looked at: {tmp_path / 'focus'}" in rebill("deliveries", "show").out.replace(
        "\n", ""
    )
    shown = rebill("deliveries", "show", "--json").json
    assert shown["not_looked_at"] == {PAYER: [str(tmp_path / "focus")]}


def test_a_payer_is_stopped_and_started_by_a_command(rebill: Rebill, export: Path) -> None:
    deliver(export, "10")
    stopped = rebill("deliveries", "stop", "--payer", PAYER)
    looked = rebill("deliveries", "look")

    assert stopped.out == f"payer {PAYER}: stopped\n"
    assert (looked.status, looked.err) == (
        2, "rebill: no payer to look at: name `exports` of a payer, apply, and start it\n",
    )  # fmt: skip
    assert f"rebill deliveries start --payer {PAYER}" in rebill("deliveries", "show").out
    assert rebill("deliveries", "start").status == 0
    assert rebill("deliveries", "look").status == 0
    assert rebill("deliveries", "stop", "--payer", "999999999999").status == 2


def test_what_the_schedule_saw_once_is_taken_in_by_whoever_looks_next(
    rebill: Rebill, export: Path, environment: Environment
) -> None:
    deliver(export, "10")
    look_as_scheduled(environment)
    this, *_ = rebill("deliveries", "look", "--json").json["months"]

    assert (this["ingest"]["state"], this["billing"]["state"]) == ("done", "done")


def test_where_nothing_lies_is_named_and_so_is_what_was_taken_in_before(
    rebill: Rebill, export: Path
) -> None:
    """Whoever mistyped the place, or let a lifecycle rule clear it, can tell."""
    deliver(export, "10")
    rebill("deliveries", "look")
    shutil.rmtree(export / "data")
    looked = rebill("deliveries", "look")

    shown = "".join(looked.out.replace("│", "").split())
    assert f"nothingat{export},takenin(run1),billed(run2)" in shown
    assert f"nothingyetat{export}" in shown


def test_what_a_look_cannot_take_in_is_its_exit_status(rebill: Rebill, export: Path) -> None:
    file = deliver(export, "10")
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    broken = rebill("deliveries", "look")

    assert broken.status == 1
    assert "failed: " in broken.out
    file.write_bytes(whole)
    assert rebill("deliveries", "look").status == 0


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_a_month_left_alone_with_a_worker_is_drafted_as_it_is_delivered(
    rebill: Rebill, export: Path, environment: Environment, tmp_path: Path
) -> None:
    """The worker looks each quarter of an hour: here the time of its last look is set back."""
    installation = Installation(tmp_path / "home", environment, environment.database.conninfo)
    with installation.running("worker"):
        for costs, total in ((["10"], 10_00), (["10", "2.50"], 12_50)):
            deliver(export, *costs)
            forget_the_last_look(environment)
            give_up_at = time.monotonic() + 300
            while drafted(environment) != {"acme": total}:
                assert time.monotonic() < give_up_at, drafted(environment)
                time.sleep(0.5)


def forget_the_last_look(environment: Environment) -> None:
    with environment.database.transaction() as session:
        session.connection().exec_driver_sql("UPDATE delivery_watch SET looked_at = NULL")


def drafted(environment: Environment) -> dict[str, int]:
    with environment.database.transaction() as session:
        found = invoices.invoices_of(session, BillingPeriod.parse(this_month()))
    return {each.client: each.total_minor for each in found}
