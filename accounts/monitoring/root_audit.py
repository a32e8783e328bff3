"""Owns the daily look at root: the payer's own, its central management, and members in turn."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from accounts.aws.calls import read
from accounts.aws.responses import to_observed_root
from accounts.checks.root_user import payer_root_findings
from accounts.model.decision import Actor, Answer, Call, Refusal, Session
from accounts.model.observed import ObservedRoot
from accounts.model.organization import Reseller
from kernel.findings import Finding, critical, warning

AUDITED_EVERY_DAYS = 7
AUDITS_MIN = 10
"""A member's root costs two calls: a day has a seventh of the members, or these few."""
USED_LATELY = timedelta(days=30)
REPORT_OLD = timedelta(days=2)
ROOT_ROW = "<root_account>"
IAM = "iam.amazonaws.com"
MEMBER_CODES = frozenset(
    {"root_password", "root_access_keys", "root_certificates", "root_mfa", "root_unaudited"}
)
"""Findings of one audit of one member: they stand until that member is audited again."""
# Each has an error of its own (API reference, `GetCredentialReport`), and a report stands for four
# hours:
# `tests/unit/sandbox_aws/test_root.py::test_a_report_stands_for_four_hours_and_takes_its_time`.
NOT_READY = frozenset({"ReportInProgress", "ReportNotPresent", "ReportExpired"})
"""What AWS says while a credential report is in the making."""
NO_AUDITS = frozenset({"root_access_untrusted", "root_sessions_off"})
"""Findings with which AWS refuses every audit."""


# What is asked of AWS. -------------------------------------------------------------------


def _ask(step: str, operation: str, service: str = "iam", **arguments: Any) -> Call:
    return read(step, service, operation, **arguments)


SEE_FEATURES = _ask("see_root_features", "ListOrganizationsFeatures")
SEE_TRUSTED = _ask(
    "see_trusted_services", "ListAWSServiceAccessForOrganization", service="organizations"
)
MAKE_REPORT = _ask("make_credential_report", "GenerateCredentialReport")
SEE_REPORT = _ask("see_credential_report", "GetCredentialReport")
SEE_PAYER = _ask("see_payer_root", "GetAccountSummary")
SEE_APPS = _ask("see_virtual_mfa", "ListVirtualMFADevices", AssignmentStatus="Assigned")

DAILY = (SEE_FEATURES, SEE_TRUSTED, MAKE_REPORT, SEE_REPORT, SEE_PAYER, SEE_APPS)


def audit_member(reseller: Reseller, account_id: str) -> Call:
    # Root is entered for one task of AWS's, for 15 minutes at most (API reference, `AssumeRoot`):
    # `tests/unit/sandbox_aws/test_root.py::test_who_may_become_root_of_whom`.
    task = f"arn:{reseller.partition}:iam::aws:policy/root-task/IAMAuditRootUserCredentials"
    return read(
        "audit_root",
        "iam",
        "GetAccountSummary",
        session=Session(actor=Actor.ROOT, account_id=account_id, task_policy_arn=task),
    )


# Central management. ---------------------------------------------------------------------


def central_findings(payer_account_id: str, features: Answer, trusted: Answer) -> list[Finding]:
    """From ListOrganizationsFeatures and ListAWSServiceAccessForOrganization.

    Without trusted access AWS does not say which features are on; that is one finding, not three.
    """
    if isinstance(trusted, Refusal):
        return [
            _unseen("root_access_unseen", payer_account_id, "which services it trusts", trusted)
        ]
    principals = {each["ServicePrincipal"] for each in trusted["EnabledServicePrincipals"]}
    if IAM not in principals:
        words = (
            f"does not trust {IAM}, so nothing keeps members without root credentials and nobody "
            "can audit them; switch on trusted access for IAM in AWS Organizations"
        )
        return [critical("root_access_untrusted", payer_account_id, words)]
    if isinstance(features, Refusal):
        what = "whether root access is centralised"
        return [_unseen("root_access_unseen", payer_account_id, what, features)]
    enabled = set(features.get("EnabledFeatures", []))
    return [
        critical(code, payer_account_id, words)
        for feature, (code, words) in _FEATURES.items()
        if feature not in enabled
    ]


