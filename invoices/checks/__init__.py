"""Owns the checks of a billing run: what would make an invoice wrong, said before it is issued."""

from invoices.checks.checked import Check, CheckedMonth, CurrencyMonth, check, parked
from invoices.checks.commitments import (
    benefits_that_crossed,
    commitments_not_in_month,
    credits_without_owner,
    spread_fees_of_nobody,
    spread_fees_that_differ,
    unanswerable_commitments,
    untold_amortization,
)
from invoices.checks.configuration import (
    incomplete_clients,
    inconsistent_tax,
    missing_exchange_rates,
    missing_price_books,
    sold_below_cost,
    tax_upon_tax,
    unknown_clients,
)
from invoices.checks.custom_items import (
    custom_items_of_any_payer,
    custom_items_of_nobody,
    custom_items_only,
    percentages_of_nothing,
    prepaid,
    unknown_spend,
)
from invoices.checks.drafts import (
    balances_taken,
    nothing_due,
    tax_currency_unsaid,
    tax_in_no_currency_of_the_sellers,
    wrong_totals,
)
from invoices.checks.export import (
    charged_to_the_nearest,
    discounts_not_mapped,
    discounts_passed_whole,
    discounts_without_kind,
    internal_accounts_with_a_client,
    refunds_taken_as_upfront,
    rows_across_a_change_of_hands,
    rules_without_column,
    unanswerable_bases,
    unassigned_accounts,
    unknown_charges,
)
from invoices.checks.shared_costs import (
    shared_accounts_of_clients,
    shared_costs_of_departed,
    shared_costs_of_nobody,
    shared_costs_of_nothing,
    shared_costs_unanswerable,
    tags_of_nobody,
)
from invoices.checks.support import support_of_nobody, unsold_support_plans

CHECKS_BEFORE_DRAFTING: tuple[Check, ...] = (
    unknown_charges,
    unassigned_accounts,
    rows_across_a_change_of_hands,
    charged_to_the_nearest,
    refunds_taken_as_upfront,
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
    percentages_of_nothing,
    unknown_spend,
    discounts_without_kind,
    discounts_passed_whole,
    discounts_not_mapped,
    benefits_that_crossed,
    unanswerable_commitments,
    untold_amortization,
    commitments_not_in_month,
    spread_fees_that_differ,
    spread_fees_of_nobody,
    credits_without_owner,
    shared_costs_of_nobody,
    shared_costs_unanswerable,
    shared_costs_of_nothing,
    shared_accounts_of_clients,
    shared_costs_of_departed,
    tags_of_nobody,
    support_of_nobody,
    unsold_support_plans,
    sold_below_cost,
)
"""What can be known before drafts exist: who is parked here gets none."""

CHECKS_OF_DRAFTS: tuple[Check, ...] = (
    wrong_totals,
    tax_in_no_currency_of_the_sellers,
    tax_currency_unsaid,
    nothing_due,
    balances_taken,
    prepaid,
)

__all__ = [
    "CHECKS_BEFORE_DRAFTING",
    "CHECKS_OF_DRAFTS",
    "CheckedMonth",
    "CurrencyMonth",
    "check",
    "parked",
]
