"""Owns the judgement of a policy before any write: form, size, who it trusts, what it allows.

AWS's Access Analyzer has the last word where AWS is at hand; this is what can be known without.

The libraries that know AWS's actions are imported by the functions that ask them: they read all
definitions at import, and whoever only lists onboardings must not wait for that.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from accounts.iam.policy_documents import as_list, statements_of, to_text
from accounts.model.role_spec import Document
from kernel.findings import Finding, critical, is_blocked, warning


class PolicyKind(StrEnum):
    INLINE = "inline"
    MANAGED = "managed"
    TRUST = "trust"
    BOUNDARY = "boundary"
    """A managed policy that only limits others, so it cannot allow too much."""
    GUARD = "guard"
    """A service control policy: it only limits, too."""


SIZE_CHARS_MAX = {
    PolicyKind.INLINE: 10_240,
    PolicyKind.MANAGED: 6_144,
    PolicyKind.BOUNDARY: 6_144,
    PolicyKind.TRUST: 2_048,
    # Doubled in May 2026, as was the number per target; translations of AWS's page of quotas still
    # say 5,120: docs/aws_promises.md has the sources.
    PolicyKind.GUARD: 10_240,
}
_DOCUMENT_KEYS = {"Version", "Id", "Statement"}
_STATEMENT_KEYS = {
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource",
    "Condition",
}  # fmt: skip
_ACTION = re.compile(r"\*|[a-z0-9-]+:[A-Za-z0-9*?]+")
_SID = re.compile(r"[A-Za-z0-9]*")
# "Resource vendor must be fully qualified and cannot contain regexes", says IAM of arn:aws:*:….
_ARN = re.compile(r"arn:(?P<partition>[a-z*-]+):(?P<service>[a-z0-9-]+):(?P<region>[^:]*):[^:]*:.+")
_OPERATOR = re.compile(
    r"(ForAllValues:|ForAnyValue:)?(String(Not)?(Equals(IgnoreCase)?|Like)|Bool|Null|"
    r"Numeric(Not)?Equals|Numeric(Less|Greater)Than(Equals)?|Date(Not)?Equals|"
    r"Date(Less|Greater)Than(Equals)?|BinaryEquals|(Not)?IpAddress|Arn(Not)?(Equals|Like))(IfExists)?"
)
# In AWS's own API models, and not yet in policy_sentry's definitions (0.15.2).
_NEWER_ACTIONS = frozenset({
    "account:getprimaryemailupdatestatus", "account:sendphonenumberverification",
    "account:verifyphonenumber",
})  # fmt: skip
# Of every action on a member's account (Account Management guide, "Policy condition keys"); AWS's
# table by action, which policy_sentry reads, leaves them out.
_ACCOUNT_KEYS = frozenset({
    "account:AccountResourceOrgPaths", "account:AccountResourceOrgTags/${TagKey}",
})  # fmt: skip
# Conditions that pick out principals; a trust in a whole account needs one of them.
_NARROWING = frozenset({
    "aws:multifactorauthpresent", "aws:principalarn", "aws:userid", "aws:username",
    "sts:externalid",
})  # fmt: skip


def validate_policy(
    document: str | Document, kind: PolicyKind, *, where: str
) -> tuple[Finding, ...]:
    """What is wrong with the policy, the worst first; it may be written unless `is_blocked(...)`.

    `where` names it in the findings. Judged no further than its form while the form is wrong.
    """
    if isinstance(document, str):
        parsed = _parsed(document, where)
        if isinstance(parsed, Finding):
            return (parsed,)
        document = parsed
    findings = [*_form(document, kind, where)]
    if not is_blocked(findings):
        findings += _actions(document, where)
        if kind is PolicyKind.TRUST:
            findings += _trust(document, where)
        elif kind in {PolicyKind.INLINE, PolicyKind.MANAGED}:
            findings += escalations(document, where)
    return tuple(sorted(set(findings)))


def _parsed(text: str, where: str) -> Document | Finding:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        return critical("policy_not_json", where, f"is not JSON: line {error.lineno}: {error.msg}")
    if not isinstance(document, dict):
        return critical("policy_not_json", where, "is no JSON object")
    return document


def _form(document: Document, kind: PolicyKind, where: str) -> Iterator[Finding]:
    # IAM does not count blanks (IAM User Guide, "IAM and AWS STS quotas"), and we send none:
    # `tests/unit/sandbox_aws/test_trust.py::test_policies_have_sizes`.
    size, size_max = len(to_text(document)), SIZE_CHARS_MAX[kind]
    if size > size_max:
        message = f"has {size} characters; AWS takes {size_max}"
        yield critical("policy_too_long", where, message)
    if document.get("Version") != "2012-10-17":
        yield critical("policy_form", where, "its Version must be 2012-10-17")
    if unknown := sorted(set(document) - _DOCUMENT_KEYS):
        yield critical("policy_form", where, f"{unknown[0]!r} is no part of a policy")
    statements = statements_of(document)
    if not statements:
        yield critical("policy_form", where, "has no statement")
    sids: set[str] = set()
    for number, statement in enumerate(statements, 1):
        place = f"{where}, statement {number}"
        if isinstance(statement, dict):
            yield from _statement_form(statement, kind, place)
            yield from _sid_form(statement.get("Sid", ""), sids, place)
        else:
            yield critical("policy_form", place, "is no JSON object")


def _statement_form(statement: dict[str, Any], kind: PolicyKind, where: str) -> Iterator[Finding]:
    if unknown := sorted(set(statement) - _STATEMENT_KEYS):
        yield critical("policy_form", where, f"{unknown[0]!r} is no part of a statement")
    if statement.get("Effect") not in ("Allow", "Deny"):
        yield critical("policy_form", where, "its Effect must be Allow or Deny")
    needed = {"Principal": kind is PolicyKind.TRUST, "Resource": kind is not PolicyKind.TRUST}
    for key, wanted in {"Action": True, **needed}.items():
        present = (key in statement) + (f"Not{key}" in statement)
        if present != wanted:
            words = f"needs exactly one of {key} and Not{key}" if wanted else f"may not have {key}"
            yield critical("policy_form", where, words)
    for key in ("Action", "NotAction", "Resource", "NotResource"):
        texts = as_list(statement.get(key, ""))
        if not texts or not all(isinstance(each, str) for each in texts):
            yield critical("policy_form", where, f"{key} must be text or a list of texts")
        elif key in statement and key.endswith("Resource"):
            for each in texts:
                yield from _resource_form(each, where)
    yield from _condition_form(statement.get("Condition", {}), where)


def _sid_form(sid: Any, before: set[str], where: str) -> Iterator[Finding]:
    """IAM User Guide, "IAM JSON policy elements: Sid": letters and digits, unique in a policy."""
    if not isinstance(sid, str) or _SID.fullmatch(sid) is None:
        yield critical("policy_form", where, f"its Sid {sid!r} may hold ASCII letters and digits")
    elif sid in before:
        yield critical("policy_form", where, f"its Sid {sid!r} is another statement's, too")
    elif sid:
        before.add(sid)


def _resource_form(resource: str, where: str) -> Iterator[Finding]:
    """IAM User Guide, "IAM JSON policy elements: Resource": an ARN or *; IAM's have no region."""
    if resource == "*":
        return
    found = _ARN.fullmatch(resource)
    if found is None:
        yield critical("policy_form", where, f"its resource {resource!r} is no ARN, and not *")
    elif found["service"] == "iam" and found["region"]:
        yield critical("policy_form", where, f"{resource!r}: an ARN of IAM has no region")


