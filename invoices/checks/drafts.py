"""Owns the checks of drafts: whether one may become a document."""

from __future__ import annotations

from collections.abc import Iterator

from invoices.checks.checked import CheckedMonth, parks
from invoices.clients import ClientKey, NegativeMonths, ZeroMonths
from invoices.documents.carry_forward import CarryForward, gets_document
from invoices.documents.invoice import Invoice
from invoices.documents.tax import NATIONAL_TAX_CURRENCY
from invoices.money import from_minor, plain
from kernel.findings import Finding, Severity

CRITICAL, WARNING = Severity.CRITICAL, Severity.WARNING


def wrong_totals(facts: CheckedMonth) -> Iterator[Finding]:
    """Also an invariant of the Invoice: a check guards what an optimised Python would not."""
    for key, draft in facts.drafts.items():
        subtotal = sum(line.amount_minor for line in draft.lines)
        tax = sum(line.tax_minor for line in draft.tax_lines)
        if (subtotal, subtotal + tax) != (draft.subtotal_minor, draft.total_minor):
            yield parks(key, "total_differs", f"The lines of {key} do not add up to its total.")


def tax_in_no_currency_of_the_sellers(facts: CheckedMonth) -> Iterator[Finding]:
    """Tax is paid in the national currency, and an invoice has to say how much that is."""
    wanted, period = facts.inputs.tax_currency, facts.inputs.period
    for key, draft in facts.drafts.items():
        if not draft.tax_minor or wanted in ("", draft.currency) or draft.accounting_tax:
            continue
        if _is_negative(draft) and not _gets_note(facts, key):  # No document says anything of it.
            continue
        yield parks(
            key,
            "tax_rate_missing",
            f"The tax of {key} is to be stated in {wanted}, too, and {period} has no rate from "
            f"{draft.currency} to {wanted}; add it to exchange_rates.",
        )


def tax_currency_unsaid(facts: CheckedMonth) -> Iterator[Finding]:
    """A seller that has not said which is its national currency, though its country wants it."""
    seller = facts.inputs.seller
    wanted = NATIONAL_TAX_CURRENCY.get(seller.address.country, "")
    taxed = sorted(
        key
        for key, draft in facts.drafts.items()
        if draft.tax_minor
        and draft.currency != wanted
        and (not _is_negative(draft) or _gets_note(facts, key))
    )
    if wanted and taxed and not facts.inputs.tax_currency:
        yield Finding(
            WARNING,
            "tax_currency_unsaid",
            seller.key,
            f"{', '.join(taxed)}: tax is asked for in another currency than {wanted}, and a seller "
            f"in {seller.address.country} has to state it in {wanted}, too. Say `tax_currency: "
            f"{wanted}` of seller {seller.key}, and add the period's rate to exchange_rates.",
        )


def nothing_due(facts: CheckedMonth) -> Iterator[Finding]:
    """What becomes of a month that asks for nothing, or for less, is its client's policy."""
    clients = {client.key: client for client in facts.inputs.clients}
    for key, draft in facts.drafts.items():
        if _is_negative(draft):
            policy = facts.inputs.negative_months(clients[key])
            yield _mixed(key, draft) if _is_mixed(draft, policy) else _negative(key, draft, policy)
        elif draft.total_minor == 0:
            one = facts.inputs.zero_months(clients[key]) is ZeroMonths.INVOICE
            if gets_document(draft, zero_gets_one=one):
                yield Finding(WARNING, "total_zero", key, f"{key} owes nothing for the period.")
            else:
                yield Finding(
                    WARNING,
                    "no_document",
                    key,
                    f"{key} owes nothing for {facts.inputs.period} and gets no document, as "
                    "`zero_months: no_document` says.",
                )


def _is_negative(draft: Invoice) -> bool:
    return draft.total_minor < 0 or draft.subtotal_minor < 0


def _gets_note(facts: CheckedMonth, key: ClientKey) -> bool:
    (client,) = (each for each in facts.inputs.clients if each.key == key)
    return facts.inputs.negative_months(client) is NegativeMonths.CREDIT_NOTE


def _is_mixed(draft: Invoice, policy: NegativeMonths) -> bool:
    return policy is NegativeMonths.CARRY_FORWARD and len(draft.tax_lines) > 1


def _mixed(key: ClientKey, draft: Invoice) -> Finding:
    """A balance keeps the tax of its month, which has to be one."""
    total = plain(from_minor(draft.total_minor, draft.currency))
    return parks(
        key,
        "negative_in_several_taxes",
        f"{key} would get {total} {draft.currency} for {draft.period}, whose lines are taxed in "
        f"{len(draft.tax_lines)} ways, so that no balance can be carried forward of it: move the "
        "items that are taxed otherwise to another month.",
    )


def _negative(key: ClientKey, draft: Invoice, policy: NegativeMonths) -> Finding:
    if policy is NegativeMonths.CREDIT_NOTE and draft.is_below_nothing:
        total = plain(from_minor(-draft.total_minor, draft.currency))
        return Finding(
            WARNING,
            "credited_month",
            key,
            f"{key} is owed {total} {draft.currency} for {draft.period} and gets a credit note "
            "(`negative_months: credit_note`).",
        )
    if policy is NegativeMonths.CARRY_FORWARD:
        net = plain(from_minor(-draft.subtotal_minor, draft.currency))
        return Finding(
            WARNING,
            "carried_forward",
            key,
            f"{key} is owed {net} {draft.currency} before tax for {draft.period} and gets no "
            "document: the balance is taken off its next invoices (`negative_months: "
            "carry_forward`).",
        )
    # Money back is a credit note, never an invoice (VAT Directive, art. 219; EN 16931, BR-27):
    # `tests/unit/invoices/test_checks.py::test_a_negative_total_is_no_invoice`.
    total = plain(from_minor(draft.total_minor, draft.currency))
    return parks(
        key,
        "total_negative",
        f"{key} would get {total} {draft.currency}: that is a credit note, not an invoice. Retain "
        "what is passed on (credits, refunds), lower a custom credit, make one of it "
        "(`negative_months: credit_note`), or let its next invoices take it off "
        "(`negative_months: carry_forward`).",
    )


def balances_taken(facts: CheckedMonth) -> Iterator[Finding]:
    """Of each open balance, how much is on the draft, and what waits on."""
    for balance in facts.inputs.balances:
        if balance.client not in facts.drafts:
            continue
        draft = facts.drafts[balance.client]
        lines = [line for line in draft.lines if line.carried_from]
        months = {line.carried_from.period: line for line in lines if line.carried_from}
        on = -months[balance.period].amount_minor if balance.period in months else 0
        taken, rest = (
            plain(from_minor(each, balance.currency)) for each in (on, balance.net_minor - on)
        )
        yield Finding(
            WARNING,
            "balance_taken" if on else "balance_waits",
            balance.client,
            f"Of the balance of {balance.client} from {balance.period}, {taken} "
            f"{balance.currency} is taken off this month's invoice and {rest} is carried on"
            f"{_until(balance, draft)}.",
        )


def _until(balance: CarryForward, draft: Invoice) -> str:
    if not balance.is_owed_by(draft.seller):
        return f": it is owed by seller {balance.seller_key}, and waits for an invoice of that one"
    if balance.currency != draft.currency:
        return f": it waits for an invoice in {balance.currency}"
    return ""
