"""Owns who may use which role in an account: what is granted and revoked, and what follows from it.

Recorded here; the next visit to the account changes the roles' trust in AWS, and proves it. Whoever
asks for an administrator's role for a team only proposes it: a second person has to approve.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.checks.access_proof import forget_proofs
from accounts.checks.roles import role_path_of
from accounts.iam.policy_checks import SIZE_CHARS_MAX, PolicyKind
from accounts.iam.policy_documents import to_text
from accounts.iam.role_catalogue import desired_role
from accounts.iam.role_rights import is_administrative
from accounts.links.link_files import Grant, LinkSettings, Revocation, powers_to_remove, revoked
from accounts.model.lifecycle import Stage
from accounts.model.organization import check_account_id
from accounts.model.request import AccountRequest
from accounts.model.role_spec import RoleSpec, TrustKind
from kernel.errors import BadInput, NotFound, Refused
from service.actions.access.compare_grants import (
    NO_ENDS,
    TeamRole,
    check_said_once,
    checked_end,
    is_named,
    longer,
    pairs_of,
    request_with,
    without,
    words_of,
)
from service.actions.access.note_person import note_person
from service.store.access.idempotency import ask_alone
from service.store.accounts import grant_proposals, grants, onboardings, resellers
from service.store.accounts.grant_proposals import GrantProposal, NoProposal
from service.store.accounts.grants import RoleGrant
from service.store.accounts.onboardings import Onboarding
from service.store.billing import clients
from service.store.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """One account, or all accounts of a client that are live."""

    account_id: str = ""
    client: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantsChanged:
    granted: tuple[RoleGrant, ...] = ()
    proposed: tuple[RoleGrant, ...] = ()
    """Of administrators' roles: these wait for a second person."""
    revoked: tuple[Revocation, ...] = ()
    """What each team has to delete from its password manager and profiles."""
    powers_to_remove: tuple[str, ...] = ()
    """Roles that no team holds any more: they are shut in AWS."""
    onboardings: tuple[Onboarding, ...] = ()
    """Those that are due now, for AWS to hear of it."""


class NotLive(Refused):
    code = "not_live"

    def __init__(self, onboarding: Onboarding) -> None:
        super().__init__(
            f"account {onboarding.account_id} is {onboarding.state}: roles are granted and revoked "
            "in live accounts only; a hand-over removes every role itself"
        )


class NoAccount(NotFound):
    def __init__(self, what: str) -> None:
        super().__init__(f"{what} has no onboarded account whose roles could be granted")


def set_grants(
    session: Session,
    account_id: str,
    wanted: Sequence[TeamRole],
    *,
    ends: Mapping[TeamRole, datetime] = NO_ENDS,
    actor: str,
    now: datetime,
) -> GrantsChanged:
    """`wanted`: all that shall hold for the account from now on. Raises as `change_grants`."""
    check_said_once(wanted)
    ask_alone(session)
    (onboarding,) = _accounts(session, Where(account_id=account_id))
    instants = {pair: checked_end(end, now) for pair, end in ends.items()}
    asked = {_checked(session, onboarding, pair, instants.get(pair)) for pair in wanted}
    waiting = {each.grant for each in grant_proposals.living_proposals(session, account_id)}
    grant_proposals.withdraw(session, waiting - asked, actor=actor, now=now)
    return _set(session, onboarding, asked, actor=actor, now=now)


def change_grants(
    session: Session,
    where: Where,
    *,
    grant: Sequence[TeamRole] = (),
    revoke: Sequence[TeamRole] = (),
    ends: Mapping[TeamRole, datetime] = NO_ENDS,
    actor: str,
    now: datetime,
) -> GrantsChanged:
    """Twice is once. Raises BadInput, NoAccount, NotLive; then nothing is stored.

    `ends`: of what is granted, until when; what is not among them holds until it is revoked. Of a
    client, accounts that lack a role stay as they are, as long as one of them has it.
    """
    check_said_once(grant, revoke)
    ask_alone(session)
    accounts = _accounts(session, where)
    instants = {pair: checked_end(end, now) for pair, end in ends.items()}
    for team, role in (*grant, *revoke):
        _check_known(session, accounts, team, role)
    changed = []
    for onboarding in accounts:
        before = set(grants.living_grants(session, account_id=onboarding.account_id))
        given = {
            _checked(session, onboarding, pair, instants.get(pair))
            for pair in grant
            if len(accounts) == 1 or pair[1] in _for_people(onboarding)
        }
        taken = {each for each in before if is_named(each, revoke)}
        waiting = grant_proposals.living_proposals(session, onboarding.account_id)
        withdrawn = [each.grant for each in waiting if is_named(each.grant, revoke)]
        grant_proposals.withdraw(session, withdrawn, actor=actor, now=now)
        asked = without(before - taken, pairs_of(given)) | given
        changed.append(_set(session, onboarding, asked, actor=actor, now=now))
    return _all_of(changed)


