"""Owns the month: the steps from a payer's charges to drafts and their proof, in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import NamedTuple

import polars as pl

from invoices.allocation.commitments.reapplication import reapply
from invoices.allocation.credits import redistribute
from invoices.allocation.direct import assign, nearest_owners
from invoices.allocation.leftover import (
    RETAINED_AS,
    RetentionPolicy,
    UnassignedAccount,
    allocate,
)
from invoices.allocation.proration import prorate
from invoices.allocation.segments import by_segment
from invoices.allocation.shared_costs.bases import weights_of
from invoices.allocation.shared_costs.splitting import share
from invoices.allocation.shared_costs.tags import by_tag
from invoices.allocation.support.reallocation import SUPPORT, reallocate, suppressed
from invoices.balances import CurrencyTotal
from invoices.charges import Charges, with_line_types, with_undated_rates, with_undated_usage
from invoices.checks import (
    CHECKS_BEFORE_DRAFTING,
    CHECKS_OF_DRAFTS,
    CheckedMonth,
    CurrencyMonth,
    check,
    parked,
)
from invoices.clients import Client, ClientKey, NegativeMonths, ZeroMonths
from invoices.control_totals import ControlTotal
from invoices.documents.carry_forward import gets_document, with_balances
from invoices.documents.correction import as_credit_note
from invoices.documents.document import content_id, to_document
from invoices.documents.drafting import Letterhead, base_of, draft, to_convert
from invoices.documents.invoice import Invoice
from invoices.documents.prepayments import with_prepayments
from invoices.inputs import BillingInputs, waived
from invoices.kinds import DISCOUNTS, Kind
from invoices.money import exact_sum
from invoices.pricing.book import PriceBook
from invoices.pricing.custom import CustomCharge, custom_charges
from invoices.pricing.rating import rate
from invoices.reconciliation import (
    Accounted,
    ClientTotal,
    PayerMonth,
    Reconciliation,
    reconcile,
)
from invoices.statements import Statement, draw_up
from kernel.findings import Finding


@dataclass(frozen=True, slots=True)
class Draft:
    """An invoice to be approved. `draft_id` is the content id of document and working."""

    client: ClientKey
    invoice: Invoice
    statement: Statement
    custom: tuple[CustomCharge, ...]
    draft_id: str
    gets_document: bool = True
    is_credit_note: bool = False
    """Of a month below nothing; `invoice` is below nothing all the same."""

    @property
    def document(self) -> Invoice:
        """As it is approved and issued."""
        return as_credit_note(self.invoice) if self.is_credit_note else self.invoice


@dataclass(frozen=True, slots=True)
class BilledMonth:
    """All that a billing run found: every client is drafted or parked, and all money accounted."""

    inputs_id: str
    inputs: BillingInputs
    currency: str
    statements: tuple[Statement, ...]
    drafts: tuple[Draft, ...]
    findings: tuple[Finding, ...]
    parked: frozenset[ClientKey]
    payer_total: Decimal
    """In the payer's currency, as is what was retained, and what is nobody's."""
    retained: Mapping[str, Decimal]
    unassigned: tuple[UnassignedAccount, ...]
    others: tuple[CurrencyTotal, ...]
    """What the payer is charged in other currencies."""


def bill(charges: Charges, inputs: BillingInputs) -> BilledMonth:
    """Charges and named inputs become drafts. Equal input, in any order, gives equal output."""
    prepared, months, rated = rate_month(charges, inputs)
    statements = draw_up(
        rated,
        inputs.price_books,
        period=inputs.period,
        line_types={(e.name, e.kind.value): str(e) for e in inputs.mapped_line_types},
        shared={each.key: each.words for each in inputs.shared_costs},
    )
    currency = next(iter(months))
    statements = _with_custom_only(statements, inputs, currency)
    facts = CheckedMonth(
        inputs=inputs,
        currency=currency,
        kinds=frozenset(prepared.keys["kind"].unique()),
        by_currency=months,
        statements={statement.client: statement for statement in statements},
    )
    return _drafted(facts)


class RatedMonth(NamedTuple):
    """By currency, the payer's first: who bears what, and each charge borne with its price."""

    charges: Charges
    """As they were billed: what a person said of unknown types is in them."""
    allocated: Mapping[str, CurrencyMonth]
    rated: Mapping[str, pl.DataFrame]


def rate_month(charges: Charges, inputs: BillingInputs) -> RatedMonth:
    charges = with_line_types(charges, inputs.line_types)
    if inputs.export_limits.ends:
        charges = with_undated_usage(charges, inputs.period.start)
        charges = with_undated_rates(charges, inputs.period.start)
    # Amounts of two currencies are added on no way to a document but by a stated rate: until then
    # each is a bill of its own (DECISIONS 35).
    by_currency = charges.by_currency()
    months: dict[str, CurrencyMonth] = {}
    for currency, own in by_currency.items():
        months[currency] = _allocated(own, inputs, next(iter(months.values()), None))
    books = books_by_client(inputs)
    rated = {each: rate(month.allocation.borne, books) for each, month in months.items()}
    return RatedMonth(charges, months, rated)


