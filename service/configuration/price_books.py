"""Owns the `price_books` section of the configuration file: forms, and the values they become."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from invoices.allocation.commitments.policies import (
    NO_COMMITMENT_POLICY,
    PASS_THROUGH,
    Benefit,
    CommitmentPolicies,
    CommitmentPolicy,
    Spread,
    Unused,
    Upfront,
)
from invoices.allocation.credits import CreditOwner, CreditPolicy
from invoices.clients import ClientKey
from invoices.documents.document import content_id
from invoices.kinds import DISCOUNTS
from invoices.matching import ACCOUNT, is_any
from invoices.periods import BillingPeriod
from invoices.pricing.book import (
    CostBasis,
    FixedRate,
    Markup,
    Match,
    PriceBook,
    PricingRule,
)
from service.configuration.support import SupportForm, support_of
from service.configuration.values import (
    AccountNumber,
    Currency,
    DayOrMonth,
    Exact,
    Form,
    Key,
    Month,
    Name,
    NotNegative,
    Positive,
    Share,
    Text,
    one_of,
    tidy,
)
from service.store.plain import to_json


class SharePercent(Form):
    share_percent: Share


def _passing(given: object) -> object:
    if given in ("retain", "pass_through") or isinstance(given, dict):
        return given
    raise ValueError("write retain, pass_through or {share_percent: …}")


def _passing_kind(given: object) -> str:
    return "share" if isinstance(given, (dict, SharePercent)) else "word"


Passing = Annotated[
    Annotated[Literal["retain", "pass_through"], Tag("word")]
    | Annotated[SharePercent, Tag("share")],
    Discriminator(_passing_kind),
    BeforeValidator(_passing),
]


class DiscountsForm(Form):
    edp: Passing | None = None
    private_rate: Passing | None = None
    bundled: Passing | None = None
    ri_volume: Passing | None = None
    spp: Passing | None = None
    other: Passing | None = None
    named: dict[Name, Passing] = {}


class MatchForm(Form):
    service: Text = "*"
    region: Text = "*"
    usage_type: Text = "*"
    operation: Text = "*"
    kind: Text = "*"
    billing_entity: Text = "*"


class RuleMatchForm(MatchForm):
    account: AccountNumber | None = None


class RuleForm(Form):
    match: RuleMatchForm = RuleMatchForm()
    markup_percent: Annotated[Exact, Field(ge=-100)] | None = None
    discount_percent: Share | None = None
    rate: NotNegative | None = None
    label: Text = ""

    @model_validator(mode="after")
    def one_effect(self) -> Self:
        given = (self.markup_percent, self.discount_percent, self.rate)
        if sum(each is not None for each in given) != 1:
            raise ValueError("give one of markup_percent, discount_percent and rate")
        return self


class SpreadForm(Form):
    amount: Positive
    start: Month = Field(alias="from")
    months: int

    @model_validator(mode="after")
    def is_spread(self) -> Self:
        spread_of(self)
        return self


def _upfront(given: object) -> object:
    if given in ("at_once", "amortized") or isinstance(given, (dict, SpreadForm)):
        return given
    raise ValueError("write at_once, amortized or {amount: …, from: YYYY-MM, months: 12}")


def _upfront_kind(given: object) -> str:
    return "spread" if isinstance(given, (dict, SpreadForm)) else "word"


UpfrontWord = Annotated[
    Annotated[Literal["at_once", "amortized"], Tag("word")] | Annotated[SpreadForm, Tag("spread")],
    Discriminator(_upfront_kind),
    BeforeValidator(_upfront),
]


class CommitmentForm(Form):
    policy: Annotated[Text, AfterValidator(one_of(Benefit))] = "pass_through"
    pool: Key | None = None
    owner_first: bool = True
    unused: Annotated[Text, AfterValidator(one_of(Unused))] | None = None
    upfront: UpfrontWord | None = None
    owner: Key | None = None

    @model_validator(mode="after")
    def is_policy(self) -> Self:
        commitment_policy_of(self)
        return self


def _commitment(given: object) -> object:
    """A policy's name stands for the policy with nothing else said."""
    if isinstance(given, (str, dict, CommitmentForm)):
        return {"policy": given} if isinstance(given, str) else given
    raise ValueError(f"write one of {', '.join(sorted(Benefit))}, or {{policy: …}}")


def _arn(given: str) -> str:
    if not given.startswith("arn:"):
        raise ValueError("write the ARN of a reservation or savings plan, arn:aws:…")
    return given


OfCommitment = Annotated[CommitmentForm, BeforeValidator(_commitment)]
Arn = Annotated[Text, AfterValidator(_arn)]


class CommitmentsForm(Form):
    default: OfCommitment | None = None
    arns: dict[Arn, OfCommitment] = {}
    crossing: Literal["tell", "block"] = "tell"

    @model_validator(mode="after")
    def are_policies(self) -> Self:
        commitments_of(self)
        return self


