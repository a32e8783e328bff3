"""No sequence of writes to IAM leads one of our roles beyond its own rights, or to what is ours.

Searched, not exampled: `tests/support/iam/escalation.py` tries every write in every state.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import botocore.session
import pytest
from cloudsplaining.shared.constants import PRIVILEGE_ESCALATION_METHODS

from accounts.iam.policy_documents import as_list, guard_policies, statements_of
from accounts.iam.role_catalogue import CATALOGUE, MSP_ADMIN, MSP_AUTOMATION, boundary_document
from accounts.model.role_spec import Document, RoleSpec
from tests.support.accounts_reseller import RESELLER
from tests.support.iam import escalation
from tests.support.iam.escalation import (
    ARN,
    OURS,
    Identity,
    account_under,
    found_wrongs,
    may,
    may_send,
    shipped_rules,
    writes,
)

RULES = shipped_rules(CATALOGUE)
BOUNDARY, GUARD = boundary_document(RESELLER), guard_policies(RESELLER)["scp_membership"]
REMOVALS = {
    "iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:DeleteRole", "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
}  # fmt: skip
"""Which are the automation's own work at hand-over."""


def arn(spec: RoleSpec) -> str:
    return f"{ARN}role/msp/{spec.name}"


@pytest.mark.parametrize("spec", CATALOGUE, ids=lambda spec: spec.name)
def test_no_four_writes_lead_a_role_of_ours_beyond_its_rights_or_to_what_is_ours(
    spec: RoleSpec,
) -> None:
    found = found_wrongs(RULES, account_under(RULES), arn(spec))

    if spec == MSP_AUTOMATION:
        removed = {words.split()[1] for words in found}
        assert (removed, {words.split(":")[0] for words in found}) == (REMOVALS, {"ours"})
    else:
        assert found == {}


def test_the_search_gets_as_far_as_a_role_may() -> None:
    """Or an empty result would say nothing."""
    account = account_under(RULES)
    ours = next(each for each in account.identities if each.arn == arn(MSP_ADMIN))
    tried = {each.action for each in writes(account) if each.resource.endswith("/workload/New")}
    allowed = {str(each) for each in writes(account) if may_send(RULES, account, ours, each)}

    assert tried == {"iam:CreateRole", "iam:CreateUser"}
    assert allowed == {
        "iam:CreateRole role/workload/New", "iam:CreateUser user/workload/New",
        "iam:AttachRolePolicy role/workload/App", "iam:PutRolePolicy role/workload/App",
        "iam:DetachRolePolicy role/workload/App", "iam:DeleteRolePolicy role/workload/App",
        "iam:UpdateAssumeRolePolicy role/workload/App", "iam:PassRole role/workload/App",
        "iam:TagRole role/workload/App", "iam:UntagRole role/workload/App",
        "iam:DeleteRole role/workload/App",
        "iam:CreatePolicyVersion policy/workload/App", "iam:DeletePolicy policy/workload/App",
        "iam:SetDefaultPolicyVersion policy/workload/App",
        "iam:DeletePolicyVersion policy/workload/App",
        *(
            f"iam:Put{each.kind}PermissionsBoundary {each.arn.rpartition(':')[2]}"
            for each in account.identities
            if not each.boundary and not escalation.is_ours(each.arn)
        ),
    }  # fmt: skip


def less(document: Document, sid: str, *actions: str) -> Document:
    """Without one statement, or some actions of it."""
    kept = []
    for each in statements_of(document):
        if each["Sid"] == sid:
            left = [one for one in as_list(each.get("Action", [])) if one not in actions]
            if not actions or not left:
                continue
            each = {**each, "Action": left}
        kept.append(each)
    return {**document, "Statement": kept}


