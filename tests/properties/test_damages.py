"""A damaged delivery gives the right figures, or is blocked and named: never wrong money.

What no file can show by itself (a row that is gone) is shown by AWS's own totals, which are what
`rebill reconcile` compares: Cost Explorer's four metrics by account, and invoices by their id.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest

from invoices.clients import AccountId
from invoices.control_totals import ControlTotal
from invoices.inputs import BillingInputs, ExportLimits
from invoices.kinds import CostBasis
from invoices.month import bill as bill_month
from invoices.month import prove
from invoices.periods import BillingPeriod
from jobs import control_file
from jobs.control_file import ControlFile
from jobs.ingest import run as ingest_run
from jobs.ingest.run import Ingested, IngestRequest, ingest
from jobs.ingest.summary.facts import to_json
from kernel.errors import IngestError
from kernel.findings import Severity
from sandbox.bills import (
    Discounts,
    Encoding,
    ExportDialect,
    Month,
    Simulation,
    WrittenDelivery,
    deliver,
)
from tests.support.bills.damages import DAMAGES, Bill, Files, as_files
from tests.support.builders import book, client, inputs, markup, owns

PERIOD = BillingPeriod(2026, 9)
SIMULATION = Simulation(seed=8, accounts=12, rows=700, start="2026-09")
AWS_SAYS_CENTS = 1
"""A damage of less than a cent is below what AWS states, and can still turn one cent's rounding."""
ASKED = ("billed", "net_billed", "amortized", "net_amortized")
BOOKS = {"acc": CostBasis.AMORTIZED, "net": CostBasis.NET_BILLED, "lst": CostBasis.LIST}


@dataclass(frozen=True)
class Told:
    """What came of a delivery: a refusal, or totals and who is parked."""

    blocked: str
    totals: dict[str, int]
    parked: frozenset[str]


@dataclass(frozen=True)
class Delivered:
    """A correct delivery, what it comes to, and AWS's own totals of it."""

    bill: Bill
    payer: AccountId
    inputs: BillingInputs
    right: dict[str, int]
    invoices: ControlFile
    spent: Mapping[str, Mapping[str, str]]
    """By account and basis: an account that is not among them spent nothing."""

    def told(self, files: Files, folder: Path, *, with_control: bool = True) -> Told:
        place = folder / "delivery"
        place.mkdir(parents=True)
        for name, content in files.items():
            (place / name).write_bytes(content)
        try:
            found = self.taken(place, folder)
        except IngestError as refused:
            return Told(f"{refused.code}", {}, frozenset())
        critical = [each for each in found.facts.findings if each.severity is Severity.CRITICAL]
        if critical:
            return Told(critical[0].code, {}, frozenset())
        return self.billed(found, with_control=with_control)

    def taken(self, place: Path, folder: Path) -> Ingested:
        request = IngestRequest(str(place), self.payer, PERIOD)
        return ingest(request, cache=folder / "cache", progress=lambda *_: None)

    def billed(self, found: Ingested, *, with_control: bool) -> Told:
        limits = ExportLimits(found.facts.limits.bases, found.facts.limits.columns)
        month = bill_month(found.charges, replace(self.inputs, export_limits=limits))
        facts = to_json(found.facts, "id")
        control = [
            *control_file.control_totals(self.invoices, facts),
            *(self.of_account(account, basis, facts) for account in self.spent for basis in ASKED),
        ]
        proof = prove(month, control_totals=control if with_control else [])
        stopping = [
            each.code
            for each in proof.findings
            if each.severity is Severity.CRITICAL and not each.client
        ]
        if not all(balance.closes for balance in proof.balances):
            stopping.append("open")
        totals = {each.client: each.invoice.total_minor for each in month.drafts}
        blocked = stopping[0] if stopping else ""
        return Told(blocked, {str(k): v for k, v in totals.items()}, frozenset(month.parked))

    def of_account(self, account: str, basis: str, facts: Mapping[str, Any]) -> ControlTotal:
        ours = Decimal(facts["by_account"].get(account, {}).get(basis, "0"))
        theirs = Decimal(self.spent[account][basis])
        return ControlTotal("cost_explorer", f"{basis} of {account}", theirs, ours)

    def is_wrong(self, told: Told) -> bool:
        """Whether somebody would get an invoice of another total, or none without a word."""
        if told.blocked:
            return False
        due = {c: total for c, total in self.right.items() if c not in told.parked}
        return any(
            abs(told.totals.get(client, 0) - due.get(client, 0)) > AWS_SAYS_CENTS
            for client in told.totals.keys() | due.keys()
        )


