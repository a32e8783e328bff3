"""Owns, in SQL, where an account stands: its latest onboarding, and the word that is shown."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import col

from accounts.model.lifecycle import ENDED
from service.store import tables


def state_shown() -> sa.ColumnElement[str]:
    """`state_of`, in SQL: what has ended waits for nothing."""
    row = tables.onboarding.OnboardingRow
    stage, waits_for = sa.cast(row.stage, sa.Text), sa.cast(row.wait_kind, sa.Text)
    ended = col(row.stage).in_(sorted(ENDED))
    return sa.case((ended, stage), else_=sa.func.coalesce(waits_for, stage))


def latest_by_account() -> sa.Select[*tuple[Any, ...]]:
    """Of each account the onboarding asked for last: its own columns, and `state` as shown."""
    row = tables.onboarding.OnboardingRow
    return (
        sa.select(
            col(row.account_id),
            col(row.id),
            col(row.account_name),
            col(row.client_key),
            sa.cast(row.stage, sa.Text).label("stage"),
            state_shown().label("state"),
        )
        .where(col(row.account_id) != "")
        .ext(distinct_on(col(row.account_id)))
        .order_by(col(row.account_id), col(row.requested_at).desc(), col(row.id).desc())
    )