def approve_grants(
    session: Session, where: Where, given: Sequence[TeamRole], *, actor: str, now: datetime
) -> GrantsChanged:
    """What another person asked for holds from now on.

    Raises BadInput, NoAccount, NotLive, NoProposal, SamePerson; then nothing is stored.
    """
    ask_alone(session)
    changed = []
    for onboarding in _accounts(session, where):
        account_id = onboarding.account_id
        waiting = {
            (each.grant.team, each.grant.role): each.grant
            for each in grant_proposals.living_proposals(session, account_id)
        }
        # Of a client, those accounts alone where it was asked for.
        named = [pair for pair in given if pair in waiting] if where.client else given
        approved = set()
        for team, role in sorted(set(named)):
            nobodys = RoleGrant(team=team, account_id=account_id, role=role)
            each = waiting.get((team, role), nobodys)
            grant_proposals.approve(session, each, approver=actor, now=now)
            end = each.until and checked_end(each.until, now)
            approved.add(_checked(session, onboarding, (team, role), end))
        before = set(grants.living_grants(session, account_id=account_id))
        asked = without(before, pairs_of(approved)) | approved
        changed.append(_set(session, onboarding, asked, approved=approved, actor=actor, now=now))
    if not any(each.granted for each in changed):
        team, role = given[0]
        raise NoProposal(RoleGrant(team=team, account_id=where.client, role=role))
    return _all_of(changed)


def end_grants(session: Session, account_id: str, *, now: datetime) -> GrantsChanged:
    """What was granted until a time that is over is taken from the roles' trust.

    AWS itself refuses it since that time. Of an account that leaves its hand-over takes all.
    """
    ask_alone(session)
    (onboarding,) = _accounts(session, Where(account_id=account_id))
    if onboarding.stage is not Stage.LIVE:
        return GrantsChanged()
    living = grants.living_grants(session, account_id=account_id)
    asked = {each for each in living if each.until is None or each.until > now}
    actor = f"onboarding {onboarding.id}"
    return _set(session, onboarding, asked, actor=actor, action="end_grants", now=now)


def proposed_grants(session: Session) -> tuple[GrantProposal, ...]:
    """Those that wait for a second person, in accounts that are live."""
    return tuple(
        each
        for each in grant_proposals.living_proposals(session)
        if (found := onboardings.onboarding_of(session, each.grant.account_id)) is not None
        and found.stage is Stage.LIVE
    )


def _all_of(changed: Sequence[GrantsChanged]) -> GrantsChanged:
    return GrantsChanged(
        granted=tuple(each for one in changed for each in one.granted),
        proposed=tuple(each for one in changed for each in one.proposed),
        revoked=tuple(each for one in changed for each in one.revoked),
        powers_to_remove=tuple(each for one in changed for each in one.powers_to_remove),
        onboardings=tuple(each for one in changed for each in one.onboardings),
    )


def _set(
    session: Session,
    onboarding: Onboarding,
    asked: set[RoleGrant],
    *,
    approved: Collection[RoleGrant] = (),
    action: str = "set_grants",
    actor: str,
    now: datetime,
) -> GrantsChanged:
    before = set(grants.living_grants(session, account_id=onboarding.account_id))
    if asked == before:
        return GrantsChanged()
    if onboarding.stage is not Stage.LIVE:
        raise NotLive(onboarding)
    specs = _for_people(onboarding)
    waiting = {
        each
        for each in longer(asked - before, before)
        if each not in approved and is_administrative(specs[each.role])
    }
    if waiting:
        _propose(session, onboarding, waiting, actor=actor, now=now)
        pairs = pairs_of(waiting)
        asked = (asked - waiting) | (before - without(before, pairs))
    if asked == before:
        return GrantsChanged(proposed=tuple(sorted(waiting)))
    # In this order: of one team and role, one grant holds at a time.
    grants.revoke(session, before - asked, actor=actor, now=now)
    grants.grant(session, asked - before, actor=actor, now=now)
    changed = {each.role for each in asked ^ before}
    request = request_with(onboarding.request, changed, asked)
    _check_trusts(session, onboarding, request, changed)
    corrected = onboardings.put_request(session, onboarding, request)
    woken = onboardings.wake(session, corrected, forget_proofs(corrected.record, changed), now)
    note_person(session, woken, action, words=words_of(asked) or "nobody", actor=actor, now=now)
    shown = _Shown.of(session)
    shown_before, shown_after = (
        [shown.grant(onboarding, each) for each in sorted(some)] for some in (before, asked)
    )
    reseller = resellers.reseller(session, onboarding.payer_account_id)
    settings = LinkSettings(partition=reseller.partition, region=reseller.region)
    return GrantsChanged(
        granted=tuple(sorted(asked - before)),
        proposed=tuple(sorted(waiting)),
        revoked=revoked(shown_before, shown_after, settings),
        powers_to_remove=powers_to_remove(shown_before, shown_after),
        onboardings=(woken,),
    )