_UNMANAGED = (
    "does not manage its members' root credentials, so whoever reads a member's root mailbox can "
    "make a password; switch on root credentials management in IAM"
)
_NO_SESSIONS = (
    "allows no root sessions, so members cannot be audited; switch on privileged root actions in "
    "IAM"
)
_FEATURES = {
    "RootCredentialsManagement": ("root_credentials_unmanaged", _UNMANAGED),
    "RootSessions": ("root_sessions_off", _NO_SESSIONS),
}


def _unseen(code: str, where: str, what: str, refusal: Refusal) -> Finding:
    return warning(code, where, f"AWS did not say {what}: {refusal.words[:300]}")


# The payer's own root. -------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RootReport:
    """The row of root in the payer's credential report."""

    generated_at: datetime
    held: ObservedRoot
    """AWS does not say here whether root has a password."""
    password_used_at: datetime | None = None
    key_used_at: datetime | None = None


def root_report(answer: Mapping[str, Any]) -> RootReport | None:
    """From GetCredentialReport; None where it has no row of root that can be read."""
    text = answer["Content"].decode("utf-8", "replace")
    for row in csv.DictReader(io.StringIO(text)):
        if row.get("user") == ROOT_ROW:
            used = [_instant(row.get(f"access_key_{n}_last_used_date")) for n in (1, 2)]
            return RootReport(
                generated_at=answer["GeneratedTime"],
                held=ObservedRoot(
                    password=False,
                    access_keys=any(_is_true(row.get(f"access_key_{n}_active")) for n in (1, 2)),
                    mfa=_is_true(row.get("mfa_active")),
                    signing_certificates=any(_is_true(row.get(f"cert_{n}_active")) for n in (1, 2)),
                ),
                password_used_at=_instant(row.get("password_last_used")),
                key_used_at=max((each for each in used if each), default=None),
            )
    return None


def _is_true(cell: str | None) -> bool:
    """AWS's page says TRUE, its report says true."""
    return (cell or "").lower() == "true"


def _instant(cell: str | None) -> datetime | None:
    """None for `N/A` and `no_information`."""
    try:
        at = datetime.fromisoformat(cell or "")
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def payer_findings(
    payer_account_id: str, *, summary: Answer, report: Answer, apps: Answer, now: datetime
) -> list[Finding]:
    """Of the payer, whose root cannot be taken away: it needs a hardware key and nothing else.

    The summary says what is so now, the report (up to four hours old) when it was used.
    """
    found = [
        _unseen("payer_root_unseen", f"{payer_account_id} {call.operation}", what, answer)
        for call, answer, what in (
            (SEE_PAYER, summary, "what its root user can sign in with"),
            (SEE_REPORT, report, "when its root user was used"),
            (SEE_APPS, apps, "whether its root user's MFA is an app"),
        )
        if isinstance(answer, Refusal)
    ]
    row = None if isinstance(report, Refusal) else root_report(report)
    if row is None and not isinstance(report, Refusal):
        words = f"its credential report has no row {ROOT_ROW}; look at its root user by hand"
        found.append(warning("payer_root_unseen", f"{payer_account_id} {ROOT_ROW}", words))
    root = (
        to_observed_root(summary) if not isinstance(summary, Refusal) else row.held if row else None
    )
    if root is not None:
        found += payer_root_findings(payer_account_id, root)
        # GetAccountSummary counts any MFA: `tests/unit/sandbox_aws/test_root.py`,
        # `test_root_s_app_is_a_virtual_device_and_its_passkey_is_none`.
        if root.mfa and not isinstance(apps, Refusal) and _has_app(payer_account_id, apps):
            words = (
                "its root user signs in with an authenticator app, which can be phished and is on "
                "one telephone; register a passkey or hardware key and remove the app"
            )
            found.append(warning("payer_root_virtual_mfa", payer_account_id, words))
    if row is not None:
        found += _used(payer_account_id, row, now)
    return found


