"""Owns what each billing of a month came to, and the difference of two of them.

A billing run says which draft it made of each client; what was replaced is kept discarded, so any
two can be compared. Runs of before that was kept say nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlmodel import col, func, select

from invoices.clients import AccountId, ClientKey
from invoices.comparison.causes import Billed, Inputs, Pair
from invoices.comparison.lines import ClientDifference, client_differences
from invoices.documents.correction import as_asked
from invoices.documents.document import from_document
from invoices.inputs import BillingInputs
from invoices.money import from_minor
from invoices.periods import BillingPeriod
from invoices.pricing.custom import CustomCharge
from invoices.statements import Statement
from kernel.errors import NotFound
from service.store import tables
from service.store.billing import corrections, documents, months
from service.store.billing.drafts import LIGHTLY
from service.store.plain import from_json
from service.store.session import Session
from service.store.tables.months import DraftState
from service.store.tables.runs import RunKind, RunState

STANDING = "standing"
"""What is issued or approved of a client, and else what the billing before came to."""

_Draft = tables.months.DraftRow


@dataclass(frozen=True, slots=True)
class Billing:
    """A billing run, and which draft it made of each client."""

    run_id: int
    at: datetime
    inputs_id: str
    draft_ids: Mapping[ClientKey, int]
    parked: frozenset[ClientKey]
    """Of whom it made none: nobody knows what they would pay."""


class NoSuchBilling(NotFound):
    def __init__(self, run_id: int, known: Iterable[int]) -> None:
        runs = ", ".join(map(str, known)) or "none"
        super().__init__(f"run {run_id} is no billing of this month that was kept: there is {runs}")


@dataclass(frozen=True, slots=True)
class MonthDifference:
    """Every client that differs; the sums are of all, by currency: before and after."""

    payer_account_id: AccountId
    period: BillingPeriod
    before: str
    """The id of a run, or `standing`; '' where there is nothing to compare with yet."""
    after: int
    kept: tuple[Billing, ...]
    """What can be compared, latest first."""
    clients: tuple[ClientDifference, ...]
    parked: tuple[ClientKey, ...]
    """On one side at least: they are not compared, nor in the sums."""
    totals: Mapping[str, tuple[Decimal, Decimal]]


def billings(
    session: Session, payer_account_id: AccountId, period: BillingPeriod
) -> tuple[Billing, ...]:
    """Latest first."""
    run, step = tables.runs.RunRow, tables.runs.RunStepRow
    rows = session.exec(
        select(run, step)
        .join(step, col(step.run_id) == col(run.id))
        .where(
            col(run.payer_account_id) == payer_account_id,
            col(run.period) == str(period),
            col(run.kind) == RunKind.BILLING,
            col(run.state) == RunState.DONE,
            col(step.name).in_(("inputs", "drafts")),
        )
        .order_by(col(run.id).desc(), col(step.ordinal))
    )
    found: dict[int, list[tables.runs.RunStepRow]] = {}
    for each, its_step in rows:
        assert each.id is not None
        found.setdefault(each.id, []).append(its_step)
    return tuple(
        _from_steps(run_id, inputs, drafts)
        for run_id, (inputs, drafts) in found.items()
        if "draft_ids" in drafts.outcome
    )


def _from_steps(
    run_id: int, inputs: tables.runs.RunStepRow, drafts: tables.runs.RunStepRow
) -> Billing:
    assert drafts.finished_at is not None, "the run is done"
    made = drafts.outcome["draft_ids"]
    # Also those are called parked whose document stands although another was made.
    parked = frozenset(drafts.outcome["parked"]) - {*made}
    return Billing(run_id, drafts.finished_at, inputs.outcome["inputs_id"], made, parked)


def month_difference(
    session: Session,
    payer_account_id: AccountId,
    period: BillingPeriod,
    *,
    before: int | None = None,
    after: int | None = None,
) -> MonthDifference:
    """Of two runs' drafts; without `after` of the last, without `before` see `STANDING`.

    Raises NotBilled, NoSuchBilling.
    """
    every = billings(session, payer_account_id, period)
    if not every:
        raise months.NotBilled(payer_account_id, period)
    new = every[0] if after is None else _billing(every, after)
    if before is None:
        old, stands = _before(every, new), _standing(session, payer_account_id, period)
    else:
        old, stands = _billing(every, before), {}
    if old is None and not stands:
        return MonthDifference(payer_account_id, period, "", new.run_id, every, (), (), {})
    parked = new.parked | ((old.parked - {*stands}) if old else frozenset())
    ids = _without(parked, {**(old.draft_ids if old else {}), **stands})
    new_ids = _without(parked, new.draft_ids)
    differing = {client for client in {*ids, *new_ids} if ids.get(client) != new_ids.get(client)}
    inputs = Inputs(
        months.inputs(session, (old or new).inputs_id), months.inputs(session, new.inputs_id)
    )
    pairs = [
        Pair(
            client,
            billed(session, ids.get(client), None if client in stands else inputs.old),
            billed(session, new_ids.get(client), inputs.new),
        )
        for client in sorted(differing)
    ]
    found = client_differences(pairs, inputs)
    return MonthDifference(
        payer_account_id,
        period,
        before=STANDING if before is None else str(before),
        after=new.run_id,
        kept=every,
        clients=tuple(each for each in found if each.lines or each.before != each.after),
        parked=tuple(sorted(parked)),
        totals=_totals(session, {*ids.values()}, {*new_ids.values()}),
    )


def _without(parked: Collection[ClientKey], ids: Mapping[ClientKey, int]) -> dict[ClientKey, int]:
    return {ClientKey(client): each for client, each in ids.items() if client not in parked}


def _billing(every: Iterable[Billing], run_id: int) -> Billing:
    known = {each.run_id: each for each in every}
    if run_id not in known:
        raise NoSuchBilling(run_id, known)
    return known[run_id]


def _before(every: Iterable[Billing], new: Billing) -> Billing | None:
    """The last one before that came to something else."""
    earlier = (each for each in every if each.run_id < new.run_id)
    return next((each for each in earlier if each.draft_ids != new.draft_ids), None)


def _standing(
    session: Session, payer_account_id: AccountId, period: BillingPeriod
) -> dict[ClientKey, int]:
    """By client, the draft that is issued or approved; corrected, what it was made to be."""
    found = session.exec(
        select(_Draft)
        .where(
            col(_Draft.payer_account_id) == payer_account_id,
            col(_Draft.period) == str(period),
            col(_Draft.state).in_((DraftState.ISSUED, DraftState.APPROVED)),
        )
        .order_by(col(_Draft.id))
        .options(*LIGHTLY)
    )
    stands: dict[ClientKey, int] = {}
    for row in found:
        made = corrections.made_of(row)
        draft_id = row.id if made is None else made.made_from
        if draft_id is not None:
            stands[ClientKey(row.client_key)] = draft_id
    return stands


def billed(session: Session, draft_id: int | None, inputs: BillingInputs | None) -> Billed | None:
    """`inputs` where a later billing than the draft's own came to the same."""
    if draft_id is None:
        return None
    row = session.get_one(_Draft, draft_id)
    issued = documents.document_of(session, draft_id)
    return Billed(
        invoice=as_asked(issued.invoice if issued else from_document(row.document)),
        statement=from_json(Statement, row.working["statement"]),
        custom=tuple(from_json(CustomCharge, each) for each in row.working["custom"]),
        inputs=inputs or months.inputs(session, row.inputs_id),
    )


def _totals(
    session: Session, before: Collection[int], after: Collection[int]
) -> dict[str, tuple[Decimal, Decimal]]:
    sums = [_sums(session, before), _sums(session, after)]
    return {
        currency: (
            from_minor(sums[0].get(currency, 0), currency),
            from_minor(sums[1].get(currency, 0), currency),
        )
        for currency in sorted({*sums[0], *sums[1]})
    }


def _sums(session: Session, draft_ids: Collection[int]) -> dict[str, int]:
    found = session.exec(
        select(_Draft.currency, func.sum(_Draft.total_minor))
        .where(col(_Draft.id).in_(draft_ids))
        .group_by(col(_Draft.currency))
    )
    return {currency: int(minor) for currency, minor in found}


__all__ = [
    "STANDING",
    "Billing",
    "MonthDifference",
    "NoSuchBilling",
    "billed",
    "billings",
    "month_difference",
]
