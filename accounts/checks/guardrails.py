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


def ensure_guarded(context: OnboardingContext) -> Decision | None:
    if context.observed.scp_ids is None:
        return read_scps(context.account_id)
    # A guard binds members only, never the payer: `tests/unit/sandbox_aws/test_organization.py`,
    # `test_a_control_policy_binds_members_below_it_and_never_the_payer`.
    for policy_id in (context.reseller.membership_scp_id, context.reseller.root_scp_id):
        if policy_id not in context.observed.scp_ids:
            return attach_guard(context.account_id, policy_id)
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


def ensure_budgeted(context: OnboardingContext) -> Decision | None:
    """One monthly cost budget per account, at the payer. No subscriber: it alerts nobody."""
    amount = context.request.budget_amount
    if not amount:
        return None
    name = f"msp-{context.request.client_key}-{context.account_id}"
    if context.observed.budget is None:
        return read_budget(context.reseller.payer_account_id, name)
    if not context.observed.budget:
        return _budget_call(context, "create_budget", "CreateBudget", Budget=_budget(context, name))
    if Decimal(context.observed.budget[0].amount or "0") != Decimal(amount):
        return _budget_call(
            context, "update_budget", "UpdateBudget", NewBudget=_budget(context, name)
        )
    return None


def _budget_call(context: OnboardingContext, step: str, operation: str, **budget: Any) -> Call:
    return write(
        step,
        "budgets",
        operation,
        invalidates=("budget",),
        AccountId=context.reseller.payer_account_id,
        **budget,
    )


def _budget(context: OnboardingContext, name: str) -> dict[str, Any]:
    return {
        "BudgetName": name,
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": {"Amount": context.request.budget_amount, "Unit": "USD"},
        "CostFilters": {"LinkedAccount": [context.account_id]},
    }


def ensure_cost_tag_active(context: OnboardingContext) -> Decision | None:
    """AWS offers a tag for activation up to a day after its first use; until then: a finding."""
    if context.observed.cost_tags is None:
        return read_cost_tags()
    if context.observed.cost_tags.get(TAG_CLIENT, "Active") == "Active":
        return None
    status = {"TagKey": TAG_CLIENT, "Status": "Active"}
    return write(
        "activate_cost_tag",
        "ce",
        "UpdateCostAllocationTagsStatus",
        invalidates=("cost_tags",),
        CostAllocationTagsStatus=[status],
    )


def cost_tag_findings(observed: Observed, request: AccountRequest) -> Mapping[str, Finding]:
    if observed.cost_tags is None or TAG_CLIENT in observed.cost_tags:
        return {}
    words = f"AWS does not offer the tag {TAG_CLIENT} for cost allocation yet; look again tomorrow"
    return {"cost_tag_unknown": warning("cost_tag_unknown", request.client_key, words)}
