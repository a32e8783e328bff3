"""An account that has left stays its client's in billing until its final invoice is issued."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from accounts.model.organization import OnboardingKind
from invoices.clients import AccountId, MonthPolicies, ZeroMonths
from invoices.periods import BillingPeriod
from jobs.environment import Environment
from jobs.runs import engine
from sandbox.aws import PAYER
from service.actions.billing.approve_drafts import approve_drafts
from service.actions.billing.request_run import request_billing, request_ingest, request_issuing
from service.actions.onboarding.request_onboarding import Wanted
from service.store.accounts.onboardings import Onboarding
from service.store.billing import assignments, clients, documents, invoices
from service.store.database import Database
from service.store.tables.months import DraftState
from tests.support.bills.ingest_builders import data_exports_manifest, gzipped, line, put
from tests.support.moments.live import onboarded
from tests.support.onboarding import CREATE, Installation, opened, quietly
from tests.support.workflows import (
    CLOSING,
    STANDALONE,
    approve_all,
    ask_to_leave,
    client_does_its_part,
)

NOVEMBER, DECEMBER = BillingPeriod(2026, 11), BillingPeriod(2026, 12)
OTHER = "222222222222"
"""An account of ours that stays, so that every month has a bill."""


@pytest.fixture
def installation(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """The database's clock bounds the day of a document; here it is the pretend world's."""
    with opened(database) as installation:
        monkeypatch.setattr(documents, "database_now", lambda _session: installation.now())
        yield installation


class Books:
    """The month's real path: an export is ingested, billed, approved and issued."""

    def __init__(self, installation: Installation, home: Path) -> None:
        self.installation, self.exports = installation, home / "exports"
        self.environment = Environment.under(home, installation.database, installation.now)

    def close(
        self, period: BillingPeriod, *costs: tuple[str, str, date], final: bool = True
    ) -> None:
        """`costs`: account, dollars and day; without an invoice id AWS's bill is not final."""
        self.bill(period, *costs, final=final)
        with self.installation.database.transaction() as session:
            approve_drafts(session, period, actor="grace", now=self.installation.now())
            run = request_issuing(
                session, AccountId(PAYER), period, client=None,
                issued_on=self.installation.now().date(), allow_unfinalized=False, actor="ada",
                now=self.installation.now(),
            )  # fmt: skip
        engine.follow(self.environment, run)

    def bill(
        self, period: BillingPeriod, *costs: tuple[str, str, date], final: bool = True
    ) -> None:
        folder = self._delivered(period, costs, final=final)
        now = self.installation.now()
        with self.installation.database.transaction() as session:
            taken = request_ingest(
                session, AccountId(PAYER), period, location=str(folder), dialect="auto",
                actor="ada", now=now,
            )  # fmt: skip
        engine.follow(self.environment, taken)
        with self.installation.database.transaction() as session:
            billed = request_billing(session, AccountId(PAYER), period, actor="ada", now=now)
        engine.follow(self.environment, billed)

    def _delivered(
        self, period: BillingPeriod, costs: tuple[tuple[str, str, date], ...], *, final: bool
    ) -> Path:
        rows = [
            line(
                cost,
                bill_payer_account_id=PAYER,
                bill_billing_period_start_date=f"{period.start}T00:00:00.000Z",
                bill_invoice_id="1" if final else "",
                line_item_usage_account_id=account,
                line_item_usage_start_date=f"{day}T01:00:00.000Z",
            )
            for account, cost, day in ((OTHER, "1.00", period.start), *costs)
        ]
        folder, part = self.exports / str(period), f"data/BILLING_PERIOD={period}/part-0.csv.gz"
        put(folder / part, gzipped(rows))
        manifest = data_exports_manifest(f"s3://b/{part}")
        put(folder / f"metadata/BILLING_PERIOD={period}/main-Manifest.json", manifest)
        return folder

    def totals(self, period: BillingPeriod) -> dict[str, int]:
        """What was issued, in cents, by client."""
        with self.installation.database.transaction() as session:
            issued = invoices.invoices_of(session, period, states=(DraftState.ISSUED,))
        return {each.client: each.total_minor for each in issued}


@pytest.fixture
def books(installation: Installation, tmp_path: Path) -> Books:
    with installation.database.transaction() as session:
        assignments.assign(session, OTHER, "initech", date(2026, 1, 1))
    return Books(installation, tmp_path)


def departed(installation: Installation) -> Onboarding:
    """On 28 November; asked for five days before."""
    live = onboarded(installation, CREATE)
    ask_to_leave(installation, live, STANDALONE)
    approve_all(installation, live, STANDALONE)
    client_does_its_part(installation, live)
    left = installation.stored(live.id)
    assert left.stage == "awaiting_final_invoice"
    assert left.departed_at is not None and left.departed_at.date() == date(2026, 11, 28)
    return left


def until(installation: Installation, day: datetime) -> None:
    installation.work(until=day)
    if installation.now() < day:
        installation.aws.clock.advance(seconds=(day - installation.now()).total_seconds())


