"""Owns the set-up's items of costs: told by client, and their anomalies told to us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from service.accounts.calls import Answer, Refusal, Send
from service.accounts.practice import TAG_CLIENT
from service.accounts.setting_up import ByHand, Change, Later, Scene, Todo, look, write

ANOMALIES = "msp-accounts"
IMPACT_MIN_USD = "100"


def cost_tag(scene: Scene) -> Todo | None:
    if "see_cost_tags" not in scene.answers:
        return look("ce", "ListCostAllocationTags", "see_cost_tags", TagKeys=[TAG_CLIENT])
    known = {t["TagKey"]: t["Status"] for t in scene.seen("see_cost_tags")["CostAllocationTags"]}
    if TAG_CLIENT not in known:
        return Later(f"AWS offers {TAG_CLIENT} up to a day after the first account carries it")
    if known[TAG_CLIENT] == "Active":
        return None
    call = write(
        "ce", "UpdateCostAllocationTagsStatus", "activate_cost_tag", spoils=("see_cost_tags",),
        CostAllocationTagsStatus=[{"TagKey": TAG_CLIENT, "Status": "Active"}],
    )  # fmt: skip
    return Change(call=call, words=f"activate the cost allocation tag {TAG_CLIENT}")


def anomalies(scene: Scene) -> Todo | None:
    """One monitor for all accounts, those to come as well; AWS makes a second one if asked."""
    email = scene.wanted.email
    if not email:
        return ByHand("say with --email where AWS is to send anomalies of cost")
    if "see_monitors" not in scene.answers:
        return look("ce", "GetAnomalyMonitors", "see_monitors")
    words = f"watch every account's costs, and tell {email} daily from {IMPACT_MIN_USD} USD on"
    monitor = {
        "MonitorName": ANOMALIES, "MonitorType": "DIMENSIONAL",
        "MonitorDimension": "LINKED_ACCOUNT",
    }  # fmt: skip
    arn = _monitor_arn(scene.seen("see_monitors"))
    if not arn:
        call = write(
            "ce", "CreateAnomalyMonitor", "make_monitor",
            spoils=("see_monitors", "see_subscriptions"), AnomalyMonitor=monitor,
        )  # fmt: skip
        return Change(call=replace(call, send=Send.ONCE), words=words)
    if "see_subscriptions" not in scene.answers:
        return look("ce", "GetAnomalySubscriptions", "see_subscriptions")
    if _is_told(scene.answers["see_subscriptions"], arn, email):
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
    call = write(
        "ce", "CreateAnomalySubscription", "make_subscription",
        spoils=("see_subscriptions",), AnomalySubscription=subscription,
    )  # fmt: skip
    return Change(call=replace(call, send=Send.ONCE), words=words)


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
