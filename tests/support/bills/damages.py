"""Owns ways to damage a delivery: what a payer, a tool or a transfer does to a bill's file."""

from __future__ import annotations

import gzip
import io
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from jobs.ingest.dialects.legacy import athena_name

CUR_COLUMNS = {
    "account": "line_item_usage_account_id",
    "payer": "bill_payer_account_id",
    "period": "bill_billing_period_start_date",
    "start": "line_item_usage_start_date",
    "cost": "line_item_unblended_cost",
    "usage": "line_item_usage_amount",
    "type": "line_item_line_item_type",
    "currency": "line_item_currency_code",
    "product": "line_item_product_code",
    "id": "identity_line_item_id",
    "invoice": "bill_invoice_id",
    "covered": "savings_plan_savings_plan_effective_cost",
    "reserved": "reservation_effective_cost",
    "list": "pricing_public_on_demand_cost",
    "net": "line_item_net_unblended_cost",
}
FOCUS_COLUMNS = {
    "account": "SubAccountId",
    "payer": "BillingAccountId",
    "period": "BillingPeriodStart",
    "start": "ChargePeriodStart",
    "cost": "BilledCost",
    "usage": "PricingQuantity",
    "type": "ChargeCategory",
    "currency": "BillingCurrency",
    "product": "ServiceName",
    "invoice": "InvoiceId",
    "covered": "EffectiveCost",
    "reserved": "EffectiveCost",
    "list": "ListCost",
    "net": "EffectiveCost",
}


@dataclass(frozen=True)
class Bill:
    """A delivery of one file, as a table; `columns` by what they are."""

    table: pa.Table
    columns: Mapping[str, str]
    is_text: bool

    @classmethod
    def of(cls, table: pa.Table, *, is_text: bool) -> Bill:
        spelled = {athena_name(name): name for name in table.column_names}
        ours = FOCUS_COLUMNS if "BilledCost" in spelled else CUR_COLUMNS
        return cls(table, {k: spelled[v] for k, v in ours.items() if v in spelled}, is_text)

    def values(self, what: str) -> list[Any]:
        return list(self.table.column(self.columns[what]).to_pylist())

    def having(self, what: str, values: Sequence[Any]) -> Bill:
        name = self.columns[what]
        at = self.table.column_names.index(name)
        column = pa.array(values, self.table.schema.field(name).type)
        return Bill(self.table.set_column(at, name, column), self.columns, self.is_text)

    def rows(self, numbers: Sequence[int]) -> Bill:
        return Bill(self.table.take(pa.array(numbers, pa.int64())), self.columns, self.is_text)

    def but(self, what: str) -> Bill:
        """Without that column."""
        return Bill(self.table.drop_columns([self.columns[what]]), self.columns, self.is_text)

    def renamed(self, what: str, name: str) -> Bill:
        names = [name if n == self.columns[what] else n for n in self.table.column_names]
        return Bill(self.table.rename_columns(names), self.columns, self.is_text)

    @property
    def size(self) -> int:
        return int(self.table.num_rows)

    def costing(self) -> list[int]:
        """The rows that cost something."""
        return [n for n, cost in enumerate(self.values("cost")) if cost and Decimal(cost) != 0]

    def written(self) -> bytes:
        file = io.BytesIO()
        if not self.is_text:
            pq.write_table(self.table, file, use_deprecated_int96_timestamps=False)
            return file.getvalue()
        pacsv.write_csv(self.table, file)
        return gzip.compress(file.getvalue(), 1, mtime=0)


Files = dict[str, bytes]
Damage = Callable[[Bill, random.Random], Bill | Files | None]
"""None: there is nothing to damage so."""


def scaled(value: Any, factor: Decimal) -> Any:
    if value in (None, ""):
        return value
    amount = Decimal(value) * factor
    return format(amount, "f") if isinstance(value, str) else float(amount)


def one(what: str, change: Callable[[Any], Any]) -> Damage:
    """In one row that costs something."""

    def damage(bill: Bill, dice: random.Random) -> Bill | None:
        if what not in bill.columns:
            return None
        values, at = bill.values(what), dice.choice(bill.costing())
        values[at] = change(values[at])
        return bill.having(what, values)

    return damage


def every(what: str, change: Callable[[Any], Any]) -> Damage:
    def damage(bill: Bill, dice: random.Random) -> Bill | None:
        if what not in bill.columns:
            return None
        return bill.having(what, [change(value) for value in bill.values(what)])

    return damage