def _has_app(payer_account_id: str, apps: Mapping[str, Any]) -> bool:
    """Passkeys and hardware keys are no virtual devices, so they are not on this list."""
    return any(
        device.get("User", {}).get("Arn", "").endswith(f"::{payer_account_id}:root")
        or device["SerialNumber"].endswith(":mfa/root-account-mfa-device")
        for device in apps["VirtualMFADevices"]
    )


def _used(payer_account_id: str, row: RootReport, now: datetime) -> list[Finding]:
    found = []
    if row.password_used_at is not None and now - row.password_used_at < USED_LATELY:
        words = (
            f"somebody signed in as its root user on {row.password_used_at:%Y-%m-%d %H:%M} UTC; "
            "if it was none of you, change the password and open a case with AWS"
        )
        found.append(warning("payer_root_used", payer_account_id, words))
    if row.key_used_at is not None and now - row.key_used_at < USED_LATELY:
        words = f"an access key of its root user was used on {row.key_used_at:%Y-%m-%d %H:%M} UTC"
        found.append(critical("payer_root_key_used", payer_account_id, words))
    if now - row.generated_at > REPORT_OLD:
        words = (
            f"its credential report is of {row.generated_at:%Y-%m-%d}; what happened since is not "
            "known: generate one in IAM and see why AWS makes no newer one"
        )
        found.append(warning("payer_root_report_old", payer_account_id, words))
    return found


# Members. --------------------------------------------------------------------------------


def due_audits(
    members: Iterable[str],
    audited: Mapping[str, datetime],
    *,
    troubled: frozenset[str],
    now: datetime,
) -> tuple[str, ...]:
    """Whose root is looked at today: the troubled daily, everybody else once a week.

    Of those at most a seventh a day, who waited longest: the calls of a day are few and even.
    """
    everybody = sorted(set(members))
    often = [account_id for account_id in everybody if account_id in troubled]
    weekly = now.date() - timedelta(days=AUDITED_EVERY_DAYS)
    never = datetime.min.replace(tzinfo=UTC)
    stale = sorted(
        (audited.get(account_id, never), account_id)
        for account_id in everybody
        if account_id not in troubled
        # One that is still to come was written by a clock that was ahead.
        and not weekly < audited.get(account_id, never).date() <= now.date()
    )
    share = max(AUDITS_MIN, math.ceil(len(everybody) / AUDITED_EVERY_DAYS))
    return (*often, *(account_id for _, account_id in stale[:share]))


def member_findings(account_id: str, answer: Answer, *, may_delete: bool) -> list[Finding]:
    """From GetAccountSummary as the member's root.

    `may_delete`: we created the account, or its client agreed; then there were no credentials when
    it went live, and what is there now came back.
    """
    if isinstance(answer, Refusal):
        words = f"AWS does not let us audit its root user: {answer.words[:300]}"
        return [warning("root_unaudited", account_id, words)]
    root = to_observed_root(answer)
    present = {
        "root_password": (root.password, "a password"),
        "root_access_keys": (root.access_keys, "access keys"),
        "root_certificates": (root.signing_certificates, "signing certificates"),
        "root_mfa": (root.mfa, "an MFA device"),
    }
    return [
        _came_back(code, account_id, what) if may_delete else _kept(code, account_id, what)
        for code, (there, what) in present.items()
        if there
    ]


def _came_back(code: str, account_id: str, what: str) -> Finding:
    words = (
        f"its root user has {what} again, though it had none when it went live; find out who made "
        "it, and delete it in IAM under root access management"
    )
    return critical(code, account_id, words)


def _kept(code: str, account_id: str, what: str) -> Finding:
    words = (
        f"its root user has {what}, which its client keeps until it agrees that we delete it; ask "
        "the client, then delete it in IAM under root access management"
    )
    return warning(code, account_id, words)
