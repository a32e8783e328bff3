"""Owns the invoices that the rendering tests print: small, of any length, in any currency."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from invoices.clients import Address, TaxCategory
from invoices.documents.invoice import Buyer, Exchange, Invoice, InvoiceLine, Seller, TaxLine
from invoices.money import from_minor
from invoices.periods import BillingPeriod

SELLER = Seller(
    key="example",
    name="Example Cloud Ltd",
    address=Address(street="1 Quay", city="Cork", postcode="T12 X2Y3", country="IE"),
    tax_id="IE6388047V",
    email="billing@example.com",
    registration="Registered in Ireland no. 123456",
    payment_details=(("IBAN", "IE29 AIBK 9311 5212 3456 78"), ("BIC", "AIBKIE2D")),
    footer="Directors: A. Byrne, C. Doyle",
)
BUYER = Buyer(
    key="acme",
    name="Acme Maschinenbau GmbH & Co. KG",
    address=Address(street="Industriestraße 12", city="München", postcode="80331", country="DE"),
    vat_id="DE136695976",
    buyer_reference="PO 4500012345",
)
TWO_LINES = "Begin: data transferred out to the internet, first 10 TB per month, eu-west-1; end."
SERVICES = ("Amazon EC2", "Amazon S3", "Amazon RDS", "AWS Lambda", "Amazon CloudFront")


def line(
    amount_minor: int,
    *,
    key: str = "k1",
    account_id: str = "011254002932",
    account_name: str = "production",
    service_name: str = "Amazon EC2",
    description: str = "eu-west-1, BoxUsage:m5.large",
    quantity: str = "1",
    unit: str = "",
    price: str = "",
    currency: str = "EUR",
) -> InvoiceLine:
    """A line of one amount of usage; a quantity comes with its unit and its price."""
    return InvoiceLine(
        key=key,
        account_id=account_id,
        account_name=account_name,
        service=service_name.replace(" ", ""),
        service_name=service_name,
        description=description,
        quantity=Decimal(quantity),
        unit=unit,
        price=Decimal(price) if price else from_minor(amount_minor, currency),
        amount_minor=amount_minor,
    )


def invoice(
    lines: tuple[InvoiceLine, ...],
    *,
    number: str = "INV-000007",
    currency: str = "EUR",
    seller: Seller = SELLER,
    buyer: Buyer = BUYER,
    notes: tuple[str, ...] = (),
    exchange: Exchange | None = None,
) -> Invoice:
    """Issued on 5 November 2026 for October, tax by reverse charge; a draft without a number."""
    subtotal = sum(each.amount_minor for each in lines)
    note = "Reverse charge: the recipient accounts for the tax."
    return Invoice(
        number=number,
        seller=seller,
        buyer=buyer,
        period=BillingPeriod(2026, 10),
        currency=currency,
        issued_on=date(2026, 11, 5) if number else None,
        due_on=date(2026, 12, 5) if number else None,
        payment_terms_days=30,
        lines=lines,
        tax_lines=(TaxLine(TaxCategory.REVERSE_CHARGE, Decimal(0), subtotal, 0, note),),
        subtotal_minor=subtotal,
        tax_minor=0,
        total_minor=subtotal,
        exchange=exchange,
        notes=notes,
    )


def small_invoice() -> Invoice:
    """Two accounts, one flat fee, one credit, one fixed rate, one line of zero: 1,147.91 EUR."""
    lines = (
        line(12_34, price="12.3412345678"),
        line(73_00, key="k2", service_name="Amazon S3", quantity="730", unit="Hrs", price="0.1"),
        line(0, key="k3", service_name="AWS Lambda", description="Requests", price="0.0012"),
        line(-5_00, key="k4", account_id="000000000042", account_name="Müller & Söhne, 株式会社"),
        line(117_57, key="k5", account_id="000000000042", account_name="Müller & Söhne, 株式会社"),
        line(950_00, key="k6", account_id="", account_name="", service_name="", description="Fee"),
    )
    rate = Exchange("USD", "EUR", Decimal("0.8706"), "ECB 2026-10-30")
    return invoice(lines, exchange=rate, notes=("Thank you for your business.",))


def long_invoice(lines: int, accounts: int) -> Invoice:
    """`lines` lines of 1.00, 2.00, … over `accounts` accounts of equal length."""
    return invoice(
        tuple(
            line(
                (number + 1) * 100,
                key=f"k{number}",
                account_id=f"{11_000_000_000 + number * accounts // lines:012}",
                account_name="shared network",
                service_name=SERVICES[number % len(SERVICES)],
                description=TWO_LINES if number % 2 else "DataTransfer-Out-Bytes",
            )
            for number in range(lines)
        )
    )
