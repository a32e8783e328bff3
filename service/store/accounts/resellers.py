"""Owns the questions about the reseller: its organization, its teams, its own roles."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import col, select

from accounts.model.organization import Reseller
from accounts.model.role_spec import RoleSpec
from kernel.errors import NotFound
from service.store import tables
from service.store.changes import Change, put
from service.store.plain import from_json, to_json
from service.store.session import Session


@dataclass(frozen=True, slots=True)
class Team:
    key: str
    name: str


class NoReseller(NotFound):
    def __init__(self, payer_account_id: str) -> None:
        super().__init__(
            f"the organization of payer account {payer_account_id} is not described: "
            "add `onboarding` to the configuration and apply"
        )


def put_reseller(session: Session, reseller: Reseller) -> list[Change]:
    row = tables.onboarding.ResellerRow(
        payer_account_id=reseller.payer_account_id, body=to_json(reseller)
    )
    return put(session, row, f"reseller {reseller.payer_account_id}")


def reseller(session: Session, payer_account_id: str) -> Reseller:
    """Raises NoPractice."""
    row = session.get(tables.onboarding.ResellerRow, payer_account_id)
    if row is None:
        raise NoReseller(payer_account_id)
    return from_json(Reseller, row.body)


def resellers(session: Session) -> tuple[Reseller, ...]:
    row = tables.onboarding.ResellerRow
    found = session.exec(select(row).order_by(col(row.payer_account_id)))
    return tuple(from_json(Reseller, each.body) for each in found)


def put_team(session: Session, team: Team) -> list[Change]:
    row = tables.onboarding.TeamRow(key=team.key, name=team.name)
    return put(session, row, f"team {team.key}")


def teams(session: Session) -> tuple[Team, ...]:
    row = tables.onboarding.TeamRow
    return tuple(Team(each.key, each.name) for each in session.exec(select(row).order_by(row.key)))


def put_role(session: Session, spec: RoleSpec) -> list[Change]:
    row = tables.onboarding.CatalogueRoleRow(name=spec.name, body=to_json(spec))
    return put(session, row, f"role {spec.name}")


def own_roles(session: Session) -> tuple[RoleSpec, ...]:
    """Beside the catalogue that is shipped."""
    row = tables.onboarding.CatalogueRoleRow
    found = session.exec(select(row).order_by(col(row.name)))
    return tuple(from_json(RoleSpec, each.body) for each in found)
