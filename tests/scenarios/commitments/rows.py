"""Owns the rows of the smallest months with commitments and credits, as CUR 2.0 has them.

Of each, an account of `a` bought the commitment, and one of `b` only used some of it: `a-3` and
`b-3` are of the third.
"""

from __future__ import annotations

from invoices.periods import BillingPeriod
from tests.support.bills.ingest_builders import Row, line

MONTH_LONG = {
    "line_item_usage_start_date": "2026-10-01T00:00:00.000Z",
    "line_item_usage_end_date": "2026-11-01T00:00:00.000Z",
    "pricing_public_on_demand_cost": "0",
}


def account(name: str) -> str:
    """Of twelve digits: 100000000003 of a-3, 200000000003 of b-3."""
    letter, number = name.split("-")
    return f"{'abc'.index(letter) + 1}{int(number):011}"


def reserved(number: int) -> str:
    return f"arn:aws:ec2:eu-west-1:{account(f'a-{number}')}:reserved-instances/r-{number}"


def planned(number: int) -> str:
    return f"arn:aws:savingsplans::{account(f'a-{number}')}:savingsplan/s-{number}"


def of_reservation(whose: str) -> Row:
    number = int(whose.partition("-")[2])
    return {
        "line_item_usage_account_id": account(whose),
        "reservation_reservation_a_r_n": reserved(number),
    }


def of_plan(whose: str) -> Row:
    number = int(whose.partition("-")[2])
    return {
        "line_item_usage_account_id": account(whose),
        "savings_plan_savings_plan_a_r_n": planned(number),
    }


def reserved_usage(whose: str, on_demand: str, effective: str, **more: str) -> Row:
    """AWS bills nothing for it."""
    row = of_reservation(whose) | {
        "reservation_effective_cost": effective,
        "pricing_public_on_demand_cost": on_demand,
    }
    return line("0", "DiscountedUsage", **row | more)


def reservation_fee(number: int, paid: str, unused: str = "0", **more: str) -> Row:
    row = of_reservation(f"a-{number}") | MONTH_LONG | {"reservation_unused_recurring_fee": unused}
    row["reservation_unused_amortized_upfront_fee_for_billing_period"] = "0"
    row["reservation_amortized_upfront_fee_for_billing_period"] = "0"
    return line(paid, "RIFee", **row | more)


def planned_usage(whose: str, on_demand: str, effective: str) -> list[Row]:
    """And the negation that takes it back."""
    of = of_plan(whose)
    cost = {"savings_plan_savings_plan_effective_cost": effective}
    return [
        line(on_demand, "SavingsPlanCoveredUsage", **of | cost),
        line(f"-{on_demand}", "SavingsPlanNegation", **of),
    ]


def plan_fee(number: int, committed: str, used: str, **more: str) -> Row:
    row = of_plan(f"a-{number}") | MONTH_LONG
    row["savings_plan_total_commitment_to_date"] = committed
    row["savings_plan_used_commitment"] = used
    return line(committed, "SavingsPlanRecurringFee", **row | more)


def upfront_fee(number: int, paid: str, **more: str) -> Row:
    """A `Fee` with the ARN of a reservation."""
    row = of_reservation(f"a-{number}") | MONTH_LONG
    return line(paid, "Fee", **row | more)


def of_month(period: str, row: Row) -> Row:
    """The row of October as another month has it."""
    month = BillingPeriod.parse(period)
    days = {"2026-10-01": str(month.start), "2026-11-01": str(month.end), "2026-10-": f"{period}-"}
    moved = dict(row)
    for name in moved:
        if name.endswith("_date"):
            was = next(day for day in days if moved[name].startswith(day))
            moved[name] = moved[name].replace(was, days[was])
    return moved
