"""Owns what a policy may ask about a call: its condition keys, its action and its resources."""

from __future__ import annotations

from typing import Any

from moto.iam.models import iam_backends

from sandbox.aws.core.calls import ApiCall
from sandbox.aws.core.sessions import principal_tags
from sandbox.aws.core.world import AwsAccount, Organization
from sandbox.aws.iam.evaluator import Values
from sandbox.aws.organizations.organization import account_arn, ancestors, arn
from sandbox.aws.organizations.policies import policy_arn

PREFIX = {
    "accessanalyzer": "access-analyzer",
    "service-quotas": "servicequotas",
    "sso-admin": "sso",
    "taxsettings": "tax",
}


def action_of(call: ApiCall) -> str:
    """Nearly always the operation's own name."""
    prefix = PREFIX.get(call.service, call.service)
    if call.service == "budgets":
        read = call.operation.startswith("Describe")
        return "budgets:ViewBudget" if read else "budgets:ModifyBudget"
    return f"{prefix}:{call.operation}"


# The caller's side. --------------------------------------------------------------------


def context_of(call: ApiCall) -> dict[str, Values]:
    return _who(call) | _tags(call) | _target(call) | {k: [v] for k, v in _words(call).items() if v}


def _who(call: ApiCall) -> dict[str, Values]:
    caller, account = call.caller, call.world.accounts.get(call.account_id)
    context: dict[str, Values] = {
        "aws:principalarn": [caller.principal_arn],
        "aws:principalaccount": [caller.account_id],
        "aws:userid": [caller.user_id],
        "aws:currenttime": [call.now.isoformat()],
        "aws:requestedregion": [call.region],
        "aws:securetransport": ["true"],
    }
    if account and account.organization:
        context["aws:principalorgid"] = [account.organization.id]
    if caller.kind == "user":
        context["aws:username"] = [caller.name]
    if caller.session_token and not caller.unrestricted:
        context["aws:multifactorauthpresent"] = ["true" if caller.mfa_at else "false"]
    if caller.mfa_at:
        age = int((call.now - caller.mfa_at).total_seconds())
        context["aws:multifactorauthpresent"] = ["true"]
        context["aws:multifactorauthage"] = [str(age)]
    if caller.task:
        context["aws:assumedroot"] = ["true"]
    if call.service == "sqs":  # A queue is named within the caller's own account here.
        context["aws:resourceaccount"] = [caller.account_id]
    if caller.source_identity:
        context["aws:sourceidentity"] = [caller.source_identity]
    for key, value in principal_tags(caller).items():
        context[f"aws:principaltag/{key}".lower()] = [value]
    return context


def _tags(call: ApiCall) -> dict[str, Values]:
    given = call.params.get("Tags") or call.params.get("ResourceTags") or []
    keys = [tag["Key"] for tag in given] + list(call.params.get("TagKeys", []))
    context: dict[str, Values] = {
        f"aws:requesttag/{tag['Key']}".lower(): [tag["Value"]] for tag in given
    }
    return context | ({"aws:tagkeys": keys} if keys else {})


def _words(call: ApiCall) -> dict[str, str]:
    """Keys that are simply a parameter of the call."""
    params = call.params
    task = params.get("TaskPolicyArn")
    return {
        "sts:externalid": params.get("ExternalId", ""),
        "sts:rolesessionname": params.get("RoleSessionName", ""),
        "sts:taskpolicyarn": task.get("arn", "") if isinstance(task, dict) else "",
        "organizations:serviceprincipal": params.get("ServicePrincipal", ""),
        "organizations:policytype": _policy_type(call),
        "iam:permissionsboundary": params.get("PermissionsBoundary") or _boundary_of(call),
        "iam:policyarn": params.get("PolicyArn", "") if call.service == "iam" else "",
        "account:emailtargetdomain": str(params.get("PrimaryEmail", "")).rpartition("@")[2],
        "account:targetregion": params.get("RegionName", ""),
        "account:alternatecontacttypes": params.get("AlternateContactType", ""),
    }


