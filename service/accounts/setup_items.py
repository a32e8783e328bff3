"""Owns the items of an organization's set-up, in order: each looks before it writes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from service.accounts.calls import Answer, Refusal, Send
from service.accounts.findings import Finding, Severity, blocks
from service.accounts.guarding import payer_root_findings
from service.accounts.learning import seen_root
from service.accounts.policy_files import Document, policy_file, same_policy, to_text
from service.accounts.practice import TAG_CLIENT
from service.accounts.setting_up import (
    ByHand,
    Change,
    Later,
    Scene,
    SetUpItem,
    Todo,
    difference,
    look,
    write,
)
from service.accounts.validate_policy import PolicyKind, validate_policy

SCP = "SERVICE_CONTROL_POLICY"
TRUSTED = ("account.amazonaws.com", "iam.amazonaws.com")
ROOT_FEATURES = ("RootCredentialsManagement", "RootSessions")
ANOMALIES = "msp-accounts"
IMPACT_MIN_USD = "100"
POLICY_NAME = "msp"
"""Of the one inline policy that a service role carries."""


SEE_CALLER = look("sts", "GetCallerIdentity", "see_caller")

# Where we are. -------------------------------------------------------------------------


def _in_the_payer(scene: Scene) -> Todo | None:
    if "see_caller" not in scene.answers:
        return SEE_CALLER
    wanted, account_id = scene.wanted.payer_account_id, scene.payer_account_id
    if wanted and wanted != account_id:
        return ByHand(f"these credentials are of {account_id}; sign in to the payer {wanted}")
    if "see_organization" not in scene.answers:
        return look("organizations", "DescribeOrganization", "see_organization")
    if isinstance(scene.answers["see_organization"], Refusal):
        return ByHand(
            f"{account_id} has no organization; make one, with all features: "
            "aws organizations create-organization --feature-set ALL"
        )
    payer = scene.seen("see_organization")["Organization"]["MasterAccountId"]
    if payer != account_id:
        return ByHand(f"{account_id} is a member of {payer}'s organization; sign in to {payer}")
    practice = scene.wanted.practice
    if practice is not None and practice.organization_id != scene.organization_id:
        return ByHand(
            f"the configuration says {practice.organization_id}, AWS says {scene.organization_id}"
        )
    return None


def _all_features(scene: Scene) -> Todo | None:
    """Cannot be taken back, and every invited member has to agree: a person's decision."""
    if scene.seen("see_organization")["Organization"]["FeatureSet"] != "ALL":
        return ByHand(
            "the organization has consolidated billing only; enable all features in the console "
            "of AWS Organizations: it cannot be taken back, and every invited member has to agree"
        )
    if "see_root" not in scene.answers:
        return look("organizations", "ListRoots", "see_root")
    return None


# What the organization allows. ---------------------------------------------------------


def _trusted_access(scene: Scene) -> Todo | None:
    if "see_services" not in scene.answers:
        return look("organizations", "ListAWSServiceAccessForOrganization", "see_services")
    listed = scene.seen("see_services")["EnabledServicePrincipals"]
    missing = [name for name in TRUSTED if name not in {s["ServicePrincipal"] for s in listed}]
    for name in missing:
        call = write(
            "organizations", "EnableAWSServiceAccess", "trust_service",
            spoils=("see_services", "see_root_features"), ServicePrincipal=name,
        )  # fmt: skip
        return Change(call=replace(call, subject=name), words=f"trust {', '.join(missing)}")
    return None


def _root_access(scene: Scene) -> Todo | None:
    """Members need no root credentials; their root is entered from here, for a task at a time."""
    answer = scene.answers.get("see_root_features")
    if answer is None:
        return look("iam", "ListOrganizationsFeatures", "see_root_features")
    enabled = () if isinstance(answer, Refusal) else answer.get("EnabledFeatures", ())
    missing = [feature for feature in ROOT_FEATURES if feature not in enabled]
    for feature in missing:
        call = write(
            "iam", f"EnableOrganizations{feature}", "centralise_root",
            spoils=("see_root_features",),
        )  # fmt: skip
        return Change(call=replace(call, subject=feature), words=f"enable {', '.join(missing)}")
    return None


def _control_policies(scene: Scene) -> Todo | None:
    if "see_policy_types" not in scene.answers:
        return look("organizations", "ListRoots", "see_policy_types")
    types = scene.seen("see_policy_types")["Roots"][0]["PolicyTypes"]
    if any((each["Type"], each["Status"]) == (SCP, "ENABLED") for each in types):
        return None
    if any(each["Type"] == SCP for each in types):
        return Later("AWS is enabling service control policies")
    call = write(
        "organizations", "EnablePolicyType", "enable_policy_type",
        spoils=("see_policy_types",), RootId=scene.root_id, PolicyType=SCP,
    )  # fmt: skip
    return Change(call=call, words="enable service control policies")


# The clients' place, and its guards. ---------------------------------------------------


