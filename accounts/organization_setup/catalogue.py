"""Owns the list of what an organization's set-up sees to, in order, and the ids it comes to."""

from __future__ import annotations

from functools import partial

from accounts.organization_setup.access_account import (
    NOT_SIGNED,
    PROBE_REFUSALS,
    access_policies,
    in_the_access_account,
    people,
    people_group,
    probe_sign_ins,
    probe_users,
)
from accounts.organization_setup.costs import anomalies, cost_tag
from accounts.organization_setup.items import ByHand, Later, SetupContext, SetupItem, Todo
from accounts.organization_setup.organization import (
    all_features,
    client_ou,
    client_ou_id,
    control_policies,
    guard,
    guard_id,
    in_the_payer,
    root_access,
    trusted_access,
)
from accounts.organization_setup.roles import PEOPLE, WORKER, payer_root, service_role


def configuration_of(context: SetupContext) -> dict[str, str]:
    """The ids that the configuration's `onboarding.organizations` needs; {} until all are there."""
    if "see_root" not in context.answers:
        return {}
    found = {
        "payer": context.payer_account_id,
        "organization_id": context.organization_id,
        "root_id": context.root_id,
        "client_ou_id": client_ou_id(context),
        "membership_scp_id": guard_id(context, "scp_membership"),
        "root_scp_id": guard_id(context, "scp_root"),
        "automation_role": context.role_arn("msp-onboard"),
        "offboarding_role": context.role_arn("msp-offboard"),
    }
    return found if all(found.values()) else {}


def _configured(context: SetupContext) -> Todo | None:
    found, reseller = configuration_of(context), context.wanted.reseller
    if reseller is None or not found:
        return Later("put the ids into the configuration, add mailbox and contacts, and apply")
    said = {
        "root_id": reseller.root_id,
        "client_ou_id": reseller.client_ou_id,
        "membership_scp_id": reseller.membership_scp_id,
        "root_scp_id": reseller.root_scp_id,
    }
    wrong = [f"{key} is {found[key]}, not {there}" for key, there in said.items()
             if found[key] != there]  # fmt: skip
    return ByHand(f"correct the configuration: {'; '.join(wrong)}") if wrong else None


ITEMS: tuple[SetupItem, ...] = (
    SetupItem("payer", "We are in the payer account", in_the_payer, is_first=True),
    SetupItem("all_features", "All features are on", all_features, is_first=True),
    SetupItem("trusted_access", "Account and root management are trusted", trusted_access),
    SetupItem("root_access", "Root access is centralised", root_access),
    SetupItem("control_policies", "Service control policies are enabled", control_policies),
    SetupItem("client_ou", "The clients' OU is there", client_ou),
    SetupItem("membership_guard", "The guard on membership and our roles says what ours says",
              partial(guard, file="scp_membership")),
    SetupItem("root_guard", "The guard on root use says what ours says",
              partial(guard, file="scp_root")),
    SetupItem("cost_tag", "Costs are told by client", cost_tag),
    SetupItem("anomalies", "Anomalies of cost are told", anomalies),
    SetupItem("onboard_role", "The onboarding role may do its work and no more",
              partial(service_role, role="msp-onboard", file="svc_onboard", whom=WORKER)),
    SetupItem("offboard_role", "The offboarding role may do its work and no more",
              partial(service_role, role="msp-offboard", file="svc_offboard", whom=PEOPLE)),
    SetupItem("approver_role", "Approvers may approve and no more",
              partial(service_role, role="msp-approver", file="svc_approver", whom=PEOPLE)),
    SetupItem("payer_root", "The payer's own root is secured", payer_root),
    SetupItem("access_account", "We are in the access account, and it is in the organization",
              in_the_access_account, telling=NOT_SIGNED),
    SetupItem("access_policies", "The policies of people and probes say what ours say",
              access_policies),
    SetupItem("people_group", "Its group enters our roles, and does nothing without MFA",
              people_group),
    SetupItem("probe_users", "Each probed team has a user that only tries our roles", probe_users),
    SetupItem("probe_sign_ins", "The probes sign in with MFA", probe_sign_ins,
              telling=PROBE_REFUSALS),
    SetupItem("people", "Every team has people, and all of them have MFA", people),
    SetupItem("configuration", "The configuration names what is there", _configured),
)  # fmt: skip

TELLING = frozenset({
    "AWSOrganizationsNotInUseException", "OrganizationalUnitNotFoundException",
    "ServiceAccessNotEnabledException", "NoSuchEntity", "NoSuchEntityException",
})  # fmt: skip
"""Refusals of a look that say something about what is there."""
ALREADY = frozenset({
    "DuplicateOrganizationalUnitException", "DuplicatePolicyException",
    "PolicyTypeAlreadyEnabledException",
})  # fmt: skip
"""Refusals of a write that say that somebody, or our own lost attempt, has done it."""
