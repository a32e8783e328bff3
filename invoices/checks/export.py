"""Owns the checks of the export: does it say what is billed, and whose each charge is?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from invoices.allocation.accrual import Accrual
from invoices.allocation.leftover import UnassignedAccount
from invoices.allocation.proration import Crossing
from invoices.checks.checked import CheckedMonth, in_words, parks
from invoices.clients import Client
from invoices.kinds import DISCOUNTS, METERED, CostBasis, Kind
from invoices.money import plain
from invoices.pricing.book import PriceBook
from kernel.findings import Finding, Severity

CRITICAL, WARNING = Severity.CRITICAL, Severity.WARNING


def unknown_charges(facts: CheckedMonth) -> Iterator[Finding]:
    if Kind.UNKNOWN.value in facts.kinds:
        quarantined = {
            each: month.allocation.retained.get("quarantined", Decimal(0))
            for each, month in facts.by_currency.items()
        }
        yield Finding(
            CRITICAL,
            "unknown_charges",
            str(facts.inputs.period),
            f"Charges of a type we do not know ({in_words(quarantined)}) are quarantined; "
            "nothing of the period can be issued until the type is mapped and the month re-read.",
        )


def unassigned_accounts(facts: CheckedMonth) -> Iterator[Finding]:
    """One whose charges are all 0.00, such as a free quota, is named and blocks nothing."""
    for currency, month in facts.by_currency.items():
        for account in month.allocation.unassigned:
            yield _unassigned(account, currency, facts)


def _unassigned(account: UnassignedAccount, currency: str, facts: CheckedMonth) -> Finding:
    amount = f"{plain(account.net_billed_cost)} {currency}"
    days = f"from {account.first_day} to {account.last_day}"
    words = (
        f"Account {account.account_id} has {amount} of charges {days} and no client then; "
        "assign it to a client from that day, or name it an internal account."
        if account.account_id
        else f"There are {amount} of charges without an account, {days}: whose they are, the "
        "export does not say. Ask AWS, and have them on an account."
    )
    return Finding(
        WARNING if account.is_free else CRITICAL,
        "account_unassigned",
        account.account_id or str(facts.inputs.period),
        words,
    )


def rows_across_a_change_of_hands(facts: CheckedMonth) -> Iterator[Finding]:
    """What accrues evenly is split; what does not is nobody's to split, and parks both clients.

    What is bought once, or by the month, is its first day's owner's, and told.
    """
    for currency, crossing in _crossings(facts):
        if crossing.parts:
            shares = ", ".join(f"{plain(cost)} to {key}" for key, cost in crossing.parts.items())
            by = "charges" if crossing.accrual is Accrual.UPON else "days"
            words = f"they are split by {by}: {shares}."
            yield _crossing(crossing, facts, currency, f"row_split_by_{by}", words)
        elif crossing.accrual in (Accrual.MONTHLY, Accrual.ONCE):
            words = f"they are billed whole to {crossing.owner}, as of the first day."
            yield _crossing(crossing, facts, currency, "row_across_change_of_hands", words)
        else:
            words = "they do not accrue evenly and cannot be split by day. " + _remedy(crossing)
            for client in crossing.clients:
                found = _crossing(crossing, facts, currency, "row_across_change_of_hands", words)
                yield replace(found, severity=CRITICAL, client=client)


def _crossings(facts: CheckedMonth) -> Iterator[tuple[str, Crossing]]:
    """What a client bears of it, and in which currency."""
    for currency, month in facts.by_currency.items():
        for crossing in month.crossings:
            if crossing.owner and not crossing.is_free and _is_borne(crossing, facts):
                yield currency, crossing


def _crossing(
    crossing: Crossing, facts: CheckedMonth, currency: str, code: str, words: str
) -> Finding:
    lasting = f"last from {crossing.first_day} to {crossing.last_day}"
    if not crossing.is_dated:
        lasting = f"have no time ({facts.inputs.export_limits.ends or 'their cells are blank'})"
    since = [f"{each.client}'s from {each.span.start}" for each in crossing.held[1:]]
    return Finding(
        WARNING,
        code,
        crossing.account_id,
        f"{plain(crossing.net_billed_cost)} {currency} of {crossing.kind} of account "
        f"{crossing.account_id} {lasting}, and the account is {crossing.held[0].client}'s until "
        f"it is {', '.join(since)}: {words}",
    )


def _remedy(crossing: Crossing) -> str:
    if Kind(crossing.kind) in METERED and crossing.is_dated:
        return (
            "Take in an hourly or daily export, or move the change to the first of a month; "
            f"waived, they are billed whole to {crossing.owner}."
        )
    return (
        f"Waived, they are billed whole to {crossing.owner}; what of them is the other's, a custom "
        "line item can move."
    )


def _is_borne(crossing: Crossing, facts: CheckedMonth) -> bool:
    """Whether any of the clients would bear it: what is retained is nobody's to split."""
    if crossing.kind is Kind.UNKNOWN:
        return False
    clients = {client.key: client for client in facts.inputs.clients}
    books = facts.inputs.price_books
    own = [
        books[clients[key].price_book]
        for key in crossing.clients
        if key in clients and clients[key].price_book in books
    ]
    if crossing.is_support and own and all(book.support.moves for book in own):
        return False
    passed = [percent for book in own for percent in _passed(book, crossing.kind)]
    return not passed or any(passed)


