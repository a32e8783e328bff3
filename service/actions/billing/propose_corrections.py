"""Owns proposing: what an issued month would be today becomes drafts of what corrects it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from invoices.clients import AccountId, ClientKey
from invoices.comparison.causes import CHARGES, Inputs, Pair
from invoices.comparison.lines import ClientDifference, client_differences
from invoices.documents.document import from_document, to_document
from invoices.documents.invoice import CorrectionReason, Invoice
from invoices.documents.restatement import BelowNothing, Causes, Proposal, restate
from invoices.periods import BillingPeriod
from kernel.findings import Finding, Severity
from service.store.archive.billings import billed
from service.store.billing import corrections, drafts, months
from service.store.billing.corrections import Made, NewCorrection
from service.store.billing.drafts import Saved
from service.store.session import Session
from service.store.tables.months import DraftRow, DraftState

WORDS = {
    CHARGES: "charges restated by AWS",
    "roster": "accounts assigned otherwise",
    "rule": "prices as agreed",
    "custom_item": "items as agreed",
    "rate": "exchange rate",
    "carried_forward": "balance of an earlier month",
    "rounding": "rounding",
}
"""Of causes, as a client reads them."""

OTHERWISE = "terms as agreed"
NO_CAUSES = Causes(CorrectionReason.TERMS_CHANGED)


def propose_corrections(
    session: Session,
    saved: Saved,
    made: Mapping[ClientKey, Invoice],
    *,
    inputs_id: str,
    parked: Collection[ClientKey],
    now: datetime,
) -> Saved:
    """Of each client with an issued document: proposed, unchanged, withdrawn, or why not.

    What was proposed before and nobody approved is replaced by what would be proposed now.
    """
    clients = sorted({*saved.issued} - {*parked})
    rows = {client: session.get_one(DraftRow, saved.issued[client]) for client in clients}
    causes = _causes(session, saved, made, rows, inputs_id)
    for client, own in rows.items():
        saved = _propose(
            session,
            saved,
            own,
            made.get(client),
            causes=causes.get(client) or _by_hand(session, own),
            inputs_id=inputs_id,
            now=now,
        )
    return saved


def _propose(
    session: Session,
    saved: Saved,
    own: DraftRow,
    target: Invoice | None,
    *,
    causes: Causes,
    inputs_id: str,
    now: datetime,
) -> Saved:
    client = ClientKey(own.client_key)
    try:
        wanted = wanted_of(session, own, target, causes)
    except BelowNothing:
        return _unchanged_but(saved, client, drafts.differing(own, target))
    _, proposed = corrections.standing_of(session, own)
    if _are_so(session, own, proposed, wanted):
        is_told = bool(proposed) and client not in saved.unchanged
        return replace(saved, unchanged=(*saved.unchanged, client)) if is_told else saved
    if any(each.state == DraftState.APPROVED for each in proposed):
        return _unchanged_but(saved, client, _approved_differs(client, proposed))
    for row in reversed(proposed):
        drafts.discard(session, row)
    made_from = saved.kept_as.get(client)
    for each in wanted:
        against = corrections.ids_of_month(session, own)
        how = Made(by_hand=False, against=against, made_from=made_from)
        corrections.add(session, NewCorrection(each.about, each.document, how, inputs_id), now)
    drafted = tuple(sorted({*saved.drafted, client})) if wanted else saved.drafted
    unchanged = tuple(each for each in saved.unchanged if each != client or not wanted)
    return replace(saved, drafted=drafted, unchanged=unchanged)


def wanted_of(
    session: Session, own: DraftRow, target: Invoice | None, causes: Causes
) -> tuple[Proposal, ...]:
    """Raises BelowNothing: of what only a person can decide, too."""
    standing, _ = corrections.standing_of(session, own)
    issued = standing[0].document
    is_negative = target is not None and (
        target.is_credit_note or min(target.subtotal_minor, target.total_minor) < 0
    )
    if issued.is_credit_note or is_negative or (target and target.currency != issued.currency):
        if target is not None and target.figures == issued.figures:
            return ()
        raise BelowNothing
    return restate(standing, target, causes)


def outdated_corrections(
    session: Session,
    made: Mapping[ClientKey, Invoice],
    *,
    payer_account_id: AccountId,
    period: BillingPeriod,
    parked: Collection[ClientKey],
) -> dict[ClientKey, str]:
    """By client, in words: approved corrections that billing the month now would not propose."""
    outdated = {}
    for own in corrections.corrected(session, payer_account_id, period):
        client = ClientKey(own.client_key)
        _, proposed = corrections.standing_of(session, own)
        if client in parked or not any(each.state == DraftState.APPROVED for each in proposed):
            continue
        with suppress(BelowNothing):
            wanted = wanted_of(session, own, made.get(client), NO_CAUSES)
            there = [(e.corrects_id, from_document(e.document).figures) for e in proposed]
            if there == [(each.about, each.document.figures) for each in wanted]:
                continue
        outdated[client] = _approved_differs(client, proposed).message
    return outdated


def _are_so(
    session: Session, own: DraftRow, proposed: list[DraftRow], wanted: tuple[Proposal, ...]
) -> bool:
    """Whether what is proposed is what would be, beside the same documents."""
    ids = corrections.ids_of_month(session, own)
    for each in proposed:
        known = corrections.made_of(each)
        assert known is not None and each.id is not None
        if known.against != tuple(earlier for earlier in ids if earlier < each.id):
            return False
    there = [(each.corrects_id, each.document) for each in proposed]
    return there == [(each.about, to_document(each.document)) for each in wanted]


def _unchanged_but(saved: Saved, client: ClientKey, finding: Finding) -> Saved:
    unchanged = tuple(each for each in saved.unchanged if each != client)
    return replace(saved, unchanged=unchanged, findings=tuple(sorted({*saved.findings, finding})))


def _approved_differs(client: ClientKey, proposed: list[DraftRow]) -> Finding:
    ids = ", ".join(str(each.id) for each in proposed)
    words = (
        f"What corrects the month of {client} (drafts {ids}) is approved, and would be another "
        "sum now: withdraw the approval and bill again to replace it."
    )
    return Finding(Severity.CRITICAL, "approved_correction_differs", client, words, client)


def _causes(
    session: Session,
    saved: Saved,
    made: Mapping[ClientKey, Invoice],
    rows: Mapping[ClientKey, DraftRow],
    inputs_id: str,
) -> Mapping[ClientKey, Causes]:
    """Of those of whom a line differs from what the month was made to be the last time."""
    bases: dict[ClientKey, int | None] = {}
    for client, own in rows.items():
        with suppress(BelowNothing):
            if wanted_of(session, own, made.get(client), NO_CAUSES):
                bases[client] = _base_of(session, own)
    # An account that went to another client is told by both.
    bases |= {client: None for client in saved.drafted if bases}
    pairs = [
        Pair(client, billed(session, base, None), billed(session, saved.kept_as.get(client), None))
        for client, base in bases.items()
    ]
    old = next((each.before.inputs for each in pairs if each.before), None)
    if old is None:
        return {}
    every = client_differences(
        [each for each in pairs if each.before or each.after],
        Inputs(old, months.inputs(session, inputs_id)),
    )
    return {each.client: _causes_of(each) for each in every if each.lines}


def _causes_of(differs: ClientDifference) -> Causes:
    words = {
        line.key: ", ".join(dict.fromkeys(WORDS.get(each, OTHERWISE) for each in line.causes))
        for line in differs.lines
    }
    is_restated = CHARGES in differs.causes
    reason = CorrectionReason.RESTATEMENT if is_restated else CorrectionReason.TERMS_CHANGED
    return Causes(reason, words)


def _base_of(session: Session, own: DraftRow) -> int | None:
    """The id of what billing made the month to be when it was last issued."""
    every = [e for e in corrections.of_month(session, own) if not corrections.is_proposed(e)]
    made = [corrections.made_of(each) for each in every]
    ids = [each.made_from for each in made if each is not None and not each.by_hand]
    return ids[-1] if ids else own.id


def _by_hand(session: Session, own: DraftRow) -> Causes:
    """Of what a person took back, to be asked for anew: that person's reason."""
    reasons = []
    for row in corrections.of_month(session, own):
        made = corrections.made_of(row)
        if made is not None and made.bills_again:
            reasons.append(made.again_because or from_document(row.document).reason)
    return Causes(reasons[-1] or CorrectionReason.OTHER) if reasons else NO_CAUSES


__all__ = ["outdated_corrections", "propose_corrections", "wanted_of"]
