"""Owns the benchmark's data: months that the sandbox bills, made once, kept in `bench/data`."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from bench.plain_month import PAYER, write_plain_month
from invoices.clients import AccountId, Assignment, ClientKey, Roster
from invoices.kinds import CostBasis
from invoices.periods import BillingPeriod, DaySpan
from invoices.pricing.book import Markup, Match, PriceBook, PricingRule
from sandbox.bills.bill import Order
from sandbox.bills.exports.files import Encoding
from sandbox.bills.simulate import Simulation, simulate
from sandbox.bills.truth import Discounts

DATA = Path(__file__).parent / "data"
PERIOD = BillingPeriod(2026, 10)
ACCOUNTS = 1_000
CLIENTS = 250
MOVES = 24
RULES = 200
FILES = 10
COST = "line_item_unblended_cost"


@dataclass(frozen=True, slots=True)
class MonthSet:
    """An export of one month, and what prices it; `files` in the order of their names."""

    folder: Path
    roster_path: Path

    @property
    def payer(self) -> AccountId:
        return AccountId(self.organization["payer"]["id"])

    @property
    def organization(self) -> Any:
        return json.loads(self.roster_path.read_text("utf-8"))

    @property
    def files(self) -> list[Path]:
        return sorted(self.folder.iterdir())


def shuffled_month(rows: int, *, encoding: Encoding = Encoding.PARQUET) -> MonthSet:
    """CUR 2.0, hourly, by resource, discounts in columns; every resource's rows in every file."""

    def make(folder: Path) -> None:
        simulation = Simulation(
            seed=2,
            accounts=ACCOUNTS,
            rows=rows,
            start=str(PERIOD),
            discounts=Discounts.COLUMNS,
            files=FILES,
            order=Order.SHUFFLED,
            encoding=encoding,
        )
        written = simulate(simulation, folder / "simulated")
        for path in written[0].data_paths:
            path.rename(folder / path.name)
        (folder / "simulated" / "roster.json").rename(_roster_path(rows))
        shutil.rmtree(folder / "simulated")

    return MonthSet(_made(f"month-{rows}-{encoding}", make), _roster_path(rows))


def plain_month(rows: int) -> MonthSet:
    """Eleven texts, seven amounts, in the order of accounts and hours; see `bench.plain_month`."""
    roster = DATA / f"plain-{rows}.json"

    def make(folder: Path) -> None:
        roster.write_text(json.dumps({"payer": {"id": PAYER}}), "utf-8")
        write_plain_month(rows, folder)

    return MonthSet(_made(f"plain-{rows}", make), roster)


def redelivered_file(month: MonthSet) -> Path:
    """The first file as AWS delivers it again: less its last row."""

    def make(folder: Path) -> None:
        table = pq.read_table(month.files[0])
        path = folder / month.files[0].name
        pq.write_table(table.slice(0, table.num_rows - 1), path, row_group_size=1 << 18)

    return _made(f"{month.folder.name}-redelivered", make) / month.files[0].name


def with_files_reordered(month: MonthSet) -> MonthSet:
    """The same files under each other's names."""

    def make(folder: Path) -> None:
        names = [path.name for path in month.files]
        _link(folder, random.Random(5).sample(month.files, len(names)), names)

    return replace(month, folder=_made(f"{month.folder.name}-reordered", make))


def with_large_amounts(month: MonthSet) -> MonthSet:
    """One row in fifty costs 200,000 to 200 million dollars, to a millionth of a dollar."""

    def make(folder: Path) -> None:
        dice = np.random.default_rng(3)
        for path in month.files:
            table = pq.read_table(path)
            costs = table[COST].to_numpy().copy()
            at = np.flatnonzero(dice.random(len(costs)) < 0.02)
            exponents = dice.uniform(np.log10(2e5), np.log10(2e8), len(at))
            costs[at] = np.round(10**exponents, 6)
            column = table.column_names.index(COST)
            changed = table.set_column(column, table.field(column), pa.array(costs))
            pq.write_table(changed, folder / path.name, row_group_size=1 << 18)

    return replace(month, folder=_made(f"{month.folder.name}-large", make))


