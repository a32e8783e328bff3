"""What the wire carries of member accounts: requests that refuse what they do not know."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from accounts.iam.client_templates import ARTEFACTS, what_changes
from accounts.model.lifecycle import Stage, has_reached
from accounts.model.organization import OnboardingKind, Reseller
from accounts.model.request import CONSENTED_BY_CHARS_MAX, AccountRequest, Consent
from accounts.onboarding.plan import open_findings, plan_of
from kernel.findings import Finding
from service.actions.onboarding.request_onboarding import Wanted
from service.actions.onboarding.request_onboardings import BATCH_MAX, Batch
from service.api.billing.schemas import AccountText, ClientText, ExternalRefs, Out
from service.api.text import PlainText
from service.store.accounts.onboarding_events import Event
from service.store.accounts.onboardings import Onboarding

CLIENT_KEY = "^[a-z0-9][a-z0-9_.-]{0,63}$"
ONBOARDING_ID = "^onb-[0-9a-z]{4,16}$"

OnboardingText = Annotated[str, Field(pattern=ONBOARDING_ID, examples=["onb-7f3a91c2"])]
Reference = Annotated[str, Field(min_length=1, max_length=200, examples=["HALO-4711"])]
Words = Annotated[str, Field(max_length=2000)]
Instant = Annotated[str, Field(max_length=40, examples=["2026-11-23T12:00:00+00:00"])]


class In(PlainText):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OnboardingRequest(In):
    """An account for a client: new, its own, a member already, or its own organization's bill."""

    kind: Literal["create", "invite", "adopt", "billing_transfer"]
    client: str = Field(pattern=CLIENT_KEY, examples=["acme"])
    name: str = Field(max_length=200, description="What it is for.", examples=["prod"])
    email: str = Field(
        "",
        max_length=320,
        description="To create: the mailbox, if not the reseller's. To invite: the account's own.",
        examples=["awsaccounts@msp.example"],
    )
    account_id: str = Field("", pattern="^([0-9]{12})?$", examples=["444444444444"])
    roles: list[Annotated[str, Field(max_length=64)]] = Field(
        default=[], max_length=20, description="Of the catalogue; all of it if empty."
    )
    budget: str = Field("", max_length=30, description="Monthly, US dollars.", examples=["1000"])
    transfer_starts_at: datetime | None = Field(
        None, description="Of a billing transfer: the first of a month, UTC."
    )
    consents: list[Consent] = Field(
        default=[], max_length=10, description="What the client of an account of its own allows."
    )
    consented_by: str = Field(
        "",
        max_length=CONSENTED_BY_CHARS_MAX,
        description="The client's person who gave them; to adopt an account it is needed.",
        examples=["Jane Roe"],
    )
    external_ref: Reference
    payer_account_id: str = Field("", pattern="^([0-9]{12})?$", examples=["836060457634"])


class BatchRequest(In):
    items: list[OnboardingRequest] = Field(min_length=1, max_length=BATCH_MAX)


class RetryRequest(In):
    email: str = Field("", max_length=320, description="Another root address, if AWS refused it.")
    consents: list[Consent] = Field(default=[], max_length=10)


class OnboardingItem(Out):
    id: OnboardingText
    kind: Literal["create", "invite", "adopt", "billing_transfer"]
    client: ClientText
    external_refs: ExternalRefs
    name: str = Field(max_length=200)
    state: str = Field(max_length=40, description="What it waits for, else its stage; may grow.")
    account_id: AccountText | None
    external_ref: Reference | None
    requested_at: Instant


class WaitingItem(Out):
    """Why it stands still, in our words and AWS's."""

    kind: str = Field(max_length=40, examples=["waiting_client"])
    reason: Words
    what_to_do: Words
    aws_words: Words
    expires_at: Instant | None


class StepItem(Out):
    """A stage of its life, and what has to be so before it is reached."""

    stage: str = Field(max_length=40, examples=["roles_in_place"])
    goals: list[Annotated[str, Field(max_length=60)]] = Field(max_length=20)
    state: Literal["done", "current", "to_come"]


class FindingItem(Out):
    severity: str = Field(max_length=20)
    code: str = Field(max_length=100)
    where: str = Field(max_length=500)
    message: Words


class OnboardingDetail(OnboardingItem):
    stage: str = Field(max_length=40)
    email: str = Field(max_length=320)
    roles: list[Annotated[str, Field(max_length=64)]] = Field(max_length=50)
    consents: list[Consent] = Field(max_length=10)
    consented_by: str = Field(max_length=CONSENTED_BY_CHARS_MAX)
    steps: list[StepItem] = Field(max_length=20)
    waiting: WaitingItem | None
    next_at: Instant | None = Field(description="When AWS is looked at next; null: not by itself.")
    findings: list[FindingItem] = Field(max_length=100)
    artifacts: list[str] = Field(max_length=10, description="What the client may deploy.")
    what_changes: list[Words] = Field(max_length=20, description="To show the client before.")
    batch_id: str | None = Field(max_length=40)
    first_cost_in: str | None = Field(
        max_length=7,
        description="The month in whose data its account was first seen; null: not yet.",
        examples=["2026-11"],
    )


class OnboardingList(Out):
    items: list[OnboardingItem] = Field(max_length=500)
    next_cursor: str | None = Field(max_length=400)
    has_more: bool


class OnboardingPlan(Out):
    """What `validate_only` answers: all of it is checked, nothing is recorded."""

    client: ClientText
    external_refs: ExternalRefs
    name: str = Field(max_length=200)
    email: str = Field(max_length=320)
    roles: list[Annotated[str, Field(max_length=64)]] = Field(max_length=50)
    steps: list[StepItem] = Field(max_length=20)
    what_changes: list[Words] = Field(max_length=20)


