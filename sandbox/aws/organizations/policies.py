"""Owns the policies of an organization: what may be written, and where it may be attached."""

from __future__ import annotations

import json

from sandbox.aws.core.calls import Answer, ApiCall, answers, page
from sandbox.aws.core.errors import AwsError, constraint, invalid
from sandbox.aws.core.world import ControlPolicy, Organization
from sandbox.aws.organizations.organization import arn, described_root, managed, readable
from sandbox.aws.organizations.tags import read_tags

SIZE_MAX = {
    "SERVICE_CONTROL_POLICY": 10_240,
    "RESOURCE_CONTROL_POLICY": 5_120,
    "TAG_POLICY": 10_000,
}
ATTACHED_MAX = {"SERVICE_CONTROL_POLICY": 10}
"""On one target. Service control policies had 5,120 characters and five places until May 2026."""
STATEMENT_KEYS = frozenset("Sid Effect Action NotAction Resource NotResource Condition".split())


@answers("organizations", "CreatePolicy")
def create_policy(call: ApiCall) -> Answer:
    organization = managed(call)
    kind, name = call.params["Type"], call.params["Name"]
    if any(p.name == name and p.type == kind for p in organization.policies.values()):
        raise AwsError("DuplicatePolicyException", "A policy with the same name already exists.")
    _check_content(kind, call.params["Content"])
    policy = ControlPolicy(
        call.world.new_id("p-", 8), name, kind, call.params["Content"], call.params["Description"]
    )
    organization.tags[policy.id] = read_tags(call.params.get("Tags", []))
    organization.policies[policy.id] = policy
    return {"Policy": _described(organization, policy)}


def _check_content(kind: str, content: str) -> None:
    if len(content.encode()) > SIZE_MAX.get(kind, 10_000):
        raise constraint("POLICY_CONTENT_LIMIT_EXCEEDED")
    malformed = AwsError(
        "MalformedPolicyDocumentException",
        "The provided policy document does not meet the requirements.",
    )
    try:
        document = json.loads(content)
    except ValueError:
        raise malformed from None
    if not isinstance(document, dict):
        raise malformed
    if kind == "SERVICE_CONTROL_POLICY" and not _is_control_policy(document):
        raise malformed


def _is_control_policy(document: dict[str, object]) -> bool:
    statements = document.get("Statement")
    statements = statements if isinstance(statements, list) else [statements]
    return document.get("Version") == "2012-10-17" and all(
        isinstance(s, dict)
        and set(s) <= STATEMENT_KEYS
        and s.get("Effect") in {"Allow", "Deny"}
        and ("Action" in s) != ("NotAction" in s)
        and ("Resource" in s or "NotResource" in s)
        for s in statements
    )


def _described(organization: Organization, policy: ControlPolicy) -> Answer:
    return {"PolicySummary": _summary(organization, policy), "Content": policy.content}


def _summary(organization: Organization, policy: ControlPolicy) -> Answer:
    owner = "aws" if policy.aws_managed else organization.payer_id
    where = f"policy/{organization.id}/{policy.type.lower()}/{policy.id}"
    if policy.aws_managed:
        where = f"policy/{policy.type.lower()}/{policy.id}"
    return {
        "Id": policy.id,
        "Arn": f"arn:aws:organizations::{owner}:{where}",
        "Name": policy.name,
        "Description": policy.description,
        "Type": policy.type,
        "AwsManaged": policy.aws_managed,
    }


def policy_arn(organization: Organization, policy: ControlPolicy) -> str:
    return str(_summary(organization, policy)["Arn"])


def policy_of(organization: Organization, policy_id: str) -> ControlPolicy:
    found = organization.policies.get(policy_id)
    if found is None:
        raise AwsError("PolicyNotFoundException", "You specified a policy that doesn't exist.")
    return found


def target_of(organization: Organization, target_id: str) -> str:
    known = (organization.members, organization.units, (organization.root_id,))
    if not any(target_id in group for group in known):
        raise AwsError("TargetNotFoundException", "You specified a target that doesn't exist.")
    return target_id


@answers("organizations", "DescribePolicy")
def describe_policy(call: ApiCall) -> Answer:
    organization = readable(call)
    policy = policy_of(organization, call.params["PolicyId"])
    return {"Policy": _described(organization, policy)}


@answers("organizations", "UpdatePolicy")
def update_policy(call: ApiCall) -> Answer:
    organization = managed(call)
    policy = policy_of(organization, call.params["PolicyId"])
    if policy.aws_managed:
        raise invalid("IMMUTABLE_POLICY")
    if "Content" in call.params:
        _check_content(policy.type, call.params["Content"])
        policy.content = call.params["Content"]
    policy.name = call.params.get("Name", policy.name)
    policy.description = call.params.get("Description", policy.description)
    return {"Policy": _described(organization, policy)}


