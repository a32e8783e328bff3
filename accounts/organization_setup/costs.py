"""Owns the set-up's items of costs: split by client, and their anomalies reported to us."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.aws.calls import read, write, write_once
from accounts.model.decision import Answer, Refusal
from accounts.model.organization import TAG_CLIENT
from accounts.organization_setup.items import (
    AS_SETUP,
    ByHand,
    Later,
    SetupChange,
    SetupContext,
    Todo,
)

ANOMALIES = "msp-accounts"
IMPACT_MIN_USD = "100"


def cost_tag(context: SetupContext) -> Todo | None:
    if "see_cost_tags" not in context.answers:
        return read(
            "see_cost_tags", "ce", "ListCostAllocationTags", session=AS_SETUP, TagKeys=[TAG_CLIENT]
        )
    known = {t["TagKey"]: t["Status"] for t in context.seen("see_cost_tags")["CostAllocationTags"]}
    if TAG_CLIENT not in known:
        return Later(f"AWS offers {TAG_CLIENT} up to a day after the first account carries it")
    if known[TAG_CLIENT] == "Active":
        return None
    call = write(
        "activate_cost_tag",
        "ce",
        "UpdateCostAllocationTagsStatus",
        session=AS_SETUP,
        invalidates=("see_cost_tags",),
        CostAllocationTagsStatus=[{"TagKey": TAG_CLIENT, "Status": "Active"}],
    )
    return SetupChange(call=call, words=f"activate the cost allocation tag {TAG_CLIENT}")


def anomalies(context: SetupContext) -> Todo | None:
    """One monitor for all accounts, those to come as well; AWS makes a second one if asked."""
    email = context.wanted.email
    if not email:
        return ByHand("say with --email where AWS is to send anomalies of cost")
    if "see_monitors" not in context.answers:
        return read("see_monitors", "ce", "GetAnomalyMonitors", session=AS_SETUP)
    words = f"watch every account's costs, and tell {email} daily from {IMPACT_MIN_USD} USD on"
    monitor = {
        "MonitorName": ANOMALIES, "MonitorType": "DIMENSIONAL",
        "MonitorDimension": "LINKED_ACCOUNT",
    }  # fmt: skip
    # Monitors have no unique name:
    # `tests/unit/sandbox_aws/test_account_api.py::test_an_anomaly_monitor_can_be_made_twice`.
    arn = _monitor_arn(context.seen("see_monitors"))
    if not arn:
        call = write_once(
            "make_monitor",
            "ce",
            "CreateAnomalyMonitor",
            session=AS_SETUP,
            invalidates=("see_monitors", "see_subscriptions"),
            AnomalyMonitor=monitor,
        )
        return SetupChange(call=call, words=words)
    if "see_subscriptions" not in context.answers:
        return read("see_subscriptions", "ce", "GetAnomalySubscriptions", session=AS_SETUP)
    if _is_told(context.answers["see_subscriptions"], arn, email):
        return None
    subscription = {
        "SubscriptionName": ANOMALIES,
        "MonitorArnList": [arn],
        "Subscribers": [{"Type": "EMAIL", "Address": email}],
        "Frequency": "DAILY",
        "ThresholdExpression": {
            "Dimensions": {
                "Key": "ANOMALY_TOTAL_IMPACT_ABSOLUTE",
                "MatchOptions": ["GREATER_THAN_OR_EQUAL"],
                "Values": [IMPACT_MIN_USD],
            }
        },
    }
    call = write_once(
        "make_subscription",
        "ce",
        "CreateAnomalySubscription",
        session=AS_SETUP,
        invalidates=("see_subscriptions",),
        AnomalySubscription=subscription,
    )
    return SetupChange(call=call, words=words)


def _monitor_arn(answer: Mapping[str, Any]) -> str:
    """The oldest by ARN: made twice, one is enough."""
    arns = sorted(
        str(monitor["MonitorArn"])
        for monitor in answer["AnomalyMonitors"]
        if monitor.get("MonitorDimension") == "LINKED_ACCOUNT"
    )
    return arns[0] if arns else ""


def _is_told(answer: Answer, arn: str, email: str) -> bool:
    assert not isinstance(answer, Refusal), "a refused look is no answer"
    return any(
        arn in each["MonitorArnList"]
        and email.lower() in {s.get("Address", "").lower() for s in each["Subscribers"]}
        for each in answer["AnomalySubscriptions"]
    )
