"""Owns the `custom_line_items` section of the configuration file: forms, and their values."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from invoices.clients import AccountId, ClientKey, Tax, TaxCategory
from invoices.periods import BillingPeriod, DaySpan
from invoices.pricing.custom import CustomKind, CustomLineItem, Flat, Percentage, PercentOf
from service.configuration.values import (
    AccountNumber,
    DayOrMonth,
    Form,
    Key,
    Name,
    NotNegative,
    Share,
    Text,
    tidy,
)

ALWAYS = date.min
"""The first day of a custom line item that has no `from`."""
MONTHS_MAX = 120


class ItemTaxForm(Form):
    category: Literal["standard", "reverse_charge", "zero", "exempt", "outside_scope", "export"]
    rate_percent: Share = Decimal(0)
    note: Text = ""

    @model_validator(mode="after")
    def has_the_rate_of_its_category(self) -> Self:
        if (self.category == "standard") != (self.rate_percent > 0):
            raise ValueError("only standard has a rate_percent, and it needs one")
        return self


class CustomLineItemForm(Form):
    key: Key | None = None
    client: Key
    payer: AccountNumber | None = None
    kind: Literal["fee", "credit"]
    description: Name
    amount: NotNegative | None = None
    percent_of: Literal["cost", "price"] | None = None
    percent: NotNegative | None = None
    minimum: NotNegative | None = None
    maximum: NotNegative | None = None
    services: list[Text] = []
    accounts: list[AccountNumber] = []
    quantity: NotNegative | None = None
    unit_price: NotNegative | None = None
    start: DayOrMonth = Field(alias="from", default=ALWAYS)
    end: DayOrMonth | None = Field(default=None, alias="to")
    once: bool = False
    every_months: Annotated[int, Field(ge=1, le=MONTHS_MAX)] = 1
    prorate: bool = False
    tax: ItemTaxForm | None = None

    @model_validator(mode="after")
    def one_charge(self) -> Self:
        given = (self.amount, self.percent, self.unit_price)
        if sum(each is not None for each in given) != 1:
            raise ValueError("give one of amount, unit_price and percent")
        if (self.quantity is None) != (self.unit_price is None):
            raise ValueError("quantity and unit_price go together")
        if (self.percent is None) != (self.percent_of is None):
            raise ValueError("percent and percent_of go together")
        if self.percent is None:
            for name in ("minimum", "maximum", "services", "accounts"):
                if getattr(self, name) not in (None, []):
                    raise ValueError(f"{name} goes with percent")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError("minimum is more than maximum")
        if "" in self.services:
            raise ValueError("services are AWS's codes, such as AmazonEC2, or globs of them")
        if self.kind == "credit" and self.percent is not None and self.percent > 100:
            raise ValueError("a credit of more than 100 percent gives back what nobody paid")
        return self

    @model_validator(mode="after")
    def begins_and_ends(self) -> Self:
        if self.end is not None and self.end <= self.start:
            raise ValueError("`to` (exclusive) must be later than `from`")
        for name, day in (("from", self.start), ("to", self.end)):
            if day is not None and day.day > 1 and not self.prorate:
                raise ValueError(
                    f"`{name}` is within a month: write the month, or say `prorate: true`"
                )
        dated = {"once": self.once, "prorate": self.prorate, "every_months": self.every_months > 1}
        for name in (name for name, is_said in dated.items() if is_said):
            if self.start == ALWAYS:
                raise ValueError(f"`{name}` needs `from`")
        return self

    @model_validator(mode="after")
    def has_one_rhythm(self) -> Self:
        if self.once and (self.end is not None or self.every_months > 1 or self.prorate):
            raise ValueError(
                "`once` is in the month of `from`: leave out `to`, every_months and prorate"
            )
        if self.percent is None:
            return self
        if self.every_months > 1:
            raise ValueError("a percentage is of each month: leave out every_months")
        if self.prorate and self.minimum is None and self.maximum is None:
            raise ValueError("nothing is prorated: a percentage is of what the month has")
        return self


def custom_line_item_of(form: CustomLineItemForm) -> CustomLineItem:
    start = BillingPeriod.of(form.start)
    ends = _first_month_without(form.end) if form.end else None
    return CustomLineItem(
        key=item_key(form),
        client=ClientKey(form.client),
        kind=CustomKind(form.kind),
        description=form.description,
        charge=_charge(form),
        start=start,
        end=start.next if form.once else ends,
        payer_account_id=None if form.payer is None else AccountId(form.payer),
        every_months=form.every_months,
        days=DaySpan(form.start, form.end) if form.prorate else None,
        tax=_tax(form.tax) if form.tax else None,
    )


def _first_month_without(end: date) -> BillingPeriod:
    month = BillingPeriod.of(end)
    return month if end == month.start else month.next


def _charge(form: CustomLineItemForm) -> Flat | Percentage:
    if form.amount is not None:
        return Flat(tidy(form.amount))
    if form.unit_price is not None and form.quantity is not None:
        return Flat(tidy(form.unit_price), tidy(form.quantity))
    assert form.percent is not None and form.percent_of is not None
    return Percentage(
        tidy(form.percent),
        PercentOf(form.percent_of),
        None if form.minimum is None else tidy(form.minimum),
        None if form.maximum is None else tidy(form.maximum),
        tuple(sorted({*form.services})),
        tuple(sorted(map(AccountId, {*form.accounts}))),
    )


def _tax(form: ItemTaxForm) -> Tax:
    return Tax(TaxCategory(form.category), tidy(form.rate_percent), note=form.note)


def item_key(form: CustomLineItemForm) -> str:
    """Its own, or one made of client and description, so that a new price changes the item."""
    return form.key or f"{form.client}:{form.kind}:{form.description}"


def item_problems(items: Iterable[CustomLineItem]) -> Iterator[str]:
    """Versions of a key follow each other: each day has one, and they are one client's."""
    ordered = sorted(items, key=lambda item: (item.key, item.starts_on))
    for first, second in itertools.pairwise(ordered):
        if first.key != second.key:
            continue
        if first.starts_on == second.starts_on:
            yield f"custom_line_items: {first.key} is written twice"
        elif first.client != second.client:
            yield (
                f"custom_line_items: {first.key} is of {first.client} and of {second.client}; an "
                "item is one client's"
            )
        elif first.start == second.start:
            yield (
                f"custom_line_items: {first.key} begins twice in {first.start}: give the second "
                "another key"
            )
        elif first.ends_on is None or first.ends_on > second.starts_on:
            yield (
                f"custom_line_items: {first.key} from {first.starts_on} and from "
                f"{second.starts_on} overlap: say with `to` when the first ends"
            )
