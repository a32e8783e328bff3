"""Owns what a printed invoice says: every word and figure, in order, ready for the template."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from invoices.clients import TaxCategory
from invoices.documents.invoice import (
    CorrectionReason,
    DocumentType,
    Invoice,
    InvoiceLine,
    TaxLine,
)
from invoices.render.wording import (
    address_lines,
    letterhead_lines,
    name,
    spelled_day,
    spelled_days,
    spelled_decimal,
    spelled_money,
    spelled_month,
    spelled_price,
    spelled_terms,
)

OTHER = ("Fees and other charges", "")
CARRIED = ("Carried forward", "")
"""Of other months: with this month's fees it would say what neither comes to."""
PREPAID = ("Prepaid", "")
"""What lines without an account, or without a service, are summed under."""
SHORT_SUMMARY_ROWS = 14
"""Summaries of at most so many rows stand beside each other, above what is to be paid."""

_NUMBER = {False: "Invoice number", True: "Credit note number"}
_TEXT_LIMIT = 400
_NOTE_LIMIT = 4000
_TAX_NAMES = {
    TaxCategory.STANDARD: "Tax",
    TaxCategory.REVERSE_CHARGE: "Tax (reverse charge)",
    TaxCategory.ZERO: "Tax (zero-rated)",
    TaxCategory.EXEMPT: "Tax (exempt)",
    TaxCategory.OUTSIDE_SCOPE: "Not subject to tax",
    TaxCategory.EXPORT: "Tax (export)",
}
TITLES = {
    DocumentType.INVOICE: "Invoice",
    DocumentType.CREDIT_NOTE: "Credit note",
    DocumentType.SUPPLEMENTARY_INVOICE: "Supplementary invoice",
}
REASONS = {
    CorrectionReason.BILLING_ERROR: "Billing error",
    CorrectionReason.CANCELLATION: "Cancelled",
    CorrectionReason.DISPUTE: "Dispute settled",
    CorrectionReason.GOODWILL: "Goodwill",
    CorrectionReason.SERVICE_LEVEL: "Service level missed",
    CorrectionReason.WRONG_RECIPIENT: "Wrong recipient",
    CorrectionReason.OTHER: "Other",
    CorrectionReason.RESTATEMENT: "Charges restated by AWS",
    CorrectionReason.TERMS_CHANGED: "Terms or accounts corrected",
    CorrectionReason.NEGATIVE_MONTH: "Credits above charges",
}

# One character has one code point but four shapes; the client's country says which is at home.
_HAN = {
    "JP": {"lang": "ja", "region": "JP"},
    "KR": {"lang": "ko", "region": "KR"},
    "TW": {"lang": "zh", "region": "TW"},
    "HK": {"lang": "zh", "region": "HK"},
    "MO": {"lang": "zh", "region": "HK"},
}

Page = dict[str, Any]


def page_of(invoice: Invoice) -> Page:
    """The template's input: plain JSON values, every text printable."""
    words = title_of(invoice)
    title = f"{words} {name(invoice.number)}" if invoice.number else words
    summaries = _summaries(invoice)
    return {
        "draft": not invoice.number,
        "title": title,
        "document_title": f"{title}, {name(invoice.seller.name)}",
        "subtitle": f"AWS services, {spelled_month(invoice.period)}",
        "currency": name(invoice.currency),
        "han": _HAN.get(invoice.buyer.address.country),
        "seller": _seller(invoice),
        "buyer": _buyer(invoice),
        "facts": _facts(invoice),
        "summaries": summaries,
        "summaries_short": all(len(each["rows"]) <= SHORT_SUMMARY_ROWS for each in summaries),
        "totals": _totals(invoice),
        "total": _total(invoice),
        "total_on": f"due {spelled_day(invoice.due_on)}" if invoice.due_on else "",
        "payment": _payment(invoice),
        "notes": [
            name(note, _NOTE_LIMIT)
            for note in (invoice.reason_text, *_tax_notes(invoice), *invoice.notes)
            if note
        ],
        "priced": any(map(_is_priced, invoice.lines)),
        "groups": _groups(invoice),
        "footer": _footer(invoice),
    }


def title_of(invoice: Invoice) -> str:
    words = TITLES[invoice.document_type or DocumentType.INVOICE]
    return words if invoice.number else f"Draft {words.lower()}"


