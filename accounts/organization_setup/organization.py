"""Owns the set-up's items of the organization: where we are, what it allows, its OU and guards."""

from __future__ import annotations

import json
from dataclasses import replace

from accounts.aws.calls import read, write
from accounts.iam.policy_checks import PolicyKind, validate_policy
from accounts.iam.policy_documents import policy_file, same_policy, to_text
from accounts.model.decision import Refusal
from accounts.model.role_spec import Document
from accounts.organization_setup.items import (
    AS_SETUP,
    ByHand,
    Later,
    SetupChange,
    SetupContext,
    Todo,
    difference,
)
from kernel.findings import blocking_words

SCP = "SERVICE_CONTROL_POLICY"
TRUSTED = ("account.amazonaws.com", "iam.amazonaws.com")
ROOT_FEATURES = ("RootCredentialsManagement", "RootSessions")
SEE_CALLER = read("see_caller", "sts", "GetCallerIdentity", session=AS_SETUP)

# Where we are. -------------------------------------------------------------------------


def in_the_payer(context: SetupContext) -> Todo | None:
    if "see_caller" not in context.answers:
        return SEE_CALLER
    wanted, account_id = context.wanted.payer_account_id, context.payer_account_id
    if wanted and wanted != account_id:
        return ByHand(f"these credentials are of {account_id}; sign in to the payer {wanted}")
    if "see_organization" not in context.answers:
        return read("see_organization", "organizations", "DescribeOrganization", session=AS_SETUP)
    if isinstance(context.answers["see_organization"], Refusal):
        return ByHand(
            f"{account_id} has no organization; make one, with all features: "
            "aws organizations create-organization --feature-set ALL"
        )
    payer = context.seen("see_organization")["Organization"]["MasterAccountId"]
    if payer != account_id:
        return ByHand(f"{account_id} is a member of {payer}'s organization; sign in to {payer}")
    reseller = context.wanted.reseller
    if reseller is not None and reseller.organization_id != context.organization_id:
        return ByHand(
            f"the configuration says {reseller.organization_id}, AWS says {context.organization_id}"
        )
    return None


def all_features(context: SetupContext) -> Todo | None:
    """Cannot be taken back, and every invited member has to agree: a person's decision."""
    if context.seen("see_organization")["Organization"]["FeatureSet"] != "ALL":
        return ByHand(
            "the organization has consolidated billing only; enable all features in the console "
            "of AWS Organizations: it cannot be taken back, and every invited member has to agree"
        )
    if "see_root" not in context.answers:
        return read("see_root", "organizations", "ListRoots", session=AS_SETUP)
    return None


# What the organization allows. ---------------------------------------------------------


def trusted_access(context: SetupContext) -> Todo | None:
    if "see_services" not in context.answers:
        return read(
            "see_services", "organizations", "ListAWSServiceAccessForOrganization", session=AS_SETUP
        )
    listed = context.seen("see_services")["EnabledServicePrincipals"]
    missing = [name for name in TRUSTED if name not in {s["ServicePrincipal"] for s in listed}]
    for name in missing:
        call = write(
            "trust_service",
            "organizations",
            "EnableAWSServiceAccess",
            session=AS_SETUP,
            invalidates=("see_services", "see_root_features"),
            ServicePrincipal=name,
        )
        return SetupChange(call=replace(call, subject=name), words=f"trust {', '.join(missing)}")
    return None


def root_access(context: SetupContext) -> Todo | None:
    """Members need no root credentials; their root is entered from here, for a task at a time."""
    answer = context.answers.get("see_root_features")
    if answer is None:
        return read("see_root_features", "iam", "ListOrganizationsFeatures", session=AS_SETUP)
    enabled = () if isinstance(answer, Refusal) else answer.get("EnabledFeatures", ())
    missing = [feature for feature in ROOT_FEATURES if feature not in enabled]
    for feature in missing:
        call = write(
            "centralise_root",
            "iam",
            f"EnableOrganizations{feature}",
            session=AS_SETUP,
            invalidates=("see_root_features",),
        )
        return SetupChange(
            call=replace(call, subject=feature), words=f"enable {', '.join(missing)}"
        )
    return None


