"""Owns what an ingest found: sums, what was quarantined, and whether the identities hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import polars as pl

from invoices.charges import Charges
from invoices.inputs import ExportLimits
from invoices.kinds import COVERED, Kind
from invoices.money import EXACT, exact_sum, plain
from invoices.periods import BillingPeriod
from jobs.ingest.dialects.sufficiency import AMORTIZED
from jobs.ingest.reduction.noticed import CutOff
from kernel.findings import Finding, Severity

Sums = Mapping[str, Decimal]
"""By basis, in the order of `BASES`."""

BASES: tuple[str, ...] = ("billed", "amortized", "net_billed", "net_amortized", "list", "blended")

COMMITTED = (*COVERED, Kind.RI_FEE, Kind.SP_FEE)
CENT = Decimal("0.01")
TOLD_FROM = Decimal("1e-9")
NOT_IDENTICAL = "billed differs from amortized + trueup + upfront"
FALLS_SHORT = "more is paid for commitments than is found on hours, used or not,"


@dataclass(frozen=True, slots=True)
class FileFacts:
    key: str
    size: int
    etag: str
    rows: int


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Rows whose meaning we do not know for certain: kept, summed here, and blocking issue."""

    code: str
    where: str
    message: str
    rows: int
    billed: Decimal

    @property
    def finding(self) -> Finding:
        return Finding(Severity.CRITICAL, self.code, self.where, self.message)


@dataclass(frozen=True, slots=True)
class CurrencyFacts:
    """The sums of a bill in one currency: over several they mean nothing."""

    currency: str
    rows: int
    """Split-cost rows not included."""
    sums: Sums
    by_kind: Mapping[str, Sums]
    by_account: Mapping[str, Sums]
    by_invoice: Mapping[str, Sums]
    identity_1_residual: Decimal | None
    """Σ billed − Σ amortized − Σ trueup − Σ upfront; None where the dialect has no trueup."""
    short: Decimal
    """What is paid for commitments and found on no hour; 0 where the dialect has a trueup."""
    cut_off: Mapping[str, CutOff]
    """By column, what lies beyond the tenth place of each row."""

    @classmethod
    def of(
        cls,
        currency: str,
        by_key: pl.DataFrame,
        *,
        has_trueup: bool,
        cut_off: Mapping[str, CutOff],
    ) -> CurrencyFacts:
        return cls(
            currency=currency,
            rows=int(by_key["rows"].sum()),
            sums=sums(by_key),
            by_kind=sums_by(by_key, "kind"),
            by_account=sums_by(by_key, "account_id"),
            by_invoice=sums_by(by_key, "invoice_id"),
            identity_1_residual=identity_1_residual(by_key) if has_trueup else None,
            short=Decimal(0) if has_trueup else max(commitments_short(by_key), Decimal(0)),
            cut_off=cut_off,
        )


@dataclass(frozen=True, slots=True)
class SnapshotFacts:
    """What is recorded beside a snapshot."""

    dialect: str
    period: BillingPeriod
    payer_account_id: str
    rows: int
    """As read, split-cost rows included."""
    dropped: int
    """Split-cost rows, which repeat a cost."""
    files: tuple[FileFacts, ...]
    quarantined: tuple[Quarantined, ...]
    limits: ExportLimits
    long_rows: tuple[Mapping[str, Any], ...]
    """By account, kind and time, how many rows last longer than their day."""
    warnings: tuple[Finding, ...]
    finalized: bool
    own: CurrencyFacts
    """In the bill's currency."""
    others: tuple[CurrencyFacts, ...]

    @property
    def currency(self) -> str:
        return self.own.currency

    @property
    def sums(self) -> Sums:
        return self.own.sums

    @property
    def cut_off(self) -> Mapping[str, CutOff]:
        return self.own.cut_off

    @property
    def findings(self) -> tuple[Finding, ...]:
        return (*(entry.finding for entry in self.quarantined), *self.warnings)


def sums(charges: pl.DataFrame) -> Sums:
    """Of a flat frame with the costs of charges, be they summed or not; so all below."""
    row = charges.select(pl.col(f"{basis}_cost").sum() for basis in BASES).row(0)
    return dict(zip(BASES, row, strict=True))


def sums_by(charges: pl.DataFrame, key: str) -> dict[str, Sums]:
    grouped = charges.group_by(key).agg(pl.col(f"{basis}_cost").sum() for basis in BASES).sort(key)
    return {row[0]: dict(zip(BASES, row[1:], strict=True)) for row in grouped.iter_rows()}


