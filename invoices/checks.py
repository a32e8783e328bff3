"""Owns the checks of a billing run: what would make an invoice wrong, said before it is issued."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from invoices.allocation.direct import NearestOwner
from invoices.allocation.leftover import Allocation
from invoices.charges import CostBasis, Kind
from invoices.clients import Client, ClientKey, TaxCategory
from invoices.documents.invoice import Invoice
from invoices.inputs import BillingInputs
from invoices.money import exact_sum, from_minor, plain
from invoices.periods import DaySpan
from invoices.pricing.book import PriceBook
from invoices.pricing.match import METERED
from invoices.statements import Statement
from kernel.findings import Finding, Severity

CRITICAL, WARNING = Severity.CRITICAL, Severity.WARNING


@dataclass(frozen=True, slots=True, eq=False)
class CheckedMonth:
    """What a check may look at."""

    inputs: BillingInputs
    currency: str
    """The payer's."""
    kinds: frozenset[str]
    """All kinds among the charges."""
    currencies: frozenset[str]
    allocation: Allocation
    statements: Mapping[ClientKey, Statement]
    """By client that bears charges or has a custom line item."""
    nearest: tuple[NearestOwner, ...] = ()
    """Charges of days on which their account was nobody's."""
    drafts: Mapping[ClientKey, Invoice] = field(default_factory=dict)

    @property
    def billed_clients(self) -> list[Client]:
        return [client for client in self.inputs.clients if client.key in self.statements]


Check = Callable[[CheckedMonth], Iterable[Finding]]


def check(facts: CheckedMonth, checks: Iterable[Check]) -> tuple[Finding, ...]:
    """All findings, sorted; a critical one with a client parks that client."""
    return tuple(sorted({finding for each in checks for finding in each(facts)}))


def parked(findings: Iterable[Finding]) -> frozenset[ClientKey]:
    return frozenset(
        ClientKey(finding.client)
        for finding in findings
        if finding.client and finding.severity is CRITICAL
    )


def unknown_charges(facts: CheckedMonth) -> Iterator[Finding]:
    if Kind.UNKNOWN.value in facts.kinds:
        amount = plain(facts.allocation.retained.get("quarantined", Decimal(0)))
        yield Finding(
            CRITICAL,
            "unknown_charges",
            str(facts.inputs.period),
            f"Charges of a type we do not know ({amount} {facts.currency}) are quarantined; "
            "nothing of the period can be issued until the type is mapped and the month re-read.",
        )


def mixed_currencies(facts: CheckedMonth) -> Iterator[Finding]:
    if len(facts.currencies) > 1:
        yield Finding(
            CRITICAL,
            "mixed_currencies",
            str(facts.inputs.period),
            f"The payer's charges are in {', '.join(sorted(facts.currencies))}; "
            "a payer's month must have one currency.",
        )
        # A draft of amounts in two currencies could be approved, and says nothing.
        for client in facts.billed_clients:
            words = f"The charges of {client.key} may be in another currency than they are added in"
            yield _parks(client.key, "mixed_currencies", f"{words}; see the month's finding.")


def unassigned_accounts(facts: CheckedMonth) -> Iterator[Finding]:
    """One whose charges are all 0.00, such as a free quota, is named and blocks nothing."""
    for account in facts.allocation.unassigned:
        if not account.account_id:
            yield Finding(
                WARNING if account.is_free else CRITICAL,
                "account_unassigned",
                str(facts.inputs.period),
                f"There are {plain(account.net_billed_cost)} {facts.currency} of charges without "
                f"an account, from {account.first_day} to {account.last_day}: whose they are, the "
                "export does not say. Ask AWS, and have them on an account.",
            )
            continue
        yield Finding(
            WARNING if account.is_free else CRITICAL,
            "account_unassigned",
            account.account_id,
            f"Account {account.account_id} has {plain(account.net_billed_cost)} {facts.currency} "
            f"of charges from {account.first_day} to {account.last_day} and no client then; "
            "assign it to a client from that day, or name it an internal account.",
        )


def rows_across_a_change_of_hands(facts: CheckedMonth) -> Iterator[Finding]:
    """A row is of one day, its first; one that lasts longer may be of two clients.

    Metered usage does not accrue evenly, so it is nobody's to split; what is charged by the month
    goes to whoever had the account on the row's first day, and both are told.
    """
    for rows in facts.inputs.export_limits.long_rows:
        days = DaySpan(rows.first_day, rows.last_day + timedelta(days=1))
        held = facts.inputs.roster.changes_hands(rows.account_id, days)
        blocks = Kind(rows.kind) in METERED and rows.billed != 0
        for client in sorted({each.client for each in held}):
            yield Finding(
                CRITICAL if blocks else WARNING,
                "row_across_change_of_hands",
                rows.account_id,
                f"Account {rows.account_id} has {rows.rows} rows of {rows.kind} "
                f"({plain(rows.billed)} {facts.currency}) that last from {rows.first_day} to "
                f"{rows.last_day}, and is {held[-1].client}'s from {held[-1].span.start}: "
                + (
                    "they cannot be split by day. Take in an hourly or daily export, or move the "
                    "change to the first of a month."
                    if blocks
                    else f"they are billed to {held[0].client}, whose it was on the first day."
                ),
                client if blocks else "",
            )