def _allocated(
    charges: Charges, inputs: BillingInputs, payers: CurrencyMonth | None
) -> CurrencyMonth:
    """`payers` is the month in the payer's currency, None where this is it."""
    period, ours = inputs.period, inputs.internal_accounts
    # Thirty times fewer rows are priced, and the figures are the same (DECISIONS 14 and 16):
    # `tests/unit/reduction/test_reducer_segments.py::test_sums_by_segment_are_their_own_sums`.
    books = books_by_client(inputs)
    by_day = (Kind.CREDIT,) if any(book.credits.returns for book in books.values()) else ()
    summed = by_segment(
        charges, inputs.roster, period=period, internal_accounts=ours, by_day=by_day
    )
    assigned = assign(summed, inputs.roster, period=period, internal_accounts=ours)
    assigned, tagged = by_tag(assigned, inputs.shared_costs)
    prorated, crossings = prorate(
        assigned,
        inputs.roster,
        period=period,
        fees_by_month=inputs.prorates_monthly_fees,
        has_ends=not inputs.export_limits.ends,
    )
    credited, ownerless = redistribute(
        prorated,
        {client: book.credits for client, book in books.items()},
        inputs.roster,
        period=period,
        internal_accounts=ours,
    )
    by_client = {client: book.support for client, book in books.items() if payers is None}
    supported, kept_support, support = reallocate(credited, by_client, period=period)
    by_contract, kept, commitments = reapply(
        supported,
        {client: book.commitments for client, book in books.items()},
        inputs.roster,
        period=period,
        internal_accounts=ours,
        spreads=payers is None,
    )
    groups = inputs.shared_costs
    weights = weights_of(by_contract, groups, tagged) if payers is None else payers.shared_weights
    shared, shared_sums = share(by_contract, groups, weights, period=period)
    asked = [each.key for each in groups if "service" in each.match.said]
    shared, twice = suppressed(shared, by_client, asked=asked)
    support_kept = exact_sum([kept_support.get(SUPPORT, Decimal(0)), twice])
    policies = {client: _policy(book) for client, book in books.items()}
    passed_whole = [each.key for each in groups if each.passes_whole]
    return CurrencyMonth(
        allocation=allocate(shared, policies, {**kept, SUPPORT: support_kept}, passed_whole),
        shared_weights=weights,
        shared_sums=shared_sums,
        tagged=tagged,
        nearest=nearest_owners(prorated),
        returned_unbought=_returned_unbought(charges),
        crossings=crossings,
        commitments=commitments,
        support=support,
        ownerless_credits=ownerless,
        column_discounts=_column_discounts(charges),
    )


def prove(
    month: BilledMonth,
    *,
    issued: Mapping[ClientKey, Invoice] | None = None,
    control_totals: Iterable[ControlTotal] = (),
    rounding: Decimal = Decimal(0),
) -> Reconciliation:
    """The month's proof. `issued` invoices stand in for their drafts, wrong or not.

    `rounding` is AWS's own, where its invoices differ from its line items.
    """
    invoices = {each.client: each.invoice for each in month.drafts} | dict(issued or {})
    custom = {each.client: each.custom for each in month.drafts}
    payer = PayerMonth(
        period=month.inputs.period,
        payer_account_id=month.inputs.payer_account_id,
        currency=month.currency,
        total=exact_sum([month.payer_total, rounding]),
        rounding=rounding,
    )
    accounted = Accounted(
        clients=tuple(
            ClientTotal(
                client=statement.client,
                cost=statement.cost,
                charges_price=statement.price,
                custom_price=exact_sum(item.price for item in custom.get(statement.client, ())),
                invoice=invoices.get(statement.client),
                others=statement.others,
            )
            for statement in month.statements
        ),
        retained=month.retained,
        unassigned=exact_sum(account.net_billed_cost for account in month.unassigned),
        others=month.others,
    )
    return reconcile(payer, accounted, control_totals=control_totals, findings=month.findings)


def inputs_id(inputs: BillingInputs) -> str:
    """The content id of all that a month's drafts are a function of."""
    return content_id(inputs)


def _column_discounts(charges: Charges) -> Decimal:
    is_row = charges.keys["kind"].is_in([str(kind) for kind in DISCOUNTS])
    others = charges.daily.filter(~is_row.gather(charges.daily["key"]))
    off = pl.col("billed_cost").sum() - pl.col("net_billed_cost").sum()
    return exact_sum(others.select(off).to_series())


