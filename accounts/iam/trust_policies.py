"""Owns who may assume a role: one trust template per kind of principal.

MFA is known to AWS only where an IAM user signed in with it. Identity Center and role-chained
sessions never carry it, so a trust that demands it locks them out, and `BoolIfExists` lets everyone
in; hence a template per kind (IAM User Guide, "Secure API access with MFA").

A trust names an account and narrows it by `aws:PrincipalArn`, never a role ARN as principal: AWS
stores that as a unique id, and a role that is made again is silently not trusted (IAM User Guide,
"AWS JSON policy elements: Principal").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from accounts.iam.policy_documents import places_of, policy_file, statements_of
from accounts.model.organization import Reseller, check_external_id
from accounts.model.role_spec import Document, TrustKind

TEAM_KEY = "aws:PrincipalTag/msp-team"
TIME_KEY = "aws:CurrentTime"
# A policy must have a statement (IAM User Guide, "IAM JSON policy elements: Statement"), so it is a
# denial for everybody: `tests/jobs/onboarding/test_grants.py`,
# `test_what_was_revoked_is_granted_again_with_all_its_rights`.
TRUST_NOBODY: Document = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}
"""A trust in nobody: of a role that no team holds, and of the bootstrap role when we have left."""


def human_trust(
    reseller: Reseller,
    *,
    teams: tuple[str, ...],
    mfa_age_seconds: int,
    ends: Mapping[str, datetime] | None = None,
) -> Document:
    """`ends`: of teams that are let in until then, and no longer."""
    document = policy_file(
        TrustKind.HUMAN_MFA, **places_of(reseller), mfa_age_seconds=str(mfa_age_seconds)
    )
    # MFA's age is tested beside its presence, as a session of a day ago was signed in with MFA
    # too: `tests/unit/sandbox_aws/test_trust.py::test_mfa_grows_old`.
    enter, name_themselves = statements_of(document)
    ends = {} if ends is None else ends
    lasting = [team for team in teams if team not in ends]
    entries = [_of_teams(enter, lasting)] if lasting else []
    for end in sorted(set(ends.values())):
        statement = _of_teams(enter, [team for team in teams if ends.get(team) == end])
        entries.append(_until(statement, end))
    return {**document, "Statement": [*entries, _of_teams(name_themselves, teams)]}


def _of_teams(statement: Document, teams: Iterable[str]) -> Document:
    condition = statement["Condition"]
    named = {**condition["StringLike"], TEAM_KEY: team_patterns(teams)}
    return {**statement, "Condition": {**condition, "StringLike": named}}


def _until(statement: Document, end: datetime) -> Document:
    """AWS refuses from that second on by itself, whether or not we get to tell it."""
    text = end.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        **statement,
        # Within a policy a Sid is unique (IAM User Guide, "Sid"), and has letters and digits only.
        "Sid": statement["Sid"] + "Until" + "".join(filter(str.isalnum, text)),
        "Condition": {**statement["Condition"], "DateLessThan": {TIME_KEY: text}},
    }


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
    """What a trust says, whichever teams it names, and until when."""
    statements: list[Document] = []
    for each in statements_of(trust):
        condition = {
            operator: kept
            for operator, tested in each.get("Condition", {}).items()
            if (kept := {k: value for k, value in tested.items() if k not in (TEAM_KEY, TIME_KEY)})
        }
        statement = {**each, "Sid": "", "Condition": condition}
        if statement not in statements:
            statements.append(statement)
    return {**trust, "Statement": statements}


def identity_center_trust(
    reseller: Reseller, *, permission_set: str, end: datetime | None = None
) -> Document:
    # No MFA here, which Identity Center asks for at its own sign-in:
    # `tests/unit/accounts/iam/test_policies.py`,
    # `test_identity_center_is_trusted_by_its_role_and_never_by_mfa`.
    # The name ends with 16 characters that Identity Center draws (its User Guide, "Referencing
    # permission sets in resource policies"): `Eng_*` would be `Eng_ReadOnly` as well.
    document = policy_file(
        TrustKind.IDENTITY_CENTER, **places_of(reseller), permission_set=permission_set
    )
    if end is None:
        return document
    return {**document, "Statement": [_until(each, end) for each in statements_of(document)]}


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
