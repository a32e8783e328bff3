"""Owns the proof of a whole installation: its documents, and the months that they are about."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from invoices.clients import AccountId
from invoices.control_totals import control_total_differs, differs
from invoices.money import plain
from invoices.month import inputs_id
from invoices.periods import BillingPeriod
from invoices.reconciliation import Reconciliation
from jobs.environment import Environment
from kernel.errors import DamagedSnapshot
from service.store.archive.proof import (
    DamagedDocuments,
    Mark,
    Proven,
    months_with_documents,
    prove_documents,
    prove_drafts,
)
from service.store.billing import months
from service.store.session import Session, look_at_one_instant

Report = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Verified:
    proven: Proven
    months: int
    """Of which something is issued."""
    confirmed: int = 0
    """Of these: whose total is one that AWS states elsewhere, as far as that was kept."""
    differing: tuple[str, ...] = ()
    """What AWS states otherwise than it was billed: no damage, and to be corrected."""


def verify(environment: Environment, marks: Iterable[Mark], report: Report) -> Verified:
    """Nothing is written. Raises DamagedDocuments, which names the first that is wrong.

    `marks` are read before: what is issued meanwhile is in neither.
    """
    with environment.database.transaction() as session:
        look_at_one_instant(session)
        report("documents", 0, 0)
        proven = prove_documents(session, marks)
        issued = months_with_documents(session)
        confirmed, differing = 0, []
        for done, (payer, period) in enumerate(issued):
            report("months", done, len(issued))
            proof = _prove_month(environment, session, payer, period)
            confirmed += proof.is_confirmed
            differing += [
                f"{period} of {payer}: {control_total_differs(total, proof.currency).message}"
                for total in proof.control_totals
                if differs(total, proof.currency)
            ]
    return Verified(proven, len(issued), confirmed, tuple(differing))


def _prove_month(
    environment: Environment, session: Session, payer: AccountId, period: BillingPeriod
) -> Reconciliation:
    """Its charges are those it was billed from, and they are all on documents or kept back."""
    where = f"{period} of {payer}"
    figures = months.figures(session, payer, period)
    billed = months.inputs(session, figures.inputs_id)
    if inputs_id(billed) != figures.inputs_id:
        raise DamagedDocuments(f"{where}: what it was billed by is not what its id says")
    try:
        charges = environment.snapshots.load(billed.snapshot_id)
    except DamagedSnapshot as damaged:
        raise DamagedDocuments(f"{where}: {damaged}") from damaged
    own = charges.by_currency().get(figures.currency)
    total = Decimal(0) if own is None else own.daily["net_billed_cost"].sum()
    assert isinstance(total, Decimal)
    if total != figures.payer_total:
        raise DamagedDocuments(
            f"{where}: its charges are {plain(total)} {figures.currency}, and it was billed as "
            f"{plain(figures.payer_total)}"
        )
    proof = months.reconciliation(session, payer, period)
    for balance in proof.balances:
        if balance.difference:
            raise DamagedDocuments(f"{where}: {balance.open_money} ({balance.total.currency})")
    issued_by = prove_drafts(session, payer, period)
    for client in proof.clients:
        # What was billed again since has other figures, rightly: its document is as before.
        if issued_by.get(client.client) == figures.inputs_id and not client.closes:
            raise DamagedDocuments(f"{where}: {client.client} is not billed the sum it came to")
    return proof


__all__ = ["Verified", "verify"]
