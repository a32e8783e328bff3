"""Owns what the rights of a role of the reseller's own may be, whatever way they come.

An uploaded policy and an AWS managed one are judged alike. What AWS's own say is not known offline,
so `managed_policies.json` has the judgement of each that was there on its day
(`tests/support/managed_policies.py` makes it); whatever is not on it is refused, not guessed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any

from accounts.iam.policy_checks import escalations
from accounts.iam.policy_documents import as_list, statements_of
from accounts.model.role_spec import Document, RoleSpec
from kernel.findings import Finding, critical, warning

BOUNDARY_ENDING = ":policy/msp/MspBoundary"
_IDENTITY_WRITES = tuple(
    f"iam:{verb}" for verb in (
        "addclientidtoopenidconnectprovider", "addusertogroup", "attachgrouppolicy",
        "attachrolepolicy", "attachuserpolicy", "createaccesskey", "createloginprofile",
        "createopenidconnectprovider", "createpolicyversion", "createrole", "createsamlprovider",
        "createservicespecificcredential", "createuser", "deactivatemfadevice",
        "deleterolepermissionsboundary", "deleterolepolicy", "deleteuserpermissionsboundary",
        "deleteuserpolicy", "detachrolepolicy", "detachuserpolicy", "putgrouppolicy",
        "putrolepermissionsboundary", "putrolepolicy", "putuserpermissionsboundary",
        "putuserpolicy", "setdefaultpolicyversion", "updateassumerolepolicy",
        "updateloginprofile", "updateopenidconnectproviderthumbprint", "updatesamlprovider",
        "uploadsigningcertificate",
    )
)  # fmt: skip


def judge_rights(spec: RoleSpec) -> tuple[Finding, ...]:
    """What may not be written, and what a person should know of, the worst first."""
    findings = [*_managed(spec)]
    if spec.custom is not None:
        findings += identity_rights(spec.custom, f"policy of {spec.name}")
    return tuple(sorted(set(findings)))


def is_administrative(spec: RoleSpec) -> bool:
    """May its holder become an administrator? Then a second person has a say in who holds it."""
    named = (_class_of(each) for each in spec.managed)
    if any(each in ("escalating", "") for each in named):
        return True
    custom = spec.custom
    return custom is not None and any(
        each.code in ("privilege_escalation", "identity_rights", "allows_by_exclusion")
        for each in (*escalations(custom, ""), *identity_rights(custom, ""))
    )


def identity_rights(document: Document, where: str) -> Iterator[Finding]:
    """Rights over identities, on whatever resources, and rights that nobody has listed."""
    for number, statement in enumerate(statements_of(document), 1):
        place = f"{where}, statement {number}"
        if not isinstance(statement, dict) or statement.get("Effect") != "Allow":
            continue
        if "NotAction" in statement:
            # IAM User Guide, "IAM JSON policy elements: NotAction": with Allow, whatever AWS adds.
            yield critical(
                "allows_by_exclusion", place, "allows whatever it does not name: list what it may"
            )
        for verb in _identity_writes(as_list(statement.get("Action", []))):
            if not _keeps_boundary(statement):
                yield critical(
                    "identity_rights",
                    place,
                    f"lets its holder become an administrator ({verb}): leave that to MspAdmin, or "
                    f"add the condition that iam:PermissionsBoundary is ours ({BOUNDARY_ENDING})",
                )
                break


def _identity_writes(patterns: Iterable[Any]) -> Iterator[str]:
    for pattern in patterns:
        for verb in _IDENTITY_WRITES:
            if fnmatchcase(verb, str(pattern).lower()):
                yield verb


def _keeps_boundary(statement: dict[str, Any]) -> bool:
    for operator, keys in statement.get("Condition", {}).items():
        for key, values in keys.items():
            if key.lower() == "iam:permissionsboundary" and operator in (
                "StringEquals", "ArnEquals"
            ):  # fmt: skip
                return all(str(each).endswith(BOUNDARY_ENDING) for each in as_list(values))
    return False


def _managed(spec: RoleSpec) -> Iterator[Finding]:
    if len(set(spec.managed)) != len(spec.managed):
        yield critical("managed_policy", spec.name, "names a managed policy twice")
    for name in spec.managed:
        where = f"{spec.name}, managed policy {name}"
        match _class_of(name):
            case "harmless":
                continue
            case "acting":
                message = "lets its holder act with a workload's rights"
                yield warning("acts_through_workloads", where, message)
            case "escalating":
                message = "lets its holder become an administrator; use MspAdmin for that"
                yield critical("privilege_escalation", where, message)
            case "aws_only":
                yield critical("managed_policy", where, "AWS attaches it to its own roles only")
            case _:
                yield critical("managed_policy", where, _unknown(name))


def _unknown(name: str) -> str:
    if ":" in name:
        ending = name.partition(":policy/")[2]
        return f"is an ARN: give what stands behind policy/, {ending!r}"
    path = next((each for each in _classes() if each.rpartition("/")[2] == name), "")
    if path:
        return f"is {path!r} with AWS: give its path, too"
    day = _listed()["as_of"]
    return f"is none of AWS's as of {day}; what it allows is not known: upload a policy instead"


def _class_of(name: str) -> str:
    """'' for what is not on the list."""
    return _classes().get(name, "")


@cache
def _classes() -> dict[str, str]:
    return {name: kind for kind, names in _listed()["policies"].items() for name in names}


@cache
def _listed() -> dict[str, Any]:
    listed: dict[str, Any] = json.loads(
        files("accounts.iam").joinpath("managed_policies.json").read_text("utf-8")
    )
    return listed
