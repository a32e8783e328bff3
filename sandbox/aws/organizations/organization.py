"""Owns the tree of an organization: its units, and who sits where."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sandbox.aws.core.calls import Answer, ApiCall, answers, page
from sandbox.aws.core.errors import AwsError, constraint, denied
from sandbox.aws.core.world import (
    AwsAccount,
    ControlPolicy,
    Organization,
    Unit,
    name_shown,
    state_of,
)

FULL_ACCESS = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
)
DEPTH_MAX = 5


# Who may ask. --------------------------------------------------------------------------


def organization_of(call: ApiCall) -> Organization:
    account = call.world.accounts.get(call.account_id)
    if account is None or account.organization is None:
        raise AwsError(
            "AWSOrganizationsNotInUseException", "Your account is not a member of an organization."
        )
    return account.organization


def managed(call: ApiCall) -> Organization:
    """The caller's organization; only its management account passes."""
    organization = organization_of(call)
    if organization.payer_id != call.account_id:
        raise denied()
    return organization


def readable(call: ApiCall) -> Organization:
    """The caller's organization; its management account and its delegates may read it."""
    organization = organization_of(call)
    delegated = any(account == call.account_id for account, _ in organization.delegates)
    if organization.payer_id != call.account_id and not delegated:
        raise denied()
    return organization


def member(organization: Organization, account_id: str) -> AwsAccount:
    found = organization.members.get(account_id)
    if found is None:
        raise AwsError("AccountNotFoundException", "You specified an account that doesn't exist.")
    return found


# Names. --------------------------------------------------------------------------------


def arn(organization: Organization, kind: str, identity: str) -> str:
    return f"arn:aws:organizations::{organization.payer_id}:{kind}/{organization.id}/{identity}"


def account_arn(organization: Organization, account_id: str) -> str:
    return arn(organization, "account", account_id)


def path_of(organization: Organization, account: AwsAccount) -> str:
    return "/".join(
        (organization.id, *reversed(ancestors(organization, account.parent_id)), account.id, "")
    )


def ancestors(organization: Organization, parent_id: str) -> list[str]:
    """The parent, its parent, … up to the root."""
    chain = [parent_id]
    while chain[-1] in organization.units:
        chain.append(organization.units[chain[-1]].parent_id)
    return chain


def described_account(call: ApiCall, organization: Organization, account: AwsAccount) -> Answer:
    return {
        "Id": account.id,
        "Arn": account_arn(organization, account.id),
        "Email": account.email,
        "Name": name_shown(account, call.world.rules, call.now),
        "State": state_of(account, call.world.rules, call.now),
        "Paths": [path_of(organization, account)],
        "JoinedMethod": account.joined_method,
        "JoinedTimestamp": account.joined_at,
    }


def _described_unit(organization: Organization, unit: Unit) -> Answer:
    return {"Id": unit.id, "Arn": arn(organization, "ou", unit.id), "Name": unit.name}


def described(organization: Organization, call: ApiCall) -> Answer:
    return {
        "Id": organization.id,
        "Arn": f"arn:aws:organizations::{organization.payer_id}:organization/{organization.id}",
        "FeatureSet": organization.feature_set,
        "MasterAccountArn": account_arn(organization, organization.payer_id),
        "MasterAccountId": organization.payer_id,
        "MasterAccountEmail": call.world.account(organization.payer_id).email,
        "AvailablePolicyTypes": [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}],
    }


# The organization. ---------------------------------------------------------------------


@answers("organizations", "CreateOrganization")
def create_organization(call: ApiCall) -> Answer:
    account = call.world.account(call.account_id)
    if account.organization is not None:
        raise AwsError(
            "AlreadyInOrganizationException",
            "The AWS account is already a member of an organization.",
        )
    suffix = call.world.new_id("", 4)
    organization = Organization(
        call.world.new_id("o-", 10),
        f"r-{suffix}",
        account.id,
        call.now,
        feature_set=call.params.get("FeatureSet", "ALL"),
    )
    if organization.feature_set == "ALL":
        organization.policy_types.append("SERVICE_CONTROL_POLICY")
    for identity, name, kind in (
        ("p-FullAWSAccess", "FullAWSAccess", "SERVICE_CONTROL_POLICY"),
        ("p-RCPFullAWSAccess", "RCPFullAWSAccess", "RESOURCE_CONTROL_POLICY"),
    ):
        organization.policies[identity] = ControlPolicy(
            identity, name, kind, FULL_ACCESS, "Allows access to every operation", aws_managed=True
        )
    attach_defaults(organization, organization.root_id)
    call.world.organizations[organization.id] = organization
    join(organization, account, at=call.now, method="INVITED")
    return {"Organization": described(organization, call)}


@answers("organizations", "DescribeOrganization")
def describe_organization(call: ApiCall) -> Answer:
    return {"Organization": described(organization_of(call), call)}


@answers("organizations", "DeleteOrganization")
def delete_organization(call: ApiCall) -> Answer:
    organization = managed(call)
    if len(organization.members) > 1:
        raise AwsError("OrganizationNotEmptyException", "Remove all member accounts first.")
    organization.members[organization.payer_id].organization = None
    del call.world.organizations[organization.id]
    return {}


def attach_defaults(organization: Organization, target_id: str) -> None:
    organization.attached[target_id] = ["p-FullAWSAccess", "p-RCPFullAWSAccess"]


def join(organization: Organization, account: AwsAccount, *, at: datetime, method: str) -> None:
    account.organization = organization
    account.parent_id = organization.root_id
    account.joined_method = method
    account.joined_at = at
    organization.members[account.id] = account
    attach_defaults(organization, account.id)


