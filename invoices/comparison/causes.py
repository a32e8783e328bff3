"""Owns why a line of two billings is not the same: what differs of their inputs and is of the line.

A cause is told from what was kept with both, and nothing is billed again. Where several inputs
differ and each may have changed a line, all of them are named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal

from invoices.clients import AccountId, ClientKey
from invoices.documents.invoice import Invoice, InvoiceLine
from invoices.inputs import BillingInputs
from invoices.pricing.book import PricingRule
from invoices.pricing.custom import CustomCharge
from invoices.pricing.match import described
from invoices.statements import Statement, StatementLine

CHARGES = "charges"
"""Another delivery of AWS's, with other charges."""
ROSTER = "roster"
"""The account is another's, or was on other days."""
RULE = "rule"
"""Another version of the price book, as far as it is of the line."""
CUSTOM_ITEM = "custom_item"
RATE = "rate"
"""Of exchange."""
CARRIED = "carried_forward"
TERMS = "terms"
"""What the client or the seller has agreed on but prices: currency, tax, rounding."""
ROUNDING = "rounding"
"""The exact amount is the same: a cent of the sum is on another line."""
OTHER = "other"

_NONE = Decimal(0)

_KNOWN = {
    "snapshot_id", "export_limits", "roster", "internal_accounts", "price_books",
    "custom_line_items", "exchange_rates", "balances", "clients", "seller",
    "rounding", "tax_rounding", "tax_currency", "counted_months", "drawn",
}  # fmt: skip
_UNSEEN = {"account_names", "waivers", "has_other_payers", "months", "line_types_since"}
"""They change names on a document, or whether there is one; no amount of a line."""


@dataclass(frozen=True, slots=True)
class Billed:
    """One client as a month was billed once: the document, how it came about, and what from."""

    invoice: Invoice
    statement: Statement
    custom: tuple[CustomCharge, ...]
    inputs: BillingInputs

    @property
    def lines(self) -> dict[str, InvoiceLine]:
        return {each.key: each for each in self.invoice.lines}

    @property
    def charged(self) -> dict[str, StatementLine]:
        return {each.key: each for each in self.statement.lines}

    def rules(self, key: str) -> tuple[str, ...]:
        """In words, those that priced a line; none of a line that is not there, or no charge."""
        line = self.charged.get(key)
        return tuple(sorted({each.rule for each in line.workings})) if line else ()


@dataclass(frozen=True, slots=True)
class Pair:
    """What both sides say of one client; at most one is missing."""

    client: ClientKey
    before: Billed | None
    after: Billed | None


Moved = Mapping[str, Decimal]
"""By line key, how much more it costs all clients together."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What both sides were billed from; of a client that one side has not, what its month was."""

    old: BillingInputs
    new: BillingInputs

    def of(self, pair: Pair) -> Inputs:
        old = pair.before.inputs if pair.before else self.old
        return Inputs(old, pair.after.inputs if pair.after else self.new)


def causes_of(pair: Pair, key: str, *, moved: Moved, inputs: Inputs) -> tuple[str, ...]:
    """Why a line that differs does, sorted; never empty."""
    found = {*_causes(pair, key, moved, inputs.of(pair))}
    return tuple(sorted(found or {OTHER}))


def _causes(pair: Pair, key: str, moved: Moved, inputs: Inputs) -> Iterator[str]:
    before = pair.before.lines.get(key) if pair.before else None
    after = pair.after.lines.get(key) if pair.after else None
    if pair.before and pair.after:
        if pair.before.invoice.currency != pair.after.invoice.currency:
            yield TERMS
        yield from _rates(pair.before, pair.after, key)
    if any(each is not None and each.carried_from for each in (before, after)):
        yield CARRIED
    elif key.startswith("custom/"):
        yield from _custom(pair, key.removeprefix("custom/"), moved, inputs)
    else:
        yield from _charged(pair, key, moved, inputs)


def _rates(before: Billed, after: Billed, key: str) -> Iterator[str]:
    line = after.charged.get(key) or before.charged.get(key)
    if line is None:
        return
    rates = [side.invoice.exchanges.get(line.currency) for side in (before, after)]
    if rates[0] and rates[1] and rates[0].rate != rates[1].rate:
        yield RATE


def _charged(pair: Pair, key: str, moved: Moved, inputs: Inputs) -> Iterator[str]:
    before = pair.before.charged.get(key) if pair.before else None
    after = pair.after.charged.get(key) if pair.after else None
    if _borne(before) != _borne(after):
        line = before or after
        assert line is not None, "a line that neither side has"
        account = AccountId(line.account_id)
        yield from _borne_otherwise(pair.client, account, moved.get(key), inputs)
    if before and after:
        if _effects(before, inputs.old) != _effects(after, inputs.new):
            yield RULE
        elif (before.price, before.currency) == (after.price, after.currency):
            yield from _converted_alike(pair)