def _propose(
    session: Session,
    onboarding: Onboarding,
    asked: Collection[RoleGrant],
    *,
    actor: str,
    now: datetime,
) -> None:
    """One with another end takes the place of the one that waits."""
    waiting = {e.grant for e in grant_proposals.living_proposals(session, onboarding.account_id)}
    replaced = (waiting - without(waiting, pairs_of(asked))) - set(asked)
    grant_proposals.withdraw(session, replaced, actor=actor, now=now)
    grant_proposals.propose(session, asked, actor=actor, now=now)
    note_person(session, onboarding, "propose_grants", words=words_of(asked), actor=actor, now=now)


def _check_trusts(
    session: Session, onboarding: Onboarding, request: AccountRequest, roles: Collection[str]
) -> None:
    """Each team and each end is some more text, of which AWS takes so much."""
    reseller = resellers.reseller(session, onboarding.payer_account_id)
    for role in sorted(roles):
        trust = desired_role(_for_people(onboarding)[role], reseller, request, "").trust
        if (size := len(to_text(trust))) > SIZE_CHARS_MAX[PolicyKind.TRUST]:
            raise BadInput(
                f"{role} in {onboarding.account_id}: its trust would have {size} characters, and "
                f"AWS takes {SIZE_CHARS_MAX[PolicyKind.TRUST]}: give it to fewer teams, or let "
                "several end at the same time"
            )


def link_grants(
    session: Session,
    *,
    team: str | None = None,
    where: Where | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> tuple[Grant, ...]:
    """Every grant that holds now, as `accounts.links.link_files.export` takes them.

    `after` and `limit` choose a page, as those of `living_grants`.
    """
    where = where or Where()
    found = grants.living_grants(
        session,
        team=team,
        account_id=where.account_id or None,
        client=where.client or None,
        after=after,
        limit=limit,
    )
    onboarded = {
        account_id: onboardings.onboarding_of(session, account_id)
        for account_id in sorted({each.account_id for each in found})
    }
    shown = _Shown.of(session)
    made = []
    for each in found:
        onboarding = onboarded[each.account_id]
        assert onboarding is not None, f"{each} was granted in no account of ours"
        made.append(shown.grant(onboarding, each))
    return tuple(sorted(made))


def _accounts(session: Session, where: Where) -> tuple[Onboarding, ...]:
    if bool(where.account_id) == bool(where.client):
        raise BadInput("say either the account or the client whose accounts it is about")
    if where.account_id:
        onboarding = onboardings.onboarding_of(session, check_account_id(where.account_id))
        if onboarding is None:
            raise NoAccount(where.account_id)
        return (onboarding,)
    live = onboardings.onboardings(session, client=where.client, stage=Stage.LIVE)
    if not live:
        raise NoAccount(f"client {where.client!r}")
    return live


def _check_known(session: Session, accounts: Sequence[Onboarding], team: str, role: str) -> None:
    """A word that is wrong everywhere is said to be, before anything is stored."""
    teams = [each.key for each in resellers.teams(session)]
    if team not in teams:
        raise BadInput(f"no team is called {team!r}; there are {', '.join(teams) or 'none'}")
    roles = sorted({name for onboarding in accounts for name in _for_people(onboarding)})
    if role and role not in roles:
        where = ", ".join(onboarding.account_id for onboarding in accounts[:5])
        raise BadInput(
            f"no role for people is called {role!r} in {where}; there are {', '.join(roles)}"
        )


def _checked(
    session: Session, onboarding: Onboarding, pair: TeamRole, until: datetime | None
) -> RoleGrant:
    team, role = pair
    _check_known(session, (onboarding,), team, role)
    if not role:
        raise BadInput("say which role is granted")
    spec = _for_people(onboarding)[role]
    if spec.trust is not TrustKind.HUMAN_MFA and team != spec.team:
        raise BadInput(
            f"{role} lets in the permission set {spec.permission_set}: assign that to {team!r} in "
            "Identity Center, or grant a role that asks for a team"
        )
    return RoleGrant(team=team, account_id=onboarding.account_id, role=role, until=until)


def _for_people(onboarding: Onboarding) -> dict[str, RoleSpec]:
    return {spec.name: spec for spec in onboarding.request.roles if spec.team}


@dataclass(frozen=True, slots=True)
class _Shown:
    """How grants are shown: what holds for many of them is asked for once."""

    client_names: Mapping[str, str]
    bootstrap_roles: Mapping[str, str]
    """By payer account."""

    @classmethod
    def of(cls, session: Session) -> _Shown:
        return cls(
            {str(client.key): client.name for client in clients.clients(session)},
            {each.payer_account_id: each.bootstrap_role for each in resellers.resellers(session)},
        )

    def grant(self, onboarding: Onboarding, grant: RoleGrant) -> Grant:
        spec = _for_people(onboarding)[grant.role]
        return Grant(
            team=grant.team,
            client_key=onboarding.request.client_key,
            client_name=self.client_names[onboarding.request.client_key],
            account_id=grant.account_id,
            account_name=onboarding.request.account_name,
            role_path=role_path_of(grant.role, self.bootstrap_roles[onboarding.payer_account_id]),
            stage=spec.stage,
            session_seconds=spec.session_seconds,
            until=grant.until,
            permission_set=(spec.permission_set if spec.trust is TrustKind.IDENTITY_CENTER else ""),
        )
