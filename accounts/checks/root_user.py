"""Owns the root user of a member and of the payer: no credentials that nobody needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.aws.calls import read, write
from accounts.aws.reads import read_root
from accounts.engine.context import OnboardingContext
from accounts.model.decision import Call, Decision
from accounts.model.observed import Observed, ObservedRoot
from accounts.model.organization import OnboardingKind
from accounts.model.request import Consent
from kernel.findings import Finding, critical


def ensure_root_audited(context: OnboardingContext) -> Decision | None:
    """No member has root credentials. An invited client's are deleted only with consent."""
    root = context.observed.root
    if root is None:
        return read_root(context.reseller.partition, context.account_id)
    # A created account has none by default (IAM User Guide, "Centrally manage root access for
    # member accounts"); an invited one brings its own: `tests/unit/sandbox_aws/test_root.py`,
    # `test_an_invited_account_brings_its_root_credentials_and_loses_them`.
    consented = (
        context.request.kind is OnboardingKind.CREATE
        or Consent.DELETE_ROOT_CREDENTIALS in context.request.consents
    )
    if not root.has_credentials or not consented:
        return None
    return next_root_deletion(context, root)


def next_root_deletion(context: OnboardingContext, root: ObservedRoot) -> Call:
    """Password first, then keys and certificates, by id, then the audit is repeated."""
    if root.password:
        return _root_call(context, "delete_root_password", "DeleteLoginProfile")
    if root.access_keys:
        if context.observed.root_access_key_ids is None:
            return _root_list(context, "ListAccessKeys", "root_access_key_ids")
        # One at a time: after each deletion the list is read again, as its answer may be lost.
        for key_id in context.observed.root_access_key_ids:
            return _root_call(context, "delete_root_key", "DeleteAccessKey", AccessKeyId=key_id)
    if root.signing_certificates:
        if context.observed.root_certificate_ids is None:
            return _root_list(context, "ListSigningCertificates", "root_certificate_ids")
        for certificate_id in context.observed.root_certificate_ids:
            return _root_call(
                context,
                "delete_root_certificate",
                "DeleteSigningCertificate",
                CertificateId=certificate_id,
            )
    return read_root(context.reseller.partition, context.account_id)


def root_findings(account_id: str, observed: Observed) -> Mapping[str, Finding]:
    """Of a member: what the root user could still sign in with, in plain words."""
    root = observed.root
    assert root is not None, "the root user was not looked at"
    present = {
        "root_password": (root.password, "has a root password"),
        "root_access_keys": (root.access_keys, "has root access keys"),
        "root_certificates": (root.signing_certificates, "has root signing certificates"),
    }
    return {
        code: critical(code, account_id, f"{words}; delete it, or have the client do so")
        for code, (there, words) in present.items()
        if there
    }


def payer_root_findings(payer_account_id: str, root: ObservedRoot) -> tuple[Finding, ...]:
    """Of the payer, whose root cannot be taken away: it needs MFA and may have no keys."""
    found = []
    if not root.mfa:
        words = "its root user has no MFA; register a passkey or hardware key today"
        found.append(critical("payer_root_without_mfa", payer_account_id, words))
    if root.access_keys:
        words = "its root user has an access key; see who uses it, then delete it"
        found.append(critical("payer_root_access_keys", payer_account_id, words))
    if root.signing_certificates:
        words = "its root user has a signing certificate; delete it"
        found.append(critical("payer_root_certificates", payer_account_id, words))
    return tuple(found)


def _root_call(context: OnboardingContext, step: str, operation: str, **arguments: Any) -> Call:
    return write(
        step,
        "iam",
        operation,
        invalidates=("root", "root_access_key_ids", "root_certificate_ids"),
        subject="".join(arguments.values()),
        session=context.root("IAMDeleteRootUserCredentials"),
        **arguments,
    )


def _root_list(context: OnboardingContext, operation: str, fills: str) -> Call:
    return read(
        "audit_root_ids",
        "iam",
        operation,
        fills=fills,
        subject=fills,
        session=context.root("IAMAuditRootUserCredentials"),
    )
