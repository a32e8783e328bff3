"""Owns the form of the configuration file: names, shapes and what goes together."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    model_validator,
)

from invoices.inputs import WAIVABLE
from invoices.kinds import MAPPABLE
from service.configuration.discounts import written_out
from service.configuration.items import CustomLineItemForm
from service.configuration.price_books import PriceBookForm
from service.configuration.shared_costs import SharedCostForm
from service.configuration.values import (
    AccountNumber,
    Country,
    Currency,
    Day,
    Form,
    Key,
    Month,
    Name,
    Positive,
    Share,
    Text,
    one_of,
)

RoundingWord = Literal["half_up", "half_even", "down", "up"]
ZeroMonthsWord = Literal["invoice", "no_document"]
NegativeMonthsWord = Literal["park", "credit_note", "carry_forward"]


SELLER_KEY = "seller"
"""Of the one seller that a file describes, unless it says otherwise."""


class AddressForm(Form):
    street: Text
    city: Text
    postcode: Text
    country: Country
    region: Text = ""


Prefix = Annotated[
    Text, StringConstraints(pattern=r"^[A-Za-z0-9./-]{0,16}(\{year\}[A-Za-z0-9./-]{0,4})?$")
]


class SeriesForm(Form):
    prefix: Prefix
    start: Annotated[int, Field(ge=1)] = 1


class NumberingForm(Form):
    prefix: Prefix = "INV-"
    start: Annotated[int, Field(ge=1)] = 1
    credit_notes: SeriesForm | None = None
    supplementary_invoices: SeriesForm | None = None


class FactsForm(Form):
    """What is another from a day on; what it leaves out is as it was before."""

    start: Day = Field(alias="from")

    @model_validator(mode="after")
    def says_something(self) -> Self:
        if self.model_fields_set == {"start"}:
            raise ValueError("say what is another from that day on")
        return self


class SellerFactsForm(FactsForm):
    name: Name | None = None
    address: AddressForm | None = None
    tax_id: Text | None = None
    email: Text | None = None
    phone: Text | None = None
    website: Text | None = None
    registration: Text | None = None
    payment_details: dict[Text, Text] | None = None
    footer: Text | None = None


class SellerForm(Form):
    key: Key = SELLER_KEY
    name: Name
    address: AddressForm
    tax_id: Text
    email: Text = ""
    phone: Text = ""
    website: Text = ""
    registration: Text = ""
    payment_details: dict[Text, Text] = {}
    footer: Text = ""
    numbering: NumberingForm = NumberingForm()
    rounding: RoundingWord = "half_up"
    tax_rounding: RoundingWord | None = None
    tax_currency: Currency | None = None
    zero_months: ZeroMonthsWord | None = None
    negative_months: NegativeMonthsWord | None = None
    facts: list[SellerFactsForm] | None = None


class ExportForm(Form):
    dialect: Literal["auto", "legacy", "cur2", "focus"] = "auto"
    location: Name


class PayerForm(Form):
    account_id: AccountNumber
    exports: list[ExportForm] = []
    internal_accounts: list[AccountNumber] = []
    prorate_monthly_fees: bool = False
    tags: list[Name] = []


class TaxForm(Form):
    category: Literal["standard", "reverse_charge", "zero", "exempt", "outside_scope", "export"] = (
        "outside_scope"
    )
    rate_percent: Share = Decimal(0)
    vat_id: Text = ""
    note: Text = ""
    rounding: RoundingWord | None = None


class AccountForm(Form):
    id: AccountNumber
    name: Text | None = None
    start: Day = Field(alias="from")
    end: Day | None = Field(default=None, alias="to")

    @model_validator(mode="after")
    def ends_after_it_starts(self) -> Self:
        if self.end is not None and self.end <= self.start:
            raise ValueError("`to` (exclusive) must be later than `from`")
        return self


class ClientFactsForm(FactsForm):
    name: Name | None = None
    address: AddressForm | None = None
    email: Text | None = None
    tax: TaxForm | None = None
    buyer_reference: Text | None = None


class ClientForm(Form):
    key: Key
    name: Name
    currency: Currency
    address: AddressForm
    tax: TaxForm = TaxForm()
    price_book: Key
    payment_terms_days: Annotated[int, Field(ge=0, le=365)] = 30
    email: Text = ""
    buyer_reference: Text = ""
    external_refs: dict[Text, Text] = {}
    rounding: RoundingWord | None = None
    zero_months: ZeroMonthsWord | None = None
    negative_months: NegativeMonthsWord | None = None
    accounts: list[AccountForm] = []
    facts: list[ClientFactsForm] | None = None


class LineTypeForm(Form):
    type: Name
    kind: Annotated[Text, AfterValidator(one_of(MAPPABLE))]
    start: Month = Field(alias="from")


class WaiverForm(Form):
    payer: AccountNumber
    period: Month
    code: Annotated[Text, AfterValidator(one_of(WAIVABLE))]
    client: Key | None = None
    reason: Name


class ExchangeRateForm(Form):
    period: Month
    from_currency: Currency = Field(alias="from")
    to_currency: Currency = Field(alias="to")
    rate: Positive
    source: Name


class ConfigurationForm(Form):
    written_out = model_validator(mode="before")(written_out)

    seller: SellerForm | None = None
    payers: list[PayerForm] = []
    clients: list[ClientForm] = []
    price_books: list[PriceBookForm] = []
    custom_line_items: list[CustomLineItemForm] = []
    shared_costs: list[SharedCostForm] = []
    exchange_rates: list[ExchangeRateForm] = []
    line_types: list[LineTypeForm] = []
    waivers: list[WaiverForm] = []