def _condition_form(condition: Any, where: str) -> Iterator[Finding]:
    if not isinstance(condition, dict) or not all(isinstance(v, dict) for v in condition.values()):
        yield critical("policy_form", where, "Condition must hold operators, each with its keys")
        return
    for operator in condition:
        if _OPERATOR.fullmatch(operator) is None:
            yield critical("policy_form", where, f"{operator!r} is no condition operator")


def _actions(document: Document, where: str) -> Iterator[Finding]:
    for number, statement in enumerate(statements_of(document), 1):
        place = f"{where}, statement {number}"
        named = [*as_list(statement.get("Action", [])), *as_list(statement.get("NotAction", []))]
        actions: set[str] = set()
        for pattern in named:
            matched = _known(pattern)
            if not matched:
                yield critical("unknown_action", place, f"AWS has no action {pattern!r}")
            actions |= matched
        yield from _condition_keys(statement, actions, place)


def _condition_keys(statement: dict[str, Any], actions: set[str], where: str) -> Iterator[Finding]:
    """A key that an action does not know is absent there, so that the statement never matches."""
    if "NotAction" in statement or "*" in as_list(statement.get("Action")):
        return
    tested = {key for keys in statement.get("Condition", {}).values() for key in keys}
    for key in sorted(tested):
        if key.lower().startswith("aws:") and not key.lower().startswith("aws:requesttag"):
            continue
        unfit = sorted(a for a in actions if not any(_fits(key, k) for k in _keys_of(a)))
        if unfit and len(unfit) == len(actions):
            yield critical("unfit_condition", where, f"{key} is no condition key of {unfit[0]}")
        elif unfit:
            yield warning("unfit_condition", where, f"{key} is no condition key of {unfit[0]}")


