"""Owns in which month an account first has a row of cost, by the exports that were taken in."""

from __future__ import annotations

from datetime import UTC, datetime, time

import sqlalchemy as sa
from sqlmodel import col, select

from accounts.model.lifecycle import Stage
from accounts.monitoring.first_cost import CostAwaited
from invoices.periods import BillingPeriod
from service.store import tables
from service.store.accounts.members import MEMBERS
from service.store.session import Session

# Facts name the accounts of the bill's currency, and of each other one. An account that came back
# has rows of its former time with us; one that is adopted was ours all along.
_NOTE = sa.text("""
    WITH listed AS (
        SELECT period, jsonb_object_keys(facts -> 'by_account') AS account_id
        FROM snapshot WHERE payer_account_id = :payer
        UNION
        SELECT period, jsonb_object_keys(other -> 'by_account')
        FROM snapshot, jsonb_array_elements(coalesce(facts -> 'other_currencies', '[]')) AS other
        WHERE payer_account_id = :payer
    ), first AS (
        SELECT onboarding.id, min(listed.period) AS period
        FROM onboarding JOIN listed ON listed.account_id = onboarding.account_id
        WHERE onboarding.payer_account_id = :payer
          AND onboarding.first_cost_in IS NULL
          AND onboarding.kind <> 'billing_transfer'
          AND onboarding.stage NOT IN ('requested', 'reserved', 'creating', 'invited', 'cancelled')
          AND (onboarding.kind = 'adopt'
               OR listed.period >= to_char(onboarding.requested_at AT TIME ZONE 'UTC', 'YYYY-MM'))
        GROUP BY onboarding.id
    )
    UPDATE onboarding SET first_cost_in = first.period
    FROM first WHERE onboarding.id = first.id
    RETURNING onboarding.id, onboarding.first_cost_in
""")


def note_first_costs(session: Session, payer_account_id: str) -> list[tuple[str, str]]:
    """Onboardings whose account has its first row, and the month of it; each is given once."""
    noted = session.execute(_NOTE, {"payer": payer_account_id})
    return sorted((onboarding_id, period) for onboarding_id, period in noted)


def costs_awaited(session: Session, payer_account_id: str) -> tuple[CostAwaited, ...]:
    """Live members without a row yet."""
    row = tables.onboarding.OnboardingRow
    found = session.exec(
        select(row.account_id, row.live_at)
        .where(
            col(row.payer_account_id) == payer_account_id,
            col(row.stage) == Stage.LIVE,
            col(row.kind).in_(sorted(MEMBERS)),
            col(row.first_cost_in).is_(None),
            col(row.live_at).is_not(None),
        )
        .order_by(col(row.account_id))
    )
    return tuple(
        CostAwaited(account_id=account_id, live_at=live_at)
        for account_id, live_at in found
        if live_at
    )


def covered_until(session: Session, payer_account_id: str) -> datetime | None:
    """To when a payer's data reaches: of a month, to its end or to when it was taken in."""
    row = tables.months.SnapshotRow
    found = session.exec(
        select(row.period, sa.func.max(col(row.current_since)))
        .where(col(row.payer_account_id) == payer_account_id)
        .group_by(col(row.period))
    )
    reaches = [
        min(taken_in_at, datetime.combine(BillingPeriod.parse(period).next.start, time(), UTC))
        for period, taken_in_at in found
    ]
    return max(reaches, default=None)