def long_rows(charges: Charges, rows: pl.Series, currency: str) -> tuple[Mapping[str, Any], ...]:
    """As JSON. `rows`: of each charge, how many rows it sums; `currency` is left out."""
    # Few are long: only of these is it looked up whose they are.
    is_long = (charges.keys["last_day"] != "").gather(charges.daily["key"])
    daily = charges.daily.select("key", "service_day", "billed_cost").filter(is_long)
    whose = charges.keys.select("account_id", "kind", "last_day", "currency")[daily["key"]]
    long = whose.hstack(daily).with_columns(
        pl.col("service_day").cast(pl.String).alias("first_day"), rows.filter(is_long).alias("rows")
    )
    whose_and_when = ("account_id", "kind", "first_day", "last_day", "currency")
    return tuple(
        {
            **{name: each[name] for name in (*whose_and_when[:4], "rows")},
            "billed": plain(each["billed"]),
            **({"currency": each["currency"]} if each["currency"] != currency else {}),
        }
        for each in long.group_by(whose_and_when)
        .agg(pl.col("rows").sum(), pl.col("billed_cost").sum().alias("billed"))
        .sort(whose_and_when)
        .iter_rows(named=True)
    )


def identity_1_residual(charges: pl.DataFrame) -> Decimal:
    """AWS's own arithmetic: what is left of Σ billed = Σ amortized + Σ trueup + Σ upfront."""
    billed, *parts = charges.select(
        pl.col("billed_cost", "amortized_cost", "trueup", "upfront").sum()
    ).row(0)
    return EXACT.subtract(billed, exact_sum(parts))


def currency_warnings(own: CurrencyFacts, others: Sequence[CurrencyFacts]) -> tuple[Finding, ...]:
    """Other currencies than the bill's are told, and stop nobody whose they are not."""
    return tuple(
        Finding(Severity.WARNING, "mixed_currency", f"currency {each.currency!r}", _told(each, own))
        for each in others
    )


def _told(other: CurrencyFacts, own: CurrencyFacts) -> str:
    rows = f"{other.rows} row{'' if other.rows == 1 else 's'}"
    if not other.currency:
        return (
            f"{rows} of {plain(other.sums['billed'])} name no currency, and the bill is in "
            f"{own.currency}: nobody is billed for them; have AWS deliver the export anew"
        )
    return (
        f"{rows} of {plain(other.sums['billed'])} {other.currency}, and the bill is in "
        f"{own.currency}: they are added up apart, and billed by a rate of exchange_rates"
    )


def residual_warnings(own: CurrencyFacts, others: Sequence[CurrencyFacts]) -> tuple[Finding, ...]:
    # It blocks whoever is billed by an amortised cost (`with_residual`), and nobody else. It need
    # not be a fault: AWS gives no amortisation for Dedicated Host reservations
    # (Data Exports dictionary, "Reservation columns").
    residuals = [(each.identity_1_residual, f" {each.currency}") for each in others]
    return tuple(
        Finding(
            Severity.WARNING,
            "identity_1_residual",
            "the whole month",
            f"{NOT_IDENTICAL} by {plain(residual)}{currency}",
        )
        for residual, currency in [(own.identity_1_residual, ""), *residuals]
        if residual is not None and abs(residual) > CENT
    )


def cut_off_findings(own: CurrencyFacts, others: Sequence[CurrencyFacts]) -> tuple[Finding, ...]:
    """Each row is kept to ten places; what is beyond adds up, and blocks from half a cent on.

    So it does where it cancels out in the whole: in the sum of one client it need not.
    """
    found = [
        (name if each is own else f"{name} in {each.currency}", cut_off)
        for each in (own, *others)
        for name, cut_off in sorted(each.cut_off.items())
    ]
    return tuple(
        Finding(
            Severity.CRITICAL if cut_off.most >= CENT / 2 else Severity.WARNING,
            "cut_off",
            where,
            f"{plain(cut_off.rest)} of column {where} is in no sum: it lies beyond the tenth "
            f"decimal place of {cut_off.rows} rows, and no part of them misses more than "
            f"{plain(cut_off.most)}",
        )
        for where, cut_off in found
        if abs(cut_off.rest) >= TOLD_FROM or cut_off.most >= CENT / 2
    )


def cut_off_by_currency(
    cut_off: Mapping[tuple[str, str], CutOff], currencies: Sequence[str]
) -> dict[str, dict[str, CutOff]]:
    """By currency and column; of rows without one, or that no charge is left of, the bill's."""
    found: dict[str, dict[str, CutOff]] = {each: {} for each in currencies}
    for (name, currency), each in cut_off.items():
        of = found[currency if currency in found else currencies[0]]
        of[name] = of[name] + each if name in of else each
    return found


def with_residual(limits: ExportLimits, residual: Decimal | None, words: str) -> ExportLimits:
    """An amortised cost that does not add up to the bill answers nothing."""
    if residual is None or abs(residual) <= CENT:
        return limits
    words = f"{words} by {plain(residual)}"
    bases = {basis: limits.bases.get(basis) or words for basis in AMORTIZED}
    return replace(limits, bases={**limits.bases, **bases})


def with_list(limits: ExportLimits) -> ExportLimits:
    """A price that starts at the list price is held against the net amortized cost."""
    why = limits.bases.get("net_amortized")
    if why is None or "list" in limits.bases:
        return limits
    return replace(limits, bases={**limits.bases, "list": f"its cost is net_amortized: {why}"})