@answers("organizations", "DeletePolicy")
def delete_policy(call: ApiCall) -> Answer:
    organization = managed(call)
    policy = policy_of(organization, call.params["PolicyId"])
    if any(policy.id in attached for attached in organization.attached.values()):
        raise AwsError("PolicyInUseException", "The policy is attached to one or more entities.")
    del organization.policies[policy.id]
    return {}


@answers("organizations", "ListPolicies")
def list_policies(call: ApiCall) -> Answer:
    organization, kind = readable(call), call.params["Filter"]
    found = [p for p in organization.policies.values() if p.type == kind]
    return page(call, "Policies", [_summary(organization, p) for p in found])


@answers("organizations", "AttachPolicy")
def attach_policy(call: ApiCall) -> Answer:
    organization = managed(call)
    policy = policy_of(organization, call.params["PolicyId"])
    attached = organization.attached[target_of(organization, call.params["TargetId"])]
    if policy.type not in organization.policy_types:
        raise AwsError(
            "PolicyTypeNotEnabledException", "This operation needs the policy type enabled."
        )
    if policy.id in attached:
        raise AwsError("DuplicatePolicyAttachmentException", "The policy is already attached.")
    if len(_of_type(organization, attached, policy.type)) >= ATTACHED_MAX.get(policy.type, 5):
        raise constraint("MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED")
    attached.append(policy.id)
    return {}


@answers("organizations", "DetachPolicy")
def detach_policy(call: ApiCall) -> Answer:
    organization = managed(call)
    policy = policy_of(organization, call.params["PolicyId"])
    attached = organization.attached[target_of(organization, call.params["TargetId"])]
    if policy.id not in attached:
        raise AwsError("PolicyNotAttachedException", "The policy isn't attached to that target.")
    if policy.type == "SERVICE_CONTROL_POLICY" and _of_type(
        organization, attached, policy.type
    ) == [policy.id]:
        raise constraint("MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED")
    attached.remove(policy.id)
    return {}


def _of_type(organization: Organization, attached: list[str], kind: str) -> list[str]:
    return [p for p in attached if organization.policies[p].type == kind]


@answers("organizations", "ListPoliciesForTarget")
def list_policies_for_target(call: ApiCall) -> Answer:
    organization = readable(call)
    attached = organization.attached[target_of(organization, call.params["TargetId"])]
    ids = _of_type(organization, attached, call.params["Filter"])
    return page(call, "Policies", [_summary(organization, organization.policies[p]) for p in ids])


@answers("organizations", "ListTargetsForPolicy")
def list_targets(call: ApiCall) -> Answer:
    organization = readable(call)
    policy = policy_of(organization, call.params["PolicyId"])
    targets = [
        _described_target(organization, target)
        for target, attached in organization.attached.items()
        if policy.id in attached
    ]
    return page(call, "Targets", targets)


def _described_target(organization: Organization, target: str) -> Answer:
    if target in organization.members:
        kind, name, where = "ACCOUNT", organization.members[target].name, "account"
    elif target in organization.units:
        kind, name, where = "ORGANIZATIONAL_UNIT", organization.units[target].name, "ou"
    else:
        kind, name, where = "ROOT", "Root", "root"
    return {"TargetId": target, "Arn": arn(organization, where, target), "Name": name, "Type": kind}


@answers("organizations", "EnablePolicyType")
def enable_policy_type(call: ApiCall) -> Answer:
    organization, kind = _root(call), call.params["PolicyType"]
    if organization.feature_set != "ALL":
        raise AwsError("PolicyTypeNotAvailableForOrganizationException", "Enable all features.")
    if kind in organization.policy_types:
        raise AwsError("PolicyTypeAlreadyEnabledException", "The policy type is already enabled.")
    organization.policy_types.append(kind)
    return {"Root": described_root(organization)}


@answers("organizations", "DisablePolicyType")
def disable_policy_type(call: ApiCall) -> Answer:
    organization, kind = _root(call), call.params["PolicyType"]
    if kind not in organization.policy_types:
        raise AwsError("PolicyTypeNotEnabledException", "The policy type is not enabled.")
    organization.policy_types.remove(kind)
    return {"Root": described_root(organization)}


def _root(call: ApiCall) -> Organization:
    organization = managed(call)
    if call.params["RootId"] != organization.root_id:
        raise AwsError("RootNotFoundException", "You specified a root that doesn't exist.")
    return organization
