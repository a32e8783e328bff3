"""Onboardings: asked for, looked at, retried and cancelled; only our own people know of them."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from fastapi.sse import EventSourceResponse
from starlette.exceptions import HTTPException

from accounts.iam.client_templates import ARTEFACTS, artefact
from accounts.model.organization import OnboardingKind
from service.actions.onboarding.cancel_onboarding import cancel_onboarding
from service.actions.onboarding.request_onboarding import plan_request, request_onboarding
from service.actions.onboarding.request_onboardings import request_onboardings
from service.actions.onboarding.retry_onboarding import retry_onboarding
from service.api import cursors
from service.api.access import NowDep, OnboarderDep, SessionDep, StaffDep, actor_of
from service.api.accounts.onboarding_schemas import (
    CLIENT_KEY,
    ONBOARDING_ID,
    BatchAnswer,
    BatchRequest,
    EventList,
    OnboardingDetail,
    OnboardingItem,
    OnboardingList,
    OnboardingPlan,
    OnboardingRequest,
    RetryRequest,
    to_api_batch,
    to_api_event,
    to_api_onboarding,
    to_api_onboarding_detail,
    to_api_plan,
    to_wanted,
)
from service.api.accounts.onboarding_stream import stream_of
from service.api.idempotency import OnceDep
from service.store.accounts import onboarding_events, onboardings, resellers
from service.store.accounts.onboardings import AlreadyOnboarded, Onboarding
from service.store.billing import clients
from service.store.dry_run import nothing_recorded
from service.store.session import Session

router = APIRouter(tags=["onboardings"])

STREAM = "text/event-stream"
LATER = {"Retry-After": "5"}
BATCH_LATER = {"Retry-After": "60"}

OnboardingId = Annotated[str, Path(pattern=ONBOARDING_ID, examples=["onb-7f3a91c2"])]
ValidateOnly = Annotated[bool, Query(description="Check all of it, and record nothing.")]


@router.post(
    "/onboardings",
    operation_id="create_onboarding",
    status_code=202,
    responses={
        200: {"model": OnboardingPlan, "description": "What `validate_only` found."},
        202: {"model": OnboardingItem, "description": "Asked for; `Location` says where it is."},
    },
)
def create_onboarding(
    session: SessionDep,
    key: OnboarderDep,
    now: NowDep,
    once: OnceDep,
    asked: OnboardingRequest,
    *,
    validate_only: ValidateOnly = False,
) -> JSONResponse:
    """Needs an Idempotency-Key; an `external_ref` that was used before is answered 409."""
    if validate_only:
        return JSONResponse(_plan(session, asked, now).model_dump(mode="json"))

    def perform() -> OnboardingItem:
        _check_reference(session, asked)
        added = request_onboarding(session, to_wanted(asked), actor=actor_of(key), now=now)
        return to_api_onboarding(added)

    return once.answer(
        asked, perform, location=lambda made: f"/v1/onboardings/{made.id}", headers=LATER
    )


def _plan(session: Session, asked: OnboardingRequest, now: datetime) -> OnboardingPlan:
    _check_reference(session, asked)
    with nothing_recorded(session):
        _, request = plan_request(session, to_wanted(asked), now=now)
    return to_api_plan(request, clients.external_refs(session, [asked.client])[asked.client])


def _check_reference(session: Session, asked: OnboardingRequest) -> None:
    """It outlives the Idempotency-Key: a retry forgotten for months finds the first one."""
    before = onboardings.onboarding_for(session, asked.external_ref)
    if before is not None:
        raise AlreadyOnboarded(f"external_ref {asked.external_ref!r} was used before", before.id)


@router.post(
    "/onboardings:batch",
    operation_id="create_onboardings",
    status_code=202,
    responses={202: {"model": BatchAnswer, "description": "All of them are asked for."}},
)
def create_onboardings(
    session: SessionDep, key: OnboarderDep, now: NowDep, once: OnceDep, asked: BatchRequest
) -> JSONResponse:
    """All or none: `errors` of a refusal name the items, counted from 0. Needs a key as above.

    An item whose `external_ref` asked for the very same before is the onboarding there is.
    """

    def perform() -> BatchAnswer:
        wanted = [to_wanted(each) for each in asked.items]
        return to_api_batch(request_onboardings(session, wanted, actor=actor_of(key), now=now))

    return once.answer(asked, perform, headers=BATCH_LATER)


@router.get("/onboardings", operation_id="list_onboardings")
def list_onboardings(
    session: SessionDep,
    _key: StaffDep,
    client: Annotated[str | None, Query(pattern=CLIENT_KEY)] = None,
    state: Annotated[str | None, Query(pattern="^[a-z_]{1,40}$")] = None,
    batch_id: Annotated[str | None, Query(pattern="^batch-[0-9a-f]{16}$")] = None,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
    limit: Annotated[int, Query(ge=1)] = 100,
) -> OnboardingList:
    """By id; `limit` is at most 500."""
    filters = {"list": "onboardings", "client": client, "state": state, "batch_id": batch_id}
    size = min(limit, 500)
    found = onboardings.onboardings(
        session,
        client=client,
        state=state,
        batch_id=batch_id,
        after=cursors.after(cursor, filters, ONBOARDING_ID),
        limit=size + 1,
    )
    shown, has_more = found[:size], len(found) > size
    return OnboardingList(
        items=[to_api_onboarding(each) for each in shown],
        next_cursor=cursors.encode((shown[-1].id,), filters) if has_more else None,
        has_more=has_more,
    )


@router.get("/onboardings/{onboarding_id}", operation_id="get_onboarding")
def get_onboarding(
    session: SessionDep, _key: StaffDep, onboarding_id: OnboardingId
) -> OnboardingDetail:
    """Its steps, what it waits for and until when, AWS's words, and when it is looked at next."""
    return detail(session, onboardings.onboarding(session, onboarding_id))


