"""Owns the `shared_costs` section of the configuration file: forms, and the values they become."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from invoices.allocation.shared_costs.groups import WITHOUT_ACCOUNT, Basis, By, SharedCost
from invoices.clients import AccountId, ClientKey
from invoices.kinds import CostBasis
from invoices.matching import Match
from invoices.periods import BillingPeriod
from service.configuration.price_books import MatchForm
from service.configuration.values import (
    AccountNumber,
    Form,
    Key,
    Month,
    Name,
    Positive,
    Text,
    tidy,
)

ALWAYS = BillingPeriod(1, 1)


class SpendForm(MatchForm):
    cost: Literal["billed", "amortized", "net_billed", "net_amortized", "blended"] = "net_billed"


class BasisForm(Form):
    spend: SpendForm | None = None
    usage: MatchForm | None = None
    percent: dict[Key, Positive] | None = None
    even: Literal[True] | None = None
    tagged: Literal[True] | None = None

    @model_validator(mode="after")
    def is_one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("give one of spend, usage, percent, even and tagged")
        if self.usage is not None and self.usage == MatchForm():
            raise ValueError("say of what usage: service, usage_type, …")
        basis_of(self)
        return self


def _basis(given: object) -> object:
    """Its name stands for a basis with nothing else said."""
    match given:
        case "spend":
            return {"spend": {}}
        case "even" | "tagged":
            return {given: True}
        case dict() | BasisForm():
            return given
    raise ValueError("write spend, even, tagged, {spend: …}, {usage: …} or {percent: {CLIENT: …}}")


def _to(given: object) -> object:
    if given == "all":
        return []
    if isinstance(given, list) and given:
        return given
    raise ValueError("write all, or a list of clients")


class SharedCostForm(Form):
    key: Key | None = None
    description: Text = ""
    accounts: list[AccountNumber] = []
    without_account: bool = False
    match: MatchForm = MatchForm()
    basis: Annotated[BasisForm, BeforeValidator(_basis)]
    to: Annotated[list[Key], BeforeValidator(_to)] = []
    exempt: list[Key] = []
    tag: Text = ""
    values: dict[Key, list[Name]] = {}
    start: Month = Field(alias="from", default=ALWAYS)
    end: Month | None = Field(default=None, alias="until")

    @model_validator(mode="after")
    def is_shared_cost(self) -> Self:
        shared_cost_of(self)
        return self


def shared_cost_of(form: SharedCostForm) -> SharedCost:
    accounts = [AccountId(each) for each in sorted({*form.accounts})]
    return SharedCost(
        key=shared_cost_key(form),
        description=form.description,
        accounts=(*[WITHOUT_ACCOUNT] * form.without_account, *accounts),
        match=Match(**form.match.model_dump()),
        basis=basis_of(form.basis),
        to=tuple(sorted(map(ClientKey, {*form.to}))),
        exempt=tuple(sorted(map(ClientKey, {*form.exempt}))),
        tag=form.tag,
        values={ClientKey(key): tuple(sorted({*globs})) for key, globs in form.values.items()},
        start=form.start,
        end=form.end,
    )


def shared_cost_key(form: SharedCostForm) -> str:
    """Its own, or its first account."""
    return form.key or min(form.accounts, default="without-account")


def basis_of(form: BasisForm) -> Basis:
    if form.spend is not None:
        said = form.spend.model_dump(exclude={"cost"})
        return Basis(By.SPEND, Match(**said), CostBasis(form.spend.cost))
    if form.usage is not None:
        return Basis(By.USAGE, Match(**form.usage.model_dump()))
    if form.percent is not None:
        return Basis(By.PERCENT, percents={ClientKey(k): tidy(v) for k, v in form.percent.items()})
    return Basis(By.TAGGED if form.tagged else By.EVEN)


__all__ = ["SharedCostForm", "shared_cost_key", "shared_cost_of"]
