"""Owns the `custom_line_items` section of the configuration file: forms, and their values."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from invoices.clients import AccountId, ClientKey, Tax, TaxCategory
from invoices.periods import BillingPeriod, DaySpan
from invoices.pricing.custom import CustomKind, CustomLineItem, Flat, Percentage, PercentOf
from invoices.pricing.spend import Counts, MaximumSpend, MinimumSpend, Opening, Prepaid
from service.configuration.values import (
    AccountNumber,
    DayOrMonth,
    Form,
    Key,
    Month,
    Name,
    NotNegative,
    Positive,
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


class OpeningForm(Form):
    amount: NotNegative
    until: Month


CHARGES = ("amount", "unit_price", "percent", "minimum_spend", "maximum_spend", "prepaid")
KINDS = {"minimum_spend": "fee", "maximum_spend": "credit", "prepaid": "credit"}


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
    above: Positive | None = None
    reached: Positive | None = None
    services: list[Text] = []
    accounts: list[AccountNumber] = []
    quantity: NotNegative | None = None
    unit_price: NotNegative | None = None
    minimum_spend: Positive | None = None
    maximum_spend: NotNegative | None = None
    prepaid: Positive | None = None
    counts: Literal["charges", "all"] = "charges"
    carry_over: bool = False
    opening: OpeningForm | None = None
    start: DayOrMonth = Field(alias="from", default=ALWAYS)
    end: DayOrMonth | None = Field(default=None, alias="to")
    once: bool = False
    every_months: Annotated[int, Field(ge=1, le=MONTHS_MAX)] = 1
    prorate: bool = False
    tax: ItemTaxForm | None = None

    @model_validator(mode="after")
    def one_charge(self) -> Self:
        if len([name for name in CHARGES if getattr(self, name) is not None]) != 1:
            raise ValueError(f"give one of {', '.join(CHARGES[:-1])} and {CHARGES[-1]}")
        if (self.quantity is None) != (self.unit_price is None):
            raise ValueError("quantity and unit_price go together")
        if (self.percent is None) != (self.percent_of is None):
            raise ValueError("percent and percent_of go together")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError("minimum is more than maximum")
        if None not in (self.above, self.reached):
            raise ValueError("give above (of what is above it) or reached (of all, once it is so)")
        if self.minimum is not None and (self.above is not None or self.reached is not None):
            raise ValueError("below its limit it is nothing: leave out minimum")
        if self.kind == "credit" and self.percent is not None and self.percent > 100:
            raise ValueError("a credit of more than 100 percent gives back what nobody paid")
        for name, kind in KINDS.items():
            if getattr(self, name) is not None and self.kind != kind:
                raise ValueError(f"{name} goes with `kind: {kind}`")
        return self

    @model_validator(mode="after")
    def is_of_something(self) -> Self:
        limits = ("minimum_spend", "maximum_spend", "prepaid")
        belongs = {
            **dict.fromkeys(("minimum", "maximum", "above", "reached"), ("percent",)),
            **dict.fromkeys(("services", "accounts"), ("percent", *limits)),
            "counts": limits,
            **dict.fromkeys(("carry_over", "opening"), ("minimum_spend",)),
        }
        for name, to in belongs.items():
            is_said = getattr(self, name) not in (None, [], False, "charges")
            if is_said and all(getattr(self, each) is None for each in to):
                raise ValueError(f"{name} goes with {' or '.join(to)}")
        if "" in self.services:
            raise ValueError("services are AWS's codes, such as AmazonEC2, or globs of them")
        if self.counts == "all" and (self.services or self.accounts):
            raise ValueError("services and accounts are of charges: leave out `counts: all`")
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
        dated = {
            "once": self.once,
            "prorate": self.prorate,
            "every_months": self.every_months > 1,
            "carry_over": self.carry_over,
            "opening": self.opening is not None,
            "prepaid": self.prepaid is not None,
        }
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
        if self.every_months > 1 and self.percent is not None:
            raise ValueError("a percentage is of each month: leave out every_months")
        if self.every_months > 1 and self.maximum_spend is not None:
            raise ValueError("a maximum_spend is of each month: leave out every_months")
        if self.prepaid is not None and (self.once or self.every_months > 1 or self.prorate):
            raise ValueError(
                "prepaid is taken off until it runs out: leave out once, every_months and prorate"
            )
        is_bare = self.percent is not None and self.minimum is None and self.maximum is None
        if self.prorate and is_bare:
            raise ValueError("nothing is prorated: a percentage is of what the month has")
        if self.opening:
            into = self.opening.until.months_since(BillingPeriod.of(self.start))
            if into <= 0 or into % self.every_months == 0:
                raise ValueError(
                    "`opening` is of a term that has begun: its `until` is within one, after `from`"
                )
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


def _charge(
    form: CustomLineItemForm,
) -> Flat | Percentage | MinimumSpend | MaximumSpend | Prepaid:
    services = tuple(sorted({*form.services}))
    accounts = tuple(sorted(map(AccountId, {*form.accounts})))
    counts = Counts(form.counts)
    if form.amount is not None:
        return Flat(tidy(form.amount))
    if form.unit_price is not None and form.quantity is not None:
        return Flat(tidy(form.unit_price), tidy(form.quantity))
    if form.maximum_spend is not None:
        return MaximumSpend(tidy(form.maximum_spend), counts, services, accounts)
    if form.prepaid is not None:
        return Prepaid(tidy(form.prepaid), counts, services, accounts)
    if form.minimum_spend is not None:
        opening = form.opening
        return MinimumSpend(
            tidy(form.minimum_spend),
            counts,
            services,
            accounts,
            form.carry_over,
            Opening(tidy(opening.amount), opening.until) if opening else None,
        )
    assert form.percent is not None and form.percent_of is not None
    return Percentage(
        tidy(form.percent),
        PercentOf(form.percent_of),
        None if form.minimum is None else tidy(form.minimum),
        None if form.maximum is None else tidy(form.maximum),
        services,
        accounts,
        None if form.above is None else tidy(form.above),
        None if form.reached is None else tidy(form.reached),
    )


def _tax(form: ItemTaxForm) -> Tax:
    return Tax(TaxCategory(form.category), tidy(form.rate_percent), note=form.note)


def item_key(form: CustomLineItemForm) -> str:
    """Its own, or one made of client and description, so that a new price changes the item."""
    return form.key or f"{form.client}:{form.kind}:{form.description}"


@dataclass(frozen=True, slots=True)
class ItemProblem:
    """What is wrong with an item beside others, and in which of its settings."""

    item: CustomLineItem
    setting: str
    words: str

    def __str__(self) -> str:
        return f"custom_line_items: {self.words}"


def item_problems(items: Iterable[CustomLineItem]) -> Iterator[ItemProblem]:
    """Versions of a key follow each other: each day has one, and they are one client's."""
    ordered = sorted(items, key=lambda item: (item.key, item.starts_on))
    for first, second in itertools.pairwise(ordered):
        if first.key != second.key:
            continue
        if first.starts_on == second.starts_on:
            yield ItemProblem(second, "key", f"{first.key} is written twice")
        elif first.client != second.client:
            words = f"{first.key} is of {first.client} and of {second.client}"
            yield ItemProblem(second, "client", f"{words}; an item is one client's")
        elif first.start == second.start:
            words = f"{first.key} begins twice in {first.start}: give the second another key"
            yield ItemProblem(second, "from", words)
        elif first.ends_on is None or first.ends_on > second.starts_on:
            words = f"{first.key} from {first.starts_on} and from {second.starts_on} overlap"
            yield ItemProblem(second, "from", f"{words}: say with `to` when the first ends")
