"""Owns AWS's names of what a line is: in exports, and in Cost Explorer's answers."""

from collections.abc import Mapping

from invoices.kinds import Kind

KINDS: Mapping[str, Kind] = {
    "Usage": Kind.USAGE,
    "Fee": Kind.FEE,
    "FlatRateSubscription": Kind.SUBSCRIPTION,
    "DiscountedUsage": Kind.RI_USAGE,
    "RIFee": Kind.RI_FEE,
    "SavingsPlanCoveredUsage": Kind.SP_USAGE,
    "SavingsPlanNegation": Kind.SP_NEGATION,
    "SavingsPlanRecurringFee": Kind.SP_FEE,
    "SavingsPlanUpfrontFee": Kind.SP_UPFRONT,
    "Credit": Kind.CREDIT,
    "Refund": Kind.REFUND,
    "Tax": Kind.TAX,
    "EdpDiscount": Kind.DISCOUNT_EDP,
    "PrivateRateDiscount": Kind.DISCOUNT_PRIVATE_RATE,
    "BundledDiscount": Kind.DISCOUNT_BUNDLED,
    "RiVolumeDiscount": Kind.DISCOUNT_RI_VOLUME,
    "SppDiscount": Kind.DISCOUNT_SPP,
    "Solution Provider Program Discount": Kind.DISCOUNT_SPP,
    # AWS's published list (Data Exports dictionary, "Line item columns") is shorter than what bills
    # have, so no type counts as usage by default: `tests/faults/test_damaged_input.py`,
    # `test_what_is_doubtful_is_kept_and_named_with_its_rows_and_cost`.
    "Discount": Kind.DISCOUNT_OTHER,
}
"""A `Fee` that names a reservation is its upfront payment; any other line type is `unknown`."""
