"""Owns the frozen document: an invoice as plain JSON values, and back, losing nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from invoices.clients import ADDED_LATER, Address, TaxCategory
from invoices.documents.invoice import (
    AccountingTax,
    Buyer,
    CarriedFrom,
    CorrectionReason,
    DocumentType,
    Exchange,
    Invoice,
    InvoiceLine,
    LineTax,
    PrepaidLeft,
    Seller,
    TaxLine,
)
from invoices.money import EXACT, Rounding, from_minor, minor_digits, plain
from invoices.periods import BillingPeriod

Document = dict[str, Any]
"""JSON values only: text, whole numbers, None, lists and dicts of these. Amounts are text."""


def to_document(invoice: Invoice) -> Document:
    """What the store freezes and the JSON rendering shows; `from_document` gives it back."""
    currency = invoice.currency
    return {
        "number": invoice.number,
        "period": str(invoice.period),
        "currency": currency,
        "issued_on": _from_day(invoice.issued_on),
        "due_on": _from_day(invoice.due_on),
        "payment_terms_days": invoice.payment_terms_days,
        "seller": _from_seller(invoice.seller),
        "client": _from_buyer(invoice.buyer),
        "lines": [_from_line(line, currency) for line in invoice.lines],
        "tax_lines": [_from_tax_line(line, currency) for line in invoice.tax_lines],
        "subtotal": _from_amount(invoice.subtotal_minor, currency),
        "tax": _from_amount(invoice.tax_minor, currency),
        "total": _from_amount(invoice.total_minor, currency),
        "rounding": invoice.rounding.value,
        "exchange": None if invoice.exchange is None else _from_exchange(invoice.exchange),
        "notes": list(invoice.notes),
        **_from_later_fields(invoice),
    }


def _from_later_fields(invoice: Invoice) -> Document:
    """What earlier versions had not: left out at its default, documents keep their bytes."""
    shown: Document = {}
    if invoice.tax_rounding is not None:
        shown["tax_rounding"] = invoice.tax_rounding.value
    if invoice.other_exchanges:
        shown["other_exchanges"] = [_from_exchange(each) for each in invoice.other_exchanges]
    if invoice.accounting_tax is not None:
        tax = invoice.accounting_tax
        shown["accounting_tax"] = {
            "currency": tax.currency,
            "exchange": _from_exchange(tax.exchange),
            "tax_lines": [_from_tax_line(line, tax.currency) for line in tax.tax_lines],
            "tax": _from_amount(tax.tax_minor, tax.currency),
        }
    if invoice.document_type is not None:
        shown["document_type"] = invoice.document_type.value
        shown["corrects"] = list(invoice.corrects)
    if invoice.reason is not None:
        shown["reason"] = {"code": invoice.reason.value, "text": invoice.reason_text}
    return shown


def from_document(document: Mapping[str, Any]) -> Invoice:
    """The invoice a document was made from. Raises KeyError or ValueError on anything else."""
    currency = document["currency"]
    kind, reason = document.get("document_type"), document.get("reason")
    return Invoice(
        number=document["number"],
        seller=_to_seller(document["seller"]),
        buyer=_to_buyer(document["client"]),
        period=BillingPeriod.parse(document["period"]),
        currency=currency,
        issued_on=_to_day(document["issued_on"]),
        due_on=_to_day(document["due_on"]),
        payment_terms_days=document["payment_terms_days"],
        lines=tuple(_to_line(line, currency) for line in document["lines"]),
        tax_lines=tuple(_to_tax_line(line, currency) for line in document["tax_lines"]),
        subtotal_minor=_to_amount(document["subtotal"], currency),
        tax_minor=_to_amount(document["tax"], currency),
        total_minor=_to_amount(document["total"], currency),
        rounding=Rounding(document["rounding"]),
        exchange=None if document["exchange"] is None else _to_exchange(document["exchange"]),
        notes=tuple(document["notes"]),
        tax_rounding=Rounding(document["tax_rounding"]) if "tax_rounding" in document else None,
        other_exchanges=tuple(_to_exchange(each) for each in document.get("other_exchanges", ())),
        accounting_tax=_to_accounting_tax(document.get("accounting_tax")),
        document_type=None if kind is None else DocumentType(kind),
        corrects=tuple(document.get("corrects", ())),
        reason=None if reason is None else CorrectionReason(reason["code"]),
        reason_text="" if reason is None else reason["text"],
    )


def canonical_bytes(content: Any) -> bytes:
    """The one spelling that is hashed: sorted keys, no spaces, UTF-8.

    Of JSON values, and of the core's own; equal ones have one spelling, 5 and 5.0 say.
    """
    text = json.dumps(
        content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_to_json
    )
    return text.encode()


def content_id(content: Any) -> str:
    """SHA-256 of the canonical bytes: equal content has an equal id, on any machine."""
    return hashlib.sha256(canonical_bytes(content)).hexdigest()


def _to_json(value: object) -> Any:
    """One level of what JSON has no value for; `json` comes back for the levels below."""
    match value:
        case Decimal():
            # Decimal('5') and Decimal('5.0') are equal and would hash to two ids:
            # `tests/unit/invoices/test_month.py`,
            # `test_equal_inputs_have_an_equal_id_and_any_change_another`.
            return plain(value)
        case date() | BillingPeriod():
            return str(value)
        case frozenset():
            # A set's order differs from process to process, and the id must not.
            return sorted(value)
        case Mapping():
            return dict(value)
        case _ if is_dataclass(value):
            named = [(each, getattr(value, each.name)) for each in fields(value)]
            return {
                each.name: one
                for each, one in named
                if not (each.metadata == ADDED_LATER and one in (each.default, {}))
            }
    raise AssertionError(f"{type(value).__name__} has no canonical spelling")


def _from_seller(seller: Seller) -> Document:
    details = [list(detail) for detail in seller.payment_details]
    return {**asdict(seller), "payment_details": details}


def _to_seller(document: Mapping[str, Any]) -> Seller:
    details = tuple((label, text) for label, text in document["payment_details"])
    address = Address(**document["address"])
    return Seller(**{**document, "address": address, "payment_details": details})


def _from_buyer(buyer: Buyer) -> Document:
    shown = asdict(buyer)
    refs = dict(shown.pop("external_refs"))
    # As `_from_later_fields`.
    return {**shown, "external_refs": refs} if refs else shown


def _to_buyer(document: Mapping[str, Any]) -> Buyer:
    refs = tuple(sorted(document.get("external_refs", {}).items()))
    address = Address(**document["address"])
    return Buyer(**{**document, "address": address, "external_refs": refs})


def _from_line(line: InvoiceLine, currency: str) -> Document:
    return {
        "key": line.key,
        "account_id": line.account_id,
        "account_name": line.account_name,
        "service": line.service,
        "service_name": line.service_name,
        "description": line.description,
        "quantity": plain(line.quantity),
        "unit": line.unit,
        "price": plain(line.price),
        "amount": _from_amount(line.amount_minor, currency),
        **_from_carried(line.carried_from),
        **_from_line_tax(line.tax),
        **({"cause": line.cause} if line.cause else {}),
        **_from_prepaid(line.prepaid, currency),
    }


def _to_line(document: Mapping[str, Any], currency: str) -> InvoiceLine:
    return InvoiceLine(
        key=document["key"],
        account_id=document["account_id"],
        account_name=document["account_name"],
        service=document["service"],
        service_name=document["service_name"],
        description=document["description"],
        quantity=Decimal(document["quantity"]),
        unit=document["unit"],
        price=Decimal(document["price"]),
        amount_minor=_to_amount(document["amount"], currency),
        carried_from=_to_carried(document.get("carried_from")),
        tax=_to_line_tax(document.get("tax")),
        cause=document.get("cause", ""),
        prepaid=_to_prepaid(document.get("prepaid"), currency),
    )


def _from_carried(carried: CarriedFrom | None) -> Document:
    if carried is None:
        return {}
    rate = plain(carried.rate_percent)
    known = {"period": str(carried.period), "category": carried.category.value}
    return {"carried_from": {**known, "rate_percent": rate}}


def _to_carried(document: Mapping[str, Any] | None) -> CarriedFrom | None:
    if document is None:
        return None
    return CarriedFrom(
        period=BillingPeriod.parse(document["period"]),
        category=TaxCategory(document["category"]),
        rate_percent=Decimal(document["rate_percent"]),
    )


def _from_line_tax(tax: LineTax | None) -> Document:
    if tax is None:
        return {}
    return {"tax": {"category": tax.category.value, "rate_percent": plain(tax.rate_percent)}}


def _to_line_tax(document: Mapping[str, Any] | None) -> LineTax | None:
    if document is None:
        return None
    return LineTax(TaxCategory(document["category"]), Decimal(document["rate_percent"]))


def _from_prepaid(prepaid: PrepaidLeft | None, currency: str) -> Document:
    if prepaid is None:
        return {}
    left = _from_amount(prepaid.left_minor, currency)
    return {"prepaid": {"key": prepaid.key, "left": left}}


def _to_prepaid(document: Mapping[str, Any] | None, currency: str) -> PrepaidLeft | None:
    if document is None:
        return None
    return PrepaidLeft(document["key"], _to_amount(document["left"], currency))


def _from_tax_line(line: TaxLine, currency: str) -> Document:
    return {
        "category": line.category.value,
        "rate_percent": plain(line.rate_percent),
        "base": _from_amount(line.base_minor, currency),
        "tax": _from_amount(line.tax_minor, currency),
        "note": line.note,
    }


def _to_tax_line(document: Mapping[str, Any], currency: str) -> TaxLine:
    return TaxLine(
        category=TaxCategory(document["category"]),
        rate_percent=Decimal(document["rate_percent"]),
        base_minor=_to_amount(document["base"], currency),
        tax_minor=_to_amount(document["tax"], currency),
        note=document["note"],
    )


def _to_accounting_tax(document: Mapping[str, Any] | None) -> AccountingTax | None:
    if document is None:
        return None
    lines = tuple(_to_tax_line(each, document["currency"]) for each in document["tax_lines"])
    return AccountingTax(_to_exchange(document["exchange"]), lines)


def _from_exchange(exchange: Exchange) -> Document:
    return {
        "from": exchange.from_currency,
        "to": exchange.to_currency,
        "rate": plain(exchange.rate),
        "source": exchange.source,
    }


def _to_exchange(document: Mapping[str, Any]) -> Exchange:
    return Exchange(document["from"], document["to"], Decimal(document["rate"]), document["source"])


def _from_amount(minor: int, currency: str) -> str:
    return format(from_minor(minor, currency), "f")


def _to_amount(text: str, currency: str) -> int:
    scaled = Decimal(text).scaleb(minor_digits(currency), EXACT)
    if scaled != int(scaled):
        raise ValueError(f"{text} {currency} is finer than the currency's smallest unit")
    return int(scaled)


def _from_day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _to_day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
