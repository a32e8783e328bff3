"""Owns our side: an export becomes charges, who bears them, and priced lines in a file."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from bench.sets import CLIENTS, PERIOD, MonthSet, price_book, roster_of
from invoices.allocation.direct import BEARER, assign
from invoices.allocation.leftover import RetentionPolicy, allocate
from invoices.allocation.proration import prorate
from invoices.allocation.segments import by_segment
from invoices.clients import ClientKey
from invoices.kinds import Kind
from invoices.pricing.book import PriceBook
from invoices.pricing.rating import rate
from jobs.ingest.run import IngestRequest, ingest

LINE: tuple[str, ...] = (
    BEARER,
    "account_id",
    "billing_entity",
    "kind",
    "service",
    "region",
    "usage_type",
    "operation",
    "unit",
    "tax_type",
    "seller",
    "description_key",
)
"""A line's key: all that statements and rules look at. Days matter only to who bears a charge."""


def priced_lines(month: MonthSet, cache: Path, out: Path) -> None:
    charges = ingest(
        IngestRequest(str(month.folder), month.payer, PERIOD), cache=cache, progress=lambda *_: None
    ).charges
    roster, book, ours = roster_of(month), price_book(), frozenset({month.payer})
    summed = by_segment(charges, roster, period=PERIOD, internal_accounts=ours)
    assigned = assign(summed, roster, period=PERIOD, internal_accounts=ours)
    clients = {ClientKey(f"client-{n:04}"): book for n in range(CLIENTS)}
    prorated, _ = prorate(assigned, roster, period=PERIOD, fees_by_month=False, has_ends=True)
    allocation = allocate(prorated, {client: _policy(book) for client in clients})
    rated = rate(allocation.borne, clients)
    lines = rated.lazy().group_by(*LINE, "rule").agg(pl.col("cost_e16", "price_e22").sum())
    lines.collect().write_parquet(out)


def _policy(book: PriceBook) -> RetentionPolicy:
    kept = [Kind.CREDIT, Kind.TAX, *(kind for kind in Kind if kind.startswith("discount_"))]
    return RetentionPolicy(book.cost_basis, {kind: book.passed_percent(kind) for kind in kept})
