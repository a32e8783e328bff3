"""Owns the whole of a simulation: months of one organization, delivered, with the truth beside."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sandbox.bills.bill import Bill, BillStage, Order, make_bill
from sandbox.bills.exports.delivery import (
    FOCUSES,
    ExportDialect,
    Layout,
    Written,
    WrittenDelivery,
    deliver,
)
from sandbox.bills.exports.files import Encoding
from sandbox.bills.organization import Month, SimulatedOrganization, invent_organization
from sandbox.bills.report import configuration, roster_report, truth_report
from sandbox.bills.truth import Discounts

Progress = Callable[[str], None]


ROWS_MIN = 20


def _silent(_: str) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What to invent. The same simulation always gives the same bytes."""

    seed: int = 1
    accounts: int = 40
    months: int = 1
    rows: int = 20_000
    """About so many lines a month."""
    start: str = "2026-09"
    discounts: Discounts = Discounts.ROWS
    formats: tuple[ExportDialect, ...] = (ExportDialect.CUR2,)
    encoding: Encoding = Encoding.PARQUET
    layout: Layout = Layout.OVERWRITE
    stage: BillStage = BillStage.FINAL
    files: int = 1
    order: Order = Order.BY_RESOURCE
    period_folder: str = "BILLING_PERIOD"

    def __post_init__(self) -> None:
        """Raises ValueError: what is wrong, and what to give instead."""
        Month.parse(self.start)
        if self.accounts < 1 or self.months < 1 or self.files < 1 or not self.formats:
            raise ValueError("a simulation needs at least one account, month, file and format")
        if self.rows < ROWS_MIN * self.files:
            raise ValueError(f"{self.rows} rows are too few; give {ROWS_MIN} or more for each file")
        if self.encoding == Encoding.ZIP and set(self.formats) != {ExportDialect.LEGACY}:
            raise ValueError("only the legacy report comes as zip; choose csv or parquet")

    def periods(self) -> tuple[Month, ...]:
        month = Month.parse(self.start)
        found = [month]
        while len(found) < self.months:
            found.append(found[-1].next)
        return tuple(found)

    def organization(self) -> SimulatedOrganization:
        periods = self.periods()
        return invent_organization(
            seed=self.seed, accounts=self.accounts, first=periods[0], last=periods[-1]
        )

    def bill(self, month: Month, discounts: Discounts | None = None) -> Bill:
        """One month's bill; the same money in either way of showing discounts."""
        return make_bill(
            self.organization(),
            month,
            seed=self.seed,
            rows=self.rows,
            discounts=discounts or self.discounts,
            stage=self.stage,
        )

    def delivery(self, dialect: ExportDialect) -> WrittenDelivery:
        return WrittenDelivery(
            dialect=dialect,
            encoding=self.encoding,
            layout=self.layout,
            files=self.files,
            order=self.order,
            period_folder=self.period_folder,
        )


def simulate(simulation: Simulation, out: Path, progress: Progress = _silent) -> list[Written]:
    """Writes every period in every format below `out`, which mirrors S3: a folder per bucket.

    Beside them: `truth.json` (exact totals), `roster.json`, and `rebill.yaml`, a configuration.
    """
    written: list[Written] = []
    truths: dict[str, dict[str, object]] = {}
    for month in simulation.periods():
        for discounts, dialects in _by_discounts(simulation):
            progress(f"{month}: inventing about {simulation.rows:,} lines")
            bill = simulation.bill(month, discounts)
            truths.setdefault(str(month), {})[discounts] = truth_report(bill)
            written += [deliver(bill, simulation.delivery(d), out, progress) for d in dialects]
    organization = simulation.organization()
    _write_json(out / "truth.json", {"periods": truths, "exports": _exports(written)})
    _write_json(out / "roster.json", roster_report(organization))
    locations = {f"s3://{w.bucket}/{w.export_prefix}": _FAMILIES[w.dialect] for w in written}
    settings = configuration(organization, simulation.start, locations)
    (out / "rebill.yaml").write_text(settings, "utf-8")
    return written


_FAMILIES = {dialect: dialect.removesuffix("-1.0") for dialect in ExportDialect}


def _by_discounts(simulation: Simulation) -> Iterator[tuple[Discounts, list[ExportDialect]]]:
    for discounts in Discounts:
        dialects = [
            dialect
            for dialect in simulation.formats
            if discounts == (Discounts.COLUMNS if dialect in FOCUSES else simulation.discounts)
        ]
        if dialects:
            yield discounts, dialects


def _exports(written: list[Written]) -> list[dict[str, object]]:
    return [
        {
            "dialect": w.dialect,
            "encoding": w.encoding,
            "period": w.period,
            "stage": w.stage,
            "discounts": w.discounts,
            "rows": w.rows,
            "bucket": w.bucket,
            "prefix": w.export_prefix,
            "manifest": w.manifest_key,
            "files": list(w.data_keys),
        }
        for w in written
    ]


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
