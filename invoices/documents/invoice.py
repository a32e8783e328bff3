"""Owns the invoice: a frozen value that holds every name, address, rate and rule it shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from invoices.clients import Address, Client, TaxCategory
from invoices.money import Rounding
from invoices.periods import BillingPeriod


class DocumentType(StrEnum):
    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    """What it says is owed to the client, in positive amounts."""
    SUPPLEMENTARY_INVOICE = "supplementary_invoice"
    """What an invoice asked too little for."""


CORRECTING = (DocumentType.CREDIT_NOTE, DocumentType.SUPPLEMENTARY_INVOICE)


class CorrectionReason(StrEnum):
    """Why a document corrects another: a closed list, for who sorts documents by machine."""

    BILLING_ERROR = "billing_error"
    CANCELLATION = "cancellation"
    DISPUTE = "dispute"
    GOODWILL = "goodwill"
    SERVICE_LEVEL = "service_level"
    WRONG_RECIPIENT = "wrong_recipient"
    OTHER = "other"
    RESTATEMENT = "restatement"
    """AWS charges otherwise than it did when the month was issued."""
    TERMS_CHANGED = "terms_changed"
    """What was agreed, or who had which account, is said to have been otherwise."""
    NEGATIVE_MONTH = "negative_month"
    """A month that came to less than nothing."""


BY_HAND = tuple(CorrectionReason)[:7]
"""Those that a person may give; the others are found by billing."""


@dataclass(frozen=True, slots=True)
class Seller:
    """The seller as printed."""

    key: str
    name: str
    address: Address
    tax_id: str
    email: str = ""
    phone: str = ""
    website: str = ""
    registration: str = ""
    payment_details: tuple[tuple[str, str], ...] = ()
    """Label and value, in the order printed: ("IBAN", "IE29 …")."""
    footer: str = ""


@dataclass(frozen=True, slots=True)
class SellerFacts:
    """What is another about a seller from a day on; None is as it was before."""

    seller: str
    start: date
    name: str | None = None
    address: Address | None = None
    tax_id: str | None = None
    email: str | None = None
    phone: str | None = None
    website: str | None = None
    registration: str | None = None
    payment_details: tuple[tuple[str, str], ...] | None = None
    footer: str | None = None


def seller_on(seller: Seller, facts: Iterable[SellerFacts], issued_on: date) -> Seller:
    """The seller as a document of that day has it."""
    for each in sorted(facts, key=lambda each: each.start):
        if each.seller == seller.key and each.start <= issued_on:
            names = [field.name for field in fields(each) if field.name not in {"seller", "start"}]
            said = {name: getattr(each, name) for name in names}
            seller = replace(seller, **{k: v for k, v in said.items() if v is not None})
    return seller


@dataclass(frozen=True, slots=True)
class Buyer:
    """The client as printed."""

    key: str
    name: str
    address: Address
    vat_id: str = ""
    buyer_reference: str = ""
    external_refs: tuple[tuple[str, str], ...] = ()
    """Its ids elsewhere, by system: not printed, for who reads the document by machine."""

    @classmethod
    def of(cls, client: Client) -> Buyer:
        return cls(
            key=client.key,
            name=client.name,
            address=client.address,
            vat_id=client.tax.vat_id,
            buyer_reference=client.buyer_reference,
            external_refs=client.external_refs,
        )


@dataclass(frozen=True, slots=True)
class CarriedFrom:
    """The month that a carried balance belongs to, and how that month was taxed."""

    period: BillingPeriod
    category: TaxCategory
    rate_percent: Decimal


@dataclass(frozen=True, slots=True)
class LineTax:
    """How a line is taxed."""

    category: TaxCategory
    rate_percent: Decimal


@dataclass(frozen=True, slots=True)
class PrepaidLeft:
    """That a line takes off what was paid ahead, and what is left of it after that."""

    key: str
    """Of the custom line item."""
    left_minor: int


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One line. `amount_minor` is what it adds to the subtotal.

    `quantity` x `price` is the unrounded amount in the invoice's currency; most lines are one
    amount of usage (quantity 1), lines priced by a fixed rate have units.
    """

    key: str
    """Stable from month to month, unique in the invoice."""
    account_id: str
    """Empty on lines that belong to no account, such as a flat fee."""
    account_name: str
    service: str
    """The AWS service code, or '' on a custom line."""
    service_name: str
    description: str
    quantity: Decimal
    unit: str
    price: Decimal
    amount_minor: int
    carried_from: CarriedFrom | None = None
    """Of what an earlier month left in the client's favour."""
    tax: LineTax | None = None
    """As a custom line item says; None: as the client is taxed."""
    cause: str = ""
    """Of a line that billing corrects, in words."""
    prepaid: PrepaidLeft | None = None

    @property
    def is_of_other_months(self) -> bool:
        """What they left in the client's favour, or what was paid ahead: no charge of this one."""
        return self.carried_from is not None or self.prepaid is not None


