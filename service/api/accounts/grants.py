"""Grants: which team holds which role in which account; only our own people know of them."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse

from accounts.links.link_files import Grant
from service.actions.access.set_grants import (
    Where,
    approve_grants,
    change_grants,
    link_grants,
    proposed_grants,
    set_grants,
)
from service.api import cursors
from service.api.access import ApproverDep, NowDep, OnboarderDep, SessionDep, StaffDep, actor_of
from service.api.accounts.account_schemas import ACCOUNT_ID
from service.api.accounts.grant_schemas import (
    TEAM,
    GrantList,
    GrantsAnswer,
    GrantsApproval,
    GrantsChange,
    GrantsRequest,
    ProposalList,
    role_of,
    to_api_change,
    to_api_grant,
    to_api_proposal,
    to_ends,
    to_team_roles,
)
from service.api.accounts.onboarding_schemas import CLIENT_KEY
from service.api.idempotency import OnceDep
from service.store.billing import clients

router = APIRouter(tags=["accounts"])

LATER = {"Retry-After": "5"}


@router.get("/grants", operation_id="list_grants")
def list_grants(
    session: SessionDep,
    _key: StaffDep,
    team: Annotated[str | None, Query(pattern=TEAM)] = None,
    client: Annotated[str | None, Query(pattern=CLIENT_KEY)] = None,
    account_id: Annotated[str | None, Query(pattern=ACCOUNT_ID)] = None,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
    limit: Annotated[int, Query(ge=1)] = 100,
) -> GrantList:
    """Those that hold now, by account, role and team; `limit` is at most 500."""
    filters = {"list": "grants", "team": team, "client": client, "account": account_id}
    size, after = min(limit, 500), cursors.after(cursor, filters, r"^[0-9]{12}\|[^|]+\|[^|]+$")
    where = Where(account_id=account_id or "", client=client or "")
    page = link_grants(session, team=team, where=where, after=after, limit=size + 1)
    found = sorted(page, key=_place)
    shown, has_more = found[:size], len(found) > size
    refs = clients.external_refs(session, {each.client_key for each in shown})
    return GrantList(
        items=[to_api_grant(each, refs) for each in shown],
        next_cursor=cursors.encode((_place(shown[-1]),), filters) if has_more else None,
        has_more=has_more,
    )


def _place(grant: Grant) -> str:
    """What `living_grants` pages by."""
    return f"{grant.account_id}|{role_of(grant)}|{grant.team}"


@router.post(
    "/grants:change",
    operation_id="change_grants",
    status_code=202,
    responses={202: {"model": GrantsAnswer, "description": "Recorded; AWS hears of it now."}},
)
def change(
    session: SessionDep, key: OnboarderDep, now: NowDep, once: OnceDep, asked: GrantsChange
) -> JSONResponse:
    """Granted and revoked in one account, or all live ones of a client. Needs an Idempotency-Key.

    What was revoked lists what to delete from which exported file.
    """

    def perform() -> GrantsAnswer:
        changed = change_grants(
            session,
            Where(account_id=asked.account_id, client=asked.client),
            grant=to_team_roles(asked.grant),
            revoke=to_team_roles(asked.revoke),
            ends=to_ends(asked.grant),
            actor=actor_of(key),
            now=now,
        )
        return to_api_change(changed)

    return once.answer(asked, perform, headers=LATER)


@router.get("/grants/approvals", operation_id="list_grants_awaiting_approval")
def list_proposals(session: SessionDep, _key: StaffDep) -> ProposalList:
    """Grants of administrators' roles that wait for a second person, in accounts that are live."""
    return ProposalList(items=[to_api_proposal(each) for each in proposed_grants(session)])


@router.post("/grants/approvals", operation_id="approve_grants", status_code=202)
def approve(
    session: SessionDep, key: ApproverDep, now: NowDep, asked: GrantsApproval
) -> GrantsAnswer:
    """By another key than the one that asked; a worker then changes the trust, and proves it."""
    given = to_team_roles(asked.grants)
    where = Where(account_id=asked.account_id, client=asked.client)
    changed = approve_grants(session, where, given, actor=actor_of(key), now=now)
    return to_api_change(changed)


@router.put("/accounts/{account_id}/grants", operation_id="set_grants", status_code=202)
def put(
    session: SessionDep,
    key: OnboarderDep,
    now: NowDep,
    account_id: Annotated[str, Path(pattern=ACCOUNT_ID, examples=["444444444444"])],
    asked: GrantsRequest,
) -> GrantsAnswer:
    """Exactly these hold in the account from now on. Twice is once."""
    wanted = to_team_roles(asked.grants)
    ends, actor = to_ends(asked.grants), actor_of(key)
    return to_api_change(set_grants(session, account_id, wanted, ends=ends, actor=actor, now=now))