def delivered(dialect: ExportDialect, encoding: Encoding, folder: Path) -> Delivered:
    made = SIMULATION.bill(Month(2026, 9), Discounts.COLUMNS)
    written = deliver(
        made, WrittenDelivery(dialect=dialect, encoding=encoding), folder / "made", lambda _: None
    )
    is_text = encoding is not Encoding.PARQUET
    (file,) = (
        path for path in written.export_path.rglob("*")
        if path.name.endswith((".csv.gz", ".csv.zip", ".parquet"))
    )  # fmt: skip
    table = pl.read_csv(file, infer_schema=False).to_arrow() if is_text else pq.read_table(file)
    payer = AccountId(made.organization.payer.id)
    accounts = [each.id for each in made.organization.accounts]
    keys = [f"c{n:02}" for n in range(len(accounts))]
    names = [*BOOKS] if dialect is not ExportDialect.FOCUS else ["net", "lst"]
    known = inputs(
        *(owns(key, account) for key, account in zip(keys, accounts, strict=True)),
        clients=[client(k, price_book=names[n % len(names)]) for n, k in enumerate(keys)],
        books=[book(markup("10"), key=key, cost_basis=BOOKS[key]) for key in names],
        internal=[payer],
    )
    nothing = ControlFile("invoice_id", {}, "none.csv", "0" * 64)
    given = Bill.of(table, is_text=is_text)
    first = Delivered(given, payer, replace(known, period=PERIOD), {}, nothing, {})
    place = folder / "whole"
    place.mkdir()
    for name, content in as_files(first.bill).items():
        (place / name).write_bytes(content)
    found = first.taken(place, folder)
    right = first.billed(found, with_control=False)
    facts = to_json(found.facts, "id")
    paid = {(name, ""): Decimal(sums["net_billed"]) for name, sums in facts["by_invoice"].items()}
    invoices = ControlFile("invoice_id", paid, "paid.csv", "1" * 64)
    return replace(first, right=right.totals, invoices=invoices, spent=facts["by_account"])


AT_ONCE = {
    (ExportDialect.LEGACY, Encoding.CSV),
    (ExportDialect.CUR2, Encoding.PARQUET),
    (ExportDialect.FOCUS, Encoding.CSV),
}
"""The default run has these forms, `make proof` all six."""
FORMS = [
    pytest.param(
        (dialect, encoding), marks=[] if (dialect, encoding) in AT_ONCE else [pytest.mark.proof]
    )
    for dialect in (ExportDialect.LEGACY, ExportDialect.CUR2, ExportDialect.FOCUS)
    for encoding in (Encoding.CSV, Encoding.PARQUET)
]


@pytest.fixture(scope="module", params=FORMS, ids=lambda form: f"{form[0]}-{form[1]}")
def delivery(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Delivered:
    dialect, encoding = request.param
    return delivered(dialect, encoding, tmp_path_factory.mktemp("damages"))


RIGHT = {
    "nothing", "rows in another order", "columns in another order", "two files", "no ids",
    "accounts without zeros", "accounts with a space", "accounts as fractions",
}  # fmt: skip


def test_the_delivery_itself_is_billed_whole(delivery: Delivered) -> None:
    assert sum(total > 0 for total in delivery.right.values()) >= 8


def damaged(delivery: Delivered, tmp_path: Path, seeds: range) -> Counter[str]:
    """How each ended; every wrong one is a failure."""
    ends: Counter[str] = Counter()
    wrong: list[str] = []
    for seed in seeds:
        for name, damage in DAMAGES.items():
            files = damage(delivery.bill, random.Random(f"{name}{seed}"))
            if files is None:
                continue
            told = delivery.told(as_files(files), tmp_path / f"{len(ends)}-{name}-{seed}")
            if delivery.is_wrong(told):
                wrong.append(f"{name} (seed {seed}): {told}, right is {delivery.right}")
            if name in RIGHT and told.blocked:
                wrong.append(f"{name} (seed {seed}) does no harm, and is blocked: {told.blocked}")
            ends[told.blocked or ("parked" if told.parked else "right")] += 1
    assert wrong == [], "\n".join(wrong[:20])
    return ends


def test_a_damaged_delivery_is_right_or_blocked(delivery: Delivered, tmp_path: Path) -> None:
    ends = damaged(delivery, tmp_path, range(1))
    print(dict(ends))
    assert sum(ends.values()) >= 35 and ends["right"] >= 5


@pytest.mark.proof
@pytest.mark.timeout(7_200)
def test_ten_thousand_damages(delivery: Delivered, tmp_path: Path) -> None:
    ends = damaged(delivery, tmp_path, range(1, 36))
    print(sum(ends.values()), dict(ends))


@pytest.mark.parametrize("bug", ["_check_once", "_check_part"])
def test_the_harness_finds_a_check_that_is_gone(
    delivery: Delivered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bug: str
) -> None:
    monkeypatch.setattr(ingest_run, bug, lambda *_: None)
    name = {"_check_once": "a copy beside it", "_check_part": "another payer"}[bug]
    files = DAMAGES[name](delivery.bill, random.Random(1))
    assert files is not None
    told = delivery.told(as_files(files), tmp_path, with_control=False)
    assert delivery.is_wrong(told) or (bug == "_check_part" and not told.blocked)