@dataclass(frozen=True, slots=True)
class TaxLine:
    """Tax on the sum of the lines of one category and rate."""

    category: TaxCategory
    rate_percent: Decimal
    base_minor: int
    tax_minor: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """How a currency became the invoice's: frozen with the document."""

    from_currency: str
    to_currency: str
    rate: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class AccountingTax:
    """The tax in the currency that the seller accounts for it in, where the invoice's is another.

    EN 16931 calls it the VAT accounting currency (BT-6) and the total in it (BT-111).
    """

    exchange: Exchange
    """From the invoice's currency."""
    tax_lines: tuple[TaxLine, ...]
    """Those of the invoice, in its order; each amount is converted and rounded by itself."""

    @property
    def currency(self) -> str:
        return self.exchange.to_currency

    @property
    def tax_minor(self) -> int:
        return sum(line.tax_minor for line in self.tax_lines)


@dataclass(frozen=True, slots=True)
class Invoice:
    """A document for one client and one billing period. `number` is '' until it is issued."""

    number: str
    seller: Seller
    buyer: Buyer
    period: BillingPeriod
    currency: str
    issued_on: date | None
    due_on: date | None
    payment_terms_days: int
    lines: tuple[InvoiceLine, ...]
    tax_lines: tuple[TaxLine, ...]
    subtotal_minor: int
    tax_minor: int
    total_minor: int
    rounding: Rounding = Rounding.HALF_UP
    exchange: Exchange | None = None
    """Of the payer's currency."""
    notes: tuple[str, ...] = ()
    tax_rounding: Rounding | None = None
    """None: as all else."""
    other_exchanges: tuple[Exchange, ...] = ()
    """Of what AWS charges in other currencies, by currency."""
    accounting_tax: AccountingTax | None = None
    """None where the invoice is in that currency, or asks for no tax."""
    document_type: DocumentType | None = None
    """None: an invoice of an earlier version, which had nothing else."""
    corrects: tuple[str, ...] = ()
    """The numbers of the documents that it is about."""
    reason: CorrectionReason | None = None
    reason_text: str = ""

    @property
    def is_credit_note(self) -> bool:
        return self.document_type is DocumentType.CREDIT_NOTE

    @property
    def is_below_nothing(self) -> bool:
        """Before tax and with it, or in one of both while the other is nothing."""
        return (self.total_minor, self.subtotal_minor) != (0, 0) and max(
            self.total_minor, self.subtotal_minor
        ) <= 0

    @property
    def exchanges(self) -> dict[str, Exchange]:
        """By the currency they are from, the payer's first."""
        own = (self.exchange,) if self.exchange else ()
        return {each.from_currency: each for each in (*own, *self.other_exchanges)}

    @property
    def figures(self) -> tuple[object, ...]:
        """What it asks for and why, without the names and addresses of those concerned."""
        lines = [(line.key, line.quantity, line.price, line.amount_minor) for line in self.lines]
        taxes = [(t.category, t.rate_percent, t.base_minor, t.tax_minor) for t in self.tax_lines]
        # A rate that changed no line is no figure: earlier versions printed it all the same.
        is_converted = any(line.account_id and line.price for line in self.lines)
        exchanges = self.exchanges if is_converted else {}
        return (self.currency, sorted(lines), sorted(taxes), self.total_minor, exchanges)

    @property
    def carried_minor(self) -> int:
        """What other months' balances take off it: nothing, or less."""
        return sum(line.amount_minor for line in self.lines if line.carried_from)

    @property
    def prepaid_minor(self) -> int:
        """What was paid ahead takes off it: nothing, or less."""
        return sum(line.amount_minor for line in self.lines if line.prepaid)

    @property
    def own_subtotal_minor(self) -> int:
        """Of its own month."""
        return self.subtotal_minor - self.carried_minor - self.prepaid_minor

    def __post_init__(self) -> None:
        assert self.subtotal_minor == sum(line.amount_minor for line in self.lines)
        assert self.tax_minor == sum(line.tax_minor for line in self.tax_lines)
        assert self.total_minor == self.subtotal_minor + self.tax_minor
