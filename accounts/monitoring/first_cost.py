"""Owns the watch for a new account's first cost: that what it uses comes to our bill."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from kernel.findings import Finding, warning

AWS_TAKES = timedelta(days=3)
"""AWS shows costs after about a day, and some a few days later (Cost Management User Guide,
"Enabling Cost Explorer")."""
TAKEN_IN_AFTER = timedelta(days=40)
"""Whoever takes in whole months only, once AWS has closed them, has the first one by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostAwaited:
    account_id: str
    live_at: datetime


def first_cost_findings(
    awaited: Iterable[CostAwaited], *, covered_until: datetime | None, now: datetime
) -> Iterator[Finding]:
    """Of live accounts without a row: a warning, for one that nobody uses has none for good.

    `covered_until`: to when the payer's data reaches that was taken in; None without any.
    """
    for each in awaited:
        since = f"is live since {each.live_at:%Y-%m-%d}"
        if covered_until is not None and covered_until - each.live_at >= AWS_TAKES:
            words = (
                f"{since}, and the payer's data until {covered_until:%Y-%m-%d} has no row of it: "
                "AWS lists no account that nobody uses; if it is used, see which payer bears it"
            )
            yield warning("first_cost_missing", each.account_id, words)
        elif now - each.live_at >= TAKEN_IN_AFTER:
            words = f"{since}, and no data of the payer from then was taken in: ingest its export"
            yield warning("first_cost_unseen", each.account_id, words)
