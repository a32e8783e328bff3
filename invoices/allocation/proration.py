"""Owns proration: what lasts over a change of hands is split by days where it accrues evenly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from invoices.allocation.accrual import IS_SUPPORT_FEE, Accrual, accrual, last_day
from invoices.allocation.direct import ASSIGNED_SCHEMA, ATTRIBUTION, BEARER, INTERNAL, IS_NEAREST
from invoices.allocation.leftover import MEASURED
from invoices.charges import MEASURES, UNDATED
from invoices.clients import AccountId, Assignment, ClientKey, Roster
from invoices.kinds import NO_SPEND, Kind
from invoices.money import exact_sum, plain, split_exact
from invoices.periods import BillingPeriod, DaySpan

DAY = timedelta(days=1)
ZERO = Decimal(0)
ROW, LAST, ACCRUAL, IS_DATED, IS_SPLIT = "row", "last", "accrual", "is_dated", "is_split"
IS_SUPPORT = "is_support"
SPAN = ("account_id", "service_day", LAST)
ALIKE = (
    *("account_id", "kind", IS_SUPPORT, "service_day", LAST, IS_DATED, ACCRUAL, IS_SPLIT),
    BEARER,
)
PART_SCHEMA = pl.Schema({ROW: pl.UInt32(), **ASSIGNED_SCHEMA})


@dataclass(frozen=True, slots=True)
class Crossing:
    """Charges of an account and kind that last from a day of one client's to one of another's."""

    account_id: AccountId
    kind: Kind
    is_support: bool
    """Of which a contract may say another thing than whose account it is on."""
    first_day: date
    last_day: date
    is_dated: bool
    """Else AWS gave no time, and they may be of any of these days."""
    accrual: Accrual
    held: tuple[Assignment, ...]
    """Whose the account was meanwhile: of two clients at least."""
    owner: str
    """The client whose they are where they are not split; '' is nobody."""
    net_billed_cost: Decimal
    is_free: bool
    """Not one of them costs anything, before or after discounts."""
    parts: Mapping[ClientKey, Decimal] = field(default_factory=dict)
    """Of the net billed cost, what each client bears; empty where it is not split."""

    @property
    def clients(self) -> list[ClientKey]:
        """In the order in which they had the account."""
        return list(dict.fromkeys(each.client for each in self.held))


def prorate(
    assigned: pl.DataFrame,
    roster: Roster,
    *,
    period: BillingPeriod,
    fees_by_month: bool,
    has_ends: bool,
) -> tuple[pl.DataFrame, tuple[Crossing, ...]]:
    """Assigned charges, in parts those that can be split; and all that last over a change of hands.

    What accrues evenly is split by its days, over all on which the account was somebody's, and so
    are monthly fees with `fees_by_month`; a percentage of other charges is split as they are. Parts
    are exact to ten places, the units left over to the largest remainders. What is not split stays
    as it was assigned; whether it may, a check says. `has_ends`: the export shows how long its rows
    last.
    """
    assert assigned.schema == ASSIGNED_SCHEMA
    end = last_day(period, has_ends=has_ends)
    lasting = (
        assigned.with_row_index(ROW)
        .filter(pl.col("account_id").is_in(_moving(roster)) & ~pl.col(INTERNAL))
        .filter(end > pl.col("service_day"))
        .with_columns(
            end.alias(LAST),
            accrual(period, end).alias(ACCRUAL),
            (pl.col("last_day") != UNDATED).alias(IS_DATED),
            IS_SUPPORT_FEE.alias(IS_SUPPORT),
        )
    )
    held = _held(lasting, roster)
    if not held:
        return assigned, ()
    spans = {key: lasting.schema[key] for key in SPAN}
    crossing = lasting.join(pl.DataFrame([*held], schema=spans, orient="row"), on=SPAN)
    even = [Accrual.EVENLY, *[Accrual.MONTHLY] * fees_by_month]
    is_even = pl.col(ACCRUAL).is_in([str(each) for each in even])
    split = [part for row in crossing.filter(is_even).to_dicts() for part in _by_days(row, held)]
    numbered = assigned.with_row_index(ROW)
    by_days = pl.DataFrame(split, schema=PART_SCHEMA, orient="row")
    charged = _charged(pl.concat([numbered.join(by_days, on=ROW, how="anti"), by_days]))
    is_upon = pl.col(ACCRUAL) == str(Accrual.UPON)
    for row in crossing.filter(is_upon).to_dicts():
        split += _by_charges(row, held, charged)
    parts = pl.DataFrame(split, schema=PART_SCHEMA, orient="row")
    untouched = numbered.join(crossing, on=ROW, how="anti")
    whole = crossing.join(parts, on=ROW, how="anti").with_columns(_whole())
    prorated = pl.concat([untouched, whole.select(PART_SCHEMA.names()), parts])
    prorated = prorated.select(ASSIGNED_SCHEMA.names())
    for measure in MEASURES:
        assert assigned[measure].sum() == prorated[measure].sum(), f"{measure} was lost or invented"
    return prorated, tuple(_crossings(crossing, parts, held))


_Held = Mapping[tuple[str, date, date], tuple[Assignment, ...]]
"""By account, first and last day (SPAN)."""


def _moving(roster: Roster) -> list[str]:
    """Accounts that are not one client's for ever."""
    clients = defaultdict[str, set[ClientKey]](set)
    for each in roster.assignments:
        clients[each.account_id].add(each.client)
    return [account for account, of in clients.items() if len(of) > 1]


