"""Root of a member is managed from the payer, one task at a time, and can be audited."""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import PAYER, Clock, Rules, StrictAWS, session_from

TASK = "arn:aws:iam::aws:policy/root-task/"
CLIENT = "222222222222"


@pytest.fixture
def aws() -> Iterator[StrictAWS]:
    with StrictAWS(clock=Clock(datetime(2026, 3, 10, tzinfo=UTC))) as aws:
        aws.set_up_organization()
        yield aws


def refusal(call: Callable[..., Any], **params: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**params)
    return str(refused.value.response["Error"]["Code"])


@pytest.fixture
def member(aws: StrictAWS) -> str:
    return aws.create_account(name="acme", email="aws+acme@msp.example")


def as_root(aws: StrictAWS, account_id: str, task: str) -> Any:
    session = aws.client("sts").assume_root(
        TargetPrincipal=account_id, TaskPolicyArn={"arn": TASK + task}, DurationSeconds=900
    )
    return session_from(session["Credentials"]).client("iam")


def joined(aws: StrictAWS) -> None:
    aws.add_standalone(CLIENT, email="root@acme.example")
    aws.owner(CLIENT).add_root_mfa()
    aws.owner(CLIENT).add_root_access_key()
    aws.account(CLIENT).root.certificates.append("CERT" + "0" * 24)
    sent = aws.client("organizations").invite_account_to_organization(
        Target={"Id": CLIENT, "Type": "ACCOUNT"}
    )
    aws.client("organizations", CLIENT).accept_handshake(HandshakeId=sent["Handshake"]["Id"])


def test_features_need_trusted_access_and_the_payer(aws: StrictAWS, member: str) -> None:
    iam = aws.client("iam")
    assert iam.list_organizations_features()["EnabledFeatures"] == [
        "RootCredentialsManagement",
        "RootSessions",
    ]
    assert refusal(aws.client("iam", member).enable_organizations_root_sessions) == (
        "AccountNotManagementOrDelegatedAdministratorException"
    )
    aws.client("organizations").disable_aws_service_access(ServicePrincipal="iam.amazonaws.com")
    assert refusal(iam.list_organizations_features) == "ServiceAccessNotEnabledException"


def test_a_created_account_has_no_root_credentials(aws: StrictAWS, member: str) -> None:
    root = as_root(aws, member, "IAMAuditRootUserCredentials")

    summary = root.get_account_summary()["SummaryMap"]
    assert {k: v for k, v in summary.items() if k.startswith("Account")} == {
        "AccountMFAEnabled": 0,
        "AccountPasswordPresent": 0,
        "AccountAccessKeysPresent": 0,
        "AccountSigningCertificatesPresent": 0,
    }
    assert refusal(root.get_login_profile) == "NoSuchEntity"
    assert root.list_access_keys()["AccessKeyMetadata"] == []
    assert root.list_mfa_devices()["MFADevices"] == []
    assert root.list_signing_certificates()["Certificates"] == []


def test_an_invited_account_brings_its_root_credentials_and_loses_them(aws: StrictAWS) -> None:
    joined(aws)
    audit = as_root(aws, CLIENT, "IAMAuditRootUserCredentials")
    assert audit.get_login_profile()["LoginProfile"]["UserName"] == "root"
    assert refusal(audit.delete_login_profile) == "AccessDenied"

    root = as_root(aws, CLIENT, "IAMDeleteRootUserCredentials")
    key = root.list_access_keys()["AccessKeyMetadata"][0]["AccessKeyId"]
    assert root.get_access_key_last_used(AccessKeyId=key)["UserName"] == "root"
    root.delete_login_profile()
    root.delete_access_key(AccessKeyId=key)
    for device in root.list_mfa_devices()["MFADevices"]:
        root.deactivate_mfa_device(SerialNumber=device["SerialNumber"])
    for certificate in root.list_signing_certificates()["Certificates"]:
        root.delete_signing_certificate(CertificateId=certificate["CertificateId"])

    summary = audit.get_account_summary()["SummaryMap"]
    assert [v for k, v in summary.items() if k.startswith("Account")] == [0, 0, 0, 0]
    assert refusal(root.delete_login_profile) == "NoSuchEntity"


