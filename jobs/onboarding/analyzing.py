"""Owns asking AWS's own judge before a policy is written, where there is somebody to ask as."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from accounts.model.decision import Call
from jobs.aws import signers
from jobs.aws.calls import AwsRefused, Caller, Sent, SignedBy

UNSOUND = "PolicyUnsound"
"""Our code for a policy that Access Analyzer finds fault with; it was not sent."""
BLOCKING = ("ERROR", "SECURITY_WARNING")

_TRUST = {
    "policyType": "RESOURCE_POLICY",
    "validatePolicyResourceType": "AWS::IAM::AssumeRolePolicyDocument",
}
_IDENTITY = {"policyType": "IDENTITY_POLICY"}
_CONTROL = {"policyType": "SERVICE_CONTROL_POLICY"}
_JUDGED: Mapping[tuple[str, str], tuple[str, Mapping[str, str]]] = {
    ("iam", "CreateRole"): ("AssumeRolePolicyDocument", _TRUST),
    ("iam", "UpdateAssumeRolePolicy"): ("PolicyDocument", _TRUST),
    ("iam", "PutRolePolicy"): ("PolicyDocument", _IDENTITY),
    ("iam", "CreatePolicy"): ("PolicyDocument", _IDENTITY),
    ("iam", "CreatePolicyVersion"): ("PolicyDocument", _IDENTITY),
    ("organizations", "CreatePolicy"): ("Content", _CONTROL),
    ("organizations", "UpdatePolicy"): ("Content", _CONTROL),
}
"""Which argument of which write is a policy, and of what kind."""


def unsound(caller: Caller, call: Call) -> AwsRefused | None:
    """Why this write may not be sent: a fault found, or no answer. None where it may.

    Without a profile `msp-analyzer` nobody is asked: our own judgement stands alone.
    """
    judged = _JUDGED.get((call.service, call.operation))
    if judged is None or not caller.can_sign_as(signers.ANALYZER):
        return None
    argument, kind = judged
    reply = caller.send(
        Sent(
            service="accessanalyzer",
            operation="ValidatePolicy",
            arguments={"policyDocument": call.arguments[argument], **kind},
            signed_by=SignedBy(signer=signers.ANALYZER),
            once=False,
        )
    )
    if isinstance(reply, AwsRefused):
        return reply
    words = _blocking(reply.values["findings"])
    return AwsRefused(code=UNSOUND, message=words, request_id=reply.request_id) if words else None


def _blocking(findings: Iterable[Mapping[str, Any]]) -> str:
    return "; ".join(
        f"{finding['findingType']} {finding['issueCode']}: {finding['findingDetails']}"
        for finding in findings
        if finding["findingType"] in BLOCKING
    )
