"""Hand-overs: an account leaves, step by step; what is dangerous is approved by another key."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from service.actions.handover.abort_handover import abort_handover
from service.actions.handover.approve_step import approve_step
from service.actions.handover.attest_item import attest_item
from service.actions.handover.give_code import give_code
from service.actions.handover.living_handover import NoHandover
from service.actions.handover.request_handover import dry_run_handover, request_handover
from service.api.access import ApproverDep, NowDep, OnboarderDep, SessionDep, StaffDep, actor_of
from service.api.accounts.handover_schemas import (
    ApprovalRequest,
    AttestationRequest,
    CodeRequest,
    HandoverItem,
    HandoverPlan,
    HandoverRequest,
    to_api_checklist,
    to_api_handover,
    to_wanted_handover,
)
from service.api.accounts.onboardings import LATER, OnboardingId, ValidateOnly
from service.api.idempotency import OnceDep
from service.store.accounts import handovers, onboardings, resellers
from service.store.session import Session

router = APIRouter(tags=["handovers"])
PATH = "/onboardings/{onboarding_id}/handover"


@router.post(
    PATH,
    operation_id="start_handover",
    status_code=202,
    responses={
        200: {"model": HandoverPlan, "description": "The checklist, for `validate_only`."},
        202: {"model": HandoverItem, "description": "Asked for."},
    },
)
def start_handover(
    session: SessionDep,
    key: OnboarderDep,
    now: NowDep,
    once: OnceDep,
    onboarding_id: OnboardingId,
    asked: HandoverRequest,
    *,
    validate_only: ValidateOnly = False,
) -> JSONResponse:
    """Needs an Idempotency-Key. Nothing dangerous is sent before another key approves it."""
    actor, wanted = actor_of(key), to_wanted_handover(asked)
    if validate_only:
        lines = dry_run_handover(session, onboarding_id, wanted, actor=actor)
        plan = HandoverPlan(checklist=to_api_checklist(lines))
        return JSONResponse(plan.model_dump(mode="json"))

    def perform() -> HandoverItem:
        request_handover(session, onboarding_id, wanted, actor=actor, now=now)
        return _latest(session, onboarding_id)

    where = f"/v1/onboardings/{onboarding_id}/handover"
    return once.answer(asked, perform, location=lambda _: where, headers=LATER)


@router.get(PATH, operation_id="get_handover")
def get_handover(session: SessionDep, _key: StaffDep, onboarding_id: OnboardingId) -> HandoverItem:
    """The latest one: its checklist, who approved what, and what it waits for."""
    return _latest(session, onboarding_id)


@router.post(PATH + "/approvals", operation_id="approve_handover_step", status_code=202)
def approve(
    session: SessionDep,
    key: ApproverDep,
    now: NowDep,
    onboarding_id: OnboardingId,
    asked: ApprovalRequest,
) -> HandoverItem:
    """One dangerous item, by another key than the one that asked for the hand-over."""
    approve_step(session, onboarding_id, asked.item, actor=actor_of(key), now=now)
    return _latest(session, onboarding_id)


@router.post(PATH + "/attestations", operation_id="attest_handover_item", status_code=202)
def attest(
    session: SessionDep,
    key: OnboarderDep,
    now: NowDep,
    onboarding_id: OnboardingId,
    asked: AttestationRequest,
) -> HandoverItem:
    """A person's word for what AWS cannot be asked."""
    attest_item(session, onboarding_id, asked.item, asked.words, actor=actor_of(key), now=now)
    return _latest(session, onboarding_id)


@router.post(PATH + "/codes", operation_id="give_handover_code", status_code=202)
def code(
    session: SessionDep,
    key: OnboarderDep,
    now: NowDep,
    onboarding_id: OnboardingId,
    asked: CodeRequest,
) -> HandoverItem:
    """A one-time code that the client read out; it is shown nowhere."""
    give_code(session, onboarding_id, asked.item, asked.code, actor=actor_of(key), now=now)
    return _latest(session, onboarding_id)


@router.post(PATH + "/abort", operation_id="abort_handover", status_code=202)
def abort(
    session: SessionDep, key: OnboarderDep, now: NowDep, onboarding_id: OnboardingId
) -> HandoverItem:
    """What was taken away is put back, until the account has left."""
    abort_handover(session, onboarding_id, actor=actor_of(key), now=now)
    return _latest(session, onboarding_id)


def _latest(session: Session, onboarding_id: str) -> HandoverItem:
    """Raises NoSuchOnboarding, NoHandover."""
    onboarding = onboardings.onboarding(session, onboarding_id)
    found = handovers.handovers(session, onboarding)
    if not found:
        raise NoHandover(onboarding_id)
    reseller = resellers.reseller(session, onboarding.payer_account_id)
    return to_api_handover(found[-1], onboarding, reseller)