def _passed(book: PriceBook, kind: Kind) -> list[Decimal]:
    named = book.named_discounts_passed_percent if kind in DISCOUNTS else {}
    return [book.passed_percent(kind), *named.values()]


def charged_to_the_nearest(facts: CheckedMonth) -> Iterator[Finding]:
    for currency, month in facts.by_currency.items():
        for near in month.nearest:
            yield Finding(
                WARNING,
                "charged_to_nearest_owner",
                near.account_id,
                f"{plain(near.net_billed_cost)} {currency} of account {near.account_id}, dated "
                f"{near.first_day} to {near.last_day}, when it was nobody's, are "
                f"{near.client}'s, whose it was nearest in time: charges by the month, and usage "
                "of another month, have no day of their own.",
            )


def refunds_taken_as_upfront(facts: CheckedMonth) -> Iterator[Finding]:
    """A returned commitment was bought in the same month: AWS takes it back within seven days.

    A refund that has no purchase to cancel may be of a discount, and the client's.
    """
    amortized = (CostBasis.AMORTIZED, CostBasis.NET_AMORTIZED, CostBasis.LIST)
    books = {client.key: book for client, book in _books_of(facts)}
    returned = [
        (account, f"{plain(amount)} {currency}")
        for currency, month in facts.by_currency.items()
        for account, amount in month.returned_unbought.items()
    ]
    for account, amount in sorted(returned):
        held = facts.inputs.roster.assignments
        owners = {
            each.client
            for each in held
            if each.account_id == account and each.span.overlaps(facts.inputs.period.days)
        }
        for key in sorted(owners & books.keys()):
            if books[key].cost_basis in amortized:
                yield parks(
                    key,
                    "refund_taken_as_upfront",
                    f"Account {account} of {key} has refunds of {amount} "
                    "on commitments, and bought none this month that they could return. By "
                    "amortized cost they would be retained. If that is right, waive it; else give "
                    "the client a billed basis, or a custom credit and the waiver.",
                )


def internal_accounts_with_a_client(facts: CheckedMonth) -> Iterator[Finding]:
    internal = facts.inputs.internal_accounts
    for assignment in facts.inputs.roster.assignments:
        if assignment.account_id in internal and assignment.span.overlaps(facts.inputs.period.days):
            yield Finding(
                WARNING,
                "internal_account_assigned",
                assignment.account_id,
                f"Account {assignment.account_id} is internal and also assigned to "
                f"{assignment.client}; it is retained, not invoiced. Drop one of the two.",
            )