def on(month: int, day: int, year: int = 2026) -> datetime:
    return datetime(year, month, day, 12, tzinfo=UTC)


def test_the_final_invoice_archives_it_and_late_usage_still_finds_its_client(
    installation: Installation, books: Books
) -> None:
    left = departed(installation)
    until(installation, on(12, 6))
    books.close(NOVEMBER, (left.account_id, "100.00", date(2026, 11, 27)))
    until(installation, on(12, 20))
    assert installation.stored(left.id).stage == "awaiting_final_invoice", "late lines are to come"

    until(installation, on(1, 6, 2027))
    books.close(
        DECEMBER,
        (left.account_id, "7.00", date(2026, 11, 28)),
        (left.account_id, "3.00", date(2026, 12, 1)),
    )
    assert books.totals(NOVEMBER)["acme"] == 100_00
    assert books.totals(DECEMBER)["acme"] == 10_00
    until(installation, on(1, 8, 2027))

    archived = installation.stored(left.id)
    assert (archived.stage, archived.state) == ("archived", "archived")
    assert archived.next_at is None
    assert installation.client_on(left.account_id, on(1, 31, 2027)) == "acme"
    assert installation.client_on(left.account_id, on(2, 1, 2027)) is None


@pytest.mark.parametrize("costs", [(), ("0.00",)])
def test_a_client_that_owes_nothing_more_needs_no_document(
    installation: Installation, books: Books, costs: tuple[str, ...]
) -> None:
    """Final bills without a line of the client's, or of 0.00, are as good as an invoice."""
    left = departed(installation)
    with installation.database.transaction() as session:
        (client,) = (c for c in clients.clients(session) if c.key == left.request.client_key)
        none = MonthPolicies(zero=ZeroMonths.NO_DOCUMENT)
        clients.put_client(session, replace(client, months=none))
    until(installation, on(12, 6))
    books.close(NOVEMBER, *((left.account_id, cost, date(2026, 11, 27)) for cost in costs))
    until(installation, on(1, 6, 2027))
    books.close(DECEMBER)
    until(installation, on(1, 8, 2027))

    assert set(books.totals(NOVEMBER)) == {"initech"}
    assert installation.stored(left.id).stage == "archived"


def test_a_bill_that_may_still_change_archives_nothing(
    installation: Installation, books: Books
) -> None:
    left = departed(installation)
    until(installation, on(12, 6))
    books.close(NOVEMBER, (left.account_id, "100.00", date(2026, 11, 27)))
    until(installation, on(1, 3, 2027))
    books.bill(DECEMBER, final=False)
    until(installation, on(1, 6, 2027))
    assert installation.stored(left.id).stage == "awaiting_final_invoice"

    books.bill(DECEMBER, (left.account_id, "7.00", date(2026, 11, 28)))
    until(installation, on(1, 8, 2027))
    assert installation.stored(left.id).stage == "awaiting_final_invoice", "drafted is not issued"


def test_a_closed_account_is_billed_until_aws_deletes_it(
    installation: Installation, books: Books
) -> None:
    """Closed on 28 November, deleted on 26 February: February and March are its last bills."""
    live = onboarded(installation, CREATE)
    ask_to_leave(installation, live, CLOSING)
    approve_all(installation, live, CLOSING)
    until(installation, on(12, 6))
    period = NOVEMBER
    while period != BillingPeriod(2027, 4):
        until(
            installation, datetime.combine(period.next.start, on(1, 1).timetz()) + timedelta(days=5)
        )
        books.close(period, (live.account_id, "5.00", period.start.replace(day=25)))
        until(installation, installation.now() + timedelta(days=2))
        ended = period == BillingPeriod(2027, 3)
        stage = installation.stored(live.id).stage
        assert stage == ("archived" if ended else "awaiting_final_invoice"), period
        period = period.next


@pytest.mark.proof
def test_an_account_that_came_back_is_not_taken_from_its_client(
    installation: Installation, books: Books
) -> None:
    left = departed(installation)
    until(installation, on(12, 6))
    books.close(NOVEMBER, (left.account_id, "100.00", date(2026, 11, 27)))
    again = installation.ask(
        Wanted(kind=OnboardingKind.INVITE, client="acme", name="prod", account_id=left.account_id)
    )
    installation.work(until=installation.now() + timedelta(minutes=5))
    member = installation.aws.client("organizations", left.account_id)
    handshake_id = installation.stored(again.id).record.handshake_id
    quietly(installation, lambda: member.accept_handshake(HandshakeId=handshake_id))
    until(installation, on(1, 6, 2027))
    assert installation.stored(again.id).is_linked
    books.close(DECEMBER, (left.account_id, "7.00", date(2026, 12, 20)))
    until(installation, on(1, 8, 2027))

    assert installation.stored(left.id).stage == "archived"
    assert installation.client_on(left.account_id, on(6, 1, 2027)) == "acme"
    with installation.database.transaction() as session:
        spans = [a for a in clients.roster(session).assignments if a.account_id == left.account_id]
    assert len(spans) == 1