class BatchAnswer(Out):
    """All of them, or none; `ends_at` is an estimate, without what clients take to accept."""

    id: str = Field(max_length=40)
    items: list[OnboardingItem] = Field(max_length=BATCH_MAX)
    ends_at: Instant


class EventItem(Out):
    id: str = Field(max_length=40)
    onboarding_id: OnboardingText
    client: ClientText
    external_refs: ExternalRefs
    at: Instant
    kind: str = Field(max_length=20)
    step: str = Field(max_length=300)
    outcome: str | None = Field(max_length=20)
    words: Words
    operation: str = Field(max_length=200)
    request_id: str = Field(max_length=200, description="AWS's own, for its support.")
    actor: str = Field(max_length=200)


class EventList(Out):
    items: list[EventItem] = Field(max_length=500)
    next_cursor: str | None = Field(max_length=400)
    has_more: bool


def to_wanted(asked: OnboardingRequest) -> Wanted:
    return Wanted(
        kind=OnboardingKind(asked.kind),
        client=asked.client,
        name=asked.name,
        email=asked.email,
        account_id=asked.account_id,
        roles=tuple(asked.roles),
        budget=asked.budget,
        transfer_starts_at=asked.transfer_starts_at,
        consents=frozenset(asked.consents),
        consented_by=asked.consented_by,
        external_ref=asked.external_ref,
        payer_account_id=asked.payer_account_id,
    )


def to_api_onboarding(onboarding: Onboarding) -> OnboardingItem:
    return OnboardingItem(**_fields(onboarding))


def to_api_onboarding_detail(onboarding: Onboarding, reseller: Reseller) -> OnboardingDetail:
    request, waiting = onboarding.request, onboarding.waiting
    has_artifacts = request.kind is not OnboardingKind.CREATE
    return OnboardingDetail(
        **_fields(onboarding),
        stage=onboarding.stage.value,
        email=request.email,
        roles=[role.name for role in request.roles],
        consents=sorted(request.consents),
        consented_by=request.consented_by,
        steps=to_api_steps(request, onboarding.stage),
        waiting=None
        if waiting is None
        else WaitingItem(
            kind=waiting.kind.value,
            reason=waiting.reason,
            what_to_do=waiting.what_to_do,
            aws_words=waiting.aws_words,
            expires_at=_instant(waiting.expires_at),
        ),
        next_at=_instant(onboarding.next_at),
        findings=[to_api_finding(each) for each in _findings(onboarding, reseller)],
        artifacts=[f"/v1/onboardings/{onboarding.id}/artifacts/{name}" for name in ARTEFACTS]
        if has_artifacts
        else [],
        what_changes=list(what_changes(request.kind)),
        batch_id=onboarding.batch_id,
        first_cost_in=onboarding.first_cost_in,
    )


def to_api_plan(request: AccountRequest, external_refs: dict[str, str]) -> OnboardingPlan:
    return OnboardingPlan(
        client=request.client_key,
        external_refs=external_refs,
        name=request.account_name,
        email=request.email,
        roles=[role.name for role in request.roles],
        steps=to_api_steps(request, Stage.REQUESTED),
        what_changes=list(what_changes(request.kind)),
    )


def to_api_batch(batch: Batch) -> BatchAnswer:
    return BatchAnswer(
        id=batch.id,
        items=[to_api_onboarding(each) for each in batch.onboardings],
        ends_at=batch.ends_at.isoformat(),
    )


def to_api_steps(request: AccountRequest, stage: Stage) -> list[StepItem]:
    """The stages of the way in; the first one not reached is what is worked on."""
    steps: list[StepItem] = []
    for wanted, goals in plan_of(request):
        is_done = has_reached(stage, wanted)
        is_first = not is_done and not any(step.state == "current" for step in steps)
        is_current = is_first and stage is not Stage.CANCELLED
        state: Literal["done", "current", "to_come"] = (
            "done" if is_done else "current" if is_current else "to_come"
        )
        steps.append(StepItem(stage=wanted.value, goals=list(goals), state=state))
    return steps


def to_api_event(event: Event, onboarding: Onboarding) -> EventItem:
    return EventItem(
        id=str(event.id),
        onboarding_id=onboarding.id,
        client=onboarding.request.client_key,
        external_refs=dict(onboarding.external_refs),
        at=event.at.isoformat(),
        kind=event.kind.value,
        step=event.step,
        outcome=event.outcome.value if event.outcome else None,
        words=event.words,
        operation=event.operation,
        request_id=event.request_id,
        actor=event.actor,
    )


def _fields(onboarding: Onboarding) -> dict[str, Any]:
    request = onboarding.request
    return {
        "id": onboarding.id,
        "kind": request.kind.value,
        "client": request.client_key,
        "external_refs": dict(onboarding.external_refs),
        "name": request.account_name,
        "state": onboarding.state,
        "account_id": onboarding.account_id or None,
        "external_ref": onboarding.external_ref,
        "requested_at": onboarding.requested_at.isoformat(),
    }


def _findings(onboarding: Onboarding, reseller: Reseller) -> tuple[Finding, ...]:
    if not has_reached(onboarding.stage, Stage.VERIFIED):
        return tuple(sorted(onboarding.record.findings.values()))
    return open_findings(reseller, onboarding.request, onboarding.record)


def to_api_finding(finding: Finding) -> FindingItem:
    return FindingItem(
        severity=finding.severity.value,
        code=finding.code,
        where=finding.where,
        message=finding.message,
    )


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
