"""Owns the estimate: a month so far as Cost Explorer states it; asking costs money."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any, Protocol

from invoices.clients import AccountId
from invoices.control_totals import ControlTotal
from invoices.kinds import Kind
from invoices.money import exact_sum
from invoices.periods import BillingPeriod
from jobs.aws import session
from jobs.aws.cost_explorer import CostExplorerError, CostGroup, cost_and_usage
from jobs.record_types import KINDS
from kernel.errors import CostExplorerFails, NoEstimate
from service.store.billing.estimates import (
    BASIS_OF,
    Answer,
    accounts_in_several,
    is_comparable,
    latest_answer,
    put_answer,
)
from service.store.database import Database

FRESH_FOR = timedelta(hours=6)
"""Cost Explorer itself is refreshed a few times a day."""

METRICS: tuple[str, ...] = (*BASIS_OF, "BlendedCost")

RECORD_TYPES: Mapping[str, Kind] = {
    **KINDS,
    "Recurring": Kind.RI_FEE,
    "Upfront": Kind.RI_UPFRONT,
    "Support": Kind.FEE,
    "Other": Kind.FEE,
    "Other out-of-cycle charges": Kind.FEE,
    "Enterprise Discount Program Discount": Kind.DISCOUNT_EDP,
    "Private Rate Card Discount": Kind.DISCOUNT_PRIVATE_RATE,
    "Private Rate Discount": Kind.DISCOUNT_PRIVATE_RATE,
    "Bundled Discount": Kind.DISCOUNT_BUNDLED,
    "RI Volume Discount": Kind.DISCOUNT_RI_VOLUME,
    "Reserved Instance Volume Discount": Kind.DISCOUNT_RI_VOLUME,
    "SPP Discount": Kind.DISCOUNT_SPP,
}
"""Cost Explorer's names of what a line item type is called elsewhere; others are `unknown`."""


class Answers(Protocol):
    """Where one payer's answers about one month are kept; the store has them."""

    def latest(self) -> Answer | None: ...

    def put(self, answer: Answer) -> None: ...


class AskCostExplorer(Protocol):
    """`jobs.aws.cost_explorer.cost_and_usage`, with its client."""

    def __call__(self, *, start: str, end: str, metrics: Sequence[str]) -> list[CostGroup]: ...


@dataclass(frozen=True, slots=True)
class StoredAnswers:
    """One payer's answers about one month, in the database."""

    database: Database
    payer_account_id: AccountId
    period: BillingPeriod

    def latest(self) -> Answer | None:
        with self.database.transaction() as transaction:
            return latest_answer(transaction, self.payer_account_id, self.period)

    def put(self, answer: Answer) -> None:
        with self.database.transaction() as transaction:
            put_answer(
                transaction, answer, payer_account_id=self.payer_account_id, period=self.period
            )


def cost_explorer() -> AskCostExplorer:
    """The payer's own, with the credentials of the environment."""
    return partial(cost_and_usage, session.cost_explorer())


@dataclass(frozen=True, slots=True)
class EstimatedCost:
    """One account and record type, month to date, exact as AWS wrote it."""

    account_id: AccountId
    record_type: str
    kind: Kind
    amounts: Mapping[str, Decimal]
    """By Cost Explorer's metric."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """All of a payer's month as it stood at `asked_at`, sorted by account and record type."""

    period: BillingPeriod
    asked_at: datetime
    currency: str
    """'' while nothing was billed yet."""
    estimated: bool
    """Whether AWS itself still calls it an estimate."""
    costs: tuple[EstimatedCost, ...]


def month_to_date(
    period: BillingPeriod, *, answers: Answers, ask: AskCostExplorer, now: datetime
) -> Estimate:
    """The kept answer while it is fresh, else a new one, kept.

    Raises NoEstimate, CostExplorerFails.
    """
    kept = answers.latest()
    if kept is None or not timedelta() <= now - kept.asked_at <= FRESH_FOR:
        return ask_anew(period, answers=answers, ask=ask, now=now)
    return to_estimate(period, kept)


def ask_anew(
    period: BillingPeriod, *, answers: Answers, ask: AskCostExplorer, now: datetime
) -> Estimate:
    """A new answer, kept, however fresh the last one is. Raises NoEstimate, CostExplorerFails."""
    answer = _asked(period, ask, now)
    answers.put(answer)
    return to_estimate(period, answer)