def _borne(line: StatementLine | None) -> tuple[Decimal, Decimal]:
    if line is None:
        return _NONE, _NONE
    return line.cost, line.quantity if line.unit else _NONE


def _borne_otherwise(
    client: ClientKey, account: AccountId, moved: Decimal | None, inputs: Inputs
) -> Iterator[str]:
    """Of a line that costs another sum, or is of another quantity."""
    old, new = inputs.old, inputs.new
    found = [*_others(old, new)]
    if _policies(old, client) != _policies(new, client):
        found.append(RULE)
    has_moved = _held(old, account) != _held(new, account)
    if has_moved:
        found.append(ROSTER)
    # What all clients together bear of it is the same where an account only moved between them.
    if old.snapshot_id != new.snapshot_id and not (has_moved and not moved):
        found.append(CHARGES)
    if not found and _versions(old, client) != _versions(new, client):
        # A unit price has a line of its own, which takes from another one.
        found.append(RULE)
    yield from found


def _converted_alike(pair: Pair) -> Iterator[str]:
    assert pair.before and pair.after, "both sides have the line"
    before, after = pair.before.invoice, pair.after.invoice
    if (before.currency, before.exchanges) == (after.currency, after.exchanges):
        yield ROUNDING


def _held(inputs: BillingInputs, account: AccountId) -> tuple[object, ...]:
    """Whose an account is, on each day of the month that is anybody's."""
    period = inputs.period
    assigned = [
        (
            each.client,
            max(each.span.start, period.start),
            min(each.span.end or period.end, period.end),
        )
        for each in inputs.roster.assignments
        if each.account_id == account and each.span.overlaps(period.days)
    ]
    return (account in inputs.internal_accounts, *assigned)


def _versions(inputs: BillingInputs, client: ClientKey) -> object:
    books = {key: book.version for key, book in inputs.price_books.items()}
    return _book_key(inputs, client), books


def _policies(inputs: BillingInputs, client: ClientKey) -> object:
    """What books say of who bears a charge, and on which basis: all but their rules.

    Of all books, since another client's policies may give this one more of a charge, or less.
    """
    period = inputs.period
    books = {
        key: replace(book, rules=(), version="", start=period)
        for key, book in inputs.price_books.items()
    }
    return _book_key(inputs, client), books


def _book_key(inputs: BillingInputs, client: ClientKey) -> str:
    return next((each.price_book for each in inputs.clients if each.key == client), "")


def _others(old: BillingInputs, new: BillingInputs) -> Iterator[str]:
    """By the name of the input, so that one which is added later is told, too."""
    for each in fields(old):
        is_same = getattr(old, each.name) == getattr(new, each.name)
        if each.name not in _KNOWN | _UNSEEN and not is_same:
            yield each.name


def _effects(line: StatementLine, inputs: BillingInputs) -> set[tuple[object, ...]]:
    """What priced a line, without the versions of books that say the same of it."""
    books = {book.version: book for book in inputs.price_books.values()}
    effects: set[tuple[object, ...]] = set()
    for each in line.workings:
        book = books.get(each.price_book)
        named = [rule for rule in (book.rules if book else ()) if _label(rule) == each.rule]
        effects.add((each.rule, each.cost_basis, *(rule.effect for rule in named)))
    return effects


def _label(rule: PricingRule) -> str:
    return rule.label or described(rule)


def _custom(pair: Pair, key: str, moved: Moved, inputs: Inputs) -> Iterator[str]:
    """A percentage of the same item changes with what it is taken of."""
    if _items(pair.client, key, inputs.old) != _items(pair.client, key, inputs.new):
        yield CUSTOM_ITEM
        return
    if _of_other_months(pair.client, inputs.old) != _of_other_months(pair.client, inputs.new):
        yield CARRIED
    before = pair.before.charged if pair.before else {}
    after = pair.after.charged if pair.after else {}
    for each in {*before, *after}:
        if _figures(before.get(each)) != _figures(after.get(each)):
            yield from _charged(pair, each, moved, inputs)


def _of_other_months(client: ClientKey, inputs: BillingInputs) -> tuple[object, ...]:
    """What they count towards a minimum spend, and take of what was paid ahead."""
    drawn = (each for each in inputs.drawn if each.client == client)
    return (*inputs.counted_of(client), *drawn)


def _figures(line: StatementLine | None) -> tuple[Decimal, Decimal]:
    return (line.cost, line.price) if line else (_NONE, _NONE)


def _items(client: ClientKey, key: str, inputs: BillingInputs) -> list[object]:
    """All versions of an item: of two in one month, the later charge has its day in its key."""
    return [
        each
        for each in inputs.custom_items_of(client)
        if each.key == key or key.startswith(f"{each.key}/")
    ]


__all__ = ["Billed", "Inputs", "Moved", "Pair", "causes_of"]
