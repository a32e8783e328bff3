"""Owns who may assume a role: one trust template per kind of principal.

MFA is known to AWS only where an IAM user signed in with it. Identity Center and role-chained
sessions never carry it, so a trust that demands it locks them out, and `BoolIfExists` lets everyone
in; hence a template per kind (IAM User Guide, "Secure API access with MFA").

A trust names an account and narrows it by `aws:PrincipalArn`, never a role ARN as principal: AWS
stores that as a unique id, and a role that is made again is silently not trusted (IAM User Guide,
"AWS JSON policy elements: Principal").
"""

from __future__ import annotations

from collections.abc import Iterable

from accounts.iam.policy_documents import places_of, policy_file, statements_of
from accounts.model.organization import Reseller, check_external_id
from accounts.model.role_spec import Document, TrustKind

TEAM_KEY = "aws:PrincipalTag/msp-team"
# A policy must have a statement (IAM User Guide, "IAM JSON policy elements: Statement"), so it is a
# denial for everybody: `tests/jobs/onboarding/test_grants.py`,
# `test_what_was_revoked_is_granted_again_with_all_its_rights`.
TRUST_NOBODY: Document = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}
"""A trust in nobody: of a role that no team holds, and of the bootstrap role when we have left."""


def human_trust(reseller: Reseller, *, teams: tuple[str, ...], mfa_age_seconds: int) -> Document:
    document = policy_file(
        TrustKind.HUMAN_MFA, **places_of(reseller), mfa_age_seconds=str(mfa_age_seconds)
    )
    for statement in statements_of(document):
        # MFA's age is tested beside its presence, as a session of a day ago was signed in with MFA
        # too: `tests/unit/sandbox_aws/test_trust.py::test_mfa_grows_old`.
        statement["Condition"]["StringLike"][TEAM_KEY] = team_patterns(teams)
    return document


def team_patterns(teams: Iterable[str]) -> list[str]:
    """What the tag of a person says who is in one of these: `oncall`, or `engineers:oncall`.

    No team's key has a colon, `*` or `?` in it.
    """
    # A tag's value is one text, however many it means (IAM API reference, `Tag`), and a person has
    # one tag of a key:
    # `tests/jobs/access/test_people_in_teams.py`.
    return [
        pattern
        for team in sorted(teams)
        for pattern in (team, f"{team}:*", f"*:{team}", f"*:{team}:*")
    ]


def without_teams(trust: Document) -> Document:
    """What a trust says, whichever teams it names."""
    statements = [
        {**each, "Condition": {
            operator: kept
            for operator, tested in each.get("Condition", {}).items()
            if (kept := {key: value for key, value in tested.items() if key != TEAM_KEY})
        }}
        for each in statements_of(trust)
    ]  # fmt: skip
    return {**trust, "Statement": statements}


def identity_center_trust(reseller: Reseller, *, permission_set: str) -> Document:
    # No MFA here, which Identity Center asks for at its own sign-in:
    # `tests/unit/accounts/iam/test_policies.py`,
    # `test_identity_center_is_trusted_by_its_role_and_never_by_mfa`.
    # The name ends with 16 characters that Identity Center draws (its User Guide, "Referencing
    # permission sets in resource policies"): `Eng_*` would be `Eng_ReadOnly` as well.
    return policy_file(
        TrustKind.IDENTITY_CENTER, **places_of(reseller), permission_set=permission_set
    )


def automation_trust(reseller: Reseller, *, external_id: str) -> Document:
    """Also the tightened trust of the bootstrap role, which AWS makes trusting the whole payer."""
    # Two of our roles by `aws:PrincipalArn`, and the id:
    # `tests/unit/accounts/iam/test_policies.py`,
    # `test_automation_is_our_two_roles_with_the_external_id`.
    return policy_file(
        TrustKind.AUTOMATION, **places_of(reseller), external_id=check_external_id(external_id)
    )


def third_party_trust(reseller: Reseller, *, account_id: str, external_id: str) -> Document:
    return policy_file(
        TrustKind.THIRD_PARTY,
        **places_of(reseller),
        third_party_account=account_id,
        external_id=check_external_id(external_id),
    )