def control_totals(estimate: Estimate, facts: Mapping[str, Any]) -> tuple[ControlTotal, ...]:
    """Cost Explorer beside a snapshot's facts (as `ingest --json` has them), by account and kind.

    Where one side has nothing, it says 0. Only billed costs are compared by kind: Cost Explorer
    spreads an upfront payment over record types of its own. Accounts with charges in several
    currencies are left out, and then kinds are, too: a snapshot's are of all accounts together.
    """
    several = accounts_in_several(facts)
    costs = [
        cost
        for cost in estimate.costs
        if is_comparable({"account_id": cost.account_id, "currency": estimate.currency}, facts)
    ]
    ours = {name: sums for name, sums in facts["by_account"].items() if name not in several}
    if estimate.costs and not costs:
        return ()
    by_account = _compared("account", ours, _by_account(costs), BASIS_OF)
    if several:
        return tuple(by_account)
    return (
        *by_account,
        # Cost Explorer names the same line types in other words, so only their sums can be
        # compared: `tests/jobs/test_aws_exports.py`,
        # `test_cost_explorer_and_the_export_of_one_bill_agree_to_the_last_digit`.
        *_compared("kind", facts["by_kind"], _by_kind(costs), {"UnblendedCost": "billed"}),
    )


def _asked(period: BillingPeriod, ask: AskCostExplorer, now: datetime) -> Answer:
    """Until today's end at most: Cost Explorer refuses to be asked further ahead."""
    today = now.astimezone(UTC).date()
    if today < period.start:
        raise NoEstimate(f"{period} has not begun; Cost Explorer knows nothing of it")
    # The end of a question is not in it (Cost Explorer API reference, `DateInterval`):
    # `tests/jobs/test_estimates.py::test_the_month_to_date_is_exact_and_named_by_kind`.
    end = min(period.end, today + timedelta(days=1))
    start_text, end_text = period.start.isoformat(), end.isoformat()
    try:
        groups = ask(start=start_text, end=end_text, metrics=METRICS)
    except CostExplorerError as error:
        raise CostExplorerFails(str(error)) from error
    question = {"start": start_text, "end": end_text, "metrics": list(METRICS)}
    answer = {
        "groups": [
            {
                "account_id": group.account_id,
                "record_type": group.record_type,
                "currency": group.currency,
                "estimated": group.estimated,
                "amounts": dict(group.amounts),
            }
            for group in groups
        ]
    }
    return Answer(question=question, answer=answer, asked_at=now)


def to_estimate(period: BillingPeriod, kept: Answer) -> Estimate:
    """What was answered. Raises NoEstimate: there is no sum of several currencies."""
    groups = kept.answer["groups"]
    currencies = sorted({group["currency"] for group in groups})
    if len(currencies) > 1:
        raise NoEstimate(f"Cost Explorer answers in {' and '.join(currencies)}: not one sum")
    costs = [_cost(group) for group in groups]
    return Estimate(
        period=period,
        asked_at=kept.asked_at,
        currency=currencies[0] if currencies else "",
        estimated=any(group["estimated"] for group in groups),
        costs=tuple(sorted(costs, key=lambda cost: (cost.account_id, cost.record_type))),
    )


def _cost(group: Mapping[str, Any]) -> EstimatedCost:
    record_type = group["record_type"]
    return EstimatedCost(
        account_id=AccountId(group["account_id"].zfill(12)),
        record_type=record_type,
        kind=RECORD_TYPES.get(record_type, Kind.UNKNOWN),
        amounts={metric: _amount(text, group) for metric, text in group["amounts"].items()},
    )


def _amount(text: str, group: Mapping[str, Any]) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation as error:
        raise NoEstimate(f"Cost Explorer answers {text!r} for {group['account_id']}") from error
    if not amount.is_finite():
        raise NoEstimate(f"Cost Explorer answers {text!r} for {group['account_id']}")
    return amount


Totals = Mapping[str, Mapping[str, Decimal]]
"""By account or kind, then by metric."""


def _by_account(costs: Iterable[EstimatedCost]) -> Totals:
    return _totals((cost.account_id, cost) for cost in costs)


def _by_kind(costs: Iterable[EstimatedCost]) -> Totals:
    return _totals((cost.kind, cost) for cost in costs)


def _totals(named: Iterable[tuple[str, EstimatedCost]]) -> Totals:
    found: dict[str, list[EstimatedCost]] = {}
    for name, cost in named:
        found.setdefault(name, []).append(cost)
    return {
        name: {
            metric: exact_sum(cost.amounts.get(metric, Decimal(0)) for cost in costs)
            for metric in METRICS
        }
        for name, costs in found.items()
    }


def _compared(
    by: str, ours: Mapping[str, Mapping[str, str]], theirs: Totals, bases: Mapping[str, str]
) -> list[ControlTotal]:
    return [
        ControlTotal(
            source="cost_explorer",
            what=f"{metric} of {by} {name}",
            theirs=theirs.get(name, {}).get(metric, Decimal(0)),
            ours=Decimal(ours.get(name, {}).get(basis, "0")),
        )
        for metric, basis in bases.items()
        for name in sorted({*theirs, *ours})
    ]


__all__ = [
    "Answers",
    "AskCostExplorer",
    "Estimate",
    "EstimatedCost",
    "NoEstimate",
    "StoredAnswers",
    "ask_anew",
    "control_totals",
    "cost_explorer",
    "month_to_date",
    "to_estimate",
]