def without(what: str) -> Damage:
    return lambda bill, dice: bill.but(what) if what in bill.columns else None


def renaming(what: str) -> Damage:
    return lambda bill, dice: bill.renamed(what, "other_name") if what in bill.columns else None


def only_text(damage: Damage) -> Damage:
    return lambda bill, dice: damage(bill, dice) if bill.is_text else None


def only_with_ids(damage: Damage) -> Damage:
    return lambda bill, dice: damage(bill, dice) if "id" in bill.columns else None


def _to_null(value: Any) -> Any:
    return "" if isinstance(value, str) else None


def _to(text: str) -> Callable[[Any], Any]:
    return lambda value: text


def _drop_row(bill: Bill, dice: random.Random) -> Bill:
    gone = dice.choice(bill.costing())
    return bill.rows([n for n in range(bill.size) if n != gone])


def _drop_half(bill: Bill, dice: random.Random) -> Bill:
    return bill.rows(range(bill.size // 2))


def _drop_where(what: str) -> Damage:
    def damage(bill: Bill, dice: random.Random) -> Bill:
        values = bill.values(what)
        gone = values[dice.choice(bill.costing())]
        return bill.rows([n for n, value in enumerate(values) if value != gone])

    return damage


def _double_row(bill: Bill, dice: random.Random) -> Bill:
    return bill.rows([*range(bill.size), dice.choice(bill.costing())])


def _double_all(bill: Bill, dice: random.Random) -> Bill:
    return bill.rows([*range(bill.size)] * 2)


def _reorder(bill: Bill, dice: random.Random) -> Bill:
    return bill.rows(dice.sample(range(bill.size), bill.size))


def _reorder_columns(bill: Bill, dice: random.Random) -> Bill:
    names = dice.sample(bill.table.column_names, len(bill.table.column_names))
    return Bill(bill.table.select(names), bill.columns, bill.is_text)


def _drop_any_column(bill: Bill, dice: random.Random) -> Bill:
    name = dice.choice(bill.table.column_names)
    return Bill(bill.table.drop_columns([name]), bill.columns, bill.is_text)


def _cut_short(bill: Bill, dice: random.Random) -> Files:
    content = bill.written()
    return {_name(bill): content[: dice.randrange(len(content) // 10, len(content) - 1)]}


def _cut_text(bill: Bill, dice: random.Random) -> Files | None:
    """At the end of a row: nothing in the file shows it."""
    if not bill.is_text:
        return None
    lines = gzip.decompress(bill.written()).splitlines(keepends=True)
    return {"cur.csv": b"".join(lines[: len(lines) * 3 // 4])}


def _one_byte(bill: Bill, dice: random.Random) -> Files:
    content = bytearray(bill.written())
    content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    return {_name(bill): bytes(content)}


def _one_letter(bill: Bill, dice: random.Random) -> Files | None:
    """Of the text itself, before it was packed: no checksum shows it."""
    if not bill.is_text:
        return None
    content = bytearray(gzip.decompress(bill.written()))
    start = content.index(b"\n")
    content[dice.randrange(start, len(content))] ^= 1 << dice.randrange(7)
    return {"cur.csv.gz": gzip.compress(bytes(content), 1)}


def _swap_accounts(bill: Bill, dice: random.Random) -> Bill:
    accounts = bill.values("account")
    one, other = dice.sample(sorted({each for each in accounts if each}), 2)
    swap = {one: other, other: one}
    return bill.having("account", [swap.get(each, each) for each in accounts])


def _other_account(bill: Bill, dice: random.Random) -> Bill:
    accounts, at = bill.values("account"), dice.choice(bill.costing())
    accounts[at] = dice.choice(sorted({each for each in accounts if each} - {accounts[at]}))
    return bill.having("account", accounts)


def _mixed_months(bill: Bill, dice: random.Random) -> Bill | None:
    if not bill.is_text:
        return None
    older = bill.having("period", [_earlier(value) for value in bill.values("period")])
    table = pa.concat_tables([bill.table, older.rows(range(bill.size // 4)).table])
    return Bill(table, bill.columns, bill.is_text)


def _earlier(text: str) -> str:
    return text.replace("2026-09", "2026-08")


def _older_beside(bill: Bill, dice: random.Random) -> Files:
    older = bill.rows(range(bill.size * 3 // 4))
    return {_name(bill): bill.written(), f"old-{_name(bill)}": older.written()}


def _copy_beside(bill: Bill, dice: random.Random) -> Files:
    return {_name(bill): bill.written(), f"copy-of-{_name(bill)}": _reorder(bill, dice).written()}


def _unpacked_beside(bill: Bill, dice: random.Random) -> Files | None:
    if not bill.is_text:
        return None
    return {"cur.csv.gz": bill.written(), "cur.csv": gzip.decompress(bill.written())}


def _columns_swapped(bill: Bill, dice: random.Random) -> Bill | None:
    if "usage" not in bill.columns:
        return None
    cost, usage = bill.values("cost"), bill.values("usage")
    return bill.having("cost", usage).having("usage", cost)


def _named_twice(bill: Bill, dice: random.Random) -> Bill:
    return bill.renamed("usage", bill.columns["cost"])


def _headless(bill: Bill, dice: random.Random) -> Bill:
    return bill.rows([])


def _split_in_two(bill: Bill, dice: random.Random) -> Files:
    half = bill.size // 2
    return {
        f"1-{_name(bill)}": bill.rows(range(half)).written(),
        f"2-{_name(bill)}": bill.rows(range(half, bill.size)).written(),
    }


def _name(bill: Bill) -> str:
    return "cur.csv.gz" if bill.is_text else "cur.parquet"


def as_files(damaged: Bill | Files) -> Files:
    return damaged if isinstance(damaged, dict) else {_name(damaged): damaged.written()}


DAMAGES: dict[str, Damage] = {
    "nothing": lambda bill, dice: bill,
    "rows in another order": _reorder,
    "columns in another order": _reorder_columns,
    "two files": _split_in_two,
    "a row is gone": _drop_row,
    "half of the rows are gone": _drop_half,
    "an account is gone": _drop_where("account"),
    "a product is gone": _drop_where("product"),
    "an invoice is gone": _drop_where("invoice"),
    "a row twice": _double_row,
    "all rows twice": _double_all,
    "a copy beside it": _copy_beside,
    "unpacked beside it": _unpacked_beside,
    "an older refresh beside it": _older_beside,
    "cut short": _cut_short,
    "cut short at a row's end": _cut_text,
    "one bit": _one_byte,
    "one bit of the text": _one_letter,
    "no rows": _headless,
    "the cost column has another name": renaming("cost"),
    "the account column has another name": renaming("account"),
    "the covered cost has another name": renaming("covered"),
    "two columns of one name": _named_twice,
    "cost and usage are swapped": _columns_swapped,
    "any column is gone": _drop_any_column,
    "no covered cost": without("covered"),
    "no reserved cost": without("reserved"),
    "no list cost": without("list"),
    "no net cost": without("net"),
    "no ids": without("id"),
    "no currency": without("currency"),
    "no invoice ids": without("invoice"),
    "a blank account": one("account", _to_null),
    "blank accounts": every("account", _to_null),
    "a blank cost": one("cost", _to_null),
    "blank costs": every("cost", _to_null),
    "a blank type": one("type", _to_null),
    "a blank time": one("start", _to_null),
    "a blank currency": one("currency", _to_null),
    "a blank payer": one("payer", _to_null),
    "a blank period": one("period", _to_null),
    "a cost in cents": one("cost", lambda value: scaled(value, Decimal(100))),
    "costs in cents": every("cost", lambda value: scaled(value, Decimal(100))),
    "a cost of the other sign": one("cost", lambda value: scaled(value, Decimal(-1))),
    "a cost with a comma": only_text(one("cost", lambda value: str(value).replace(".", ","))),
    "a cost with a sign of dollars": only_text(one("cost", lambda value: f"${value}")),
    "a cost that is no number": only_text(one("cost", _to("NaN"))),
    "a type nobody knows": one("type", _to("Surcharge")),
    "two accounts are swapped": _swap_accounts,
    "a row of another account": _other_account,
    "a row of a stranger's account": one("account", _to("999999999999")),
    "accounts without zeros": only_text(every("account", lambda value: value.lstrip("0"))),
    "accounts with a space": only_text(every("account", lambda value: f" {value}")),
    "accounts as fractions": only_text(every("account", lambda value: f"{value}.0")),
    "another currency": every("currency", _to("EUR")),
    "a row in another currency": one("currency", _to("EUR")),
    "another payer": every("payer", _to("999999999999")),
    "a row of another payer": one("payer", _to("999999999999")),
    "two months": _mixed_months,
}

__all__ = ["DAMAGES", "Bill", "Files", "as_files"]
