"""A new account's first row of cost is waited for as long as AWS takes, and then told of."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.monitoring.first_cost import CostAwaited, first_cost_findings
from kernel.findings import Severity

LIVE = datetime(2026, 11, 23, 12, tzinfo=UTC)
AWAITED = CostAwaited(account_id="333333333333", live_at=LIVE)


def found(covered: datetime | None, now: datetime) -> list[tuple[str, str]]:
    findings = first_cost_findings([AWAITED], covered_until=covered, now=now)
    return [(each.code, each.where) for each in findings]


@pytest.mark.parametrize(
    ("covered", "now", "codes"),
    [
        (None, LIVE + timedelta(days=39), []),
        (None, LIVE + timedelta(days=40), ["first_cost_unseen"]),
        (LIVE - timedelta(days=10), LIVE + timedelta(days=40), ["first_cost_unseen"]),
        (LIVE + timedelta(days=2), LIVE + timedelta(days=2), []),
        (LIVE + timedelta(days=3), LIVE + timedelta(days=3), ["first_cost_missing"]),
    ],
)
def test_it_is_told_once_the_data_should_have_it(
    covered: datetime | None, now: datetime, codes: list[str]
) -> None:
    assert found(covered, now) == [(code, "333333333333") for code in codes]


def test_it_says_what_it_means_and_blocks_nothing() -> None:
    covered = LIVE + timedelta(days=7)

    (finding,) = first_cost_findings([AWAITED], covered_until=covered, now=covered)

    assert finding.severity is Severity.WARNING
    assert finding.message == (
        "is live since 2026-11-23, and the payer's data until 2026-11-30 has no row of it: AWS "
        "lists no account that nobody uses; if it is used, see which payer bears it"
    )