def _seller(invoice: Invoice) -> Page:
    seller = invoice.seller
    contacts = [name(text) for text in (seller.email, seller.phone, seller.website) if text]
    return_address = [name(seller.name, 40), *letterhead_lines(seller.address, limit=40)[:2]]
    return {
        "name": name(seller.name),
        "lines": [*letterhead_lines(seller.address), *contacts],
        "return_address": " · ".join(return_address),
    }


def _buyer(invoice: Invoice) -> Page:
    buyer = invoice.buyer
    home = invoice.seller.address.country
    return {"name": name(buyer.name), "lines": address_lines(buyer.address, home_country=home)}


def _facts(invoice: Invoice) -> list[tuple[str, str]]:
    buyer, terms = invoice.buyer, spelled_terms(invoice.payment_terms_days)
    facts = [
        (_NUMBER[invoice.is_credit_note], name(invoice.number) or "not issued yet"),
        ("Corrects", name(", ".join(invoice.corrects))),
        ("Reason", REASONS[invoice.reason] if invoice.reason else ""),
        ("Issue date", spelled_day(invoice.issued_on) if invoice.issued_on else ""),
        ("Due date", spelled_day(invoice.due_on) if invoice.due_on else ""),
        ("Payment terms", "" if invoice.is_credit_note else terms),
        ("Billing period", spelled_days(invoice.period)),
        ("Currency", name(invoice.currency)),
        ("Your tax number", name(buyer.vat_id, 40)),
        ("Your reference", name(buyer.buyer_reference, 60)),
    ]
    return [(label, text) for label, text in facts if text]


def _summaries(invoice: Invoice) -> list[Page]:
    by_service = _sums(invoice, _service)
    by_account = _sums(invoice, _account)
    return [
        {"title": title, "head": head, "rows": rows}
        for title, head, rows in (
            ("By service", "Service", by_service),
            ("By account", "Account", by_account),
        )
        if len(rows) > 1
    ]


def _sums(
    invoice: Invoice, key_of: Callable[[InvoiceLine], tuple[str, str]]
) -> list[tuple[str, str, str]]:
    """Name, detail and amount per key, largest first; keys that come to nothing are left out."""
    sums: dict[tuple[str, str], int] = {}
    for line in invoice.lines:
        key = key_of(line)
        sums[key] = sums.get(key, 0) + line.amount_minor
    ranked = sorted(
        sums.items(), key=lambda item: (item[0] in (OTHER, CARRIED, PREPAID), -item[1], item[0])
    )
    return [(*key, spelled_money(minor, invoice.currency)) for key, minor in ranked if minor]


def _account(line: InvoiceLine) -> tuple[str, str]:
    if line.is_of_other_months:
        return CARRIED if line.carried_from else PREPAID
    return (name(line.account_id), name(line.account_name)) if line.account_id else OTHER


def _service(line: InvoiceLine) -> tuple[str, str]:
    if line.is_of_other_months:
        return CARRIED if line.carried_from else PREPAID
    service = name(line.service_name or line.service)
    return (service, "") if service else OTHER


def _totals(invoice: Invoice) -> list[tuple[str, str]]:
    return [
        ("Subtotal", spelled_money(invoice.subtotal_minor, invoice.currency)),
        *(
            (_tax_label(line, invoice), spelled_money(line.tax_minor, invoice.currency))
            for line in invoice.tax_lines
        ),
    ]


def _tax_label(line: TaxLine, invoice: Invoice) -> str:
    if not line.rate_percent:
        return _TAX_NAMES[line.category]
    base = spelled_money(line.base_minor, invoice.currency)
    return f"{_TAX_NAMES[line.category]} {spelled_decimal(line.rate_percent)} % of {base}"


def _total(invoice: Invoice) -> tuple[str, str]:
    label = "Total in your favour" if invoice.total_minor < 0 else "Total due"
    if invoice.is_credit_note:
        label = "Total credited"
    amount = spelled_money(invoice.total_minor, invoice.currency)
    return (label, f"{name(invoice.currency)} {amount}")


def _tax_notes(invoice: Invoice) -> list[str]:
    notes = list(dict.fromkeys(line.note for line in invoice.tax_lines if line.note))
    for exchange in invoice.exchanges.values():
        rate = f"1 {exchange.from_currency} = {spelled_decimal(exchange.rate)}"
        source = f" ({exchange.source})" if exchange.source else ""
        notes.append(f"Exchange rate: {rate} {exchange.to_currency}{source}.")
    return [*notes, *_accounting_tax(invoice)]


