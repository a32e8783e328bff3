"""Owns what guards an account: its root without credentials, our guards on it, a budget, a tag."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from service.accounts.calls import Call, Decision, Send
from service.accounts.facts import Facts, SeenRoot
from service.accounts.findings import Finding, critical, warning
from service.accounts.practice import TAG_CLIENT, Kind
from service.accounts.request import Consent, Request
from service.accounts.scene import Scene, see_budget, see_cost_tags, see_root, see_scps


def root_audited(scene: Scene) -> Decision | None:
    """No member has root credentials. An invited client's are deleted only with consent."""
    root = scene.facts.root
    if root is None:
        return see_root(scene)
    consented = (
        scene.request.kind is Kind.CREATE
        or Consent.DELETE_ROOT_CREDENTIALS in scene.request.consents
    )
    if not root.has_credentials or not consented:
        return None
    return next_root_deletion(scene, root)


def next_root_deletion(scene: Scene, root: SeenRoot) -> Call:
    """Password first, then keys and certificates, by id, then the audit is repeated."""
    if root.password:
        return _root_call(scene, "delete_root_password", "DeleteLoginProfile")
    if root.access_keys:
        if scene.facts.root_access_key_ids is None:
            return _root_list(scene, "ListAccessKeys", "root_access_key_ids")
        for key_id in scene.facts.root_access_key_ids:
            return _root_call(scene, "delete_root_key", "DeleteAccessKey", AccessKeyId=key_id)
    if root.signing_certificates:
        if scene.facts.root_certificate_ids is None:
            return _root_list(scene, "ListSigningCertificates", "root_certificate_ids")
        for certificate_id in scene.facts.root_certificate_ids:
            return _root_call(
                scene,
                "delete_root_certificate",
                "DeleteSigningCertificate",
                CertificateId=certificate_id,
            )
    return see_root(scene)


def root_findings(account_id: str, facts: Facts) -> Mapping[str, Finding]:
    """Of a member: what the root user could still sign in with, in plain words."""
    root = facts.root
    assert root is not None, "the root user was not looked at"
    present = {
        "root_password": (root.password, "has a root password"),
        "root_access_keys": (root.access_keys, "has root access keys"),
        "root_certificates": (root.signing_certificates, "has root signing certificates"),
    }
    return {
        code: critical(code, account_id, f"{words}; delete it, or have the client do so")
        for code, (there, words) in present.items()
        if there
    }


def payer_root_findings(payer_account_id: str, root: SeenRoot) -> tuple[Finding, ...]:
    """Of the payer, whose root cannot be taken away: it needs MFA and may have no keys."""
    found = []
    if not root.mfa:
        words = "its root user has no MFA; register a passkey or hardware key today"
        found.append(critical("payer_root_without_mfa", payer_account_id, words))
    if root.access_keys:
        words = "its root user has an access key; see who uses it, then delete it"
        found.append(critical("payer_root_access_keys", payer_account_id, words))
    if root.signing_certificates:
        words = "its root user has a signing certificate; delete it"
        found.append(critical("payer_root_certificates", payer_account_id, words))
    return tuple(found)


def _root_call(scene: Scene, step: str, operation: str, **arguments: Any) -> Call:
    return Call(
        step=step,
        subject="".join(arguments.values()),
        service="iam",
        operation=operation,
        arguments=arguments,
        send=Send.REPEATABLE,
        session=scene.root("IAMDeleteRootUserCredentials"),
        spoils=("root", "root_access_key_ids", "root_certificate_ids"),
    )


def _root_list(scene: Scene, operation: str, tells: str) -> Call:
    return Call(
        step="audit_root_ids",
        subject=tells,
        service="iam",
        operation=operation,
        arguments={},
        send=Send.READ,
        session=scene.root("IAMAuditRootUserCredentials"),
        tells=tells,
    )


def guarded(scene: Scene) -> Decision | None:
    if scene.facts.scp_ids is None:
        return see_scps(scene.account_id)
    for policy_id in (scene.practice.membership_scp_id, scene.practice.root_scp_id):
        if policy_id not in scene.facts.scp_ids:
            return attach_guard(scene.account_id, policy_id)
    return None


def attach_guard(account_id: str, policy_id: str) -> Call:
    return Call(
        step="attach_guard",
        subject=policy_id,
        service="organizations",
        operation="AttachPolicy",
        arguments={"PolicyId": policy_id, "TargetId": account_id},
        send=Send.REPEATABLE,
        spoils=("scp_ids",),
    )


def budgeted(scene: Scene) -> Decision | None:
    """One monthly cost budget per account, at the payer, told to the billing contact by AWS."""
    amount = scene.request.budget_amount
    if not amount:
        return None
    name = f"msp-{scene.request.client_key}-{scene.account_id}"
    if scene.facts.budget is None:
        return see_budget(scene, name)
    if not scene.facts.budget:
        return _budget_call(scene, "create_budget", "CreateBudget", Budget=_budget(scene, name))
    if Decimal(scene.facts.budget[0].amount or "0") != Decimal(amount):
        return _budget_call(scene, "update_budget", "UpdateBudget", NewBudget=_budget(scene, name))
    return None


def _budget_call(scene: Scene, step: str, operation: str, **budget: Any) -> Call:
    return Call(
        step=step,
        service="budgets",
        operation=operation,
        arguments={"AccountId": scene.practice.payer_account_id, **budget},
        send=Send.REPEATABLE,
        spoils=("budget",),
    )


def _budget(scene: Scene, name: str) -> dict[str, Any]:
    return {
        "BudgetName": name,
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": {"Amount": scene.request.budget_amount, "Unit": "USD"},
        "CostFilters": {"LinkedAccount": [scene.account_id]},
    }


def cost_tag_active(scene: Scene) -> Decision | None:
    """AWS offers a tag for activation up to a day after its first use; until then: a finding."""
    if scene.facts.cost_tags is None:
        return see_cost_tags()
    if scene.facts.cost_tags.get(TAG_CLIENT, "Active") == "Active":
        return None
    status = {"TagKey": TAG_CLIENT, "Status": "Active"}
    return Call(
        step="activate_cost_tag",
        service="ce",
        operation="UpdateCostAllocationTagsStatus",
        arguments={"CostAllocationTagsStatus": [status]},
        send=Send.REPEATABLE,
        spoils=("cost_tags",),
    )


def cost_tag_findings(facts: Facts, request: Request) -> Mapping[str, Finding]:
    if facts.cost_tags is None or TAG_CLIENT in facts.cost_tags:
        return {}
    words = f"AWS does not offer the tag {TAG_CLIENT} for cost allocation yet; look again tomorrow"
    return {"cost_tag_unknown": warning("cost_tag_unknown", request.client_key, words)}
