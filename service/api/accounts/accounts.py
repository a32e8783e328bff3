"""Member accounts: whose they are and where they stand; a client's key sees its own only."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from accounts.links.link_files import FORMATS
from invoices.clients import Assignment
from kernel.errors import NotFound
from service.actions.access.check_access import check_access
from service.actions.access.export_links import export_links
from service.actions.onboarding.assign_account import assign_account, assignments_of
from service.api import cursors
from service.api.access import KeyDep, NowDep, OnboarderDep, SessionDep, StaffDep, actor_of
from service.api.accounts.account_schemas import (
    ACCOUNT_ID,
    AccessCheckItem,
    AccountDetail,
    AccountFindingList,
    AccountList,
    AssignmentList,
    AssignmentRequest,
    LinkFileList,
    to_api_account,
    to_api_account_detail,
    to_api_assignment,
    to_api_check,
    to_api_finding,
    to_api_link_file,
)
from service.api.accounts.onboarding_schemas import CLIENT_KEY
from service.store.accounts import access_checks, members
from service.store.billing import clients
from service.store.session import Session

router = APIRouter(tags=["accounts"])

AccountId = Annotated[str, Path(pattern=ACCOUNT_ID, examples=["444444444444"])]
CheckId = Annotated[str, Path(pattern="^[0-9]{1,9}$", examples=["17"])]
LinkFormat = Annotated[str, Query(alias="format", pattern=f"^({'|'.join(FORMATS)})$")]
TeamKey = Annotated[str | None, Query(pattern="^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]


class NoSuchAccount(NotFound):
    def __init__(self, account_id: str) -> None:
        super().__init__(f"there is no account {account_id}")


@router.get("/accounts", operation_id="list_accounts")
def list_accounts(
    session: SessionDep,
    key: KeyDep,
    now: NowDep,
    client: Annotated[str | None, Query(pattern=CLIENT_KEY)] = None,
    state: Annotated[str | None, Query(pattern="^[a-z_]{1,40}$")] = None,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
    limit: Annotated[int, Query(ge=1)] = 100,
) -> AccountList:
    """By account id; `limit` is at most 500."""
    filters = {"list": "accounts", "client": client, "state": state, "key": key.client}
    size = min(limit, 500)
    after = cursors.after(cursor, filters, ACCOUNT_ID)
    if key.client is not None and client not in {None, key.client}:
        return AccountList(items=[], next_cursor=None, has_more=False)
    found = members.members(
        session, now, client=key.client or client, state=state, after=after, limit=size + 1
    )
    shown, has_more = found[:size], len(found) > size
    return AccountList(
        items=[to_api_account(each) for each in shown],
        next_cursor=cursors.encode((shown[-1].id,), filters) if has_more else None,
        has_more=has_more,
    )


@router.get("/accounts/findings", operation_id="list_account_findings")
def list_findings(
    session: SessionDep,
    _key: StaffDep,
    payer: Annotated[str | None, Query(pattern=ACCOUNT_ID)] = None,
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
    limit: Annotated[int, Query(ge=1)] = 100,
) -> AccountFindingList:
    """What the daily look and the mailbox say and nobody has seen to yet; the worst first."""
    filters = {"list": "findings", "payer": payer}
    size = min(limit, 500)
    found = members.standing_findings(
        session,
        payer_account_id=payer,
        after=_position(cursor, filters) if cursor else None,
        limit=size + 1,
    )
    shown, has_more = found[:size], len(found) > size
    return AccountFindingList(
        items=[to_api_finding(each) for each in shown],
        next_cursor=cursors.encode(shown[-1].position, filters) if has_more else None,
        has_more=has_more,
    )


def _position(cursor: str, filters: Mapping[str, str | None]) -> tuple[str, str, str, str]:
    """Of the last finding seen. Raises BadCursor."""
    match cursors.decode(cursor, filters):
        case (severity, code, payer, where):
            return severity, code, payer, where
    raise cursors.BadCursor


@router.get("/accounts/{account_id}", operation_id="get_account")
def get_account(
    session: SessionDep, key: KeyDep, now: NowDep, account_id: AccountId
) -> AccountDetail:
    member = members.member(session, now, account_id, client=key.client)
    if member is None:
        raise NoSuchAccount(account_id)
    return to_api_account_detail(member, key)


@router.get("/accounts/{account_id}/assignments", operation_id="list_assignments")
def list_assignments(session: SessionDep, _key: StaffDep, account_id: AccountId) -> AssignmentList:
    """Which client had it from which day; none for an account nobody has or had."""
    found = assignments_of(session, account_id)
    return _to_list(session, found)


@router.post("/accounts/{account_id}/assignments", operation_id="assign_account")
def assign(
    session: SessionDep,
    key: OnboarderDep,
    now: NowDep,
    account_id: AccountId,
    asked: AssignmentRequest,
) -> AssignmentList:
    """The client's from that day on; what was before stays as it was. Twice is once."""
    found = assign_account(
        session, account_id, asked.client, asked.from_on, actor=actor_of(key), now=now
    )
    return _to_list(session, found)


@router.post("/accounts/{account_id}/access:check", operation_id="check_access", status_code=202)
def check(
    session: SessionDep, key: OnboarderDep, now: NowDep, account_id: AccountId, answer: Response
) -> AccessCheckItem:
    """A job tries every role, as it should work and as it should not; nothing is changed."""
    asked = check_access(session, account_id, actor=actor_of(key), now=now)
    answer.headers["Location"] = f"/v1/accounts/{account_id}/access-checks/{asked.id}"
    answer.headers["Retry-After"] = "5"
    return to_api_check(asked)


@router.get("/accounts/{account_id}/access-checks/{check_id}", operation_id="get_access_check")
def get_check(
    session: SessionDep, _key: StaffDep, account_id: AccountId, check_id: CheckId
) -> AccessCheckItem:
    found = access_checks.access_check(session, int(check_id))
    if found.account_id != account_id:
        raise access_checks.NoSuchCheck(int(check_id))
    return to_api_check(found)


@router.get("/links", operation_id="list_links")
def list_links(
    session: SessionDep, _key: StaffDep, link_format: LinkFormat, team: TeamKey = None
) -> LinkFileList:
    """A file for each team, for its password manager or profiles; links are no credentials."""
    files = export_links(session, link_format, team=team or "")
    return LinkFileList(items=[to_api_link_file(each) for each in files])


def _to_list(session: Session, found: Sequence[Assignment]) -> AssignmentList:
    refs = clients.external_refs(session, {each.client for each in found})
    return AssignmentList(items=[to_api_assignment(each, refs) for each in found])
