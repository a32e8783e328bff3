"""Owns how invoices look, on a terminal and as JSON."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from invoices.comparison.totals import DocumentTotal
from invoices.documents.invoice import DocumentType
from invoices.money import from_minor, is_currency, minor_digits, plain
from service.cli.tables import print_table
from service.store.billing.invoices import InvoiceRecord


def invoice_json(record: InvoiceRecord) -> dict[str, Any]:
    """For our own people: it shows cost and margin."""
    others = [
        {"currency": each, "cost": plain(found.cost), "price": plain(found.price)}
        for each, found in record.others.items()
    ]
    return {
        "id": record.id,
        "state": record.state,
        "number": record.number,
        "document_type": record.document_type,
        "corrects": [record.corrects] if record.corrects else [],
        "client": record.client,
        "external_refs": dict(record.external_refs),
        "payer_account_id": record.payer_account_id,
        "cost": plain(record.cost),
        "price": plain(record.price),
        "currency": record.currency,
        "total": str(from_minor(record.total_minor, record.currency)),
        **({"other_currencies": others} if others else {}),
    }


def invoices_in_order(records: Iterable[InvoiceRecord]) -> list[InvoiceRecord]:
    """By payer and client: by id, a client whose draft is new would change its place."""
    return sorted(records, key=lambda each: (each.payer_account_id, each.client, each.id))


def print_invoices(title: str, records: Iterable[InvoiceRecord]) -> None:
    """With a column of payers where there are several."""
    in_order = invoices_in_order(records)
    has_corrections = any(record.document_type != DocumentType.INVOICE for record in in_order)
    columns = ["client", "state", "number", "cost>", "price>", "margin>", "invoice total>"]
    rows = [list(_invoice_row(record)) for record in in_order]
    if has_corrections:
        columns.insert(1, "document")
        for record, row in zip(in_order, rows, strict=True):
            about = f" for {record.corrects}" if record.corrects else ""
            row.insert(1, f"{record.document_type.replace('_', ' ')}{about}")
    if len({record.payer_account_id for record in in_order}) > 1:
        columns.insert(0, "payer")
        for record, row in zip(in_order, rows, strict=True):
            row.insert(0, record.payer_account_id)
    print_table(title, columns, rows)


def _invoice_row(record: InvoiceRecord) -> tuple[str, ...]:
    total = from_minor(record.total_minor, record.currency)
    figures = (
        [record.cost, *(each.cost for each in record.others.values())],
        [record.price, *(each.price for each in record.others.values())],
        [
            record.price - record.cost,
            *(each.price - each.cost for each in record.others.values()),
        ],
    )
    shown = (_amounts(amounts, ["", *record.others]) for amounts in figures)
    return (record.client, record.state, record.number, *shown, f"{total:,} {record.currency}")


def _amounts(amounts: Iterable[Decimal], currencies: Iterable[str]) -> str:
    """`1.00`, of the payer's currency; `1.00; 2.00 EUR` where there are others."""
    # As on the document, half up: the format of a Decimal alone would round half to even.
    return "; ".join(
        f"{each.quantize(_smallest(currency), ROUND_HALF_UP):,f} {currency}".strip()
        for each, currency in zip(amounts, currencies, strict=True)
    )


def total_words(asked: DocumentTotal | None) -> str:
    return "no invoice" if asked is None else f"{asked.total:,} {asked.currency}"


def total_json(asked: DocumentTotal | None) -> dict[str, str] | None:
    return None if asked is None else {"total": str(asked.total), "currency": asked.currency}


def signed(amount: Decimal | None) -> str:
    """A difference; '' where there is none to be taken."""
    return "" if amount is None else f"{amount:+,}"


def _smallest(currency: str) -> Decimal:
    """A cent of the payer's, which AWS bills in dollars or yuan; and of what names no currency."""
    return Decimal(1).scaleb(-minor_digits(currency)) if is_currency(currency) else Decimal("0.01")
