"""Owns the difference of two billings of a month, client by client and line by line, with why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from invoices.clients import ClientKey
from invoices.comparison.causes import Billed, Inputs, Moved, Pair, causes_of
from invoices.comparison.totals import DocumentTotal, difference
from invoices.documents.invoice import InvoiceLine
from invoices.money import EXACT, exact_sum, from_minor


@dataclass(frozen=True, slots=True)
class LineChange:
    """`before` or `after` is None where the line is on one document only."""

    key: str
    account_id: str
    service: str
    description: str
    before: Decimal | None
    after: Decimal | None
    difference: Decimal | None
    """None where it would mix two currencies; a line that is not there asks nothing."""
    causes: tuple[str, ...]
    rules_before: tuple[str, ...]
    """In words, what priced it: for our eyes only."""
    rules_after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClientDifference:
    """`before` or `after` is None where the client has no document of the month there."""

    client: ClientKey
    before: DocumentTotal | None
    after: DocumentTotal | None
    tax_before: Decimal
    tax_after: Decimal
    lines: tuple[LineChange, ...]
    """Those that differ, by key; with the difference of tax they are that of the totals."""

    @property
    def difference(self) -> Decimal | None:
        """None where it would mix two currencies; a document that is not there asks nothing."""
        side = self.before or self.after
        assert side is not None, "a client that neither side has"
        nothing = DocumentTotal(Decimal(0), side.currency)
        return difference(self.before or nothing, self.after or nothing)

    @property
    def causes(self) -> tuple[str, ...]:
        return tuple(sorted({cause for line in self.lines for cause in line.causes}))


def client_differences(pairs: Iterable[Pair], inputs: Inputs) -> tuple[ClientDifference, ...]:
    """Of each pair, by client; `pairs` are all clients that may differ, or causes are guessed.

    `inputs` are those of the months as wholes.
    """
    every = sorted(pairs, key=lambda each: each.client)
    moved = _moved(every)
    return tuple(_client(pair, moved, inputs) for pair in every)


def _moved(pairs: Iterable[Pair]) -> Moved:
    moved: defaultdict[str, Decimal] = defaultdict(Decimal)
    for pair in pairs:
        for side, sign in ((pair.before, Decimal(-1)), (pair.after, Decimal(1))):
            for line in side.statement.lines if side else ():
                moved[line.key] = EXACT.add(moved[line.key], EXACT.multiply(line.cost, sign))
    return moved


def _client(pair: Pair, moved: Moved, inputs: Inputs) -> ClientDifference:
    before, after = pair.before, pair.after
    made = ClientDifference(
        client=pair.client,
        before=_total(before),
        after=_total(after),
        tax_before=_tax(before),
        tax_after=_tax(after),
        lines=_lines(pair, moved, inputs),
    )
    if made.difference is not None:
        lines = exact_sum(each.difference for each in made.lines if each.difference is not None)
        taxes = EXACT.subtract(made.tax_after, made.tax_before)
        assert EXACT.add(lines, taxes) == made.difference, "lines and tax are the difference"
    return made


def _total(side: Billed | None) -> DocumentTotal | None:
    return DocumentTotal.of(side.invoice) if side else None


def _tax(side: Billed | None) -> Decimal:
    return from_minor(side.invoice.tax_minor, side.invoice.currency) if side else Decimal(0)


def _lines(pair: Pair, moved: Moved, inputs: Inputs) -> tuple[LineChange, ...]:
    before = pair.before.lines if pair.before else {}
    after = pair.after.lines if pair.after else {}
    changes = []
    for key in sorted({*before, *after}):
        amounts = [_amount(side, key) for side in (pair.before, pair.after)]
        if amounts[0] == amounts[1] and _currency(pair.before) == _currency(pair.after):
            continue
        shown = after[key] if key in after else before[key]
        causes = causes_of(pair, key, moved=moved, inputs=inputs)
        changes.append(_change(shown, pair, amounts, causes))
    return tuple(changes)


def _currency(side: Billed | None) -> str:
    return side.invoice.currency if side else ""


def _amount(side: Billed | None, key: str) -> Decimal | None:
    line = side.lines.get(key) if side else None
    return from_minor(line.amount_minor, side.invoice.currency) if side and line else None


def _change(
    shown: InvoiceLine, pair: Pair, amounts: list[Decimal | None], causes: tuple[str, ...]
) -> LineChange:
    mixed = len({_currency(side) for side in (pair.before, pair.after) if side}) > 1
    before, after = (amount or Decimal(0) for amount in amounts)
    return LineChange(
        key=shown.key,
        account_id=shown.account_id,
        service=shown.service_name or shown.service,
        description=shown.description,
        before=amounts[0],
        after=amounts[1],
        difference=None if mixed else EXACT.subtract(after, before),
        causes=causes,
        rules_before=pair.before.rules(shown.key) if pair.before else (),
        rules_after=pair.after.rules(shown.key) if pair.after else (),
    )


__all__ = ["ClientDifference", "LineChange", "client_differences"]