# Roots and units. ----------------------------------------------------------------------


@answers("organizations", "ListRoots")
def list_roots(call: ApiCall) -> Answer:
    organization = readable(call)
    return page(call, "Roots", [described_root(organization)])


def described_root(organization: Organization) -> Answer:
    types = [{"Type": kind, "Status": "ENABLED"} for kind in organization.policy_types]
    root = arn(organization, "root", organization.root_id)
    return {"Id": organization.root_id, "Arn": root, "Name": "Root", "PolicyTypes": types}


@answers("organizations", "CreateOrganizationalUnit")
def create_unit(call: ApiCall) -> Answer:
    organization = managed(call)
    parent_id = _parent(organization, call.params["ParentId"])
    if len(ancestors(organization, parent_id)) > DEPTH_MAX:
        raise constraint("OU_DEPTH_LIMIT_EXCEEDED")
    _refuse_twin(organization, call.params["Name"], parent_id)
    stem = f"ou-{organization.root_id.removeprefix('r-')}-"
    unit = Unit(call.world.new_id(stem, 8), call.params["Name"], parent_id)
    organization.units[unit.id] = unit
    organization.tags[unit.id] = {tag["Key"]: tag["Value"] for tag in call.params.get("Tags", [])}
    attach_defaults(organization, unit.id)
    return {"OrganizationalUnit": _described_unit(organization, unit)}


def _refuse_twin(organization: Organization, name: str, parent_id: str) -> None:
    if any(u.name == name and u.parent_id == parent_id for u in organization.units.values()):
        raise AwsError(
            "DuplicateOrganizationalUnitException", "An OU with the same name already exists."
        )


def _parent(organization: Organization, parent_id: str) -> str:
    if parent_id != organization.root_id and parent_id not in organization.units:
        raise AwsError("ParentNotFoundException", "You specified a parent that doesn't exist.")
    return parent_id


def unit_of(organization: Organization, unit_id: str) -> Unit:
    found = organization.units.get(unit_id)
    if found is None:
        raise AwsError(
            "OrganizationalUnitNotFoundException", "You specified an OU that doesn't exist."
        )
    return found


@answers("organizations", "DescribeOrganizationalUnit")
def describe_unit(call: ApiCall) -> Answer:
    organization = readable(call)
    unit = unit_of(organization, call.params["OrganizationalUnitId"])
    return {"OrganizationalUnit": _described_unit(organization, unit)}


@answers("organizations", "UpdateOrganizationalUnit")
def update_unit(call: ApiCall) -> Answer:
    organization = managed(call)
    unit = unit_of(organization, call.params["OrganizationalUnitId"])
    name = call.params.get("Name", unit.name)
    if name != unit.name:
        _refuse_twin(organization, name, unit.parent_id)
    unit.name = name
    return {"OrganizationalUnit": _described_unit(organization, unit)}


@answers("organizations", "DeleteOrganizationalUnit")
def delete_unit(call: ApiCall) -> Answer:
    organization = managed(call)
    unit = unit_of(organization, call.params["OrganizationalUnitId"])
    if list(_children(organization, unit.id, "ACCOUNT")) or list(
        _children(organization, unit.id, "ORGANIZATIONAL_UNIT")
    ):
        raise AwsError("OrganizationalUnitNotEmptyException", "The OU is not empty.")
    del organization.units[unit.id]
    organization.attached.pop(unit.id, None)
    return {}


@answers("organizations", "ListOrganizationalUnitsForParent")
def list_units(call: ApiCall) -> Answer:
    organization = readable(call)
    parent_id = _parent(organization, call.params["ParentId"])
    units = [u for u in organization.units.values() if u.parent_id == parent_id]
    return page(
        call, "OrganizationalUnits", [_described_unit(organization, unit) for unit in units]
    )


def _children(organization: Organization, parent_id: str, kind: str) -> Iterator[str]:
    if kind == "ACCOUNT":
        yield from (a.id for a in organization.members.values() if a.parent_id == parent_id)
    else:
        yield from (u.id for u in organization.units.values() if u.parent_id == parent_id)


@answers("organizations", "ListChildren")
def list_children(call: ApiCall) -> Answer:
    organization, kind = readable(call), call.params["ChildType"]
    parent_id = _parent(organization, call.params["ParentId"])
    found = [{"Id": child, "Type": kind} for child in _children(organization, parent_id, kind)]
    return page(call, "Children", found)


@answers("organizations", "ListParents")
def list_parents(call: ApiCall) -> Answer:
    organization, child = readable(call), call.params["ChildId"]
    if child in organization.members:
        parent_id = organization.members[child].parent_id
    elif child in organization.units:
        parent_id = organization.units[child].parent_id
    else:
        raise AwsError("ChildNotFoundException", "You specified a child that doesn't exist.")
    kind = "ROOT" if parent_id == organization.root_id else "ORGANIZATIONAL_UNIT"
    return {"Parents": [{"Id": parent_id, "Type": kind}]}


@answers("organizations", "MoveAccount")
def move_account(call: ApiCall) -> Answer:
    organization = managed(call)
    account = member(organization, call.params["AccountId"])
    source, destination = call.params["SourceParentId"], call.params["DestinationParentId"]
    if destination != organization.root_id and destination not in organization.units:
        raise AwsError("DestinationParentNotFoundException", "No such destination.")
    if account.parent_id == destination:
        raise AwsError("DuplicateAccountException", "That account is already present there.")
    if account.parent_id != source:
        raise AwsError("SourceParentNotFoundException", "The account is not in that container.")
    account.parent_id = destination
    return {}