def unanswerable_bases(facts: CheckedMonth) -> Iterator[Finding]:
    """A cost that the export does not show is not 0, and not another cost."""
    for client, book in _books_of(facts):
        basis = book.cost_basis.value
        if basis in facts.inputs.export_limits.bases:
            yield parks(
                client.key,
                "basis_unanswerable",
                f"{client.key} is billed by the {basis} cost, which this export cannot tell: "
                f"{facts.inputs.export_limits.bases[basis]}. Add the columns to the export and "
                "ingest it again, or give the client a price book with another cost basis.",
            )


def rules_without_column(facts: CheckedMonth) -> Iterator[Finding]:
    """A rule that matches what the export does not show would match nothing, in silence."""
    for client, book in _books_of(facts):
        for column, why in sorted(facts.inputs.export_limits.columns.items()):
            if any(set(getattr(rule.match, column)) != {"*"} for rule in book.rules):
                yield parks(
                    client.key,
                    "rule_unanswerable",
                    f"Price book {book.key} of {client.key} has a rule by {column}, and {why}. "
                    "Add it to the export and ingest it again.",
                )


def _books_of(facts: CheckedMonth) -> Iterator[tuple[Client, PriceBook]]:
    """Of clients that bear a charge."""
    for client in facts.billed_clients:
        book = facts.inputs.price_books.get(client.price_book)
        if book is not None and facts.statements[client.key].lines:
            yield client, book


def discounts_without_kind(facts: CheckedMonth) -> Iterator[Finding]:
    """Where an export shows discounts as columns, they carry no kind that a share could name."""
    if all("discounts" not in each.allocation.retained for each in facts.by_currency.values()):
        return
    # A column of discounts is the sum of all of them (Data Exports dictionary, "Discount columns"):
    # `tests/unit/invoices/test_checks.py`,
    # `test_shares_of_discounts_that_have_no_kind_are_worth_a_word`.
    used = {client.price_book for client in facts.billed_clients}
    for key in sorted(used & facts.inputs.price_books.keys()):
        book = facts.inputs.price_books[key]
        gross = "net" not in book.cost_basis and book.cost_basis is not CostBasis.LIST
        if gross and any(book.discounts_passed_percent.values()):
            yield Finding(
                WARNING,
                "discounts_without_kind",
                key,
                f"The export shows discounts as columns, so price book {key} cannot pass on its "
                "share by kind; they are retained. Use a net cost basis, or an export with "
                "discounts as rows.",
            )


def discounts_passed_whole(facts: CheckedMonth) -> Iterator[Finding]:
    """On a net basis, columns of discounts are in the cost: no share of them can be kept."""
    for key in sorted({book.key for _, book in _books_of(facts)}):
        book = facts.inputs.price_books[key]
        basis = book.cost_basis.value
        keeps = any(percent != 100 for percent in book.discounts_passed_percent.values())
        if not keeps or not basis.startswith("net_"):
            continue
        off = {currency: month.column_discounts for currency, month in facts.by_currency.items()}
        if any(off.values()):
            yield Finding(
                WARNING,
                "discounts_passed_whole",
                key,
                f"The export shows discounts as columns, so price book {key} cannot keep its share "
                f"by kind: on the cost basis {basis} all of them ({in_words(off)} of this payer) "
                f"are passed. Use the cost basis {basis.removeprefix('net_')}, which keeps them, "
                "or an export with discounts as rows.",
            )


def discounts_not_mapped(facts: CheckedMonth) -> Iterator[Finding]:
    """A share of a discount that no line can have is a slip of the pen: its client gets nothing."""
    mapped = {name for name, kind in facts.inputs.line_types.items() if Kind(kind) in DISCOUNTS}
    used = {client.price_book for client in facts.billed_clients}
    for key in sorted(used & facts.inputs.price_books.keys()):
        named = facts.inputs.price_books[key].named_discounts_passed_percent
        for name in sorted(named.keys() - mapped):
            known = ", ".join(sorted(mapped)) or "none"
            yield Finding(
                WARNING,
                "discount_not_mapped",
                key,
                f"Price book {key} says what is passed of {name}, which line_types maps to no "
                f"discount in {facts.inputs.period}, so nothing is passed by it. Those mapped: "
                f"{known}. Mend the name, or map it.",
            )
