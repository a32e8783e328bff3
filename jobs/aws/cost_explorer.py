"""Owns asking Cost Explorer what a payer has cost so far: every page costs money, so ask once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_ce import CostExplorerClient
    from mypy_boto3_ce.type_defs import GetCostAndUsageRequestTypeDef, GroupTypeDef

PAGES_MAX = 200
"""A payer of 10,000 accounts and 20 record types fits; more is an endless loop, not an answer."""


class CostExplorerError(Exception):
    """Cost Explorer did not answer; the message holds AWS's own words."""


@dataclass(frozen=True, slots=True)
class CostGroup:
    """One account and record type in one month, amounts as the text AWS sent."""

    account_id: str
    record_type: str
    amounts: tuple[tuple[str, str], ...]
    """(metric, amount), in the order asked."""
    currency: str
    estimated: bool


def cost_and_usage(
    client: CostExplorerClient, *, start: str, end: str, metrics: Sequence[str]
) -> list[CostGroup]:
    """GetCostAndUsage by linked account and record type, `start` until before `end` (ISO days).

    Raises CostExplorerError.
    """
    request: GetCostAndUsageRequestTypeDef = {
        "TimePeriod": {"Start": start, "End": end},
        # By the month: daily answers have thirty times the pages, and AWS charges for each.
        "Granularity": "MONTHLY",
        "Metrics": list(metrics),
        "GroupBy": [
            {"Type": "DIMENSION", "Key": "LINKED_ACCOUNT"},
            {"Type": "DIMENSION", "Key": "RECORD_TYPE"},
        ],
    }
    groups: list[CostGroup] = []
    for _ in range(PAGES_MAX):
        try:
            answer = client.get_cost_and_usage(**request)
        except (ClientError, BotoCoreError) as error:
            raise CostExplorerError(f"Cost Explorer cannot be asked: {error}") from error
        for result in answer["ResultsByTime"]:
            estimated = result.get("Estimated", False)
            groups += [_group(g, metrics, estimated=estimated) for g in result.get("Groups", [])]
        if not (token := answer.get("NextPageToken")):
            return groups
        request["NextPageToken"] = token
    raise CostExplorerError(f"Cost Explorer sent more than {PAGES_MAX} pages")


def _group(group: GroupTypeDef, metrics: Sequence[str], *, estimated: bool) -> CostGroup:
    account_id, record_type = group["Keys"]
    found = group["Metrics"]
    return CostGroup(
        account_id=account_id,
        record_type=record_type,
        amounts=tuple((metric, found[metric]["Amount"]) for metric in metrics if metric in found),
        currency=next(iter(found.values()))["Unit"],
        estimated=estimated,
    )


__all__ = ["CostExplorerError", "CostGroup", "cost_and_usage"]
