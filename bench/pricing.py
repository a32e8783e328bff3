"""Owns the second target: pricing and drafting a thousand clients, once the files are read."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from bench.sets import PERIOD, MonthSet, price_book, roster_of, shuffled_month
from invoices.clients import Address, Client, Tax
from invoices.documents.invoice import Seller
from invoices.inputs import BillingInputs
from invoices.money import Rounding
from invoices.month import bill, prove
from jobs.ingest.run import IngestRequest, ingest

CLIENTS = 1_000
SECONDS_MAX = 5.0
_ADDRESS = Address(street="1 Quay", city="Cork", postcode="T12", country="IE")


def main(rows: int) -> int:
    month = shuffled_month(rows)
    with tempfile.TemporaryDirectory(prefix="bench-") as cache:
        request = IngestRequest(str(month.folder), month.payer, PERIOD)
        charges = ingest(request, cache=Path(cache), progress=lambda *_: None).charges
    inputs = _inputs(month)
    start = time.perf_counter()
    billed = bill(charges, inputs)
    seconds = time.perf_counter() - start
    proof = prove(billed)
    lines = sum(len(draft.invoice.lines) for draft in billed.drafts)
    drafts = f"{len(billed.drafts)} drafts, {lines} lines"
    print(f"{charges.daily.height} charges, {drafts}: {seconds:.2f} s")
    print(f"it closes: {proof.closes}; parked: {len(billed.parked)}")
    if seconds > SECONDS_MAX or not proof.closes or len(billed.drafts) < CLIENTS:
        print(f"MISSED: {CLIENTS} clients drafted, closing, within {SECONDS_MAX:.0f} s")
        return 1
    return 0


def _inputs(month: MonthSet) -> BillingInputs:
    roster = roster_of(month, CLIENTS)
    clients = [
        Client(
            key=key,
            name=key.title(),
            currency="USD",
            address=_ADDRESS,
            tax=Tax(),
            price_book="standard",
        )
        for key in sorted({assignment.client for assignment in roster.assignments})
    ]
    return BillingInputs(
        payer_account_id=month.payer,
        period=PERIOD,
        snapshot_id="bench",
        seller=Seller(key="example", name="Example Cloud Ltd", address=_ADDRESS, tax_id="IE1"),
        rounding=Rounding.HALF_UP,
        clients=tuple(clients),
        roster=roster,
        internal_accounts=frozenset({month.payer}),
        price_books={"standard": price_book()},
        custom_line_items=(),
        exchange_rates=(),
        account_names={},
    )
