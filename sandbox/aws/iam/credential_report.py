"""Owns the credential report: made on request, kept for four hours, with the row of root."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from typing import Any

from moto.iam.models import iam_backends

from sandbox.aws.core.calls import Answer, ApiCall, answers
from sandbox.aws.core.errors import AwsError
from sandbox.aws.core.world import CredentialReport, RootCredentials

KEPT = timedelta(hours=4)
COLUMNS = (
    "user arn user_creation_time password_enabled password_last_used password_last_changed "
    "password_next_rotation mfa_active access_key_1_active access_key_1_last_rotated "
    "access_key_1_last_used_date access_key_1_last_used_region access_key_1_last_used_service "
    "access_key_2_active access_key_2_last_rotated access_key_2_last_used_date "
    "access_key_2_last_used_region access_key_2_last_used_service cert_1_active "
    "cert_1_last_rotated cert_2_active cert_2_last_rotated"
).split()
ROOT = "<root_account>"


@answers("iam", "GenerateCredentialReport")
def generate_report(call: ApiCall) -> Answer:
    """A report younger than four hours is the report; what changed since is not in it."""
    reports = call.world.credential_reports
    report = reports.get(call.account_id)
    if report is None or call.now >= report.started_at + KEPT:
        reports[call.account_id] = CredentialReport(call.now, _written(call))
        words = "No report exists. Starting a new report generation task"
        return {"State": "STARTED", "Description": words}
    return {"State": "COMPLETE" if call.now >= _ready_at(call, report) else "INPROGRESS"}


def _ready_at(call: ApiCall, report: CredentialReport) -> datetime:
    return report.started_at + timedelta(seconds=call.world.rules.report_seconds)


@answers("iam", "GetCredentialReport")
def get_report(call: ApiCall) -> Answer:
    report = call.world.credential_reports.get(call.account_id)
    if report is None:
        raise AwsError("ReportNotPresent", "No report is present: generate one first.")
    if call.now < _ready_at(call, report):
        raise AwsError("ReportInProgress", "The report is being generated.")
    if call.now >= report.started_at + KEPT:
        raise AwsError("ReportExpired", "The most recent report has expired: generate a new one.")
    return {
        "Content": report.content,
        "ReportFormat": "text/csv",
        "GeneratedTime": report.started_at,
    }


def _written(call: ApiCall) -> str:
    iam: Any = iam_backends[call.account_id]["aws"]
    account = call.world.account(call.account_id)
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="N/A", lineterminator="\n")
    writer.writeheader()
    root = _row(ROOT, f"arn:aws:iam::{account.id}:root", account.created_at, account.root)
    writer.writerow(root | ROOT_ONLY)
    for user in iam.users.values():
        credentials = RootCredentials(
            password=bool(user.password),
            access_keys={key.access_key_id: key.status for key in user.access_keys},
            mfa_devices=list(user.mfa_devices),
        )
        writer.writerow(_row(user.name, user.arn, user.create_date, credentials))
    return text.getvalue()


ROOT_ONLY = dict.fromkeys(
    ("password_enabled", "password_last_changed", "password_next_rotation"), "not_supported"
)


def _row(name: str, arn: str, created: datetime, held: RootCredentials) -> dict[str, str]:
    statuses = [*held.access_keys.values(), "", ""]
    certificates = len(held.certificates)
    never = "no_information" if held.password else "N/A"
    used = held.password_last_used
    return {
        "user": name,
        "arn": arn,
        "user_creation_time": _instant(created),
        "password_enabled": str(held.password).lower(),
        "password_last_used": _instant(used) if used else never,
        "mfa_active": str(bool(held.mfa_devices)).lower(),
        "access_key_1_active": str(statuses[0] == "Active").lower(),
        "access_key_2_active": str(statuses[1] == "Active").lower(),
        "cert_1_active": str(certificates > 0).lower(),
        "cert_2_active": str(certificates > 1).lower(),
    }


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S+00:00")


@answers("iam", "ListVirtualMFADevices")
def list_virtual_devices(call: ApiCall) -> Answer | None:
    """Root's app stands among the users' devices; its passkeys and hardware keys never do."""
    if call.params.get("AssignmentStatus") == "Unassigned":
        return None
    iam: Any = iam_backends[call.account_id]["aws"]
    account = call.world.account(call.account_id)
    owner = {
        "Path": "/",
        "UserName": account.name,
        # AWS gives the account's id, which is too short for its own model.
        "UserId": f"{account.id}ROOT",
        "Arn": f"arn:aws:iam::{account.id}:root",
        "CreateDate": account.created_at,
    }
    own = [
        {"SerialNumber": serial, "EnableDate": account.created_at, "User": owner}
        for serial in account.root.mfa_devices
        if ":mfa/" in serial
    ]
    wanted = call.params.get("AssignmentStatus", "Any")
    users = [
        {"SerialNumber": device.serial_number}
        for device in iam.virtual_mfa_devices.values()
        if wanted == "Any" or device.enable_date
    ]
    return {"VirtualMFADevices": [*own, *users], "IsTruncated": False}
