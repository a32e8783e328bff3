"""Owns what onboarding needs of billing: cost allocation tags, anomaly watch, budgets, quotas."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from moto.budgets.models import budgets_backends

from sandbox.aws.core.calls import Answer, ApiCall, answers
from sandbox.aws.core.errors import AwsError
from sandbox.aws.core.world import Organization

TAGS_PER_CALL = 20


def _paying(call: ApiCall) -> Organization:
    organization = call.world.account(call.account_id).organization
    if organization is None or organization.payer_id != call.account_id:
        raise AwsError("AccessDeniedException", "Linked accounts have no access to this.")
    return organization


# Cost allocation tags. -----------------------------------------------------------------


@answers("ce", "UpdateCostAllocationTagsStatus")
def update_tags(call: ApiCall) -> Answer:
    """A key is known once it stands on an account, and not a moment before AWS has seen it."""
    organization, errors = _paying(call), []
    known = _known_keys(call, organization)
    if len(call.params["CostAllocationTagsStatus"]) > TAGS_PER_CALL:
        raise AwsError("LimitExceededException", "At most 20 tags in a request.")
    for entry in call.params["CostAllocationTagsStatus"]:
        if entry["TagKey"] in known:
            organization.cost_tags[entry["TagKey"]] = (entry["Status"], call.now)
        else:
            words = "Tag keys not found"
            errors.append(
                {"TagKey": entry["TagKey"], "Code": "TagKeysNotFoundException", "Message": words}
            )
    return {"Errors": errors}


def _known_keys(call: ApiCall, organization: Organization) -> set[str]:
    lag = timedelta(seconds=call.world.rules.cost_tag_seconds)
    return {
        key
        for account in organization.members.values()
        if account.joined_at + lag <= call.now
        for key in account.tags
    } | set(organization.cost_tags)


@answers("ce", "ListCostAllocationTags")
def list_tags(call: ApiCall) -> Answer:
    organization, wanted = _paying(call), call.params
    found = []
    for key in sorted(_known_keys(call, organization)):
        status, changed = organization.cost_tags.get(key, ("Inactive", call.now))
        if wanted.get("Status", status) == status and key in wanted.get("TagKeys", [key]):
            found.append(
                {
                    "TagKey": key,
                    "Type": "UserDefined",
                    "Status": status,
                    "LastUpdatedDate": changed.strftime("%Y-%m-%dT%H:%M:%SZ"),
                }
            )
    return {"CostAllocationTags": found}


# Anomaly monitors and subscriptions. ---------------------------------------------------


@answers("ce", "CreateAnomalyMonitor")
def create_monitor(call: ApiCall) -> Answer:
    """Not idempotent: the same name twice gives two monitors."""
    return {"MonitorArn": _created(call, "anomalymonitor", "AnomalyMonitor", "MonitorArn")}


@answers("ce", "CreateAnomalySubscription")
def create_subscription(call: ApiCall) -> Answer:
    arn = _created(call, "anomalysubscription", "AnomalySubscription", "SubscriptionArn")
    return {"SubscriptionArn": arn}


def _created(call: ApiCall, kind: str, member: str, key: str) -> str:
    identity = call.world.new_id("", 32)
    arn = f"arn:aws:ce::{call.account_id}:{kind}/{identity}"
    _paying(call).anomaly[arn] = {**call.params[member], key: arn}
    return arn


@answers("ce", "GetAnomalyMonitors")
def get_monitors(call: ApiCall) -> Answer:
    return {"AnomalyMonitors": _kept(call, "anomalymonitor", "MonitorArnList")}


@answers("ce", "GetAnomalySubscriptions")
def get_subscriptions(call: ApiCall) -> Answer:
    return {"AnomalySubscriptions": _kept(call, "anomalysubscription", "SubscriptionArnList")}


def _kept(call: ApiCall, kind: str, chosen: str) -> list[dict[str, Any]]:
    wanted = call.params.get(chosen) or []
    return [
        described
        for arn, described in _paying(call).anomaly.items()
        if f":{kind}/" in arn and (not wanted or arn in wanted)
    ]


# Budgets and quotas. -------------------------------------------------------------------


@answers("budgets", "UpdateBudget")
def update_budget(call: ApiCall) -> Answer:
    budgets: Any = budgets_backends[call.account_id]["aws"].budgets[call.params["AccountId"]]
    new = call.params["NewBudget"]
    if new["BudgetName"] not in budgets:
        raise AwsError("NotFoundException", f"Unable to update budget: {new['BudgetName']}")
    budgets[new["BudgetName"]].budget.update(new)
    return {}


@answers("budgets", "DescribeSubscribersForNotification")
def describe_subscribers(call: ApiCall) -> Answer:
    budgets: Any = budgets_backends[call.account_id]["aws"].budgets[call.params["AccountId"]]
    budget = budgets.get(call.params["BudgetName"])
    wanted = call.params["Notification"]
    for notification in budget.notifications if budget else []:
        if all(str(notification.details.get(k)) == str(v) for k, v in wanted.items()):
            return {"Subscribers": list(notification.subscribers)}
    raise AwsError("NotFoundException", "Unable to find the notification.")


@answers("service-quotas", "GetServiceQuota")
def get_quota(call: ApiCall) -> Answer:
    """Only the number of accounts in an organization."""
    if (call.params["ServiceCode"], call.params["QuotaCode"]) != ("organizations", "L-29A0C5DF"):
        raise AwsError("NoSuchResourceException", "The sandbox knows only the account quota.")
    return {
        "Quota": {
            "ServiceCode": "organizations",
            "QuotaCode": "L-29A0C5DF",
            "QuotaName": "Default maximum number of accounts",
            "Value": float(call.world.rules.accounts),
            "Adjustable": True,
        }
    }
