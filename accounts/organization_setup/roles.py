"""Owns the set-up's items of who may do what: our service's roles, and the payer's own root."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from accounts.aws.calls import read
from accounts.aws.responses import to_observed_root
from accounts.checks.root_user import payer_root_findings
from accounts.iam.policy_checks import PolicyKind, validate_policy
from accounts.iam.policy_documents import (
    as_list,
    places_in,
    policy_file,
    same_policy,
    statements_of,
    to_text,
)
from accounts.model.decision import Refusal
from accounts.model.role_spec import Document
from accounts.organization_setup.items import (
    AS_SETUP,
    ByHand,
    Later,
    SetupContext,
    Todo,
    difference,
)
from accounts.organization_setup.organization import client_ou_id, guard_id
from kernel.findings import blocking_words

MFA = "aws:MultiFactorAuthPresent"
POLICY_NAME = "msp"
"""Of the one inline policy that a service role carries."""


def service_policy(context: SetupContext, file: str) -> Document | None:
    """Filled in; None while an OU, a guard or an account that it names is not there.

    Of other places none is missing: a file with a misspelt one is a defect, and not to be waited
    for.
    """
    reseller = context.wanted.reseller
    made = {
        "client_ou": client_ou_id(context),
        "membership_scp": guard_id(context, "scp_membership"),
        "root_scp": guard_id(context, "scp_root"),
        "access_account": reseller.access_account_id if reseller else "",
    }
    not_there = {place for place, identity in made.items() if not identity}
    if not_there & places_in(file):
        return None
    return policy_file(file, **context.places(**made))


WORKER = "the worker"
PEOPLE = "people who sign in with MFA"


def service_role(context: SetupContext, *, role: str, file: str, whom: str) -> Todo | None:
    wanted = service_policy(context, file)
    if wanted is None:
        return Later("its policy names the OU and the guards")
    name = context.role_arn(role).rsplit("/", 1)[-1]
    for operation, step, more in (
        ("GetRole", "see_role", {}),
        ("GetRolePolicy", "see_role_policy", {"PolicyName": POLICY_NAME}),
        ("ListRolePolicies", "see_inline", {}),
        ("ListAttachedRolePolicies", "see_attached", {}),
    ):
        answer = context.answers.get(f"{step}:{role}")
        if answer is None:
            return read(
                step, "iam", operation, session=AS_SETUP, subject=role, RoleName=name, **more
            )
        if isinstance(answer, Refusal):
            what = "the role" if operation == "GetRole" else f"its policy {POLICY_NAME}"
            return ByHand(f"make {what} {name}, for {whom}, with {file}.json (--policies DIR)")
    return next(_role_faults(context, role, wanted, whom), None)


def _role_faults(context: SetupContext, role: str, wanted: Document, whom: str) -> Iterator[ByHand]:
    trust = _document(context.seen(f"see_role:{role}")["Role"]["AssumeRolePolicyDocument"])
    if unfit := blocking_words(validate_policy(trust, PolicyKind.TRUST, where=role)):
        yield ByHand(f"{role}: its trust {unfit}")
    if whom is PEOPLE and not _asks_for_mfa(trust):
        yield ByHand(f"{role}: its trust lets people in without MFA")
    there = _document(context.seen(f"see_role_policy:{role}")["PolicyDocument"])
    if not same_policy(there, wanted):
        yield ByHand(f"put our policy {POLICY_NAME} on {role} anew", difference(there, wanted))
    attached = context.seen(f"see_attached:{role}")["AttachedPolicies"]
    inline = context.seen(f"see_inline:{role}")["PolicyNames"]
    others = [*(each["PolicyName"] for each in attached), *inline]
    # What a role may do is the sum of its policies, and any further one may widen it:
    # `tests/jobs/organization_setup/test_setup.py`,
    # `test_a_service_role_that_may_do_more_or_less_than_its_work_is_named`.
    others.remove(POLICY_NAME)
    if others:
        yield ByHand(f"{role} may do more than its work: take {', '.join(others)} off it")


def _asks_for_mfa(trust: Document) -> bool:
    """Here and nowhere else: a role's session carries no MFA, so that its policies cannot ask.

    Identity Center asks at its own sign-in, and its roles are known by their name.
    """
    return all(
        statement["Effect"] == "Deny"
        or as_list(statement.get("Condition", {}).get("Bool", {}).get(MFA)) == ["true"]
        or "AWSReservedSSO_" in to_text(statement.get("Condition", {}))
        for statement in statements_of(trust)
    )


def _document(value: Any) -> Document:
    """boto3 reads some of IAM's documents, and leaves others as text."""
    document: Document = json.loads(value) if isinstance(value, str) else dict(value)
    return document


def payer_root(context: SetupContext) -> Todo | None:
    if "see_payer_root" not in context.answers:
        return read("see_payer_root", "iam", "GetAccountSummary", session=AS_SETUP)
    root = to_observed_root(context.seen("see_payer_root"))
    found = payer_root_findings(context.payer_account_id, root)
    return ByHand("; ".join(each.message for each in found)) if found else None