def _policy_type(call: ApiCall) -> str:
    """Of the policy that is named, made or listed."""
    if call.service != "organizations":
        return ""
    organization, params = _organization(call), call.params
    if organization and params.get("PolicyId") in organization.policies:
        return organization.policies[params["PolicyId"]].type
    named = params.get("PolicyType") or params.get("Type") or params.get("Filter")
    return named if isinstance(named, str) else ""


# The resource's side. ------------------------------------------------------------------


def _organization(call: ApiCall) -> Organization | None:
    account = call.world.accounts.get(call.account_id)
    return account.organization if account else None


def target_account(call: ApiCall) -> AwsAccount | None:
    """The account a call is about: named by id, by the role's ARN, or by the root's."""
    params = call.params
    target = params.get("TargetPrincipal") or params.get("RoleArn") or ""
    named = (
        params.get("AccountId")
        or (target.split(":")[4] if target.count(":") >= 4 else target)
        or params.get("ResourceId")
        or params.get("TargetId")
        or ""
    )
    return call.world.accounts.get(named)


def _target(call: ApiCall) -> dict[str, Values]:
    account = target_account(call)
    if account is None:
        return _role_tags(call) | _transfer_tags(call)
    context: dict[str, Values] = {"aws:resourceaccount": [account.id]}
    if account.organization:
        organization = account.organization
        context["aws:resourceorgid"] = [organization.id]
        # With a slash at its end (IAM User Guide, global condition keys, `aws:ResourceOrgPaths`).
        parents = reversed(ancestors(organization, account.parent_id))
        context["aws:resourceorgpaths"] = ["/".join((organization.id, *parents, ""))]
    # Account Management knows an account's tags under a key of its own (Account Management guide,
    # "How AWS Account Management works with IAM").
    names = {"organizations": "aws:resourcetag", "account": "account:accountresourceorgtags"}
    if call.service in names:
        for key, value in account.tags.items():
            context[f"{names[call.service]}/{key}".lower()] = [value]
    return context


def _transfer_tags(call: ApiCall) -> dict[str, Values]:
    """As its target has tagged it (Service Authorization Reference, AWS Organizations)."""
    transfer = call.world.transfers.get(_transfer_id(call))
    if transfer is None or transfer.target is not _organization(call):
        return {}
    return {f"aws:resourcetag/{key}".lower(): [value] for key, value in transfer.tags.items()}


def _transfer_id(call: ApiCall) -> str:
    named = str(call.params.get("Id") or call.params.get("ResourceId") or "")
    return named if call.service == "organizations" and named.startswith("rt-") else ""


def _role_tags(call: ApiCall) -> dict[str, Values]:
    if call.service != "iam" or "RoleName" not in call.params:
        return {}
    role = _named_identity(call, "RoleName")
    return {f"aws:resourcetag/{t['Key']}".lower(): [t["Value"]] for t in role.tags} if role else {}


def _boundary_of(call: ApiCall) -> str:
    """Of the role or user that is changed; where one is set, the key holds the new one."""
    # Service Authorization Reference, "Condition keys for AWS Identity and Access Management".
    if call.service != "iam":
        return ""
    key = "RoleName" if "RoleName" in call.params else "UserName"
    holder = _named_identity(call, key) if key in call.params else None
    return str(getattr(holder, "permissions_boundary_arn", None) or "")


def resources_of(call: ApiCall) -> list[str]:
    """Every ARN the caller needs the action on; `*` where AWS has no resource-level rights."""
    match call.service:
        case "organizations":
            return _organization_resources(call) or ["*"]
        case "account":
            return [_account_resource(call)]
        case "sts" if "RoleArn" in call.params:
            return [call.params["RoleArn"]]
        case "sts" if call.operation == "AssumeRoot":
            account = target_account(call)
            return [f"arn:aws:iam::{account.id if account else '*'}:root"]
        case "iam":
            return [_iam_resource(call), *_renamed_to(call)]
        case "sqs":
            return [f"arn:aws:sqs:{call.region}:{call.account_id}:{queue_name(call) or '*'}"]
        case "budgets":
            return [_budget_resource(call)]
    return ["*"]


def queue_name(call: ApiCall) -> str:
    return str(call.params.get("QueueName") or call.params.get("QueueUrl", "").rpartition("/")[2])