def test_it_finds_the_way_out_that_was_there() -> None:
    """A bounded role of one's own, its boundary replaced, is free to rewrite the boundary."""
    boundary = less(BOUNDARY, "DoorsAndKeysOfWorkloadsOnly")
    boundary = less(
        boundary,
        "RightsChangeInsideTheBoundaryOnly",
        "iam:PutRolePermissionsBoundary",
        "iam:PutUserPermissionsBoundary",
    )
    guard = less(less(GUARD, "ProtectOurs"), "WorkloadsBeginInTheBoundary")
    rules = shipped_rules((MSP_ADMIN,), boundary=boundary, guard=guard)

    account = account_under(rules)
    ours = tuple(each for each in account.identities if escalation.is_ours(each.arn))
    found = found_wrongs(rules, replace(account, identities=ours), arn(MSP_ADMIN))

    assert found["ours: iam:CreatePolicyVersion policy/msp/MspBoundary"] == (
        "iam:CreateRole role/New",
        "iam:PutRolePolicy role/New",
        "iam:PutRolePermissionsBoundary role/New",
        "iam:CreatePolicyVersion policy/msp/MspBoundary",
    )


def denials(document: Document) -> list[str]:
    return [each["Sid"] for each in statements_of(document) if each["Effect"] == "Deny"]


@pytest.mark.parametrize("sid", denials(BOUNDARY))
def test_every_denial_of_the_boundary_is_needed(sid: str) -> None:
    rules = shipped_rules((MSP_ADMIN,), boundary=less(BOUNDARY, sid))
    # With neither the guard nor the role's own denial, which protect what is ours a second time.
    rules = replace(rules, guards=rules.guards[1:], roles=((MSP_ADMIN, escalation.READS),))

    assert found_wrongs(rules, account_under(rules), arn(MSP_ADMIN), depth=2)


def of_the_client(account: escalation.Account) -> Iterator[Identity]:
    for name in ("role/ClientAdmin", "user/client-admin"):
        yield next(each for each in account.identities if each.arn == f"{ARN}{name}")


def wrongs_of_the_client(rules: escalation.Rules) -> set[str]:
    """What its administrators may do to ours, and to the region that engineers may pass on."""
    account = account_under(rules)
    found = set()
    for who in of_the_client(account):
        for write in writes(account):
            if may_send(rules, account, who, write):
                after = write.after
                outside = after is not None and "/workload/" in after.arn and after.boundary != OURS
                spreads = write.resource == f"{ARN}policy/workload/App" and "Attach" in write.action
                if write.wrongs == "ours" or outside or spreads:
                    found.add(str(write))
    return found


def test_not_even_the_client_s_administrator_changes_ours_or_unbinds_a_workload() -> None:
    assert wrongs_of_the_client(RULES) == set()


def test_a_client_s_identities_get_no_policy_that_our_roles_may_change() -> None:
    """Or whoever may write a new version of it would change them, too."""
    account = account_under(RULES)
    for who in of_the_client(account):
        for kind, holder in (
            ("Role", "role/ClientTask"), ("User", "user/client-reader"), ("Group", "group/staff"),
        ):  # fmt: skip
            action, resource = f"iam:Attach{kind}Policy", f"{ARN}{holder}"
            theirs = (("iam:policyarn", f"{ARN}policy/ClientTask"),)
            ours = (("iam:policyarn", f"{ARN}policy/workload/App"),)
            assert may(RULES, account, who, action, resource, theirs)
            assert not may(RULES, account, who, action, resource, ours)


@pytest.mark.parametrize("sid", ["ProtectOurs", "WorkloadsBeginInTheBoundary"])
def test_the_guard_s_denials_are_needed(sid: str) -> None:
    assert wrongs_of_the_client(shipped_rules(CATALOGUE, guard=less(GUARD, sid)))


