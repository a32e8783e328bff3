"""Owns how grants are told apart: by team and role, by what they give, and by when they end."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType

from accounts.model.request import AccountRequest
from kernel.errors import BadInput
from service.store.accounts.grants import RoleGrant

TeamRole = tuple[str, str]
"""A team, and a role; in what is revoked '' for every role."""
NO_ENDS: Mapping[TeamRole, datetime] = MappingProxyType({})


def pairs_of(some: Iterable[RoleGrant]) -> set[TeamRole]:
    return {(each.team, each.role) for each in some}


def without(some: Iterable[RoleGrant], pairs: Collection[TeamRole]) -> set[RoleGrant]:
    return {each for each in some if (each.team, each.role) not in pairs}


def is_named(grant: RoleGrant, named: Collection[TeamRole]) -> bool:
    return (grant.team, grant.role) in named or (grant.team, "") in named


def check_said_once(grant: Sequence[TeamRole], revoke: Sequence[TeamRole] = ()) -> None:
    """What is named twice, or given and taken, would end otherwise than one of the two says.

    A whole team may be revoked beside a role that it is granted: that is all it then has.
    """
    for team, role in grant:
        if grant.count((team, role)) > 1:
            raise BadInput(f"{team}: {role} is to be granted twice; say it once")
        if (team, role) in revoke:
            raise BadInput(f"{team}: {role} is to be granted and revoked; say one of them")


def longer(asked: Iterable[RoleGrant], before: Iterable[RoleGrant]) -> Iterator[RoleGrant]:
    """Those that give more than what holds: a new one, or a later end."""
    held = {(each.team, each.role): each.until for each in before}
    for each in asked:
        end = held.get((each.team, each.role), datetime.min.replace(tzinfo=UTC))
        if end is not None and (each.until is None or each.until > end):
            yield each


def words_of(some: Iterable[RoleGrant]) -> str:
    return ", ".join(
        f"{each.team}: {each.role}" + (f" until {each.until.isoformat()}" if each.until else "")
        for each in sorted(some)
    )


def request_with(
    request: AccountRequest, roles: Iterable[str], asked: Iterable[RoleGrant]
) -> AccountRequest:
    held = {role: sorted(each for each in asked if each.role == role) for role in sorted(roles)}
    return replace(
        request,
        teams={**request.teams} | {role: tuple(g.team for g in of) for role, of in held.items()},
        ends={**request.ends}
        | {role: {g.team: g.until for g in of if g.until} for role, of in held.items()},
    )


def checked_end(end: datetime, now: datetime) -> datetime:
    """In UTC, and in seconds, as AWS compares them."""
    if end.utcoffset() is None:
        raise BadInput(f"until {end}: say in which zone, such as {end.isoformat()}Z")
    if end <= now:
        raise BadInput(f"until {end}: that is over")
    return end.astimezone(UTC).replace(microsecond=0)
