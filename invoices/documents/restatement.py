"""Owns the restatement: what the documents of an issued month lack to what it comes to today."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from invoices.documents.correction import (
    NOTHING,
    Sums,
    TaxKind,
    Why,
    correction,
    credit_note,
    kind_of,
    sums_of,
    without,
)
from invoices.documents.invoice import CorrectionReason, Invoice
from invoices.money import from_minor

CORRECTION_PROPOSED = "correction_proposed"
"""The finding that a proposal waits: until it is issued, the month is open again."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A document of the month that stands: issued, or held by a person."""

    id: int
    document: Invoice
    about: int | None = None
    """The id of what it corrects; None of the month's own."""
    is_kept_off: bool = False
    """A credit by hand, which stays off whatever the month comes to."""
    is_billed_again: bool = False
    """A credit by hand of what is to be asked for anew."""


@dataclass(frozen=True, slots=True)
class Proposal:
    about: int
    document: Invoice


@dataclass(frozen=True, slots=True)
class Causes:
    reason: CorrectionReason
    words: Mapping[str, str] = field(default_factory=dict)
    """By key of a line."""


class BelowNothing(Exception):
    """The client would be owed more than it was ever asked for the month."""


def restate(
    standing: Sequence[Standing], target: Invoice | None, causes: Causes
) -> tuple[Proposal, ...]:
    """What makes of `standing`, in the order in which it was made, what the month comes to today.

    One document that makes up the difference; before it, where that cannot be, credit notes that
    take others back whole. None where nothing differs. Raises BelowNothing.
    """
    there, made = list(standing), list[Proposal]()
    own = there[0]
    if _is_void(there):
        return ()
    due = _due(there, target)
    if target is None or _is_taxed_otherwise(there, target):
        # One document has not two taxes of one supply: all of it is taken back.
        for each in reversed(_invoices(there)):
            _take_back(each, there, made, causes)
    while True:
        before = sums_of(each.document for each in there)
        like = own.document if target is None else _as_rated(target, own.document)
        why = Why((own.document.number,), causes.reason, causes=_words(before, due, own, causes))
        document = correction(like, before, due, why)
        if document is None:
            return tuple(made)
        if not document.is_credit_note:
            return (*made, Proposal(own.id, document))
        for each in reversed(_invoices(there)):
            if _holds(_left(each, there), document, is_own=each is own):
                about = replace(document, corrects=(each.document.number,))
                return (*made, Proposal(each.id, about))
        later = [each for each in _invoices(there)[1:] if _left(each, there).total_minor > 0]
        if not later:
            raise BelowNothing
        _take_back(later[-1], there, made, causes)


def _due(there: Sequence[Standing], target: Invoice | None) -> Sums:
    """What the month comes to, less what a person credits whatever it comes to."""
    if target is None:
        return NOTHING
    due = sums_of([target])
    kept = sums_of(each.document for each in there if each.is_kept_off)
    off = {}
    for key, line in kept.lines.items():
        asked = due.lines[key].amount_minor if key in due.lines else 0
        credited = -line.amount_minor
        if asked * credited > 0:
            off[key] = min(asked, credited, key=abs)
    return without(due, off, target) if off else due


def _is_void(there: Iterable[Standing]) -> bool:
    """A person took back all that was left, be it in parts, and did not want it asked for anew.

    A restatement that leaves nothing beside goodwill is no such word: what comes back is asked for.
    """
    asked, kept, is_void = 0, 0, False
    for each in there:
        total = each.document.total_minor
        if each.is_kept_off:
            kept += total
            is_void = asked <= kept
        elif not each.document.is_credit_note:
            asked += total
            is_void = False
        elif not each.is_billed_again:
            asked -= total
    return is_void


def _is_taxed_otherwise(there: Sequence[Standing], target: Invoice) -> bool:
    """Whether a line that stands would have another category or rate of tax now."""
    stands: defaultdict[tuple[str, TaxKind], int] = defaultdict(int)
    for each in there:
        sign = -1 if each.document.is_credit_note else 1
        for line in each.document.lines:
            if not line.carried_from:
                stands[line.key, kind_of(line, each.document)] += sign * line.amount_minor
    kinds = {line.key: kind_of(line, target) for line in target.lines}
    return any(minor and kinds.get(key, kind) != kind for (key, kind), minor in stands.items())


def _invoices(there: Iterable[Standing]) -> list[Standing]:
    return [each for each in there if not each.document.is_credit_note]


def _left(invoice: Standing, there: Iterable[Standing]) -> Sums:
    notes = [
        each.document for each in there if each.about == invoice.id and each.document.is_credit_note
    ]
    return sums_of([invoice.document, *notes])


def _holds(left: Sums, note: Invoice, *, is_own: bool) -> bool:
    """Whether a credit note is a part of what is left; of the month's own, by its total."""
    if note.total_minor > left.total_minor:
        return False
    rests = {key: line.amount_minor for key, line in left.lines.items()}
    return is_own or all(line.amount_minor <= rests.get(line.key, 0) for line in note.lines)


def _take_back(
    invoice: Standing, there: list[Standing], made: list[Proposal], causes: Causes
) -> None:
    left = _left(invoice, there)
    if left.total_minor <= 0:
        return
    why = Why((invoice.document.number,), causes.reason)
    note = credit_note(invoice.document, left, why)
    made.append(Proposal(invoice.id, note))
    # Until it is in the store it is known by no other id.
    there.append(Standing(-len(made), note, about=invoice.id))


def _as_rated(target: Invoice, own: Invoice) -> Invoice:
    """The parties as they were, and the rates as they would be."""
    return replace(
        target,
        seller=own.seller,
        buyer=own.buyer,
        payment_terms_days=own.payment_terms_days,
        accounting_tax=target.accounting_tax or own.accounting_tax,
    )


def _words(before: Sums, due: Sums, own: Standing, causes: Causes) -> dict[str, str]:
    words = {}
    for key in {*before.lines, *due.lines}:
        was, is_now = (
            from_minor(sums.lines[key].amount_minor, own.document.currency)
            if key in sums.lines
            else 0
            for sums in (before, due)
        )
        said = f"{was} is {is_now} now" if was and is_now else "new" if is_now else "no more"
        words[key] = f"{said}: {causes.words[key]}" if key in causes.words else said
    return words


__all__ = ["CORRECTION_PROPOSED", "BelowNothing", "Causes", "Proposal", "Standing", "restate"]