def _returned_unbought(charges: Charges) -> dict[str, Decimal]:
    """By account, where refunds of upfront payments exceed the upfront payments."""
    whose = charges.keys.select("account_id", "kind")[charges.daily["key"]]
    paid = whose.hstack(charges.daily.select("upfront")).filter(pl.col("upfront") != 0)
    sums = paid.group_by("account_id").agg(
        pl.col("upfront").sum(), (pl.col("kind") == Kind.REFUND.value).any().alias("returns")
    )
    return {
        account: upfront
        for account, upfront, returns in sums.iter_rows()
        if returns and upfront < 0
    }


def books_by_client(inputs: BillingInputs) -> dict[ClientKey, PriceBook]:
    """By client; without those whose book is missing, which a check parks."""
    return {
        client.key: inputs.price_books[client.price_book]
        for client in inputs.clients
        if client.price_book in inputs.price_books
    }


def _policy(book: PriceBook) -> RetentionPolicy:
    kinds = [kind for kind in RETAINED_AS if kind is not Kind.UNKNOWN]
    passed: dict[Kind, Decimal] = {kind: book.passed_percent(kind) for kind in kinds}
    return RetentionPolicy(book.cost_basis, passed, book.named_discounts_passed_percent)


def _with_custom_only(
    statements: tuple[Statement, ...], inputs: BillingInputs, currency: str
) -> tuple[Statement, ...]:
    """Adds an empty statement for every client that has custom line items but no charge."""
    known = {client.key for client in inputs.clients}
    charged = {item.client for item in inputs.custom_line_items if item.asks_in(inputs.period)}
    missing = (charged & known) - {statement.client for statement in statements}
    nothing = Decimal(0)
    added = [Statement(key, inputs.period, currency, (), nothing, nothing) for key in missing]
    return tuple(sorted([*statements, *added], key=lambda statement: statement.client))


def _drafted(facts: CheckedMonth) -> BilledMonth:
    """Checks, drafts whom nothing parks, and checks the drafts."""
    findings = waived(check(facts, CHECKS_BEFORE_DRAFTING), facts.inputs.waivers)
    stopped = parked(findings)
    drafts = [_draft(client, facts) for client in facts.billed_clients if client.key not in stopped]
    invoices = {each.client: each.invoice for each in drafts}
    findings += check(replace(facts, drafts=invoices), CHECKS_OF_DRAFTS)
    stopped = parked(findings)
    own = facts.by_currency[facts.currency].allocation
    return BilledMonth(
        inputs_id=inputs_id(facts.inputs),
        inputs=facts.inputs,
        currency=facts.currency,
        statements=tuple(facts.statements.values()),
        drafts=tuple(
            sorted(
                (each for each in drafts if each.client not in stopped),
                key=lambda each: each.client,
            )
        ),
        findings=tuple(sorted(findings)),
        parked=stopped,
        payer_total=own.payer_total,
        retained=own.retained,
        unassigned=own.unassigned,
        others=tuple(
            CurrencyTotal(
                currency=currency,
                payer_total=month.allocation.payer_total,
                retained=month.allocation.retained,
                unassigned=month.allocation.unassigned_cost,
            )
            for currency, month in facts.by_currency.items()
            if currency != facts.currency
        ),
    )


def _draft(client: Client, facts: CheckedMonth) -> Draft:
    inputs, statement = facts.inputs, facts.statements[client.key]
    items = inputs.custom_items_of(client.key)
    stated = inputs.exchanges_to(client.currency)
    exchanges = {
        each: stated[each] for each in to_convert(statement, items, currency=client.currency)
    }
    custom = custom_charges(
        items,
        period=inputs.period,
        base=partial(base_of, statement, currency=client.currency, exchanges=exchanges),
        months=inputs.counted_of(client.key),
    )
    letterhead = Letterhead(
        inputs.seller,
        inputs.rounding,
        inputs.account_names,
        inputs.tax_rounding,
        inputs.exchanges_to(inputs.tax_currency),
    )
    invoice = draft(statement, custom, client=client, letterhead=letterhead, exchanges=exchanges)
    invoice = with_balances(
        invoice,
        inputs.balances_of(client.key),
        tax_exchange=letterhead.tax_exchanges.get(client.currency),
    )
    invoice = with_prepayments(
        invoice,
        inputs.pots_of(client),
        tax=client.tax,
        tax_exchange=letterhead.tax_exchanges.get(client.currency),
    )
    zero_gets_one = inputs.zero_months(client) is ZeroMonths.INVOICE
    working = [
        [
            *(line.key, each.rule, each.price_book, each.cost_basis),
            *(str(each.cost), str(each.price)),
            *([each.line_type] if each.line_type else ()),
            *([each.attribution] if each.attribution else ()),
        ]
        for line in statement.lines
        for each in line.workings
    ]
    draft_id = content_id({"document": to_document(invoice), "working": working})
    is_note = (
        invoice.is_below_nothing and inputs.negative_months(client) is NegativeMonths.CREDIT_NOTE
    )
    documented = is_note or gets_document(invoice, zero_gets_one=zero_gets_one)
    return Draft(client.key, invoice, statement, custom, draft_id, documented, is_note)
