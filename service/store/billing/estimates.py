"""Owns what Cost Explorer answered: kept, because every question costs money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlmodel import col, select

from invoices.clients import AccountId
from invoices.control_totals import ControlTotal
from invoices.documents.document import content_id
from invoices.money import exact_sum
from invoices.periods import BillingPeriod
from service.store import tables
from service.store.billing.snapshots import Snapshot
from service.store.session import Session

BASIS_OF = {
    "UnblendedCost": "billed",
    "AmortizedCost": "amortized",
    "NetUnblendedCost": "net_billed",
    "NetAmortizedCost": "net_amortized",
}
"""Cost Explorer's metrics, and what a snapshot's sums call them."""


@dataclass(frozen=True, slots=True)
class Answer:
    question: Mapping[str, Any]
    answer: Mapping[str, Any]
    """`groups`: a list of account_id, record_type, currency, estimated, amounts by metric."""
    asked_at: datetime


def put_answer(
    session: Session,
    answer: Answer,
    *,
    payer_account_id: AccountId,
    period: BillingPeriod,
) -> None:
    """Instead of an earlier answer to the same question."""
    question = dict(answer.question)
    session.merge(
        tables.months.CostExplorerAnswerRow(
            question_sha256=content_id([payer_account_id, str(period), question]),
            payer_account_id=payer_account_id,
            period=str(period),
            question=question,
            answer=dict(answer.answer),
            asked_at=answer.asked_at,
        )
    )
    session.flush()


def latest_answer(
    session: Session, payer_account_id: AccountId, period: BillingPeriod
) -> Answer | None:
    row = tables.months.CostExplorerAnswerRow
    found = session.exec(
        select(row)
        .where(col(row.payer_account_id) == payer_account_id, col(row.period) == str(period))
        .order_by(col(row.asked_at).desc())
        .limit(1)
    ).one_or_none()
    return None if found is None else Answer(found.question, found.answer, found.asked_at)


def is_final(answer: Answer, period: BillingPeriod) -> bool:
    """Whether it is about the whole month, and AWS no longer calls it an estimate."""
    return answer.question["end"] == period.end.isoformat() and not any(
        group["estimated"] for group in answer.answer["groups"]
    )


def control_totals(session: Session, snapshot: Snapshot) -> list[ControlTotal]:
    """Cost Explorer's totals beside the snapshot's, once its answer about the month is final."""
    kept = latest_answer(session, snapshot.payer_account_id, snapshot.period)
    if kept is None or not is_final(kept, snapshot.period):
        return []
    facts = snapshot.facts
    groups = [group for group in kept.answer["groups"] if is_comparable(group, facts)]
    metrics = sorted({metric for group in groups for metric in group["amounts"]} & set(BASIS_OF))
    if not facts.get("other_currencies"):
        ours, of = facts["sums"], ""
    else:
        ours = _sums_of_comparable(facts)
        of = f" of accounts charged in {facts['currency']} only"
    return [
        ControlTotal(
            source="cost_explorer",
            what=f"{metric}{of}",
            theirs=exact_sum(Decimal(group["amounts"].get(metric, "0")) for group in groups),
            ours=Decimal(ours[BASIS_OF[metric]]),
            is_part=bool(of),
        )
        for metric in metrics
    ]


def is_comparable(group: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """Whether what Cost Explorer says of an account is about the same money as the bill's.

    It answers in one currency, and does not say what it makes of charges in another.
    """
    currency = facts.get("currency", "")
    return group["account_id"].zfill(12) not in accounts_in_several(facts) and (
        group["currency"] == currency or "" in (group["currency"], currency)
    )


def accounts_in_several(facts: Mapping[str, Any]) -> frozenset[str]:
    """The accounts with charges in another currency than the bill's."""
    return frozenset(
        account for other in facts.get("other_currencies", ()) for account in other["by_account"]
    )


def _sums_of_comparable(facts: Mapping[str, Any]) -> dict[str, Decimal]:
    """The sums of the accounts that `is_comparable` takes."""
    several = accounts_in_several(facts)
    own = [found for account, found in facts["by_account"].items() if account not in several]
    return {basis: exact_sum(Decimal(found[basis]) for found in own) for basis in BASIS_OF.values()}
