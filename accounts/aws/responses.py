"""Owns how AWS's answers, in boto3's words, become facts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from accounts.model.decision import Answer, Call, Refusal, Send
from accounts.model.observed import (
    Observed,
    ObservedAccount,
    ObservedBudget,
    ObservedCreation,
    ObservedHandshake,
    ObservedOrganization,
    ObservedPolicy,
    ObservedRole,
    ObservedRoot,
    ObservedTransfer,
)
from accounts.model.organization import Contact
from accounts.model.role_spec import Document

# Refusals of a READ that say "there is none", which is an answer.
_NONE_THERE: dict[str, tuple[str, Any]] = {
    "DescribeCreateAccountStatus": ("CreateAccountStatusNotFoundException", ()),
    "DescribeBudget": ("NotFoundException", ()),
    "GetAlternateContact": ("ResourceNotFoundException", None),
    "GetContactInformation": ("ResourceNotFoundException", {}),
    # AWS has no empty list for an account that administers nothing, but an error.
    "ListDelegatedServicesForAccount": ("AccountNotRegisteredException", ()),
}


def observe(observed: Observed, call: Call, answer: Answer) -> Observed:
    """The facts after the call was answered; a refused read changes them only where it says so.

    A write makes stale what it may have changed, even when refused: AWS may have done it anyway.
    """
    if call.fills == "probes":
        refused = answer if isinstance(answer, Refusal) else None
        # A probe's refusal is its answer, so it is remembered like any other.
        return replace(observed, probes={**observed.probes, call.subject: refused})
    if call.batch and not isinstance(answer, Refusal):
        return replace(observed, written=observed.written | {call.key})
    if call.send is not Send.READ:
        return _invalidate(observed, call)
    if not is_informative(call, answer):
        return observed
    if isinstance(answer, Refusal):
        return _nothing_there(observed, call)
    if call.fills == "contacts":
        return replace(observed, contacts={**observed.contacts, call.subject: _contact(answer)})
    if call.fills == "dependencies":
        names = _DEPENDENCIES[call.operation](answer)
        return replace(observed, dependencies={**observed.dependencies, call.key: names})
    return replace(observed, **_READERS[call.operation](answer))


def is_informative(call: Call, answer: Answer) -> bool:
    """Does the answer to a READ say what is so? A refusal does where it says "there is none"."""
    if not call.fills:
        return False
    if isinstance(answer, Refusal):
        return _NONE_THERE.get(call.operation, ("", None))[0] == answer.code
    return True


def _invalidate(observed: Observed, call: Call) -> Observed:
    fresh = Observed()
    if call.invalidates == ("contacts",):
        others = {name: each for name, each in observed.contacts.items() if name != call.subject}
        return replace(observed, contacts=others)
    return replace(observed, **{name: getattr(fresh, name) for name in call.invalidates})


def _nothing_there(observed: Observed, call: Call) -> Observed:
    nothing = _NONE_THERE[call.operation][1]
    if call.fills == "contacts":
        nothing = {**observed.contacts, call.subject: None}
    return replace(observed, **{call.fills: nothing})


def _organization(answer: Mapping[str, Any]) -> dict[str, Any]:
    seen = answer["Organization"]
    return {
        "organization": ObservedOrganization(
            organization_id=seen["Id"],
            payer_account_id=seen["MasterAccountId"],
            all_features=seen["FeatureSet"] == "ALL",
        )
    }


def to_observed_account(row: Mapping[str, Any]) -> ObservedAccount:
    return ObservedAccount(
        account_id=row["Id"],
        name=row.get("Name", ""),
        email=row.get("Email", ""),
        state=row["State"],
        joined_at=row["JoinedTimestamp"],
    )


def _creations(answer: Mapping[str, Any]) -> dict[str, Any]:
    one = answer.get("CreateAccountStatus")
    rows = answer["CreateAccountStatuses"] if one is None else [one]
    return {"creations": tuple(map(to_observed_creation, rows))}


def to_observed_creation(row: Mapping[str, Any]) -> ObservedCreation:
    return ObservedCreation(
        request_id=row["Id"],
        account_name=row.get("AccountName", ""),
        state=row["State"],
        requested_at=row["RequestedTimestamp"],
        account_id=row.get("AccountId", ""),
        failure=row.get("FailureReason", ""),
    )


def to_observed_handshake(row: Mapping[str, Any]) -> ObservedHandshake:
    resources = {each["Type"]: each.get("Value", "") for each in row.get("Resources", [])}
    targets = [p["Id"] for p in row.get("Parties", []) if p["Type"] in ("ACCOUNT", "EMAIL")]
    return ObservedHandshake(
        handshake_id=row["Id"],
        state=row["State"],
        requested_at=row["RequestedTimestamp"],
        expires_at=row["ExpirationTimestamp"],
        target=resources.get("ACCOUNT") or resources.get("EMAIL") or "".join(targets[:1]),
        notes=resources.get("NOTES", ""),
    )


def _to_observed_transfer(row: Mapping[str, Any]) -> ObservedTransfer:
    return ObservedTransfer(
        transfer_id=row["Id"],
        status=row["Status"],
        source_account_id=row["Source"]["ManagementAccountId"],
        starts_at=row["StartTimestamp"],
        ends_at=row.get("EndTimestamp"),
        handshake_id=row.get("ActiveHandshakeId", ""),
    )


def _contact(answer: Mapping[str, Any]) -> Contact:
    seen = answer["AlternateContact"]
    return Contact(
        name=seen["Name"],
        title=seen["Title"],
        email=seen["EmailAddress"],
        phone=seen["PhoneNumber"],
    )


def _identities(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "roles": tuple(_to_observed_role(row) for row in answer["RoleDetailList"]),
        "policies": tuple(_to_observed_policy(row) for row in answer["Policies"]),
        "session_seconds": None,
        "written": frozenset(),
    }


def _to_observed_role(row: Mapping[str, Any]) -> ObservedRole:
    return ObservedRole(
        name=row["RoleName"],
        path=row["Path"],
        trust=_document(row["AssumeRolePolicyDocument"]),
        inline={p["PolicyName"]: _document(p["PolicyDocument"]) for p in row["RolePolicyList"]},
        managed_arns=frozenset(p["PolicyArn"] for p in row["AttachedManagedPolicies"]),
        boundary_arn=row.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""),
        tags=_tags(row),
    )


def _to_observed_policy(row: Mapping[str, Any]) -> ObservedPolicy:
    """AWS lists versions newest first."""
    versions = row["PolicyVersionList"]
    default = [v for v in versions if v["IsDefaultVersion"]]
    # Not by number: after a return to an earlier version the newest is not the default.
    others = [v for v in versions if not v["IsDefaultVersion"]]
    return ObservedPolicy(
        arn=row["Arn"],
        document=_document(default[0]["Document"]),
        version_ids=tuple(v["VersionId"] for v in (*default, *others)),
    )


def _document(value: Any) -> Document:
    """botocore decodes policy documents; other clients leave them as URL-encoded JSON."""
    # IAM sends policies percent-encoded as RFC 3986 has it (API reference,
    # `GetAccountAuthorizationDetails`).
    document: Document = json.loads(unquote(value)) if isinstance(value, str) else value
    return document


def _tags(answer: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in answer.get("Tags", [])}


def to_observed_root(answer: Mapping[str, Any]) -> ObservedRoot:
    summary = answer["SummaryMap"]
    return ObservedRoot(
        password=bool(summary.get("AccountPasswordPresent")),
        access_keys=bool(summary.get("AccountAccessKeysPresent")),
        mfa=bool(summary.get("AccountMFAEnabled")),
        signing_certificates=bool(summary.get("AccountSigningCertificatesPresent")),
    )


def _budget(answer: Mapping[str, Any]) -> dict[str, Any]:
    seen = answer["Budget"]
    budget = ObservedBudget(
        name=seen["BudgetName"], amount=seen.get("BudgetLimit", {}).get("Amount", "")
    )
    return {"budget": (budget,)}


def _contact_information(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "contact_information": answer["ContactInformation"],
        "phone_verification": answer.get("VerificationStatus", ""),
    }


def _stack_sets(answer: Mapping[str, Any]) -> dict[str, Any]:
    """AWS says so of those that it deploys by itself, and deletes unless set to retain."""
    automatic = {row["StackSetName"]: row.get("AutoDeployment", {}) for row in answer["Summaries"]}
    deletes = {
        name: bool(how.get("Enabled")) and not how.get("RetainStacksOnAccountRemoval")
        for name, how in automatic.items()
    }
    return {"stack_sets": deletes}


def _named(rows: str, key: str) -> Callable[[Mapping[str, Any]], tuple[str, ...]]:
    return lambda answer: tuple(str(row.get(key, "")) for row in answer.get(rows, ()))


_DEPENDENCIES: dict[str, Callable[[Mapping[str, Any]], tuple[str, ...]]] = {
    "ListStackInstances": _named("Summaries", "Region"),
    "ListInstances": _named("Instances", "InstanceArn"),
    "ListPermissionSetsProvisionedToAccount": lambda a: tuple(a.get("PermissionSets", ())),
    "GetResourceShares": _named("resourceShares", "name"),
    "DescribeReservedInstances": _named("ReservedInstances", "ReservedInstancesId"),
    "DescribeSavingsPlans": _named("savingsPlans", "savingsPlanId"),
}
_Reader = Callable[[Mapping[str, Any]], dict[str, Any]]
_READERS: dict[str, _Reader] = {
    "DescribeOrganization": _organization,
    "ListAccounts": lambda a: {"accounts": tuple(map(to_observed_account, a["Accounts"]))},
    "DescribeAccount": lambda a: {"account": to_observed_account(a["Account"])},
    "ListTagsForResource": lambda a: {"account_tags": _tags(a)},
    "ListCreateAccountStatus": _creations,
    "DescribeCreateAccountStatus": _creations,
    "ListHandshakesForOrganization": lambda a: {
        "handshakes": tuple(map(to_observed_handshake, a["Handshakes"]))
    },
    "ListHandshakesForAccount": lambda a: {
        "invitations": tuple(map(to_observed_handshake, a["Handshakes"]))
    },
    "ListStackSets": _stack_sets,
    "ListInboundResponsibilityTransfers": lambda a: {
        "transfers": tuple(map(_to_observed_transfer, a["ResponsibilityTransfers"]))
    },
    "ListParents": lambda a: {"parent_id": a["Parents"][0]["Id"]},
    "GetAccountAuthorizationDetails": _identities,
    "ListRoles": lambda a: {
        "session_seconds": {r["RoleName"]: r.get("MaxSessionDuration", 3_600) for r in a["Roles"]}
    },
    "GetAccountSummary": lambda a: {"root": to_observed_root(a)},
    "ListAccessKeys": lambda a: {
        "root_access_key_ids": tuple(k["AccessKeyId"] for k in a["AccessKeyMetadata"])
    },
    "ListSigningCertificates": lambda a: {
        "root_certificate_ids": tuple(k["CertificateId"] for k in a["Certificates"])
    },
    "DescribeBudget": _budget,
    "ListCostAllocationTags": lambda a: {
        "cost_tags": {t["TagKey"]: t["Status"] for t in a["CostAllocationTags"]}
    },
    "ListPoliciesForTarget": lambda a: {"scp_ids": frozenset(p["Id"] for p in a["Policies"])},
    "GetPrimaryEmail": lambda a: {"primary_email": a["PrimaryEmail"]},
    "GetContactInformation": _contact_information,
    "ListDelegatedServicesForAccount": lambda a: {
        "delegated_services": tuple(s["ServicePrincipal"] for s in a["DelegatedServices"])
    },
}