class CreditOwnerForm(Form):
    credit: Name
    client: Key
    start: DayOrMonth = Field(alias="from")
    end: DayOrMonth | None = Field(default=None, alias="to")


def _credits(given: object) -> object:
    if given in ("retain", "pass_through", "owner", "share") or isinstance(given, dict):
        return given
    raise ValueError("write retain, pass_through, owner, share or {share_percent: …}")


Credits = Annotated[
    Annotated[Literal["retain", "pass_through", "owner", "share"], Tag("word")]
    | Annotated[SharePercent, Tag("share")],
    Discriminator(_passing_kind),
    BeforeValidator(_credits),
]


class PriceBookForm(Form):
    key: Key
    start: Month = Field(alias="from")
    cost_basis: Literal["billed", "amortized", "net_billed", "net_amortized", "list", "blended"]
    commitments: CommitmentsForm | None = None
    support: SupportForm | None = None
    credits: Credits = "retain"
    credit_owners: list[CreditOwnerForm] = []
    aws_tax: Passing = "retain"
    discounts: DiscountsForm = DiscountsForm()
    currency: Currency | None = None
    rules: list[RuleForm] = []

    @model_validator(mode="after")
    def is_book(self) -> Self:
        if bool(self.credit_owners) != (self.credits == "owner"):
            raise ValueError("`credits: owner` and credit_owners go together")
        price_book_of(self)
        return self


def price_book_of(form: PriceBookForm) -> PriceBook:
    book = PriceBook(
        key=form.key,
        version="",
        start=form.start,
        cost_basis=CostBasis(form.cost_basis),
        rules=tuple(map(_rule, form.rules)),
        credits_passed_percent=_passed_percent(form.credits),
        aws_tax_passed_percent=_passed_percent(form.aws_tax),
        discounts_passed_percent={
            kind: _passed_percent(passing)
            for kind in DISCOUNTS
            if (passing := getattr(form.discounts, kind.removeprefix("discount_"))) is not None
        },
        named_discounts_passed_percent={
            name: _passed_percent(passing) for name, passing in sorted(form.discounts.named.items())
        },
        currency=form.currency or "",
        support=support_of(form.support),
        commitments=commitments_of(form.commitments),
        credits=CreditPolicy(
            is_shared=form.credits == "share",
            returns=form.credits == "owner",
            owners=tuple(
                CreditOwner(each.credit, ClientKey(each.client), each.start, each.end)
                for each in form.credit_owners
            ),
        ),
    )
    return replace(book, version=_version(book))


ADDED = ("currency", "commitments", "credits", "named_discounts_passed_percent", "support")
"""What earlier versions of a price book had not: unsaid, it is no part of the version."""

UNSAID = PriceBook(key="", version="", start=BillingPeriod(1, 1), cost_basis=CostBasis.BILLED)


def _version(book: PriceBook) -> str:
    """Of what the book says, not of its name or when it starts."""
    unsaid = {"key", "start"}
    unsaid |= {name for name in ADDED if getattr(book, name) == getattr(UNSAID, name)}
    said = {name: text for name, text in to_json(book).items() if name not in unsaid}
    for rule in said["rules"]:
        if is_any(rule["match"][ACCOUNT]):
            del rule["match"][ACCOUNT]  # Earlier versions had it not.
    return content_id(said)[:16]


def commitments_of(form: CommitmentsForm | None) -> CommitmentPolicies:
    if form is None:
        return NO_COMMITMENT_POLICY
    return CommitmentPolicies(
        default=commitment_policy_of(form.default) if form.default else PASS_THROUGH,
        by_arn={arn: commitment_policy_of(each) for arn, each in sorted(form.arns.items())},
        blocks_crossing=form.crossing == "block",
    )


def commitment_policy_of(form: CommitmentForm) -> CommitmentPolicy:
    return CommitmentPolicy(
        benefit=Benefit(form.policy),
        pool=form.pool or "",
        owner_first=form.owner_first,
        unused=Unused(form.unused) if form.unused else None,
        upfront=spread_of(form.upfront),
        owner=ClientKey(form.owner or ""),
    )


def spread_of(form: SpreadForm | str | None) -> Upfront | Spread | None:
    if isinstance(form, SpreadForm):
        return Spread(tidy(form.amount), form.start, form.months)
    return Upfront(form) if form else None


def _rule(form: RuleForm) -> PricingRule:
    said = form.match.model_dump(exclude={"account"})
    match = Match(**said, account_id=form.match.account or "*")
    if form.markup_percent is not None:
        return PricingRule(match, Markup(tidy(form.markup_percent)), form.label)
    if form.discount_percent is not None:
        return PricingRule(match, Markup(-tidy(form.discount_percent)), form.label)
    assert form.rate is not None
    return PricingRule(match, FixedRate(tidy(form.rate)), form.label)


def _passed_percent(passing: Passing | Credits) -> Decimal:
    match passing:
        case "retain":
            return Decimal(0)
        case "pass_through" | "owner" | "share":
            return Decimal(100)
        case SharePercent(share_percent=share):
            return tidy(share)
