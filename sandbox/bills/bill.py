"""Owns the bill of one month: its lines, in any order and number of pieces, and its truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import numpy as np

from sandbox.bills.amounts import Ints
from sandbox.bills.aws_invoices import invent_invoices
from sandbox.bills.commitments import fees, invent_commitments
from sandbox.bills.lines import DISCOUNTS, MEASURES, Interval, LineKind, Lines, Single, Template
from sandbox.bills.meters import CHUNK_ROWS, Meter, MeteredLines
from sandbox.bills.organization import Month, SimulatedOrganization
from sandbox.bills.singles import SingleLines, spend_by_account
from sandbox.bills.truth import Discounts, Truth
from sandbox.bills.workload import invent_meters


class BillStage(StrEnum):
    """How far AWS is with a month."""

    OPEN = "open"
    """No line has an invoice id."""
    FINAL = "final"
    RESTATED = "restated"
    """Final, and later corrected: a credit, a refund and more support have come in."""


class Order(StrEnum):
    BY_RESOURCE = "by_resource"
    SHUFFLED = "shuffled"


@dataclass(frozen=True, slots=True)
class Bill:
    """A payer's month. `templates` and `intervals` are what the columns of `lines` point into."""

    organization: SimulatedOrganization
    month: Month
    stage: BillStage
    discounts: Discounts
    templates: Sequence[Template]
    intervals: Sequence[Interval]
    metered: MeteredLines
    singles: Lines
    truth: Truth

    @property
    def rows(self) -> int:
        return len(self.metered) + len(self.singles)

    def parts(self, *, files: int, order: Order) -> Iterator[Iterator[Lines]]:
        """The bill in `files` parts, each a stream of pieces of at most `CHUNK_ROWS` lines."""
        for part in range(files):
            yield self._part(part, files, order)

    def _part(self, part: int, files: int, order: Order) -> Iterator[Lines]:
        start, end = (len(self.metered) * n // files for n in (part, part + 1))
        for low in range(start, end, CHUNK_ROWS):
            high = min(low + CHUNK_ROWS, end)
            shuffled = order == Order.SHUFFLED
            yield self.metered.shuffled(low, high) if shuffled else self.metered.in_order(low, high)
        mine = np.arange(part, len(self.singles), files, dtype=np.int64)
        if len(mine):
            yield self.singles.take(mine[::-1] if order == Order.SHUFFLED else mine)


def make_bill(
    organization: SimulatedOrganization,
    month: Month,
    *,
    seed: int,
    rows: int,
    discounts: Discounts = Discounts.ROWS,
    stage: BillStage = BillStage.FINAL,
) -> Bill:
    """Bills the month as AWS would. `rows` is met within a few per cent; one seed, one bill."""
    invoices = invent_invoices(month, seed=seed)
    commitments = invent_commitments(organization, month, seed=seed, since=organization.first)
    meters = invent_meters(
        organization, commitments, month, seed=seed, rows=rows, invoices=invoices
    )
    metered = MeteredLines(meters, seed=seed)
    sums = metered.sums_by_meter(("unblended", *DISCOUNTS))
    singles = fees(commitments, meters, month, invoices)
    maker = SingleLines(organization, month, invoices)
    spend = spend_by_account([meter.template for meter in meters], sums["unblended"].tolist())
    singles += maker.everyday(spend)
    if stage == BillStage.RESTATED:
        singles = maker.restated(singles, spend)
    if discounts == Discounts.ROWS:
        singles += _discount_lines(maker, meters, sums, singles)
    return _assembled(organization, month, stage, discounts, meters, metered, singles)


def _assembled(
    organization: SimulatedOrganization,
    month: Month,
    stage: BillStage,
    discounts: Discounts,
    meters: Sequence[Meter],
    metered: MeteredLines,
    singles: Sequence[Single],
) -> Bill:
    templates = [meter.template for meter in meters] + [single.template for single in singles]
    intervals = _hours(month) + [single.interval for single in singles]
    truth = Truth(templates, intervals, discounts)
    columns = _columns(singles, first_template=len(meters), first_interval=month.hours)
    bill = Bill(
        organization, month, stage, discounts, templates, intervals, metered, columns, truth
    )
    for part in bill.parts(files=1, order=Order.BY_RESOURCE):
        for lines in part:
            truth.add(lines)
    return bill


def _discount_lines(
    maker: SingleLines,
    meters: Sequence[Meter],
    sums: Mapping[str, Ints],
    singles: Sequence[Single],
) -> list[Single]:
    """One line per account, product and discount, of exactly what the discount took off."""
    taken: dict[tuple[str, str, LineKind], int] = {}
    first: dict[tuple[str, str, LineKind], Template] = {}

    def take(template: Template, kind: LineKind, cost: int) -> None:
        key = (template.account_id, template.product_code, kind)
        taken[key] = taken.get(key, 0) + cost
        first.setdefault(key, template)

    for kind in DISCOUNTS:
        for meter, cost in zip(meters, sums[kind].tolist(), strict=True):
            if cost:
                take(meter.template, kind, cost)
        for single in singles:
            if single.measures.get(kind):
                take(single.template, kind, single.measures[kind])
    return [maker.discount(first[key], key[2], cost) for key, cost in sorted(taken.items())]


def _hours(month: Month) -> list[Interval]:
    hour = timedelta(hours=1)
    return [
        Interval(month.start + hour * n, month.start + hour * (n + 1)) for n in range(month.hours)
    ]


def _columns(singles: Sequence[Single], *, first_template: int, first_interval: int) -> Lines:
    positions = np.arange(len(singles), dtype=np.int32)
    measures = {
        name: np.array([single.measures.get(name, 0) for single in singles], np.int64)
        for name in MEASURES
    }
    return Lines(
        positions + np.int32(first_template),
        positions + np.int32(first_interval),
        {name: values for name, values in measures.items() if values.any()},
    )
