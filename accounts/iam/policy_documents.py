"""Owns the policies shipped as JSON files: their places filled in, and their one canonical text."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

from accounts.model.organization import Reseller
from accounts.model.role_spec import Document

_PLACEHOLDER = re.compile(r"<([a-z_]+)>")


def policy_file(name: str, **places: str) -> Document:
    """`role_oncall` -> its document, each `<place>` replaced. Raises KeyError for a missing one."""
    filled = _PLACEHOLDER.sub(lambda match: json.dumps(places[match[1]])[1:-1], _text(name))
    document: Document = json.loads(filled)
    return document


def places_in(name: str) -> frozenset[str]:
    """The places that the file leaves open."""
    return frozenset(_PLACEHOLDER.findall(_text(name)))


@cache
def _text(name: str) -> str:
    return files("accounts.iam").joinpath("policies", f"{name}.json").read_text("utf-8")


def places_of(reseller: Reseller) -> dict[str, str]:
    """The places that depend on the organization alone."""
    return {
        "partition": reseller.partition,
        "payer": reseller.payer_account_id,
        "access_account": reseller.access_account_id,
        "organization": reseller.organization_id,
        "root_id": reseller.root_id,
        "client_ou": reseller.client_ou_id,
        "membership_scp": reseller.membership_scp_id,
        "root_scp": reseller.root_scp_id,
        "bootstrap_role": reseller.bootstrap_role,
        "automation_arn": reseller.automation_arn,
        "offboarding_arn": reseller.offboarding_arn,
    }


def service_policies(reseller: Reseller) -> dict[str, Document]:
    """What the service itself needs in the payer account and the access account, by role."""
    names = (
        "svc_setup", "svc_onboard", "svc_offboard", "svc_approver", "svc_analyzer", "svc_access",
    )  # fmt: skip
    return {name: policy_file(name, **places_of(reseller)) for name in names}


def guard_policies(reseller: Reseller) -> dict[str, Document]:
    """The service control policies of client accounts, by file."""
    return {
        name: policy_file(name, **places_of(reseller)) for name in ("scp_membership", "scp_root")
    }


def to_text(document: Document) -> str:
    """The document without blanks, as it is sent to AWS and counted against AWS's limits."""
    return json.dumps(document, separators=(",", ":"))


def same_policy(one: Document, other: Document) -> bool:
    """Do both say the same, whatever the order of keys and of lists, and one text for a list?"""
    return _normalized(one) == _normalized(other)


def statements_of(document: Document) -> list[dict[str, Any]]:
    """IAM allows one statement in place of a list of one."""
    return as_list(document.get("Statement", []))


def as_list(value: Any) -> list[Any]:
    """What IAM lets stand as one text or as a list of texts, as a list."""
    return value if isinstance(value, list) else [value]


def _normalized(document: Document) -> Document:
    statements = [_plain_statement(each) for each in statements_of(document)]
    return {**document, "Statement": sorted(statements, key=_sorted_text)}


def _plain_statement(statement: dict[str, Any]) -> dict[str, Any]:
    return {key: _plain_part(key, value) for key, value in statement.items()}


def _plain_part(key: str, value: Any) -> Any:
    match key, value:
        case (("Action" | "NotAction" | "Resource" | "NotResource"), _):
            # IAM gives a list of one back as one text, and lists in an order of its own:
            # `tests/unit/accounts/iam/test_policies.py`,
            # `test_policies_are_the_same_whatever_the_order_and_one_for_a_list`.
            return sorted(as_list(value))
        case (("Principal" | "NotPrincipal"), dict()):
            return {kind: sorted(as_list(names)) for kind, names in value.items()}
        case "Condition", dict():
            return {
                # Condition keys are not case-sensitive (IAM User Guide, "Condition").
                operator: {name.lower(): sorted(map(str, as_list(v))) for name, v in tested.items()}
                for operator, tested in value.items()
            }
    return value


def _sorted_text(statement: dict[str, Any]) -> str:
    return json.dumps(statement, sort_keys=True)
