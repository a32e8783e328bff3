"""Days are summed away only where they cannot matter to who bears a charge."""

from datetime import date
from decimal import Decimal

from invoices.allocation.direct import assign
from invoices.allocation.segments import by_segment
from invoices.charges import Charges
from invoices.clients import AccountId, Assignment, ClientKey, Roster
from invoices.kinds import Kind
from invoices.periods import DaySpan
from tests.support.builders import OCTOBER, charge, charges

MOVED, NOBODYS, OURS = (AccountId(digit * 12) for digit in "123")
ROSTER = Roster.of(
    [
        Assignment(MOVED, ClientKey("acme"), DaySpan(date(2018, 1, 1), date(2018, 10, 16))),
        Assignment(MOVED, ClientKey("bolt"), DaySpan(date(2018, 10, 16))),
    ]
)


def test_an_account_that_moves_has_one_sum_per_client_and_a_nobodys_keeps_its_days() -> None:
    month = charges(
        charge(MOVED, "1", service_day=date(2018, 9, 30)),
        charge(MOVED, "2", service_day=date(2018, 10, 15)),
        charge(MOVED, "4", service_day=date(2018, 10, 16)),
        charge(MOVED, "8", service_day=date(2018, 10, 31)),
        charge(MOVED, "16", service_day=date(2018, 10, 31), service="AmazonS3"),
        charge(NOBODYS, "32", service_day=date(2018, 10, 1)),
        charge(NOBODYS, "64", service_day=date(2018, 10, 2)),
        charge(OURS, "128", service_day=date(2018, 10, 1)),
        charge(OURS, "256", service_day=date(2018, 10, 2)),
    )
    ours = frozenset({OURS})
    summed = by_segment(month, ROSTER, period=OCTOBER, internal_accounts=ours)
    borne = assign(summed, ROSTER, period=OCTOBER, internal_accounts=ours)

    assert borne.select("account_id", "service_day", "service", "billed_cost", "client").rows() == [
        (MOVED, date(2018, 9, 30), "AmazonEC2", Decimal(3), "acme"),
        (MOVED, date(2018, 10, 16), "AmazonEC2", Decimal(12), "bolt"),
        (MOVED, date(2018, 10, 16), "AmazonS3", Decimal(16), "bolt"),
        (NOBODYS, date(2018, 10, 1), "AmazonEC2", Decimal(32), ""),
        (NOBODYS, date(2018, 10, 2), "AmazonEC2", Decimal(64), ""),
        (OURS, date(2018, 10, 1), "AmazonEC2", Decimal(384), ""),
    ]


def test_what_is_somebody_s_as_the_nearest_owner_stays_apart_from_what_is_so_by_the_roster() -> (
    None
):
    """Both are Acme's, and the working says so of the one that was before it had the account."""
    joined = Roster.of([Assignment(MOVED, ClientKey("acme"), DaySpan(date(2018, 10, 10)))])
    month = charges(
        charge(MOVED, "-1", Kind.CREDIT, service_day=date(2018, 10, 1)),
        charge(MOVED, "-2", Kind.CREDIT, service_day=date(2018, 10, 12)),
        charge(MOVED, "-4", Kind.CREDIT, service_day=date(2018, 10, 20)),
    )
    summed = by_segment(month, joined, period=OCTOBER, internal_accounts=frozenset())

    assert summed.select("service_day", "billed_cost").rows() == [
        (date(2018, 10, 1), Decimal(-1)),
        (date(2018, 10, 12), Decimal(-6)),
    ]


def test_sums_by_segment_are_their_own_sums() -> None:
    month = charges(charge(MOVED, "1"), charge(MOVED, "2", service_day=date(2018, 10, 3)))
    once = by_segment(month, ROSTER, period=OCTOBER, internal_accounts=frozenset())
    again = by_segment(Charges.of(once), ROSTER, period=OCTOBER, internal_accounts=frozenset())

    assert again.equals(once)