def with_rows_shuffled(month: MonthSet) -> MonthSet:
    """The same rows in files of the same sizes, in no order at all."""

    def make(folder: Path) -> None:
        tables = [pq.read_table(path) for path in month.files]
        whole = pa.concat_tables(tables)
        order, low = np.random.default_rng(23).permutation(whole.num_rows), 0
        for path, table in zip(month.files, tables, strict=True):
            rows = whole.take(pa.array(order[low : low + table.num_rows]))
            pq.write_table(rows, folder / path.name, store_schema=False)
            low += table.num_rows

    return replace(month, folder=_made(f"{month.folder.name}-rows-shuffled", make))


def _roster_path(rows: int) -> Path:
    return DATA / f"month-{rows}.json"


def _made(name: str, make: Callable[[Path], None]) -> Path:
    """A folder that is whole or absent."""
    folder = DATA / name
    if not folder.exists():
        print(f"making {folder.name} …", flush=True)
        making = DATA / f"{name}.making"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        make(making)
        making.rename(folder)
    return folder


def _link(folder: Path, files: list[Path], names: list[str] | None = None) -> None:
    for path, name in zip(files, names or [path.name for path in files], strict=True):
        os.link(path, folder / name)


def roster_of(month: MonthSet, clients: int = CLIENTS) -> Roster:
    """Every member account has a client; some accounts change theirs in the middle of the month."""
    accounts = sorted(AccountId(account["id"]) for account in month.organization["accounts"])
    moved = set(random.Random(7).sample(accounts, min(MOVES, len(accounts))))
    return Roster.of(
        assignment
        for number, account in enumerate(accounts)
        for assignment in (_moving if account in moved else _staying)(account, number, clients)
    )


SINCE = date(2015, 1, 1)


def _client(number: int, clients: int) -> ClientKey:
    return ClientKey(f"client-{number % clients:04}")


def _staying(account: AccountId, number: int, clients: int) -> list[Assignment]:
    return [Assignment(account, _client(number, clients), DaySpan(SINCE))]


def _moving(account: AccountId, number: int, clients: int) -> list[Assignment]:
    day = date(2026, 10, (9, 16, 23)[number % 3])
    return [
        Assignment(account, _client(number, clients), DaySpan(SINCE, day)),
        Assignment(account, _client(number + 1, clients), DaySpan(day)),
    ]


def price_book() -> PriceBook:
    """Two hundred rules with globs; the last takes everything."""
    dice = random.Random(11)
    services = ["AmazonEC2", "AmazonS3", "AmazonRDS", "AWSLambda", "Amazon*", "AWS*", "*"]
    regions = ["eu-*", "us-*", "ap-*", "us-east-1", "eu-central-1", "*"]
    usage_types = ["*BoxUsage*", "*:m?.*", "*DataTransfer*", "*Requests*", "EU*", "*Storage*", "*"]
    operations = ["Run*", "Create*", "*Object*", "*"]
    rules = [
        PricingRule(
            Match(
                service=dice.choice(services),
                region=dice.choice(regions),
                usage_type=dice.choice(usage_types),
                operation=dice.choice(operations),
            ),
            Markup(Decimal(dice.randrange(-2000, 4000)) / 100),
        )
        for _ in range(RULES - 1)
    ]
    everything = PricingRule(Match(), Markup(Decimal(5)))
    return PriceBook(
        key="standard",
        version="1",
        start=PERIOD,
        cost_basis=CostBasis.AMORTIZED,
        rules=(*rules, everything),
    )


def digest(lines: Path) -> str:
    """Of a file of priced lines: equal lines in any order have one digest."""
    frame = pl.read_parquet(lines)
    frame = frame.select(sorted(frame.columns)).cast(pl.String)
    return hashlib.sha256(frame.sort(frame.columns).write_csv().encode()).hexdigest()[:16]