def charged_to_the_nearest(facts: CheckedMonth) -> Iterator[Finding]:
    for near in facts.nearest:
        yield Finding(
            WARNING,
            "charged_to_nearest_owner",
            near.account_id,
            f"{plain(near.net_billed_cost)} {facts.currency} of account {near.account_id}, dated "
            f"{near.first_day} to {near.last_day}, when it was nobody's, are "
            f"{near.client}'s, whose it was nearest in time: charges by the month, and usage of "
            "another month, have no day of their own.",
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


def unknown_clients(facts: CheckedMonth) -> Iterator[Finding]:
    known = {client.key for client in facts.inputs.clients}
    for key in facts.statements:
        if key not in known:
            yield _parks(key, "client_unknown", f"{key} bears charges but is no client: add it.")


def missing_price_books(facts: CheckedMonth) -> Iterator[Finding]:
    for client in facts.billed_clients:
        if client.price_book not in facts.inputs.price_books:
            yield _parks(
                client.key,
                "price_book_missing",
                f"Price book {client.price_book!r} of {client.key} is not in effect in "
                f"{facts.inputs.period}; publish it or give the client another.",
            )


def unanswerable_bases(facts: CheckedMonth) -> Iterator[Finding]:
    """A cost that the export does not show is not 0, and not another cost."""
    for client, book in _books_of(facts):
        # What it costs us is the net amortised cost (`CostBasis.LIST`).
        asked = {book.cost_basis.value}
        if book.cost_basis is CostBasis.LIST:
            asked.add(CostBasis.NET_AMORTIZED.value)
        for basis in sorted(asked & facts.inputs.export_limits.bases.keys()):
            yield _parks(
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
                yield _parks(
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


def missing_exchange_rates(facts: CheckedMonth) -> Iterator[Finding]:
    known = {
        rate.to_currency
        for rate in facts.inputs.exchange_rates
        if rate.period == facts.inputs.period and rate.from_currency == facts.currency
    }
    for client in facts.billed_clients:
        if client.currency != facts.currency and client.currency not in known:
            yield _parks(
                client.key,
                "exchange_rate_missing",
                f"{client.key} pays in {client.currency}, and {facts.inputs.period} has no rate "
                f"from {facts.currency} to {client.currency}; add it to exchange_rates.",
            )


def incomplete_clients(facts: CheckedMonth) -> Iterator[Finding]:
    """An invoice names the client and its address; where tax law is quoted, it must."""
    for client in facts.billed_clients:
        # Names and addresses of both are among what a VAT invoice must show (VAT Directive, art.
        # 226 no. 5):
        # `tests/unit/invoices/test_checks.py::test_without_tax_an_incomplete_address_is_a_warning`.
        taxed = client.tax.category is not TaxCategory.OUTSIDE_SCOPE
        address = client.address
        if not (client.name and address.street and address.city and address.country):
            yield Finding(
                CRITICAL if taxed else WARNING,
                "client_address_incomplete",
                client.key,
                f"{client.key} lacks a name, street, city or country; an invoice must show them.",
                client.key if taxed else "",
            )
        # The buyer owes the tax and is told apart by its VAT id alone (VAT Directive, art. 226 no.
        # 4).
        if client.tax.category is TaxCategory.REVERSE_CHARGE and not client.tax.vat_id:
            yield _parks(
                client.key,
                "client_tax_id_missing",
                f"{client.key} is invoiced under reverse charge, which needs its VAT id.",
            )


def inconsistent_tax(facts: CheckedMonth) -> Iterator[Finding]:
    for client in facts.billed_clients:
        tax = client.tax
        # In EN 16931 each other category has rate 0 or none at all (rules BR-AE-05, BR-Z-05,
        # BR-E-05).
        if (tax.category is TaxCategory.STANDARD) != (tax.rate_percent > 0):
            yield _parks(
                client.key,
                "tax_rate_inconsistent",
                f"{client.key} has tax category {tax.category} with a rate of "
                f"{plain(tax.rate_percent)} %; only standard has a rate, and it needs one.",
            )


def custom_items_of_nobody(facts: CheckedMonth) -> Iterator[Finding]:
    known = {client.key for client in facts.inputs.clients}
    for item in facts.inputs.custom_line_items:
        if item.client not in known:
            yield Finding(
                WARNING,
                "custom_line_item_without_client",
                item.key,
                f"Custom line item {item.key} is for {item.client}, which is no client.",
            )


def custom_items_of_any_payer(facts: CheckedMonth) -> Iterator[Finding]:
    """It would be on a document of each payer, and so be billed several times."""
    if not facts.inputs.has_other_payers:
        return
    for item in facts.inputs.custom_line_items:
        if item.payer_account_id is None and item.client in facts.statements:
            yield _parks(
                item.client,
                "custom_line_item_of_any_payer",
                f"Custom line item {item.key} of {item.client} names no payer, and there are "
                "several: say with `payer` on whose invoice it goes, and apply.",
            )


def custom_items_only(facts: CheckedMonth) -> Iterator[Finding]:
    for key, statement in facts.statements.items():
        if not statement.lines:
            yield Finding(
                WARNING,
                "custom_line_items_only",
                key,
                f"{key} has no charges of payer {facts.inputs.payer_account_id} in "
                f"{facts.inputs.period}, only custom line items.",
            )


def discounts_without_kind(facts: CheckedMonth) -> Iterator[Finding]:
    """Where an export shows discounts as columns, they carry no kind that a share could name."""
    if "discounts" not in facts.allocation.retained:
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


def tax_upon_tax(facts: CheckedMonth) -> Iterator[Finding]:
    """Our tax on AWS's tax would be paid twice; what AWS taxed is not ours to tax again."""
    for client in facts.billed_clients:
        taxed = [
            line
            for line in facts.statements[client.key].lines
            if line.key.rpartition("/")[2].partition("-")[0] == Kind.TAX.value and line.price
        ]
        if taxed and client.tax.rate_percent:
            amount = plain(exact_sum(line.price for line in taxed))
            yield _parks(
                client.key,
                "tax_upon_tax",
                f"{client.key} is taxed {plain(client.tax.rate_percent)} % on {amount} "
                f"{facts.currency} that is AWS's own tax; set `aws_tax: retain` in price book "
                f"{client.price_book}, or give the client a tax category without a rate.",
            )


def wrong_totals(facts: CheckedMonth) -> Iterator[Finding]:
    """Also an invariant of the Invoice: a check guards what an optimised Python would not."""
    for key, draft in facts.drafts.items():
        subtotal = sum(line.amount_minor for line in draft.lines)
        tax = sum(line.tax_minor for line in draft.tax_lines)
        if (subtotal, subtotal + tax) != (draft.subtotal_minor, draft.total_minor):
            yield _parks(key, "total_differs", f"The lines of {key} do not add up to its total.")


def nothing_due(facts: CheckedMonth) -> Iterator[Finding]:
    for key, draft in facts.drafts.items():
        # Money back is a credit note, never an invoice (VAT Directive, art. 219; EN 16931, BR-27):
        # `tests/unit/invoices/test_checks.py::test_a_negative_total_is_no_invoice`.
        if draft.total_minor < 0:
            total = plain(from_minor(draft.total_minor, draft.currency))
            yield _parks(
                key,
                "total_negative",
                f"{key} would get {total} {draft.currency}: that is a credit note, not an invoice. "
                "Retain what is passed on (credits, refunds), or lower a custom credit.",
            )
        elif draft.total_minor == 0:
            yield Finding(WARNING, "total_zero", key, f"{key} owes nothing for the period.")


def sold_below_cost(facts: CheckedMonth) -> Iterator[Finding]:
    for key, statement in facts.statements.items():
        if statement.price < statement.cost:
            loss = plain(statement.cost - statement.price)
            yield Finding(
                WARNING,
                "sold_below_cost",
                key,
                f"The charges of {key} are priced {loss} {statement.currency} below their cost.",
            )


CHECKS_BEFORE_DRAFTING: tuple[Check, ...] = (
    unknown_charges,
    mixed_currencies,
    unassigned_accounts,
    rows_across_a_change_of_hands,
    charged_to_the_nearest,
    internal_accounts_with_a_client,
    unknown_clients,
    missing_price_books,
    unanswerable_bases,
    rules_without_column,
    missing_exchange_rates,
    incomplete_clients,
    inconsistent_tax,
    tax_upon_tax,
    custom_items_of_nobody,
    custom_items_of_any_payer,
    custom_items_only,
    discounts_without_kind,
    sold_below_cost,
)
"""What can be known before drafts exist: who is parked here gets none."""

CHECKS_OF_DRAFTS: tuple[Check, ...] = (wrong_totals, nothing_due)


def _parks(client: str, code: str, message: str) -> Finding:
    return Finding(CRITICAL, code, client, message, client)
