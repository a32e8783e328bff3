"""Owns what guards an account: our control policies on it, a budget, a tag for its costs."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from accounts.aws.calls import write
from accounts.aws.reads import read_budget, read_cost_tags, read_scps
from accounts.engine.context import OnboardingContext
from accounts.model.decision import Call, Decision
from accounts.model.observed import Observed
from accounts.model.organization import TAG_CLIENT
from accounts.model.request import AccountRequest
from kernel.findings import Finding, warning


def ensure_guarded(scene: OnboardingContext) -> Decision | None:
    if scene.facts.scp_ids is None:
        return read_scps(scene.account_id)
    for policy_id in (scene.practice.membership_scp_id, scene.practice.root_scp_id):
        if policy_id not in scene.facts.scp_ids:
            return attach_guard(scene.account_id, policy_id)
    return None


def attach_guard(account_id: str, policy_id: str) -> Call:
    return write(
        "attach_guard",
        "organizations",
        "AttachPolicy",
        invalidates=("scp_ids",),
        subject=policy_id,
        PolicyId=policy_id,
        TargetId=account_id,
    )


def ensure_budgeted(scene: OnboardingContext) -> Decision | None:
    """One monthly cost budget per account, at the payer, told to the billing contact by AWS."""
    amount = scene.request.budget_amount
    if not amount:
        return None
    name = f"msp-{scene.request.client_key}-{scene.account_id}"
    if scene.facts.budget is None:
        return read_budget(scene.practice.payer_account_id, name)
    if not scene.facts.budget:
        return _budget_call(scene, "create_budget", "CreateBudget", Budget=_budget(scene, name))
    if Decimal(scene.facts.budget[0].amount or "0") != Decimal(amount):
        return _budget_call(scene, "update_budget", "UpdateBudget", NewBudget=_budget(scene, name))
    return None


def _budget_call(scene: OnboardingContext, step: str, operation: str, **budget: Any) -> Call:
    return write(
        step,
        "budgets",
        operation,
        invalidates=("budget",),
        AccountId=scene.practice.payer_account_id,
        **budget,
    )


def _budget(scene: OnboardingContext, name: str) -> dict[str, Any]:
    return {
        "BudgetName": name,
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": {"Amount": scene.request.budget_amount, "Unit": "USD"},
        "CostFilters": {"LinkedAccount": [scene.account_id]},
    }


def ensure_cost_tag_active(scene: OnboardingContext) -> Decision | None:
    """AWS offers a tag for activation up to a day after its first use; until then: a finding."""
    if scene.facts.cost_tags is None:
        return read_cost_tags()
    if scene.facts.cost_tags.get(TAG_CLIENT, "Active") == "Active":
        return None
    status = {"TagKey": TAG_CLIENT, "Status": "Active"}
    return write(
        "activate_cost_tag",
        "ce",
        "UpdateCostAllocationTagsStatus",
        invalidates=("cost_tags",),
        CostAllocationTagsStatus=[status],
    )


def cost_tag_findings(facts: Observed, request: AccountRequest) -> Mapping[str, Finding]:
    if facts.cost_tags is None or TAG_CLIENT in facts.cost_tags:
        return {}
    words = f"AWS does not offer the tag {TAG_CLIENT} for cost allocation yet; look again tomorrow"
    return {"cost_tag_unknown": warning("cost_tag_unknown", request.client_key, words)}
