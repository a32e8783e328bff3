"""What the wire carries of grants: who holds which role, what was changed, and what to delete."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field

from accounts.links.link_files import Grant
from service.actions.access.compare_grants import TeamRole
from service.actions.access.set_grants import GrantsChanged
from service.api.accounts.onboarding_schemas import CLIENT_KEY, In, Instant, OnboardingText
from service.api.billing.schemas import AccountText, ClientText, ExternalRefs, Out
from service.store.accounts.grant_proposals import GrantProposal
from service.store.accounts.grants import RoleGrant

TEAM = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
ROLE = r"^[A-Za-z0-9_+=,.@-]{1,64}$"
TeamText = Annotated[str, Field(pattern=TEAM, examples=["engineers"])]
RoleText = Annotated[str, Field(pattern=ROLE, examples=["MspEngineer"])]


class TeamRoleForm(In):
    team: TeamText
    role: RoleText


class GrantForm(TeamRoleForm):
    until: datetime | None = Field(
        None,
        description="When it ends by itself; null: it holds until it is revoked.",
        examples=["2026-12-01T18:00:00Z"],
    )


class TeamRolesForm(In):
    team: TeamText
    role: str = Field(
        "", pattern=r"^[A-Za-z0-9_+=,.@-]{0,64}$", description="Every role, if left out."
    )


class GrantsRequest(In):
    """Exactly these."""

    grants: list[GrantForm] = Field(max_length=200)


class GrantsChange(In):
    """Of one account, or of all accounts of a client that are live."""

    account_id: str = Field("", pattern="^([0-9]{12})?$", examples=["444444444444"])
    client: str = Field("", pattern=f"({CLIENT_KEY})|^$", examples=[""])
    grant: list[GrantForm] = Field(default=[], max_length=200)
    revoke: list[TeamRolesForm] = Field(default=[], max_length=200)


class GrantItem(Out):
    team: TeamText
    role: RoleText
    account_id: AccountText
    client: ClientText
    external_refs: ExternalRefs
    account_name: str = Field(max_length=200)
    until: Instant | None = Field(description="null: it holds until it is revoked.")


class GrantList(Out):
    items: list[GrantItem] = Field(max_length=500)
    next_cursor: str | None = Field(max_length=400)
    has_more: bool


class HeldItem(Out):
    team: TeamText
    role: RoleText
    account_id: AccountText
    until: Instant | None = Field(description="null: it holds until it is revoked.")


class GrantsApproval(In):
    """Of what another key asked for, in one account or in all of a client that are live."""

    account_id: str = Field("", pattern="^([0-9]{12})?$", examples=["444444444444"])
    client: str = Field("", pattern=f"({CLIENT_KEY})|^$", examples=[""])
    grants: list[TeamRoleForm] = Field(min_length=1, max_length=200)


class ProposalItem(HeldItem):
    asked_by: str = Field(max_length=200)
    asked_at: Instant


class ProposalList(Out):
    items: list[ProposalItem] = Field(max_length=100_000)


class EntryItem(Out):
    file: str = Field(max_length=200, examples=["engineers.1password.csv"])
    entry: str = Field(max_length=200, examples=["linkId 0f3a…"])


class RevokedItem(Out):
    team: TeamText
    title: str = Field(max_length=300)
    role_arn: str = Field(max_length=200)
    delete: list[EntryItem] = Field(max_length=20, description="Imports only add: by hand.")


class GrantsAnswer(Out):
    """Recorded; a worker changes the roles' trust in AWS at once, and proves it."""

    granted: list[HeldItem] = Field(max_length=100_000)
    awaiting_approval: list[HeldItem] = Field(
        max_length=100_000,
        description="Of administrators' roles: `POST /v1/grants/approvals` with another key.",
    )
    revoked: list[RevokedItem] = Field(max_length=100_000)
    shut: list[str] = Field(max_length=100_000, description="Roles that no team holds any more.")
    onboardings: list[OnboardingText] = Field(
        max_length=100_000, description="`GET /v1/onboardings/{id}` says `live` when it is done."
    )


def role_of(grant: Grant) -> str:
    return grant.role_path.rsplit("/", 1)[-1]


def to_api_grant(grant: Grant, refs: Mapping[str, dict[str, str]]) -> GrantItem:
    return GrantItem(
        team=grant.team,
        role=role_of(grant),
        account_id=grant.account_id,
        client=grant.client_key,
        external_refs=refs[grant.client_key],
        account_name=grant.account_name,
        until=grant.until.isoformat() if grant.until else None,
    )


def to_api_change(changed: GrantsChanged) -> GrantsAnswer:
    return GrantsAnswer(
        granted=[_held(each) for each in changed.granted],
        awaiting_approval=[_held(each) for each in changed.proposed],
        revoked=[
            RevokedItem(
                team=each.team,
                title=each.title,
                role_arn=each.role_arn,
                delete=[EntryItem(file=file, entry=entry) for file, entry in each.entries],
            )
            for each in changed.revoked
        ],
        shut=list(changed.powers_to_remove),
        onboardings=[each.id for each in changed.onboardings],
    )


def to_api_proposal(proposal: GrantProposal) -> ProposalItem:
    return ProposalItem(
        **_held(proposal.grant).model_dump(),
        asked_by=proposal.asked_by,
        asked_at=proposal.asked_at.isoformat(),
    )


def _held(grant: RoleGrant) -> HeldItem:
    return HeldItem(
        team=grant.team,
        role=grant.role,
        account_id=grant.account_id,
        until=grant.until.isoformat() if grant.until else None,
    )


def to_team_roles(forms: Sequence[TeamRoleForm | TeamRolesForm]) -> tuple[TeamRole, ...]:
    return tuple((form.team, form.role) for form in forms)


def to_ends(forms: Sequence[GrantForm]) -> dict[TeamRole, datetime]:
    return {(form.team, form.role): form.until for form in forms if form.until}
