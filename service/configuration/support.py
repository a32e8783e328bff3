"""Owns the `support` of a price book in the configuration file: forms, and what they become."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from invoices.allocation.support.plans import PLANS, SupportPlan, Tier
from invoices.allocation.support.policies import AS_CHARGED, Per, SupportMode, SupportPolicy
from service.configuration.values import (
    Currency,
    Form,
    Name,
    NotNegative,
    Positive,
    Share,
    Text,
    one_of,
    tidy,
)


class TierForm(Form):
    up_to: Positive | None = None
    percent: Share


class TableForm(Form):
    """A plan of the reseller's own, in the currency of the bill, or its own."""

    name: Name
    service: Name = "AWSSupport"
    minimum: NotNegative
    tiers: Annotated[list[TierForm], Field(min_length=1)]
    currency: Currency | None = None


class SupportForm(Form):
    mode: Literal["pass_through", "suppress", "proportional", "recompute"] = "pass_through"
    plan: Annotated[Text, AfterValidator(one_of(PLANS))] | None = None
    table: TableForm | None = None
    per: Literal["client", "account"] = "client"
    minimum: bool = True
    excluded_services: list[Name] = []

    @model_validator(mode="after")
    def is_policy(self) -> Self:
        if self.plan is not None and self.table is not None:
            raise ValueError("give one of plan and table")
        only = {"per", "minimum"} & self.model_fields_set
        if self.mode != "recompute" and only:
            raise ValueError(f"{' and '.join(sorted(only))}: this goes with mode: recompute")
        support_of(self)
        return self


def support_of(form: SupportForm | None) -> SupportPolicy:
    if form is None:
        return AS_CHARGED
    plan = PLANS[form.plan] if form.plan else None
    return SupportPolicy(
        mode=SupportMode(form.mode),
        plan=_plan(form.table) if form.table else plan,
        per=Per(form.per),
        has_minimum=form.minimum,
        excluded_services=tuple(sorted({*form.excluded_services})),
    )


def _plan(form: TableForm) -> SupportPlan:
    return SupportPlan(
        name=form.name,
        service=form.service,
        minimum=tidy(form.minimum),
        tiers=tuple(
            Tier(tidy(each.percent), None if each.up_to is None else tidy(each.up_to))
            for each in form.tiers
        ),
        currency=form.currency or "",
    )


__all__ = ["SupportForm", "support_of"]