def test_a_password_can_be_recovered_only_after_it_was_allowed(aws: StrictAWS, member: str) -> None:
    owner = aws.owner(member)
    with pytest.raises(PermissionError):
        owner.recover_root_password()

    root = as_root(aws, member, "IAMCreateRootUserPassword")
    root.create_login_profile()
    owner.recover_root_password()
    owner.add_root_mfa()

    assert refusal(root.create_login_profile) == "EntityAlreadyExists"
    assert refusal(root.list_access_keys) == "AccessDenied"


def test_who_may_become_root_of_whom(aws: StrictAWS, member: str) -> None:
    assume = aws.client("sts").assume_root
    audit = {"TaskPolicyArn": {"arn": TASK + "IAMAuditRootUserCredentials"}}
    aws.add_standalone(CLIENT, email="root@acme.example")

    assert refusal(assume, TargetPrincipal=PAYER, **audit) == "AccessDenied"
    assert refusal(assume, TargetPrincipal=CLIENT, **audit) == "AccessDenied"
    free = {"TaskPolicyArn": {"arn": "arn:aws:iam::aws:policy/AdministratorAccess"}}
    assert refusal(assume, TargetPrincipal=member, **free) == "AccessDenied"
    assert refusal(assume, TargetPrincipal=member, DurationSeconds=901, **audit) == (
        "ValidationError"
    )
    theirs = aws.client("sts", member).assume_root
    assert refusal(theirs, TargetPrincipal=member, **audit) == "AccessDenied"
    everywhere = aws.client("sts", endpoint_url="https://sts.amazonaws.com").assume_root
    assert refusal(everywhere, TargetPrincipal=member, **audit) == "AccessDenied"
    aws.client("iam").disable_organizations_root_sessions()
    assert refusal(assume, TargetPrincipal=member, **audit) == "AccessDenied"


def test_the_report_shows_the_payers_own_root(aws: StrictAWS) -> None:
    iam = aws.client("iam")
    iam.create_user(UserName="alice")
    aws.owner(PAYER).add_root_access_key()
    while iam.generate_credential_report()["State"] != "COMPLETE":
        pass
    content = iam.get_credential_report()["Content"].decode()

    rows = {row["user"]: row for row in csv.DictReader(io.StringIO(content))}
    assert list(rows) == ["<root_account>", "alice"]
    root = rows["<root_account>"]
    assert (root["mfa_active"], root["access_key_1_active"]) == ("false", "true")


def test_a_report_stands_for_four_hours_and_takes_its_time(aws: StrictAWS) -> None:
    iam, owner = aws.client("iam"), aws.owner(PAYER)
    aws.world.rules = Rules(report_seconds=30)
    assert refusal(iam.get_credential_report) == "ReportNotPresent"
    assert iam.generate_credential_report()["State"] == "STARTED"
    assert iam.generate_credential_report()["State"] == "INPROGRESS"
    assert refusal(iam.get_credential_report) == "ReportInProgress"
    aws.clock.advance(seconds=30)
    assert iam.generate_credential_report()["State"] == "COMPLETE"
    owner.add_root_mfa()
    owner.sign_in_as_root()
    assert root_row(iam)["mfa_active"] == "false", "what changed since is not in it"
    aws.clock.advance(hours=4)
    assert refusal(iam.get_credential_report) == "ReportExpired"
    assert iam.generate_credential_report()["State"] == "STARTED"
    aws.clock.advance(seconds=30)
    row = root_row(iam)
    assert (row["mfa_active"], row["password_enabled"]) == ("true", "not_supported")
    assert row["password_last_used"] == "2026-03-10T00:00:30+00:00"


def root_row(iam: Any) -> dict[str, str]:
    content = iam.get_credential_report()["Content"].decode()
    return next(csv.DictReader(io.StringIO(content)))


def test_root_s_app_is_a_virtual_device_and_its_passkey_is_none(aws: StrictAWS) -> None:
    iam, owner = aws.client("iam"), aws.owner(PAYER)
    owner.add_root_passkey()
    assert iam.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"] == []
    owner.add_root_mfa()
    (device,) = iam.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"]
    assert device["SerialNumber"] == f"arn:aws:iam::{PAYER}:mfa/root-account-mfa-device"
    assert device["User"]["Arn"] == f"arn:aws:iam::{PAYER}:root"
