"""Owns the tables of what a person configures."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlmodel import Field

from invoices.clients import NegativeMonths, TaxCategory, ZeroMonths
from invoices.kinds import Kind
from invoices.money import Rounding
from invoices.pricing.custom import CustomKind, PercentOf
from invoices.pricing.spend import Counts
from service.store.tables.row import (
    JSON,
    NUMERIC,
    PERIOD,
    Row,
    is_account_id,
    is_period,
    one_of,
)


class SellerRow(Row, table=True):
    key: str = Field(primary_key=True)
    name: str
    address: dict[str, Any] = Field(sa_type=JSON)
    tax_id: str
    email: str
    phone: str
    website: str
    registration: str
    payment_details: list[list[str]] = Field(sa_type=JSON)
    footer: str
    number_prefix: str
    number_start: int
    other_numbering: dict[str, Any] = Field(
        default_factory=dict, sa_type=JSON, sa_column_kwargs={"server_default": sa.text("'{}'")}
    )
    """By type of document other than invoices: `prefix` and `start`."""
    rounding: Rounding = Field(sa_type=one_of(Rounding))
    tax_rounding: Rounding | None = Field(
        default=None, sa_type=one_of(Rounding, check="tax_rounding")
    )
    tax_currency: str | None = None
    zero_months: ZeroMonths | None = Field(default=None, sa_type=one_of(ZeroMonths))
    negative_months: NegativeMonths | None = Field(default=None, sa_type=one_of(NegativeMonths))


class PayerAccountRow(Row, table=True):
    __table_args__ = (is_account_id("account_id"),)

    account_id: str = Field(primary_key=True)
    seller_key: str | None = Field(default=None, foreign_key="seller.key")
    """None while only an export of it was taken in, and nothing configured."""
    internal_accounts: list[str] = Field(sa_type=JSON)
    exports: list[dict[str, str]] = Field(sa_type=JSON)
    prorates_monthly_fees: bool = Field(default=False)
    tags: list[str] = Field(default_factory=list, sa_type=JSON)


class PriceBookVersionRow(Row, table=True):
    """The rules themselves, written once; `version` is their content id."""

    book_key: str = Field(primary_key=True)
    version: str = Field(primary_key=True)
    body: dict[str, Any] = Field(sa_type=JSON)
    recorded_at: datetime


class PriceBookStartRow(Row, table=True):
    """Which version of a book is in effect from a period until the next start."""

    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["book_key", "version"], ["price_book_version.book_key", "price_book_version.version"]
        ),
        is_period("start_period"),
    )

    book_key: str = Field(primary_key=True)
    start_period: str = Field(primary_key=True, sa_type=PERIOD)
    version: str


class ClientRow(Row, table=True):
    __table_args__ = (
        sa.CheckConstraint("payment_terms_days >= 0", name="payment_terms_days_not_negative"),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_form"),
    )

    key: str = Field(primary_key=True)
    name: str
    currency: str
    address: dict[str, Any] = Field(sa_type=JSON)
    tax_category: TaxCategory = Field(sa_type=one_of(TaxCategory))
    tax_rate_percent: Decimal = Field(sa_type=NUMERIC)
    vat_id: str
    tax_note: str
    price_book: str
    payment_terms_days: int
    email: str
    buyer_reference: str
    external_refs: dict[str, str] = Field(sa_type=JSON)
    rounding: Rounding | None = Field(default=None, sa_type=one_of(Rounding))
    tax_rounding: Rounding | None = Field(
        default=None, sa_type=one_of(Rounding, check="tax_rounding")
    )
    zero_months: ZeroMonths | None = Field(default=None, sa_type=one_of(ZeroMonths))
    """None is as the seller says, here and in the next."""
    negative_months: NegativeMonths | None = Field(default=None, sa_type=one_of(NegativeMonths))


class ClientFactsRow(Row, table=True):
    """What is another about a client from a day on."""

    client_key: str = Field(primary_key=True, foreign_key="client.key")
    starts_on: date = Field(primary_key=True)
    said: dict[str, Any] = Field(sa_type=JSON)


class SellerFactsRow(Row, table=True):
    """What is another about a seller from a day on."""

    seller_key: str = Field(primary_key=True, foreign_key="seller.key")
    starts_on: date = Field(primary_key=True)
    said: dict[str, Any] = Field(sa_type=JSON)


class AccountRow(Row, table=True):
    """A member account's name, as last given."""

    __table_args__ = (is_account_id("account_id"),)

    account_id: str = Field(primary_key=True)
    name: str