def _accounting_tax(invoice: Invoice) -> list[str]:
    tax = invoice.accounting_tax
    if tax is None:
        return []
    amounts = [
        f"{spelled_money(line.tax_minor, tax.currency)} ({spelled_decimal(line.rate_percent)} % of "
        f"{spelled_money(line.base_minor, tax.currency)})"
        for line in tax.tax_lines
    ]
    rate = f"1 {tax.exchange.from_currency} = {spelled_decimal(tax.exchange.rate)} {tax.currency}"
    words = f"Tax in {tax.currency}: {', '.join(amounts)}"
    return [f"{words}, at {rate} ({tax.exchange.source})."]


def _payment(invoice: Invoice) -> list[tuple[str, str]]:
    """Nothing where nothing is to be paid, or not yet."""
    details = [(name(label, 40), name(text)) for label, text in invoice.seller.payment_details]
    is_due = invoice.total_minor > 0 and not invoice.is_credit_note
    if not (is_due and invoice.number and details):
        return []
    due = [("Pay by", spelled_day(invoice.due_on))] if invoice.due_on else []
    reference = ("Reference", name(invoice.number))
    return [("Amount", _total(invoice)[1]), *due, *details, reference]


def _groups(invoice: Invoice) -> list[Page]:
    by_account: dict[tuple[str, str], list[InvoiceLine]] = {}
    for line in invoice.lines:
        by_account.setdefault(_account(line), []).append(line)
    shown = [_group(invoice, *item) for item in by_account.items() if _comes_to(item[1])]
    silent = [lines for lines in by_account.values() if not _comes_to(lines)]
    return [*shown, *_silent_group(invoice, silent)]


def _comes_to(lines: Sequence[InvoiceLine]) -> bool:
    return any(line.amount_minor for line in lines)


def _group(invoice: Invoice, account: tuple[str, str], lines: Sequence[InvoiceLine]) -> Page:
    zeros = sum(1 for line in lines if not line.amount_minor)
    return {
        "name": account[0],
        "detail": account[1],
        "rows": [_row(line, invoice.currency) for line in lines if line.amount_minor],
        "folded": _folded(zeros, invoice.currency) if zeros else "",
        "subtotal": spelled_money(sum(line.amount_minor for line in lines), invoice.currency),
    }


def _folded(zeros: int, currency: str) -> str:
    lines = "1 further line" if zeros == 1 else f"{zeros:,} further lines"
    return f"{lines} of {spelled_money(0, currency)} in the CSV and XLSX files"


def _silent_group(invoice: Invoice, accounts: Sequence[Sequence[InvoiceLine]]) -> list[Page]:
    """Accounts without a single amount share one entry, so that they fill no pages."""
    if not accounts:
        return []
    count = "1 account" if len(accounts) == 1 else f"{len(accounts):,} accounts"
    return [
        {
            "name": f"{count} without charges",
            "detail": "",
            "rows": [],
            "folded": _folded(sum(map(len, accounts)), invoice.currency),
            "subtotal": spelled_money(0, invoice.currency),
        }
    ]


def _is_priced(line: InvoiceLine) -> bool:
    """Whether quantity and price say more than the amount does."""
    return line.amount_minor != 0 and (line.quantity != 1 or line.unit != "")


def _row(line: InvoiceLine, currency: str) -> list[str]:
    quantity = f"{spelled_decimal(line.quantity)} {name(line.unit, 20)}".strip()
    description = f"{line.description} ({line.cause})" if line.cause else line.description
    words = [name(line.service_name or line.service), name(description, _TEXT_LIMIT)]
    return [
        *(words if words[0] else reversed(words)),
        *((quantity, spelled_price(line.price, currency)) if _is_priced(line) else ("", "")),
        spelled_money(line.amount_minor, currency),
    ]


def _footer(invoice: Invoice) -> list[str]:
    seller = invoice.seller
    facts = [
        name(seller.name),
        name(seller.registration),
        f"Tax number {name(seller.tax_id)}" if seller.tax_id else "",
    ]
    first = " · ".join(fact for fact in facts if fact)
    return [line for line in (first, name(seller.footer, 300)) if line]