NAMING = (
    "AccountId ResourceId TargetId SourceParentId DestinationParentId ChildId ParentId "
    "OrganizationalUnitId RootId PolicyId"
).split()
"""Parameters of Organizations that name a resource."""


def _organization_resources(call: ApiCall) -> list[str]:
    organization, params = _organization(call), call.params
    if organization is None:
        return []
    if "HandshakeId" in params:
        return [_handshake_arn(call, params["HandshakeId"])]
    if transfer_id := _transfer_id(call):
        return [_transfer_arn(call, organization, transfer_id)]
    return [_named(organization, params[key]) for key in NAMING if params.get(key)]


def _named(organization: Organization, identity: str) -> str:
    if identity in organization.policies:
        return policy_arn(organization, organization.policies[identity])
    kinds = {"r-": "root", "ou": "ou", "p-": "policy"}
    kind = kinds.get(identity[:2])
    return arn(organization, kind, identity) if kind else account_arn(organization, identity)


def _handshake_arn(call: ApiCall, identity: str) -> str:
    handshake = call.world.handshakes.get(identity)
    if handshake is None:
        return "*"
    return arn(handshake.organization, "handshake", f"{handshake.action.lower()}/{identity}")


def _transfer_arn(call: ApiCall, organization: Organization, identity: str) -> str:
    """Inbound to the one who pays, outbound to the one whose bill it is."""
    transfer = call.world.transfers.get(identity)
    inbound = transfer is not None and transfer.target is organization
    return arn(
        organization, "transfer", f"billing/{'inbound' if inbound else 'outbound'}/{identity}"
    )


def _budget_resource(call: ApiCall) -> str:
    """All budgets of the account, where the call names none."""
    params = call.params
    named = params.get("Budget") or params.get("NewBudget") or params
    return f"arn:aws:budgets::{params['AccountId']}:budget/{named.get('BudgetName', '*')}"


def _account_resource(call: ApiCall) -> str:
    account = target_account(call)
    if account is None or account.organization is None or account.id == call.account_id:
        return f"arn:aws:account::{call.account_id}:account"
    organization = account.organization
    return f"arn:aws:account::{organization.payer_id}:account/{organization.id}/{account.id}"


IAM_NAMES = {
    "GroupName": "group",
    "InstanceProfileName": "instance-profile",
    "RoleName": "role",
    "UserName": "user",
    "PolicyName": "policy",
    "VirtualMFADeviceName": "mfa",
}
"""What a call of IAM is about, the first that it names: AddUserToGroup changes the group,
AddRoleToInstanceProfile the profile (Service Authorization Reference)."""


def _iam_resource(call: ApiCall) -> str:
    params, stem = call.params, f"arn:aws:iam::{call.account_id}"
    for key, kind in IAM_NAMES.items():
        if key in params:
            found = _named_identity(call, key)
            return found.arn if found else f"{stem}:{kind}{params.get('Path', '/')}{params[key]}"
    for key in ("PolicyArn", "SAMLProviderArn", "OpenIDConnectProviderArn"):
        if key in params:
            return str(params[key])
    # Root that names nobody means itself (IAM User Guide, "Perform a privileged task").
    return f"{stem}:root" if call.caller.kind == "root" else "*"


def _renamed_to(call: ApiCall) -> list[str]:
    """Whoever renames or moves a user or group needs the right to both (API, `UpdateUser`)."""
    key = {"UpdateUser": "UserName", "UpdateGroup": "GroupName"}.get(call.operation, "")
    found = _named_identity(call, key) if key else None
    if found is None:
        return []
    name = call.params.get(f"New{key}", found.name)
    stem = f"arn:aws:iam::{call.account_id}:{IAM_NAMES[key]}"
    return [f"{stem}{call.params.get('NewPath', found.path)}{name}"]


def _named_identity(call: ApiCall, key: str) -> Any:
    """Whom IAM has under this name, whatever its case; None for nobody and for policies."""
    iam: Any = iam_backends[call.account_id]["aws"]
    known = {
        "GroupName": iam.groups,
        "InstanceProfileName": iam.instance_profiles,
        "RoleName": iam.roles,
        "UserName": iam.users,
    }.get(key, {})
    wanted = str(call.params.get(key, "")).lower()
    return next((each for each in known.values() if each.name.lower() == wanted), None)
