"""The first row of a new account in the payer's data is noted once; none is told of by the look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from invoices.clients import AccountId
from invoices.periods import BillingPeriod
from jobs.onboarding.watching import watch
from sandbox.aws import PAYER
from service.actions.billing.record_snapshot import record_snapshot
from service.store.accounts import first_costs
from service.store.billing.snapshots import Snapshot
from service.store.database import Database
from tests.support.moments.live import onboarded
from tests.support.onboarding import ADOPT, CREATE, INVITED, Installation, onboard, opened


@pytest.fixture
def installation(database: Database) -> Iterator[Installation]:
    """At noon of 23 November 2026."""
    with opened(database) as installation:
        yield installation


def take_in(installation: Installation, period: str, *accounts: str, **facts: Any) -> None:
    """An export of the payer's, whose rows are of these accounts."""
    sums = {"billed": "0"}
    snapshot = Snapshot(
        id=f"{len(accounts)}{period}".ljust(64, "0"),
        payer_account_id=AccountId(PAYER),
        period=BillingPeriod.parse(period),
        dialect="cur2",
        source_rows=len(accounts),
        finalized=False,
        facts={"by_account": dict.fromkeys((PAYER, *accounts), sums), **facts},
        findings=(),
    )
    with installation.database.transaction() as session:
        record_snapshot(session, snapshot, actor="ada", now=installation.now())


def codes(installation: Installation) -> dict[str, str]:
    return {each.code: each.where for each in watch(installation.environment, PAYER)}


def noted(installation: Installation, onboarding_id: str) -> list[str]:
    every = installation.events(onboarding_id)
    return [event.words for event in every if event.step == "FirstCost"]


def test_the_first_row_is_noted_once_with_its_month(installation: Installation) -> None:
    live = onboarded(installation, CREATE)
    take_in(installation, "2026-11")
    assert noted(installation, live.id) == []

    take_in(installation, "2026-11", live.account_id)
    take_in(installation, "2026-12", live.account_id)

    assert installation.stored(live.id).first_cost_in == "2026-11"
    assert noted(installation, live.id) == ["the payer's data of 2026-11 has its first row of cost"]
    installation.aws.clock.advance(days=60)
    assert codes(installation) == {}


def test_a_row_in_another_currency_is_a_row(installation: Installation) -> None:
    live = onboarded(installation, CREATE)
    rupees = [{"currency": "INR", "by_account": {live.account_id: {"billed": "1"}}}]

    take_in(installation, "2026-11", other_currencies=rupees)

    assert installation.stored(live.id).first_cost_in == "2026-11"


def test_none_in_data_that_should_have_it_is_told_until_it_comes(
    installation: Installation,
) -> None:
    live = onboarded(installation, CREATE)
    installation.aws.clock.advance(days=2)
    take_in(installation, "2026-11")
    assert codes(installation) == {}
    installation.aws.clock.advance(days=2)
    take_in(installation, "2026-11")

    assert codes(installation) == {"first_cost_missing": live.account_id}

    take_in(installation, "2026-11", live.account_id)
    assert codes(installation) == {}


def test_data_of_a_month_reaches_to_its_end_however_late_it_is_taken_in(
    installation: Installation,
) -> None:
    """Live on the 23rd: October says nothing of it, and November a week."""
    live = onboarded(installation, CREATE)
    installation.aws.clock.advance(days=20)
    take_in(installation, "2026-10")
    assert codes(installation) == {}
    installation.aws.clock.advance(days=21)

    assert codes(installation) == {"first_cost_unseen": live.account_id}
    take_in(installation, "2026-11")
    assert codes(installation) == {"first_cost_missing": live.account_id}
    with installation.database.transaction() as session:
        reaches = first_costs.covered_until(session, PAYER)
    assert reaches is not None and f"{reaches:%Y-%m-%d}" == "2026-12-01"


def test_rows_of_before_an_account_was_ours_are_not_its_first(installation: Installation) -> None:
    """It was a member once, left and came back in November."""
    live = onboarded(installation, CREATE)
    take_in(installation, "2026-08", live.account_id)

    assert installation.stored(live.id).first_cost_in is None


def test_an_adopted_account_has_cost_us_all_along(installation: Installation) -> None:
    installation.aws.add_member(INVITED, name="Globex", email="it@globex.example")
    take_in(installation, "2026-08", INVITED)
    adopted = onboard(installation, replace(ADOPT, external_ref=None))
    assert installation.stored(adopted.id).first_cost_in is None

    watch(installation.environment, PAYER)

    assert installation.stored(adopted.id).first_cost_in == "2026-08"
