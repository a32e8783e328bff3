"""Owns which day a document may have, and what of that a person may override, with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from invoices.clients import AccountId
from invoices.periods import BillingPeriod
from kernel.errors import BadInput
from service.store.billing import documents, snapshots
from service.store.session import Session

EARLY_DAYS_MAX = 10
"""How many days before the end of its month an overridden document may be dated."""
QUIET_DAYS_MAX = 60
"""Longer after everything that is known, a day asks whether the clock is right."""


@dataclass(frozen=True, slots=True)
class Override:
    """That a person answers for a day that would be refused."""

    reason: str
    by: str


class IssueDayRefused(BadInput):
    code = "issue_day_refused"


@dataclass(frozen=True, slots=True)
class IssueDayFacts:
    """What a day is held against. `now` is the database's: all machines have that one in common."""

    now: datetime
    last_issued_on: date | None
    """Of the series that the document would be numbered in."""
    delivered_on: date | None
    """When the month's charges were last taken in."""


def facts_of(session: Session, payer_account_id: AccountId, period: BillingPeriod) -> IssueDayFacts:
    return IssueDayFacts(
        now=documents.database_now(session),
        last_issued_on=documents.last_issued_on(session, payer_account_id),
        delivered_on=_delivered_on(session, payer_account_id, period),
    )


def _delivered_on(
    session: Session, payer_account_id: AccountId, period: BillingPeriod
) -> date | None:
    try:
        snapshot = snapshots.current_snapshot(session, payer_account_id, period)
    except snapshots.NoSnapshot:
        return None
    return snapshots.current_since(session, snapshot.id).astimezone(UTC).date()


def check_issue_day(
    period: BillingPeriod, issued_on: date, facts: IssueDayFacts, override: Override | None
) -> str:
    """What the override is about, '' where the day needs none. Raises IssueDayRefused.

    Numbers follow the days of issue, so one wrong day to come would hold up all later documents
    of its series: no override reaches one, and none goes behind the last document's day.
    """
    newest = documents.newest_issue_day(facts.now)
    if issued_on > newest:
        raise IssueDayRefused(
            f"{issued_on} is still to come; issue with today's date or an earlier one (the "
            f"database's clock says {facts.now.astimezone(UTC):%Y-%m-%d %H:%M} UTC)"
        )
    doubt = _too_early(period, issued_on) or _after_a_long_silence(issued_on, facts)
    if doubt and override is None:
        raise IssueDayRefused(f"{doubt}; --override REASON issues all the same")
    return doubt


def _too_early(period: BillingPeriod, issued_on: date) -> str:
    if issued_on >= period.end:
        return ""
    earliest = period.end - timedelta(days=EARLY_DAYS_MAX)
    words = f"{period} is not over on {issued_on}; its invoices are dated {period.end} or later"
    if issued_on < earliest:
        raise IssueDayRefused(f"{words}, with a reason {earliest} or later")
    return words


def _after_a_long_silence(issued_on: date, facts: IssueDayFacts) -> str:
    """A clock that jumped ahead would carry the series with it, and nothing brings it back."""
    known = [day for day in (facts.last_issued_on, facts.delivered_on) if day is not None]
    if not known or issued_on - max(known) <= timedelta(days=QUIET_DAYS_MAX):
        return ""
    last = f"last document {facts.last_issued_on or 'none'}, delivery {facts.delivered_on}"
    return (
        f"{issued_on} is {(issued_on - max(known)).days} days after all that is known ({last}): "
        "look whether the clock is right"
    )