def client_ou_id(scene: Scene) -> str:
    """'' while there is none: the one that the configuration names, or one of that name."""
    configured = scene.answers.get("see_client_ou")
    if configured is not None and not isinstance(configured, Refusal):
        return str(configured["OrganizationalUnit"]["Id"])
    if "see_units" not in scene.answers:
        return ""
    units = scene.seen("see_units")["OrganizationalUnits"]
    name = scene.wanted.client_ou_name
    return next((str(unit["Id"]) for unit in units if unit["Name"] == name), "")


def _client_ou(scene: Scene) -> Todo | None:
    practice = scene.wanted.practice
    if practice is not None and "see_client_ou" not in scene.answers:
        return look(
            "organizations", "DescribeOrganizationalUnit", "see_client_ou",
            OrganizationalUnitId=practice.client_ou_id,
        )  # fmt: skip
    if client_ou_id(scene):
        return None
    if "see_units" not in scene.answers:
        return look(
            "organizations", "ListOrganizationalUnitsForParent", "see_units",
            ParentId=scene.root_id,
        )  # fmt: skip
    call = write(
        "organizations", "CreateOrganizationalUnit", "make_client_ou",
        spoils=("see_units",), ParentId=scene.root_id, Name=scene.wanted.client_ou_name,
    )  # fmt: skip
    return Change(call=call, words=f"make the OU {scene.wanted.client_ou_name} under the root")


GUARDS = {"scp_membership": "msp-membership", "scp_root": "msp-root"}


def guard_id(scene: Scene, file: str) -> str:
    """'' while there is none: the one that the configuration names, or one of our name."""
    if "see_policies" not in scene.answers:
        return ""
    practice = scene.wanted.practice
    configured = {
        "scp_membership": practice.membership_scp_id if practice else "",
        "scp_root": practice.root_scp_id if practice else "",
    }[file]
    listed = {str(p["Id"]): str(p["Name"]) for p in scene.seen("see_policies")["Policies"]}
    if configured in listed:
        return configured
    return next((each for each, name in listed.items() if name == GUARDS[file]), "")


def _guard(scene: Scene, *, file: str) -> Todo | None:
    if "see_policies" not in scene.answers:
        return look("organizations", "ListPolicies", "see_policies", Filter=SCP)
    wanted = policy_file(file, **scene.places())
    if unfit := _in_words(validate_policy(wanted, PolicyKind.GUARD, where=file)):
        return ByHand(f"our own policy is not fit to be written: {unfit}")
    policy_id = guard_id(scene, file)
    if not policy_id:
        call = write(
            "organizations", "CreatePolicy", "make_guard", spoils=("see_policies",),
            Name=GUARDS[file], Type=SCP, Content=to_text(wanted),
            Description="Guards accounts that are managed for clients",
        )  # fmt: skip
        made = f"make the service control policy {GUARDS[file]}; each account gets it when it joins"
        return Change(call=replace(call, subject=file), words=made)
    key = f"see_guard:{file}"
    if key not in scene.answers:
        return look(
            "organizations", "DescribePolicy", "see_guard", subject=file, PolicyId=policy_id
        )
    there: Document = json.loads(scene.seen(key)["Policy"]["Content"])
    if same_policy(there, wanted):
        return None
    call = write(
        "organizations", "UpdatePolicy", "update_guard", spoils=(key,),
        PolicyId=policy_id, Content=to_text(wanted),
    )  # fmt: skip
    return Change(
        call=replace(call, subject=file),
        words=f"{policy_id} says something else; it is in force in every client's account",
        diff=difference(there, wanted),
        asks=True,
    )


def _in_words(findings: tuple[Finding, ...]) -> str:
    critical = [each.message for each in findings if each.severity is Severity.CRITICAL]
    return "; ".join(critical) if blocks(findings) else ""


# Who may do it. ------------------------------------------------------------------------


def service_policy(scene: Scene, file: str) -> Document | None:
    """Filled in; None while an OU or a guard that it names is not there."""
    made = {
        "client_ou": client_ou_id(scene),
        "membership_scp": guard_id(scene, "scp_membership"),
        "root_scp": guard_id(scene, "scp_root"),
    }
    known = {place: identity for place, identity in made.items() if identity}
    try:
        return policy_file(file, **scene.places(**known))
    except KeyError:
        return None


def _service_role(scene: Scene, *, role: str, file: str, whom: str) -> Todo | None:
    wanted = service_policy(scene, file)
    if wanted is None:
        return Later("its policy names the OU and the guards")
    name = scene.role_arn(role).rsplit("/", 1)[-1]
    for operation, step, more in (
        ("GetRole", "see_role", {}),
        ("GetRolePolicy", "see_role_policy", {"PolicyName": POLICY_NAME}),
        ("ListRolePolicies", "see_inline", {}),
        ("ListAttachedRolePolicies", "see_attached", {}),
    ):
        answer = scene.answers.get(f"{step}:{role}")
        if answer is None:
            return look("iam", operation, step, subject=role, RoleName=name, **more)
        if isinstance(answer, Refusal):
            what = "the role" if operation == "GetRole" else f"its policy {POLICY_NAME}"
            return ByHand(f"make {what} {name}, for {whom}, with {file}.json (--policies DIR)")
    return next(_role_faults(scene, role, wanted), None)


