"""Owns the checks of drafts: whether one may become a document."""

from __future__ import annotations

from collections.abc import Iterator

from invoices.checks.checked import CheckedMonth, parks
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
        yield parks(
            key,
            "tax_rate_missing",
            f"The tax of {key} is to be stated in {wanted}, too, and {period} has no rate from "
            f"{draft.currency} to {wanted}; add it to exchange_rates.",
        )


def nothing_due(facts: CheckedMonth) -> Iterator[Finding]:
    for key, draft in facts.drafts.items():
        # Money back is a credit note, never an invoice (VAT Directive, art. 219; EN 16931, BR-27):
        # `tests/unit/invoices/test_checks.py::test_a_negative_total_is_no_invoice`.
        if draft.total_minor < 0:
            total = plain(from_minor(draft.total_minor, draft.currency))
            yield parks(
                key,
                "total_negative",
                f"{key} would get {total} {draft.currency}: that is a credit note, not an invoice. "
                "Retain what is passed on (credits, refunds), or lower a custom credit.",
            )
        elif draft.total_minor == 0:
            yield Finding(WARNING, "total_zero", key, f"{key} owes nothing for the period.")