HARMLESS = {
    # Of the account, and no identity's rights.
    "CreateAccountAlias", "DeleteAccountAlias", "DeleteAccountPasswordPolicy",
    "PutAccountProperties", "SetSecurityTokenServicePreferences", "UpdateAccountPasswordPolicy",
    "EnableOutboundWebIdentityFederation", "DisableOutboundWebIdentityFederation",
    "DisableOrganizationsRootCredentialsManagement", "DisableOrganizationsRootSessions",
    "EnableOrganizationsRootCredentialsManagement", "EnableOrganizationsRootSessions",
    # Their rights are their service's alone; of certificates, none.
    "CreateServiceLinkedRole", "DeleteServiceLinkedRole", "DeleteServerCertificate",
    "TagServerCertificate", "UntagServerCertificate", "UpdateServerCertificate",
    "UploadServerCertificate",
    # AWS asks for CreateRole, PutRolePolicy and AttachRolePolicy of who acquires a role (IAM User
    # Guide, "Manage access to role manager"), and for PassRole of who fills a profile.
    "AcquireRole", "AddRoleToInstanceProfile", "CreateInstanceProfile", "DeleteInstanceProfile",
    "RemoveRoleFromInstanceProfile", "TagInstanceProfile", "UntagInstanceProfile",
    # Nobody's until it is attached or joined, which is judged.
    "CreateGroup", "CreatePolicy", "TagPolicy", "UntagPolicy",
    # Trusted by nobody until a trust names it, which is judged; its URL is its issuer's.
    "CreateOpenIDConnectProvider", "TagOpenIDConnectProvider", "UntagOpenIDConnectProvider",
    "TagSAMLProvider", "UntagSAMLProvider",
    # A device is nobody's until it is enabled, which is judged.
    "CreateVirtualMFADevice", "DeleteVirtualMFADevice", "TagMFADevice", "UntagMFADevice",
    # A user's own password; a request that nobody accepted.
    "ChangePassword", "AssociateDelegationRequest", "CreateDelegationRequest",
    "RejectDelegationRequest", "UpdateDelegationRequest",
}  # fmt: skip
"""Writes to IAM that give nobody a right, or none that another write does not ask for."""


def test_every_write_that_iam_has_is_denied_outside_of_workloads_or_known_to_be_harmless() -> None:
    account = account_under(RULES)
    ours = next(each for each in account.identities if each.arn == arn(MSP_ADMIN))
    model = botocore.session.Session().get_service_model("iam")
    reads = ("Generate", "Get", "List", "Simulate")
    targets = [f"{ARN}{kind}/Client" for kind in ("role", "user", "group", "policy", "mfa")]
    open_ = {
        name
        for name in model.operation_names
        if not name.startswith(reads)
        and any(may(RULES, account, ours, f"iam:{name}", target) for target in targets)
    }

    assert open_ == HARMLESS


THROUGH_WORKLOADS = {
    "AccessExistingBedrockCodeInterpreterSession", "CreatePresignedSageMakerNotebookUrl",
    "EC2InstanceConnectSendSSHPublicKey", "ECSExecuteCommandOnRunningTask",
    "EditExistingLambdaFunctionWithRole", "ExecuteCloudFormationChangeSet",
    "ModifyEC2InstanceUserDataThenRestart", "ModifyExistingEC2LaunchTemplate",
    "UpdateAndInvokeLambdaFunction", "UpdateExistingGlueDevEndpoint",
    "UpdateLambdaFunctionAndAddPermission", "UpdateSageMakerNotebookLifecycleConfig",
}  # fmt: skip
"""Who changes what a workload runs acts with the rights that its owner gave it: that is what the
roles which build workloads are for, and AWS has no condition on the rights of a workload's role."""


@pytest.mark.parametrize("spec", CATALOGUE, ids=lambda spec: spec.name)
def test_no_published_way_up_is_open_outside_of_workloads(spec: RoleSpec) -> None:
    """The list is cloudsplaining's, which keeps that of pathfinding.cloud and of Rhino Security."""
    account = account_under(RULES)
    who = next(each for each in account.identities if each.arn == arn(spec))
    targets = [*(each.arn for each in account.identities), f"{ARN}group/client-admins",
               f"{ARN}policy/ClientTask"]  # fmt: skip
    outside = [each for each in targets if "/workload/" not in each]
    open_ = {
        method
        for method, actions in PRIVILEGE_ESCALATION_METHODS.items()
        if all(
            any(may(RULES, account, who, action, each) for each in outside) for action in actions
        )
    }

    assert len(PRIVILEGE_ESCALATION_METHODS) >= 59
    assert open_ <= THROUGH_WORKLOADS
    assert (open_ == THROUGH_WORKLOADS) == (spec.name in ("MspAdmin", "MspEngineer"))
