"""What the wire carries of hand-overs: the checklist, and who approved what of it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from accounts.handover.checklist import DryRunLine, dry_run
from accounts.model.handover import HandoverKind
from accounts.model.organization import Reseller
from service.actions.handover.request_handover import WantedHandover
from service.api.accounts.onboarding_schemas import (
    In,
    Instant,
    OnboardingDetail,
    to_api_onboarding_detail,
)
from service.api.billing.schemas import Out
from service.store.accounts.handovers import StoredHandover
from service.store.accounts.onboardings import Onboarding

ContactKey = Annotated[str, Field(max_length=40)]
ContactText = Annotated[str, Field(max_length=200)]


class HandoverRequest(In):
    exit: Literal["transfer", "standalone", "close", "end_billing"]
    client_email: str = Field("", max_length=320, description="Root's from then on.")
    client_contact: dict[ContactKey, ContactText] = Field(
        default={}, max_length=20, description="AWS's ContactInformation."
    )
    ends_at: datetime | None = Field(
        None, description="Of a billing transfer: the last second of a month, UTC."
    )


class ApprovalRequest(In):
    item: str = Field(max_length=40, examples=["root_guard"])


class AttestationRequest(In):
    item: str = Field(max_length=40, examples=["root_sign_in"])
    words: str = Field(max_length=1000, examples=["seen in the call of 23 November"])


class CodeRequest(In):
    item: str = Field(max_length=40, examples=["root_email"])
    code: str = Field(max_length=40)


class ChecklistItem(Out):
    key: str = Field(max_length=40)
    title: str = Field(max_length=200)
    is_dangerous: bool
    approved_by: str = Field(max_length=200)


class HandoverItem(Out):
    exit: str = Field(max_length=40)
    client_email: str = Field(max_length=320)
    asked_by: str = Field(max_length=200)
    asked_at: Instant
    is_aborted: bool
    checklist: list[ChecklistItem] = Field(max_length=40)
    onboarding: OnboardingDetail


class HandoverPlan(Out):
    """What `validate_only` answers."""

    checklist: list[ChecklistItem] = Field(max_length=40)


def to_wanted_handover(asked: HandoverRequest) -> WantedHandover:
    return WantedHandover(
        exit=HandoverKind(asked.exit),
        client_email=asked.client_email,
        client_contact=asked.client_contact,
        ends_at=asked.ends_at,
    )


def to_api_checklist(lines: Iterable[DryRunLine]) -> list[ChecklistItem]:
    return [
        ChecklistItem(
            key=line.key,
            title=line.title,
            is_dangerous=line.dangerous,
            approved_by=line.approved_by,
        )
        for line in lines
    ]


def to_api_handover(
    handover: StoredHandover, onboarding: Onboarding, reseller: Reseller
) -> HandoverItem:
    asked = handover.asked
    return HandoverItem(
        exit=asked.exit.value,
        client_email=asked.client_email,
        asked_by=asked.asked_by,
        asked_at=handover.asked_at.isoformat(),
        is_aborted=asked.aborted,
        checklist=to_api_checklist(dry_run(asked)),
        onboarding=to_api_onboarding_detail(onboarding, reseller),
    )
