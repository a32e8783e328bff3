"""The estimate: exact decimals from Cost Explorer, asked at most every six hours."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from botocore.stub import Stubber

from invoices.money import plain
from invoices.periods import BillingPeriod
from jobs.aws import session
from jobs.aws.cost_explorer import CostExplorerError, CostGroup, cost_and_usage
from jobs.estimates import METRICS, NoEstimate, control_totals, month_to_date
from service.store.billing.estimates import Answer

OCTOBER = BillingPeriod(2026, 10)
NOON = datetime(2026, 10, 14, 12, tzinfo=UTC)


class Kept:
    """Answers in memory."""

    def __init__(self) -> None:
        self.answer: Answer | None = None

    def latest(self) -> Answer | None:
        return self.answer

    def put(self, answer: Answer) -> None:
        self.answer = answer


class Asked:
    """A Cost Explorer that says what it is told and counts what it was asked."""

    def __init__(self, *groups: CostGroup) -> None:
        self.groups = list(groups)
        self.spans: list[tuple[str, str]] = []

    def __call__(self, *, start: str, end: str, metrics: object) -> list[CostGroup]:
        self.spans.append((start, end))
        return self.groups


def group(account: str, record_type: str, amount: str, *, currency: str = "USD") -> CostGroup:
    amounts = tuple((metric, amount) for metric in METRICS)
    return CostGroup(account, record_type, amounts, currency, estimated=True)


USAGE = group("011254002932", "Usage", "71.4558054277")
TAX = group("011254002932", "Tax", "0.0000000001")
EDP = group("836060457634", "Enterprise Discount Program Discount", "-1E-7")


def test_the_month_to_date_is_exact_and_named_by_kind() -> None:
    ask = Asked(USAGE, EDP, TAX)

    estimate = month_to_date(OCTOBER, answers=Kept(), ask=ask, now=NOON)

    assert ask.spans == [("2026-10-01", "2026-10-15")]
    assert (estimate.currency, estimate.estimated, estimate.asked_at) == ("USD", True, NOON)
    assert [
        (c.account_id, str(c.kind), plain(c.amounts["UnblendedCost"])) for c in estimate.costs
    ] == [
        ("011254002932", "tax", "0.0000000001"),
        ("011254002932", "usage", "71.4558054277"),
        ("836060457634", "discount_edp", "-0.0000001"),
    ]


def test_a_question_is_asked_again_only_after_six_hours() -> None:
    ask, kept = Asked(USAGE), Kept()

    for hours in (0, 1, 6, 7, 12):
        month_to_date(OCTOBER, answers=kept, ask=ask, now=NOON + timedelta(hours=hours))

    assert len(ask.spans) == 2


def test_an_answer_of_a_clock_that_was_ahead_is_not_fresh_until_then() -> None:
    ask, kept = Asked(USAGE), Kept()

    month_to_date(OCTOBER, answers=kept, ask=ask, now=NOON + timedelta(days=400))
    month_to_date(OCTOBER, answers=kept, ask=ask, now=NOON)

    assert len(ask.spans) == 2


def test_a_past_month_is_asked_whole_and_a_coming_one_not_at_all() -> None:
    ask = Asked()

    estimate = month_to_date(BillingPeriod(2026, 9), answers=Kept(), ask=ask, now=NOON)
    assert (ask.spans, estimate.costs) == ([("2026-09-01", "2026-10-01")], ())
    with pytest.raises(NoEstimate, match="2026-11 has not begun"):
        month_to_date(BillingPeriod(2026, 11), answers=Kept(), ask=ask, now=NOON)


@pytest.mark.parametrize("text", ["NaN", "1,23", "Infinity"])
def test_an_amount_that_is_no_number_is_refused(text: str) -> None:
    ask = Asked(group("011254002932", "Usage", text))

    with pytest.raises(NoEstimate, match="011254002932"):
        month_to_date(OCTOBER, answers=Kept(), ask=ask, now=NOON)


def test_two_currencies_are_not_one_sum() -> None:
    ask = Asked(USAGE, group("011254002932", "Usage", "1", currency="CNY"))

    with pytest.raises(NoEstimate, match="CNY and USD"):
        month_to_date(OCTOBER, answers=Kept(), ask=ask, now=NOON)


def test_control_totals_stand_beside_the_export_by_account_and_by_kind() -> None:
    estimate = month_to_date(OCTOBER, answers=Kept(), ask=Asked(USAGE, TAX, EDP), now=NOON)
    usd = {"billed": "71.4558054278", "amortized": "0", "net_billed": "0", "net_amortized": "0"}
    facts = {
        "by_account": {"011254002932": usd, "111111111111": usd | {"billed": "5"}},
        "by_kind": {"usage": usd, "credit": {"billed": "-2.5"}},
    }

    totals = control_totals(estimate, facts)

    billed = {
        total.what: (plain(total.theirs), plain(total.ours), plain(total.difference))
        for total in totals
        if total.what.startswith("UnblendedCost")
    }
    assert billed == {
        "UnblendedCost of account 011254002932": ("71.4558054278", "71.4558054278", "0"),
        "UnblendedCost of account 111111111111": ("0", "5", "-5"),
        "UnblendedCost of account 836060457634": ("-0.0000001", "0", "-0.0000001"),
        "UnblendedCost of kind credit": ("0", "-2.5", "2.5"),
        "UnblendedCost of kind discount_edp": ("-0.0000001", "0", "-0.0000001"),
        "UnblendedCost of kind tax": ("0.0000000001", "0", "0.0000000001"),
        "UnblendedCost of kind usage": ("71.4558054277", "71.4558054278", "-0.0000000001"),
    }
    assert len(totals) == 4 * 3 + 4


def page(amount: str, token: str | None) -> dict[str, object]:
    one = {
        "Keys": ["011254002932", "Usage"],
        "Metrics": {"UnblendedCost": {"Amount": amount, "Unit": "USD"}},
    }
    result = {"TimePeriod": {"Start": "2026-10-01", "End": "2026-10-15"}, "Groups": [one]}
    return {"ResultsByTime": [result | {"Estimated": True}]} | (
        {"NextPageToken": token} if token else {}
    )


def test_every_page_of_an_answer_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    client = session.cost_explorer()
    request = {
        "TimePeriod": {"Start": "2026-10-01", "End": "2026-10-15"},
        "Granularity": "MONTHLY",
        "Metrics": ["UnblendedCost"],
        "GroupBy": [
            {"Type": "DIMENSION", "Key": "LINKED_ACCOUNT"},
            {"Type": "DIMENSION", "Key": "RECORD_TYPE"},
        ],
    }
    with Stubber(client) as stub:
        stub.add_response("get_cost_and_usage", page("1.5", "more"), request)
        stub.add_response(
            "get_cost_and_usage", page("2.25", None), request | {"NextPageToken": "more"}
        )
        found = cost_and_usage(
            client, start="2026-10-01", end="2026-10-15", metrics=["UnblendedCost"]
        )
        stub.add_client_error("get_cost_and_usage", "LimitExceededException", "slow down")
        with pytest.raises(CostExplorerError, match="slow down"):
            cost_and_usage(client, start="2026-10-01", end="2026-10-15", metrics=["UnblendedCost"])

    assert [Decimal(dict(each.amounts)["UnblendedCost"]) for each in found] == [
        Decimal("1.5"),
        Decimal("2.25"),
    ]


def test_an_account_charged_in_two_currencies_is_compared_with_nothing_and_others_are() -> None:
    """Cost Explorer answers in dollars, and does not say what it makes of 50 EUR."""
    estimate = month_to_date(OCTOBER, answers=Kept(), ask=Asked(USAGE), now=NOON)
    sums = dict.fromkeys(("billed", "amortized", "net_billed", "net_amortized"), "0")
    facts: dict[str, Any] = {
        "currency": "USD",
        "by_account": {"011254002932": sums, "111111111111": sums | {"billed": "5"}},
        "by_kind": {"usage": sums},
        "other_currencies": [{"currency": "EUR", "by_account": {"011254002932": sums}}],
    }

    assert [total.what for total in control_totals(estimate, facts)] == []
    other = facts | {"other_currencies": [{"currency": "EUR", "by_account": {"111111111111": {}}}]}
    assert {total.what.rpartition(" of ")[2] for total in control_totals(estimate, other)} == {
        "account 011254002932"
    }
    assert control_totals(estimate, facts | {"currency": "CNY", "other_currencies": []}) == ()
