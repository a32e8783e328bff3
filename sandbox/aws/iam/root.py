"""Owns root credentials: their central management, and what a root session sees."""

from __future__ import annotations

from typing import Any

from moto.iam.models import iam_backends

from sandbox.aws.core.calls import Answer, ApiCall, answers
from sandbox.aws.core.errors import AwsError
from sandbox.aws.core.world import Organization, RootCredentials

# Centralised root access. --------------------------------------------------------------


def _manageable(call: ApiCall) -> Organization:
    organization = call.world.account(call.account_id).organization
    if organization is None:
        raise AwsError("OrganizationNotFoundException", "The account is in no organization.")
    delegated = (call.account_id, "iam.amazonaws.com") in organization.delegates
    if organization.payer_id != call.account_id and not delegated:
        raise AwsError(
            "AccountNotManagementOrDelegatedAdministratorException",
            "The account is neither the management account nor a delegated administrator.",
        )
    if organization.feature_set != "ALL":
        raise AwsError("OrganizationNotInAllFeaturesModeException", "Enable all features first.")
    if "iam.amazonaws.com" not in organization.services:
        raise AwsError("ServiceAccessNotEnabledException", "Trusted access for IAM is not enabled.")
    return organization


def _features(organization: Organization) -> Answer:
    return {
        "OrganizationId": organization.id,
        "EnabledFeatures": sorted(organization.root_features),
    }


@answers("iam", "EnableOrganizationsRootCredentialsManagement", "EnableOrganizationsRootSessions")
def enable_feature(call: ApiCall) -> Answer:
    organization = _manageable(call)
    organization.root_features.add(call.operation.removeprefix("EnableOrganizations"))
    return _features(organization)


@answers("iam", "DisableOrganizationsRootCredentialsManagement", "DisableOrganizationsRootSessions")
def disable_feature(call: ApiCall) -> Answer:
    organization = _manageable(call)
    organization.root_features.discard(call.operation.removeprefix("DisableOrganizations"))
    return _features(organization)


@answers("iam", "ListOrganizationsFeatures")
def list_features(call: ApiCall) -> Answer:
    return _features(_manageable(call))


# What root sees of itself. A user's name, or a user calling, is moto's business. ---------


def _root(call: ApiCall) -> RootCredentials | None:
    if call.caller.kind != "root" or call.params.get("UserName"):
        return None
    return call.world.account(call.account_id).root


def _missing(what: str) -> AwsError:
    return AwsError("NoSuchEntity", f"{what} cannot be found for the root user.")


@answers("iam", "GetLoginProfile")
def get_login_profile(call: ApiCall) -> Answer | None:
    root = _root(call)
    if root is None:
        return None
    if not root.password:
        raise _missing("Login Profile")
    return {"LoginProfile": _profile(call)}


def _profile(call: ApiCall) -> Answer:
    created = call.world.account(call.account_id).created_at
    return {"UserName": "root", "CreateDate": created, "PasswordResetRequired": False}


@answers("iam", "CreateLoginProfile")
def create_login_profile(call: ApiCall) -> Answer | None:
    """For root it reveals no password: it allows to recover one by e-mail."""
    root = _root(call)
    if root is None:
        return None
    if root.password:
        raise AwsError("EntityAlreadyExists", "Login Profile for the root user already exists.")
    root.password = True
    return {"LoginProfile": _profile(call)}


@answers("iam", "DeleteLoginProfile")
def delete_login_profile(call: ApiCall) -> Answer | None:
    root = _root(call)
    if root is None:
        return None
    if not root.password:
        raise _missing("Login Profile")
    root.password = False
    return {}


@answers("iam", "ListAccessKeys")
def list_access_keys(call: ApiCall) -> Answer | None:
    root = _root(call)
    if root is None:
        return None
    created = call.world.account(call.account_id).created_at
    keys = [
        {"UserName": "root", "AccessKeyId": key, "Status": status, "CreateDate": created}
        for key, status in root.access_keys.items()
    ]
    return {"AccessKeyMetadata": keys, "IsTruncated": False}


@answers("iam", "DeleteAccessKey")
def delete_access_key(call: ApiCall) -> Answer | None:
    root = _root(call)
    if root is None:
        return None
    if root.access_keys.pop(call.params["AccessKeyId"], None) is None:
        raise _missing("The Access Key")
    return {}


@answers("iam", "GetAccessKeyLastUsed")
def get_last_used(call: ApiCall) -> Answer | None:
    root = _root(call)
    if root is None or call.params["AccessKeyId"] not in root.access_keys:
        return None
    return {"UserName": "root", "AccessKeyLastUsed": {"ServiceName": "N/A", "Region": "N/A"}}


@answers("iam", "ListMFADevices")
def list_devices(call: ApiCall) -> Answer | None:
    root = _root(call)
    if root is None:
        return None
    created = call.world.account(call.account_id).created_at
    devices = [
        {"UserName": "root", "SerialNumber": serial, "EnableDate": created}
        for serial in root.mfa_devices
    ]
    return {"MFADevices": devices, "IsTruncated": False}


@answers("iam", "DeactivateMFADevice")
def deactivate_device(call: ApiCall) -> Answer | None:
    root = _root(call)
    if root is None:
        return None
    if call.params["SerialNumber"] not in root.mfa_devices:
        raise _missing("The MFA device")
    root.mfa_devices.remove(call.params["SerialNumber"])
    return {}


@answers("iam", "ListSigningCertificates")
def list_certificates(call: ApiCall) -> Answer | None:
    root = _root(call)
    if root is None:
        return None
    found = [
        {"UserName": "root", "CertificateId": c, "CertificateBody": "-", "Status": "Active"}
        for c in root.certificates
    ]
    return {"Certificates": found, "IsTruncated": False}


@answers("iam", "DeleteSigningCertificate")
def delete_certificate(call: ApiCall) -> Answer | None:
    root = _root(call)
    if root is None:
        return None
    if call.params["CertificateId"] not in root.certificates:
        raise _missing("The certificate")
    root.certificates.remove(call.params["CertificateId"])
    return {}


# Summaries. ----------------------------------------------------------------------------


@answers("iam", "GetAccountSummary")
def get_account_summary(call: ApiCall) -> Answer:
    iam: Any = iam_backends[call.account_id]["aws"]
    root = call.world.account(call.account_id).root
    own = [p for p in iam.managed_policies.values() if ":aws:" not in p.arn.split("iam")[1]]
    return {
        "SummaryMap": {
            "Users": len(iam.users),
            "Groups": len(iam.groups),
            "Roles": len(iam.roles),
            "Policies": len(own),
            "MFADevices": len(iam.virtual_mfa_devices),
            "MFADevicesInUse": sum(1 for d in iam.virtual_mfa_devices.values() if d.enable_date),
            "AccountMFAEnabled": int(bool(root.mfa_devices)),
            "AccountPasswordPresent": int(root.password),
            "AccountAccessKeysPresent": int(bool(root.access_keys)),
            "AccountSigningCertificatesPresent": int(bool(root.certificates)),
            "AssumeRolePolicySizeQuota": 2_048,
            "PolicySizeQuota": 6_144,
            "RolePolicySizeQuota": 10_240,
            "AttachedPoliciesPerRoleQuota": 10,
            "VersionsPerPolicyQuota": 5,
        }
    }