def _role_faults(scene: Scene, role: str, wanted: Document) -> Iterator[ByHand]:
    trust = _document(scene.seen(f"see_role:{role}")["Role"]["AssumeRolePolicyDocument"])
    if unfit := _in_words(validate_policy(trust, PolicyKind.TRUST, where=role)):
        yield ByHand(f"{role}: its trust {unfit}")
    there = _document(scene.seen(f"see_role_policy:{role}")["PolicyDocument"])
    if not same_policy(there, wanted):
        yield ByHand(f"put our policy {POLICY_NAME} on {role} anew", difference(there, wanted))
    attached = scene.seen(f"see_attached:{role}")["AttachedPolicies"]
    inline = scene.seen(f"see_inline:{role}")["PolicyNames"]
    others = [*(each["PolicyName"] for each in attached), *inline]
    others.remove(POLICY_NAME)
    if others:
        yield ByHand(f"{role} may do more than its work: take {', '.join(others)} off it")


def _document(value: Any) -> Document:
    """boto3 reads some of IAM's documents, and leaves others as text."""
    document: Document = json.loads(value) if isinstance(value, str) else dict(value)
    return document


def _payer_root(scene: Scene) -> Todo | None:
    if "see_payer_root" not in scene.answers:
        return look("iam", "GetAccountSummary", "see_payer_root")
    root = seen_root(scene.seen("see_payer_root"))
    found = payer_root_findings(scene.payer_account_id, root)
    return ByHand("; ".join(each.message for each in found)) if found else None


# Costs. --------------------------------------------------------------------------------


def _cost_tag(scene: Scene) -> Todo | None:
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


def _anomalies(scene: Scene) -> Todo | None:
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


# What it comes to. ---------------------------------------------------------------------


def configuration_of(scene: Scene) -> dict[str, str]:
    """The ids that the configuration's `onboarding.organizations` needs; {} until all are there."""
    if "see_root" not in scene.answers:
        return {}
    found = {
        "payer": scene.payer_account_id,
        "organization_id": scene.organization_id,
        "root_id": scene.root_id,
        "client_ou_id": client_ou_id(scene),
        "membership_scp_id": guard_id(scene, "scp_membership"),
        "root_scp_id": guard_id(scene, "scp_root"),
        "automation_role": scene.role_arn("msp-onboard"),
        "offboarding_role": scene.role_arn("msp-offboard"),
    }
    return found if all(found.values()) else {}


def _configured(scene: Scene) -> Todo | None:
    found, practice = configuration_of(scene), scene.wanted.practice
    if practice is None or not found:
        return Later("put the ids into the configuration, add mailbox and contacts, and apply")
    said = {
        "root_id": practice.root_id,
        "client_ou_id": practice.client_ou_id,
        "membership_scp_id": practice.membership_scp_id,
        "root_scp_id": practice.root_scp_id,
    }
    wrong = [f"{key} is {found[key]}, not {there}" for key, there in said.items()
             if found[key] != there]  # fmt: skip
    return ByHand(f"correct the configuration: {'; '.join(wrong)}") if wrong else None


_PEOPLE = "people who sign in with MFA"
ITEMS: tuple[SetUpItem, ...] = (
    SetUpItem("payer", "We are in the payer account", _in_the_payer, is_first=True),
    SetUpItem("all_features", "All features are on", _all_features, is_first=True),
    SetUpItem("trusted_access", "Account and root management are trusted", _trusted_access),
    SetUpItem("root_access", "Root access is centralised", _root_access),
    SetUpItem("control_policies", "Service control policies are enabled", _control_policies),
    SetUpItem("client_ou", "The clients' OU is there", _client_ou),
    SetUpItem("membership_guard", "The guard on membership and our roles says what ours says",
              partial(_guard, file="scp_membership")),
    SetUpItem("root_guard", "The guard on root use says what ours says",
              partial(_guard, file="scp_root")),
    SetUpItem("cost_tag", "Costs are told by client", _cost_tag),
    SetUpItem("anomalies", "Anomalies of cost are told", _anomalies),
    SetUpItem("onboard_role", "The onboarding role may do its work and no more",
              partial(_service_role, role="msp-onboard", file="svc_onboard", whom="the worker")),
    SetUpItem("offboard_role", "The offboarding role may do its work and no more",
              partial(_service_role, role="msp-offboard", file="svc_offboard", whom=_PEOPLE)),
    SetUpItem("approver_role", "Approvers may approve and no more",
              partial(_service_role, role="msp-approver", file="svc_approver", whom=_PEOPLE)),
    SetUpItem("payer_root", "The payer's own root is secured", _payer_root),
    SetUpItem("configuration", "The configuration names what is there", _configured),
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