def commitments_short(charges: pl.DataFrame) -> Decimal:
    """What is paid for commitments and found on no hour, used or not: FOCUS's one identity.

    What was paid upfront earlier makes it negative, and is no fault.
    """
    committed = pl.col("kind").is_in([str(kind) for kind in COMMITTED])
    billed, amortized = (
        charges.filter(committed)
        .select(pl.col("net_billed_cost", "net_amortized_cost").sum())
        .row(0)
    )
    return EXACT.subtract(billed or Decimal(0), amortized or Decimal(0))


def assert_identity_2(charges: pl.DataFrame) -> None:
    """Algebra of ours: Σ on-demand equivalent = Σ amortized + Σ benefit − Σ unused."""
    kind = pl.col("kind")
    ri_usage, sp_usage = kind == str(Kind.RI_USAGE), kind == str(Kind.SP_USAGE)
    fees = kind.is_in([str(Kind.RI_FEE), str(Kind.SP_FEE)])
    elsewhere = ~(ri_usage | sp_usage | fees | (kind == str(Kind.SP_NEGATION)))
    total = charges.select(
        elsewhere_billed=pl.col("billed_cost").filter(elsewhere).sum(),
        elsewhere_upfront=pl.col("upfront").filter(elsewhere).sum(),
        # Covered by a reservation, usage is billed at 0 and only its public price says what it
        # would have cost; covered by a plan, the bill says it and a negation takes it back.
        list_used=pl.col("list_cost").filter(ri_usage).sum(),
        plan_used=pl.col("billed_cost").filter(sp_usage).sum(),
        amortized=pl.col("amortized_cost").sum(),
        used=pl.col("amortized_cost").filter(ri_usage | sp_usage).sum(),
        unused=pl.col("amortized_cost").filter(fees).sum(),
    ).row(0, named=True)
    covered = total["list_used"] + total["plan_used"]
    on_demand = total["elsewhere_billed"] - total["elsewhere_upfront"] + covered
    benefit = covered - total["used"]
    assert on_demand == total["amortized"] + benefit - total["unused"], (
        f"on-demand equivalent {on_demand} is not amortized {total['amortized']} "
        f"+ benefit {benefit} - unused {total['unused']}"
    )


def to_json(facts: SnapshotFacts, snapshot_id: str) -> dict[str, Any]:
    """What `rebill ingest --json` prints; every amount as exact plain decimal text."""
    others = [
        {
            "currency": each.currency,
            "rows": each.rows,
            **_sums_json(each),
            "identity_1_residual": _residual_json(each),
            **_cut_off_json(each),
        }
        for each in facts.others
    ]
    return {
        "snapshot": snapshot_id,
        "dialect": facts.dialect,
        "period": str(facts.period),
        "payer_account_id": facts.payer_account_id,
        "currency": facts.currency,
        "rows": facts.rows,
        "dropped": facts.dropped,
        "files": [
            {"key": f.key, "size": f.size, "etag": f.etag, "rows": f.rows} for f in facts.files
        ],
        "quarantined": [
            {
                "code": q.code,
                "where": q.where,
                "message": q.message,
                "rows": q.rows,
                "billed": plain(q.billed),
            }
            for q in facts.quarantined
        ],
        "warnings": [
            {"code": w.code, "where": w.where, "message": w.message} for w in facts.warnings
        ],
        **_sums_json(facts.own),
        "finalized": facts.finalized,
        "identity_1_residual": _residual_json(facts.own),
        "unanswerable": dict(facts.limits.bases),
        "unmatchable": dict(facts.limits.columns),
        **_cut_off_json(facts.own),
        "long_rows": [dict(rows) for rows in facts.long_rows],
        "row_ends_unknown": facts.limits.ends,
        "on_demand_unknown": dict(facts.limits.on_demand),
        **({"other_currencies": others} if others else {}),
    }


def _sums_json(found: CurrencyFacts) -> dict[str, Any]:
    return {
        "sums": _plain(found.sums),
        "by_kind": {kind: _plain(each) for kind, each in found.by_kind.items()},
        "by_account": {account: _plain(each) for account, each in found.by_account.items()},
        "by_invoice": {invoice: _plain(each) for invoice, each in found.by_invoice.items()},
    }


def _cut_off_json(found: CurrencyFacts) -> dict[str, Any]:
    """Of each column, what is in no sum; of how many rows, and what any part of them can miss."""
    return {
        "cut_off": {name: plain(each.rest) for name, each in found.cut_off.items()},
        "cut_off_rows": {name: each.rows for name, each in found.cut_off.items()},
        "cut_off_most": {name: plain(each.most) for name, each in found.cut_off.items()},
    }


def _residual_json(found: CurrencyFacts) -> str | None:
    return None if found.identity_1_residual is None else plain(found.identity_1_residual)


def _plain(found: Sums) -> dict[str, str]:
    return {basis: plain(amount) for basis, amount in found.items()}


__all__ = [
    "BASES",
    "FileFacts",
    "Quarantined",
    "SnapshotFacts",
    "Sums",
    "assert_identity_2",
    "identity_1_residual",
    "residual_warnings",
    "sums",
    "sums_by",
    "to_json",
]
