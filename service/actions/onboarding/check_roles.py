"""Owns that no policy reaches AWS unjudged: every role of a request, as it would be written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache

from accounts.iam.policy_checks import PolicyKind, validate_policy
from accounts.iam.policy_documents import to_text
from accounts.iam.role_catalogue import CATALOGUE, boundary_document, inline_policy, trust_of
from accounts.iam.role_rights import judge_rights
from accounts.model.organization import AWS_DOOR, Reseller
from accounts.model.request import AccountRequest
from accounts.model.role_spec import Document, RoleSpec, check_role
from kernel.errors import BadInput
from kernel.findings import Finding, Severity

SHIPPED = frozenset(spec.name for spec in CATALOGUE)
PLACE_OF_ACCOUNT = "000000000000"
EXTERNAL_ID = "msp-00000000000000000000000000000000"
"""As long as ours are."""


def check_roles(reseller: Reseller, request: AccountRequest) -> None:
    """Raises BadInput with the worst finding of the first role that may not be written."""
    for spec in request.roles:
        check_role(spec)
        _refuse_what_blocks(findings_of(spec, reseller, request.external_id))


def check_catalogue_role(
    spec: RoleSpec, resellers: Collection[Reseller], *, own: Iterable[RoleSpec]
) -> tuple[Finding, ...]:
    """Of a role for the reseller's own catalogue: the warnings. Raises BadInput for the worst.

    `own`: those that are there; one of the same name is replaced.
    """
    check_role(spec)
    _check_name(spec.name, resellers, own)
    findings = {
        finding for reseller in resellers for finding in findings_of(spec, reseller, EXTERNAL_ID)
    }
    _refuse_what_blocks(findings)
    return tuple(sorted(findings))


def _check_name(name: str, resellers: Iterable[Reseller], own: Iterable[RoleSpec]) -> None:
    """IAM API reference, CreateRole: names "are not distinguished by case"."""
    taken = {each.lower(): each for each in (*SHIPPED, AWS_DOOR)}
    taken |= {each.bootstrap_role.lower(): each.bootstrap_role for each in resellers}
    if shipped := taken.get(name.lower()):
        raise BadInput(f"{name} is our own role {shipped} to AWS; give another name")
    for other in own:
        if other.name != name and other.name.lower() == name.lower():
            raise BadInput(f"{name} is {other.name} to AWS, which ignores case; give another name")


def _refuse_what_blocks(findings: Iterable[Finding]) -> None:
    """A finding's order is its weight: whatever blocks comes before whatever does not."""
    worst = min(findings, default=None)
    if worst is not None and worst.severity is Severity.CRITICAL:
        raise BadInput(f"{worst.where}: {worst.message}")


def findings_of(spec: RoleSpec, reseller: Reseller, external_id: str) -> tuple[Finding, ...]:
    """Of its trust, its policies, its rights and its boundary together, the worst first."""
    found = [
        finding
        for kind, where, document in _documents(spec, reseller, external_id)
        for finding in _judged(kind, where, to_text(document))
    ]
    if spec.name not in SHIPPED:
        found += judge_rights(spec)
    return tuple(sorted(set(found)))


def _documents(
    spec: RoleSpec, reseller: Reseller, external_id: str
) -> Iterator[tuple[PolicyKind, str, Document]]:
    yield PolicyKind.TRUST, f"trust of {spec.name}", trust_of(spec, reseller, external_id)
    inline = inline_policy(spec, reseller, PLACE_OF_ACCOUNT)
    if inline is not None:
        yield PolicyKind.INLINE, f"policy of {spec.name}", inline
    if spec.bounded:
        yield PolicyKind.BOUNDARY, "permissions boundary", boundary_document(reseller)


@lru_cache(maxsize=256)
def _judged(kind: PolicyKind, where: str, text: str) -> tuple[Finding, ...]:
    """A batch asks for the same roles over and over."""
    return validate_policy(text, kind, where=where)