def _fits(key: str, known: str) -> bool:
    return fnmatchcase(key.lower(), re.sub(r"\$\{[^}]*\}", "*", known.lower()))


@cache
def _known(pattern: str) -> frozenset[str]:
    if pattern == "*":
        return frozenset({"*"})
    if _ACTION.fullmatch(pattern) is None:
        return frozenset()
    service, _, name = pattern.lower().partition(":")
    return frozenset(
        f"{service}:{each}" for each in _names_by_service()[service] if fnmatchcase(each, name)
    )


@cache
def _names_by_service() -> defaultdict[str, list[str]]:
    from policy_sentry.querying.all import get_all_actions

    names = defaultdict[str, list[str]](list)
    for action in {each.lower() for each in get_all_actions()} | _NEWER_ACTIONS:
        service, _, name = action.partition(":")
        names[service].append(name)
    return names


@cache
def _keys_of(action: str) -> frozenset[str]:
    from policy_sentry.querying.actions import get_action_data

    service, name = action.split(":")
    more = _ACCOUNT_KEYS if service == "account" else frozenset()
    if action in _NEWER_ACTIONS:
        return more
    rows = get_action_data(service, name)
    assert isinstance(rows, dict), action
    return more.union(key for row in rows[service] for key in row["condition_keys"])


def _trust(document: Document, where: str) -> Iterator[Finding]:
    from policyuniverse.policy import Policy

    if Policy(document).is_internet_accessible():
        yield critical("trusts_everyone", where, "lets anybody in AWS assume the role")
    for number, statement in enumerate(statements_of(document), 1):
        place = f"{where}, statement {number}"
        if statement["Effect"] == "Allow":
            yield from _trusted(statement, place)


def _trusted(statement: dict[str, Any], where: str) -> Iterator[Finding]:
    condition = statement.get("Condition", {})
    tested = {key.lower() for keys in condition.values() for key in keys}
    principal = statement.get("Principal")
    if principal is None:
        yield critical(
            "trusts_everyone", where, "NotPrincipal lets everybody else in; name who may"
        )
    elif principal == "*" or (isinstance(principal, dict) and "*" in as_list(principal.get("AWS"))):
        yield critical("trusts_everyone", where, "Principal * lets anybody in AWS assume the role")
    elif isinstance(principal, dict) and "AWS" in principal and not tested & _NARROWING:
        yield critical(
            "trusts_an_account",
            where,
            "trusts a whole account; narrow it by aws:PrincipalArn, MFA or sts:ExternalId",
        )
    for operator, keys in condition.items():
        names = {key.lower() for key in keys}
        # So IAM reads `...IfExists` (IAM User Guide, "Condition operators"):
        # `tests/unit/sandbox_aws/test_trust.py`,
        # `test_a_role_session_carries_no_mfa_and_an_absent_key_passes_only_if_exists`.
        if operator.endswith("IfExists") and names & _NARROWING:
            message = f"{operator} lets those pass who lack the key; use the plain operator"
            yield critical("trust_if_exists", where, message)


def escalations(document: Document, where: str) -> Iterator[Finding]:
    """Ways up that touch IAM block; acting through a workload that exists already is shown."""
    from cloudsplaining.scan.policy_document import PolicyDocument

    for path in PolicyDocument(document).allows_privilege_escalation:
        actions = ", ".join(path["actions"])
        if "iam:" in actions:
            message = f"lets its holder become an administrator ({path['type']}: {actions})"
            yield critical("privilege_escalation", where, message)
        else:
            message = f"lets its holder act with a workload's rights ({path['type']}: {actions})"
            yield warning("acts_through_workloads", where, message)
