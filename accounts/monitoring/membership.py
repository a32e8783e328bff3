"""Owns the daily look: what happened to accounts and roles outside Rebill, and what follows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, timedelta

from accounts.checks.role_drift import Drift, drift, find_role, is_ours
from accounts.iam.policy_documents import same_policy
from accounts.iam.role_catalogue import (
    BOUNDARY_NAME,
    ROLE_PATH,
    WORKLOAD_PATH,
    boundary_arn,
    boundary_document,
    desired_role,
)
from accounts.model.decision import Session
from accounts.model.lifecycle import Stage, has_reached
from accounts.model.observed import Observed, ObservedAccount
from accounts.model.organization import TAG_CLIENT, Reseller
from accounts.model.request import AccountRequest
from kernel.findings import Finding, critical, warning


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAccount:
    """A member as our registry has it."""

    account_id: str
    name: str
    client_key: str
    """'' while nobody's."""
    stage: Stage
    state: str = "ACTIVE"
    """AWS's `State` when last seen."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class RosterChange:
    """An assignment that begins or ends on a day; nothing is overwritten.

    `from_on` set: it belongs to `client_key` from that day. `until_on` set: it did, until then.
    """

    account_id: str
    client_key: str
    from_on: date | None = None
    until_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    findings: tuple[Finding, ...]
    changes: tuple[RosterChange, ...]
    departed: tuple[str, ...]
    """Accounts whose onboarding moves on to `departed`."""


def compare_membership(
    reseller: Reseller,
    known: Iterable[KnownAccount],
    seen: Iterable[ObservedAccount],
    *,
    tags: Mapping[str, Mapping[str, str]],
    clients: frozenset[str],
    today: date,
) -> Membership:
    """What AWS's complete list of accounts says against our registry.

    `tags` holds the tags of accounts we do not know. One that carries a client's key is that
    client's from the day it joined; any other is unassigned until a person says whose it is.
    """
    by_id = {account.account_id: account for account in known}
    listed = {account.account_id: account for account in seen}
    # ListAccounts lists the payer among its members.
    listed.pop(reseller.payer_account_id, None)
    findings: list[Finding] = []
    changes: list[RosterChange] = []
    for account in sorted(listed.values(), key=lambda each: each.account_id):
        if account.account_id in by_id:
            findings += _changed(by_id[account.account_id], account)
        else:
            client = tags.get(account.account_id, {}).get(TAG_CLIENT, "")
            findings.append(_appeared(account, client if client in clients else ""))
            if client in clients:
                joined_on = account.joined_at.astimezone(UTC).date()
                changes.append(_begins(account.account_id, client, joined_on))
    gone = [account for _, account in sorted(by_id.items()) if _is_gone(account, set(listed))]
    findings += [_left(account) for account in gone]
    changes += [_ends(account, today) for account in gone if account.client_key]
    return Membership(
        findings=tuple(sorted(findings)),
        changes=tuple(sorted(changes, key=lambda change: change.account_id)),
        departed=tuple(account.account_id for account in gone),
    )


def as_named(
    seen: Iterable[ObservedAccount], onboarded: Iterable[tuple[str, AccountRequest]]
) -> tuple[ObservedAccount, ...]:
    """What AWS lists, without the names of creations: it shows those for hours after a change.

    Who took such a name for a new one would tell of a rename, and the next day of another.
    """
    passing = {
        (account_id, request.name_with_token): request.account_name
        for account_id, request in onboarded
    }
    return tuple(
        replace(each, name=passing.get((each.account_id, each.name), each.name)) for each in seen
    )


def _is_gone(account: KnownAccount, listed: set[str]) -> bool:
    """One that is being handed over is left to its hand-over, which looks by itself."""
    was_ours = has_reached(account.stage, Stage.LINKED)
    return (
        was_ours
        and not has_reached(account.stage, Stage.HANDING_OVER)
        and (account.account_id not in listed)
    )


def _changed(known: KnownAccount, seen: ObservedAccount) -> Iterator[Finding]:
    if seen.state != known.state:
        words = f"AWS says {seen.state}, it was {known.state}"
        judge = warning if seen.state == "ACTIVE" else critical
        yield judge("account_state_changed", known.account_id, words)
    if seen.name != known.name:
        words = f"is now called {seen.name!r}, it was {known.name!r}"
        yield warning("account_renamed", known.account_id, words)
    if has_reached(known.stage, Stage.DEPARTED):
        words = f"is a member again, though it is {known.stage}"
        yield critical("account_returned", known.account_id, words)


def _appeared(account: ObservedAccount, client: str) -> Finding:
    if client:
        words = f"joined outside Rebill; its tag says it is {client}'s"
        return warning("account_appeared", account.account_id, words)
    words = (
        f"{account.name!r} joined outside Rebill and is nobody's: adopt it for its client, or "
        "name it under internal_accounts"
    )
    return critical("account_unassigned", account.account_id, words)


def _left(account: KnownAccount) -> Finding:
    words = (
        "left the organization outside Rebill; prove that our roles are gone, bill it until then"
    )
    return critical("account_left", account.account_id, words)


def _begins(account_id: str, client_key: str, day: date) -> RosterChange:
    return RosterChange(account_id=account_id, client_key=client_key, from_on=day)


def _ends(account: KnownAccount, today: date) -> RosterChange:
    """It may have left at any hour since the last look: today's charges are still its client's."""
    return RosterChange(
        account_id=account.account_id,
        client_key=account.client_key,
        # Half-open, as all spans of days: `tests/unit/accounts/monitoring/test_membership.py`,
        # `test_an_account_that_left_is_its_clients_until_the_day_after`.
        until_on=today + timedelta(days=1),
    )


def role_drift(
    reseller: Reseller,
    request: AccountRequest,
    observed: Observed,
    account_id: str,
    session: Session,
) -> tuple[Drift, ...]:
    """What differs from the roles asked for; needs `roles` and `session_seconds` of the facts."""
    return tuple(
        difference
        for spec in request.roles
        for difference in drift(
            desired_role(spec, reseller, request, account_id), observed, session
        )
    )


def role_findings(
    reseller: Reseller,
    request: AccountRequest,
    observed: Observed,
    account_id: str,
    session: Session,
) -> tuple[Finding, ...]:
    """The drift report in words, and what stands under our path that nobody asked for."""
    boundary = boundary_arn(reseller, account_id)
    found = [
        critical("role_drift", f"{account_id} {each.role}", each.what)
        for each in role_drift(reseller, request, observed, account_id, session)
    ]
    found += _boundary_findings(reseller, request, observed, account_id)
    wanted = {spec.name for spec in request.roles}
    for role in observed.roles or ():
        if role.path.startswith(WORKLOAD_PATH) and role.boundary_arn != boundary:
            words = (
                "is not in our boundary, and engineers may pass it to a service; bound or move it"
            )
            found.append(critical("workload_unbounded", f"{account_id} {role.name}", words))
        if role.name in wanted:
            continue
        if is_ours(role):
            words = "is ours by path and tag, and nobody asked for it"
            found.append(warning("role_unasked", f"{account_id} {role.name}", words))
        elif role.path.startswith(ROLE_PATH):
            # Our guard lets nobody tag a role there, so a stranger's never has our tag.
            words = f"stands under our path {role.path} and is none of ours: see who made it"
            found.append(critical("role_stranger", f"{account_id} {role.name}", words))
    for policy in observed.policies or ():
        if f":policy{ROLE_PATH}" in policy.arn and policy.arn != boundary:
            words = "stands under our path and is none of ours: see who made it"
            found.append(critical("policy_stranger", f"{account_id} {policy.arn}", words))
    for name in sorted(wanted):
        seen = find_role(observed, name)
        if seen is not None and not is_ours(seen):
            words = "has lost our path or tag; the next repair will not touch it"
            found.append(critical("role_disowned", f"{account_id} {name}", words))
    return tuple(sorted(found))


def _boundary_findings(
    reseller: Reseller, request: AccountRequest, observed: Observed, account_id: str
) -> Iterator[Finding]:
    """Its text, too: whoever rewrites it frees everybody inside."""
    if not any(spec.bounded for spec in request.roles):
        return
    arn, wanted = boundary_arn(reseller, account_id), boundary_document(reseller)
    seen = next((each for each in observed.policies or () if each.arn == arn), None)
    if seen is None or not same_policy(seen.document, wanted):
        what = "is missing" if seen is None else "says something else than ours"
        words = f"the permissions boundary {what}; retry its onboarding"
        yield critical("boundary_drift", f"{account_id} {BOUNDARY_NAME}", words)