def _held(lasting: pl.DataFrame, roster: Roster) -> _Held:
    """Of the spans in which their account changes hands, whose it was."""
    held = {
        (account, first, last): roster.changes_hands(account, DaySpan(first, last + DAY))
        for account, first, last in lasting.select(SPAN).unique().iter_rows()
    }
    return {span: assignments for span, assignments in held.items() if assignments}


def _by_days(row: Mapping[str, Any], held: _Held) -> list[dict[str, Any]]:
    """The parts of a charge: one for each assignment that had the account meanwhile."""
    within = _within(row, held)
    days = {start: Decimal((until - start).days + 1) for start, (_, until) in within.items()}
    words = {
        start: f"by days: {days[start]} of {sum(days.values())}, {start} to {until}"
        for start, (_, until) in within.items()
    }
    return _parts(row, within, days, words)


def _by_charges(
    row: Mapping[str, Any], held: _Held, charged: Mapping[tuple[str, ...], Decimal]
) -> list[dict[str, Any]]:
    """One part for each client, or none: by what each was charged for the same service, or all."""
    within = {client: (start, until) for start, (client, until) in _within(row, held).items()}
    account = row["account_id"]
    for of in ((account, row["service"]), (account,)):
        basis = {start: charged.get((*of, client), ZERO) for client, (start, _) in within.items()}
        if min(basis.values()) >= 0 and sum(basis.values()) > 0:
            break
    else:
        return []
    total = plain(exact_sum(basis.values()))
    words = {start: f"by charges: {plain(cost)} of {total}" for start, cost in basis.items()}
    spans = {start: (client, until) for client, (start, until) in within.items()}
    return _parts(row, spans, basis, words)


def _within(row: Mapping[str, Any], held: _Held) -> dict[date, tuple[ClientKey, date]]:
    """The days of each assignment that had the account meanwhile: from when, whose, until when."""
    first, last = row["service_day"], row[LAST]
    return {
        max(first, each.span.start): (
            each.client,
            last if each.span.end is None else min(last, each.span.end - DAY),
        )
        for each in held[row["account_id"], first, last]
    }


def _parts(
    row: Mapping[str, Any],
    spans: Mapping[date, tuple[ClientKey, date]],
    basis: Mapping[date, Decimal],
    words: Mapping[date, str],
) -> list[dict[str, Any]]:
    weights = {str(start): weight for start, weight in basis.items()}
    shares = {measure: split_exact(row[measure], weights) for measure in MEASURES}
    return [
        {
            **{name: row[name] for name in PART_SCHEMA},
            **{measure: shares[measure][str(start)] for measure in MEASURES},
            "service_day": start,
            "last_day": str(until) if until > start else "",
            BEARER: client,
            IS_NEAREST: False,
            ATTRIBUTION: words[start],
        }
        for start, (client, until) in spans.items()
    ]


def _charged(charges: pl.DataFrame) -> dict[tuple[str, ...], Decimal]:
    """By account, service and client, and by account and client: what is no percentage."""
    own = charges.filter(~pl.col("kind").is_in(sorted(NO_SPEND)) & (pl.col(BEARER) != ""))
    cost = pl.col("billed_cost").sum()
    keys = (["account_id", "service", BEARER], ["account_id", BEARER])
    return {
        tuple(of): amount for key in keys for *of, amount in own.group_by(key).agg(cost).iter_rows()
    }


def _whole() -> pl.Expr:
    lasts = pl.format("whole, as of its first day; it lasts {} to {}", "service_day", LAST)
    undated = pl.lit("whole, as of the first day of the month; AWS gave no time")
    words = pl.when(IS_DATED).then(lasts).otherwise(undated)
    return pl.when(pl.col(ATTRIBUTION) == "").then(words).otherwise(ATTRIBUTION).alias(ATTRIBUTION)


def _crossings(crossing: pl.DataFrame, parts: pl.DataFrame, held: _Held) -> Iterator[Crossing]:
    """What lasts over a change of hands, summed."""
    is_free = pl.all_horizontal((pl.col(MEASURED) == 0).all())
    is_split = pl.col(ROW).is_in(parts[ROW].unique().to_list()).alias(IS_SPLIT)
    alike = crossing.with_columns(is_split).group_by(ALIKE)
    summed = alike.agg(ROW, pl.col("net_billed_cost").sum(), is_free.alias("0")).sort(ALIKE)
    for (
        account,
        kind,
        is_support,
        first,
        last,
        is_dated,
        accrues,
        _,
        owner,
        rows,
        cost,
        free,
    ) in summed.iter_rows():
        shares = parts.filter(pl.col(ROW).is_in(rows)).group_by(BEARER)
        yield Crossing(
            account_id=account,
            kind=Kind(kind),
            is_support=is_support,
            first_day=first,
            last_day=last,
            is_dated=is_dated,
            accrual=Accrual(accrues),
            held=held[account, first, last],
            owner=owner,
            net_billed_cost=cost,
            is_free=free,
            parts=dict(shares.agg(pl.col("net_billed_cost").sum()).sort(BEARER).iter_rows()),
        )


__all__ = ["Crossing", "prorate"]