class AssignmentRow(Row, table=True):
    """An account has one client on a day.

    Ranges have GiST of their own, so the account id stands as a range of one number: no btree_gist.
    """

    __table_args__ = (
        is_account_id("account_id"),
        sa.CheckConstraint("ends_on > starts_on", name="ends_after_it_starts"),
        ExcludeConstraint(
            (sa.text("int8range(account_id::bigint, account_id::bigint, '[]')"), "&&"),
            (sa.text("daterange(starts_on, ends_on)"), "&&"),
            name="one_client_on_a_day",
            using="gist",
        ),
    )

    account_id: str = Field(primary_key=True)
    starts_on: date = Field(primary_key=True)
    ends_on: date | None = None
    """Exclusive."""
    client_key: str = Field(foreign_key="client.key", index=True)


class CustomLineItemRow(Row, table=True):
    """A version of an item: those of one key do not overlap."""

    __table_args__ = (
        sa.CheckConstraint(
            "num_nonnulls(flat_amount, percent, minimum_spend, maximum_spend, prepaid) = 1",
            name="one_charge",
        ),
        sa.CheckConstraint("(percent IS NULL) = (percent_of IS NULL)", name="percent_of_something"),
        sa.CheckConstraint("flat_amount >= 0", name="flat_amount_not_negative"),
        is_period("start_period"),
        is_period("end_period"),
    )

    key: str = Field(primary_key=True)
    start_period: str = Field(primary_key=True, sa_type=PERIOD)
    client_key: str = Field(foreign_key="client.key", index=True)
    kind: CustomKind = Field(sa_type=one_of(CustomKind))
    description: str
    flat_amount: Decimal | None = Field(default=None, sa_type=NUMERIC)
    percent: Decimal | None = Field(default=None, sa_type=NUMERIC)
    percent_of: PercentOf | None = Field(default=None, sa_type=one_of(PercentOf))
    minimum: Decimal | None = Field(default=None, sa_type=NUMERIC)
    maximum: Decimal | None = Field(default=None, sa_type=NUMERIC)
    above: Decimal | None = Field(default=None, sa_type=NUMERIC)
    reached: Decimal | None = Field(default=None, sa_type=NUMERIC)
    quantity: Decimal = Field(default=Decimal(1), sa_type=NUMERIC)
    services: list[str] = Field(default_factory=list, sa_type=JSON)
    accounts: list[str] = Field(default_factory=list, sa_type=JSON)
    end_period: str | None = Field(default=None, sa_type=PERIOD)
    """Exclusive."""
    payer_account_id: str | None = Field(default=None, foreign_key="payer_account.account_id")
    every_months: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    minimum_spend: Decimal | None = Field(default=None, sa_type=NUMERIC)
    maximum_spend: Decimal | None = Field(default=None, sa_type=NUMERIC)
    prepaid: Decimal | None = Field(default=None, sa_type=NUMERIC)
    counts: Counts | None = Field(default=None, sa_type=one_of(Counts))
    carry_over: bool = Field(default=False, sa_column_kwargs={"server_default": sa.false()})
    opening: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    starts_on: date | None = None
    """Where only some days of the first and last term are charged; `ends_on` is exclusive."""
    ends_on: date | None = None
    tax: dict[str, Any] | None = Field(default=None, sa_type=JSON)


class SharedCostRow(Row, table=True):
    """Charges that clients bear together; from a period on until the key's next start."""

    __table_args__ = (is_period("start_period"), is_period("end_period"))

    key: str = Field(primary_key=True)
    start_period: str = Field(primary_key=True, sa_type=PERIOD)
    end_period: str | None = Field(default=None, sa_type=PERIOD)
    """Exclusive."""
    body: dict[str, Any] = Field(sa_type=JSON)


class LineTypeRow(Row, table=True):
    """What kind of charge a line item type is, of which AWS's list and ours know nothing."""

    __table_args__ = (is_period("start_period"),)

    name: str = Field(primary_key=True)
    start_period: str = Field(primary_key=True, sa_type=PERIOD)
    kind: Kind = Field(sa_type=one_of(Kind))


class WaiverRow(Row, table=True):
    """That a finding of a payer's month stops nobody."""

    __table_args__ = (is_account_id("payer_account_id"), is_period("period"))

    payer_account_id: str = Field(primary_key=True)
    period: str = Field(primary_key=True, sa_type=PERIOD)
    code: str = Field(primary_key=True)
    client_key: str = Field(primary_key=True)
    """'' is whoever it concerns."""
    reason: str


class ExchangeRateRow(Row, table=True):
    __table_args__ = (sa.CheckConstraint("rate > 0", name="rate_positive"), is_period("period"))

    period: str = Field(primary_key=True, sa_type=PERIOD)
    from_currency: str = Field(primary_key=True)
    to_currency: str = Field(primary_key=True)
    rate: Decimal = Field(sa_type=NUMERIC)
    source: str