def detail(session: Session, onboarding: Onboarding) -> OnboardingDetail:
    reseller = resellers.reseller(session, onboarding.payer_account_id)
    return to_api_onboarding_detail(onboarding, reseller)


@router.get(
    "/onboardings/{onboarding_id}/events",
    operation_id="list_onboarding_events",
    response_model=EventList,
    responses={200: {"content": {STREAM: {}}, "description": "A page, or a stream of them all."}},
)
def list_onboarding_events(
    request: Request,
    session: SessionDep,
    _key: StaffDep,
    onboarding_id: OnboardingId,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
    limit: Annotated[int, Query(ge=1)] = 100,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
    last_event_id: Annotated[str, Header(pattern="^[0-9]{1,18}$")] = "0",
) -> EventList | Response:
    """Every attempt in order, with AWS's request id and words; with `Accept: text/event-stream`
    as they come, after `Last-Event-ID`, until the account is live or its way has ended."""
    filters = {"list": "events", "onboarding": onboarding_id}
    size = min(limit, 500)
    onboarding = onboardings.onboarding(session, onboarding_id)
    if STREAM in accept:
        database = request.app.state.database
        return EventSourceResponse(stream_of(database, onboarding_id, after=int(last_event_id)))
    after = cursors.after(cursor, filters, "^[0-9]{1,18}$")
    found = onboarding_events.events(session, onboarding_id, after=int(after or 0), limit=size + 1)
    shown, has_more = found[:size], len(found) > size
    return EventList(
        items=[to_api_event(each, onboarding) for each in shown],
        next_cursor=cursors.encode((str(shown[-1].id),), filters) if has_more else None,
        has_more=has_more,
    )


@router.post("/onboardings/{onboarding_id}/retry", operation_id="retry_onboarding", status_code=202)
def retry(
    session: SessionDep,
    key: OnboarderDep,
    now: NowDep,
    onboarding_id: OnboardingId,
    asked: RetryRequest,
) -> OnboardingItem:
    """After a person mended what it waits for; an invitation that ended is sent anew.

    Of an account that is live, what we placed in it is looked at again and put right.
    """
    woken = retry_onboarding(
        session,
        onboarding_id,
        email=asked.email,
        consents=frozenset(asked.consents),
        actor=actor_of(key),
        now=now,
    )
    return to_api_onboarding(woken)


@router.post(
    "/onboardings/{onboarding_id}/cancel", operation_id="cancel_onboarding", status_code=202
)
def cancel(
    session: SessionDep, key: OnboarderDep, now: NowDep, onboarding_id: OnboardingId
) -> OnboardingItem:
    """Until its account is linked; afterwards it is handed over. Twice is once."""
    return to_api_onboarding(
        cancel_onboarding(session, onboarding_id, actor=actor_of(key), now=now)
    )


@router.get(
    "/onboardings/{onboarding_id}/artifacts/{name}",
    operation_id="get_onboarding_artifact",
    response_class=Response,
    responses={
        200: {
            "description": "What the client deploys to let us in, with its ExternalId.",
            "content": {"text/plain": {}, "application/json": {}},
        }
    },
)
def get_artifact(
    session: SessionDep,
    _key: StaffDep,
    onboarding_id: OnboardingId,
    name: Annotated[str, Path(max_length=40, examples=["cloudformation.json"])],
) -> Response:
    """JSON is YAML, so `cloudformation.yaml` is the template, too."""
    onboarding = onboardings.onboarding(session, onboarding_id)
    wanted = OTHER_NAMES.get(name, name)
    if wanted not in ARTEFACTS or onboarding.request.kind is OnboardingKind.CREATE:
        there = ", ".join(ARTEFACTS)
        raise HTTPException(404, f"There are {there} for accounts that their clients let us into.")
    reseller = resellers.reseller(session, onboarding.payer_account_id)
    media_type = "application/json" if wanted.endswith(".json") else "text/plain; charset=utf-8"
    return Response(
        artefact(wanted, reseller, onboarding.request),
        media_type=media_type,
        headers={"Content-Disposition": f'attachment; filename="{wanted}"'},
    )


OTHER_NAMES = {"cloudformation.yaml": "cloudformation.json"}