def control_policies(context: SetupContext) -> Todo | None:
    if "see_policy_types" not in context.answers:
        return read("see_policy_types", "organizations", "ListRoots", session=AS_SETUP)
    types = context.seen("see_policy_types")["Roots"][0]["PolicyTypes"]
    if any((each["Type"], each["Status"]) == (SCP, "ENABLED") for each in types):
        return None
    if any(each["Type"] == SCP for each in types):
        return Later("AWS is enabling service control policies")
    call = write(
        "enable_policy_type",
        "organizations",
        "EnablePolicyType",
        session=AS_SETUP,
        invalidates=("see_policy_types",),
        RootId=context.root_id,
        PolicyType=SCP,
    )
    return SetupChange(call=call, words="enable service control policies")


# The clients' place, and its guards. ---------------------------------------------------


def client_ou_id(context: SetupContext) -> str:
    """'' while there is none: the one that the configuration names, or one of that name."""
    configured = context.answers.get("see_client_ou")
    if configured is not None and not isinstance(configured, Refusal):
        return str(configured["OrganizationalUnit"]["Id"])
    if "see_units" not in context.answers:
        return ""
    units = context.seen("see_units")["OrganizationalUnits"]
    name = context.wanted.client_ou_name
    return next((str(unit["Id"]) for unit in units if unit["Name"] == name), "")


def client_ou(context: SetupContext) -> Todo | None:
    reseller = context.wanted.reseller
    if reseller is not None and "see_client_ou" not in context.answers:
        return read(
            "see_client_ou",
            "organizations",
            "DescribeOrganizationalUnit",
            session=AS_SETUP,
            OrganizationalUnitId=reseller.client_ou_id,
        )
    if client_ou_id(context):
        return None
    if "see_units" not in context.answers:
        return read(
            "see_units",
            "organizations",
            "ListOrganizationalUnitsForParent",
            session=AS_SETUP,
            ParentId=context.root_id,
        )
    call = write(
        "make_client_ou",
        "organizations",
        "CreateOrganizationalUnit",
        session=AS_SETUP,
        invalidates=("see_units",),
        ParentId=context.root_id,
        Name=context.wanted.client_ou_name,
    )
    return SetupChange(
        call=call, words=f"make the OU {context.wanted.client_ou_name} under the root"
    )


GUARDS = {"scp_membership": "msp-membership", "scp_root": "msp-root"}


def guard_id(context: SetupContext, file: str) -> str:
    """'' while there is none: the one that the configuration names, or one of our name."""
    if "see_policies" not in context.answers:
        return ""
    reseller = context.wanted.reseller
    configured = {
        "scp_membership": reseller.membership_scp_id if reseller else "",
        "scp_root": reseller.root_scp_id if reseller else "",
    }[file]
    listed = {str(p["Id"]): str(p["Name"]) for p in context.seen("see_policies")["Policies"]}
    if configured in listed:
        return configured
    return next((each for each, name in listed.items() if name == GUARDS[file]), "")


def guard(context: SetupContext, *, file: str) -> Todo | None:
    if "see_policies" not in context.answers:
        return read("see_policies", "organizations", "ListPolicies", session=AS_SETUP, Filter=SCP)
    wanted = policy_file(file, **context.places())
    if unfit := blocking_words(validate_policy(wanted, PolicyKind.GUARD, where=file)):
        return ByHand(f"our own policy is not fit to be written: {unfit}")
    policy_id = guard_id(context, file)
    if not policy_id:
        call = write(
            "make_guard",
            "organizations",
            "CreatePolicy",
            session=AS_SETUP,
            invalidates=("see_policies",),
            Name=GUARDS[file],
            Type=SCP,
            Content=to_text(wanted),
            Description="Guards accounts that are managed for clients",
        )
        made = f"make the service control policy {GUARDS[file]}; each account gets it when it joins"
        return SetupChange(call=replace(call, subject=file), words=made)
    key = f"see_guard:{file}"
    if key not in context.answers:
        return read(
            "see_guard",
            "organizations",
            "DescribePolicy",
            session=AS_SETUP,
            subject=file,
            PolicyId=policy_id,
        )
    there: Document = json.loads(context.seen(key)["Policy"]["Content"])
    if same_policy(there, wanted):
        return None
    call = write(
        "update_guard",
        "organizations",
        "UpdatePolicy",
        session=AS_SETUP,
        invalidates=(key,),
        PolicyId=policy_id,
        Content=to_text(wanted),
    )
    return SetupChange(
        call=replace(call, subject=file),
        words=f"{policy_id} says something else; it is in force in every client's account",
        diff=difference(there, wanted),
        asks=True,
    )
