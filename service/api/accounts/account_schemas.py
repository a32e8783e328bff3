"""What the wire carries of accounts: whose they are, and who is let in."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from pydantic import Field

from accounts.links.link_files import ExportFile
from invoices.clients import Assignment
from service.api.accounts.onboarding_schemas import CLIENT_KEY, In, Instant, OnboardingText, Words
from service.api.billing.schemas import AccountText, ClientText, ExternalRefs, Out
from service.store.access.keys import ApiKey
from service.store.accounts.access_checks import AccessCheck
from service.store.accounts.members import Member, StandingFinding

ACCOUNT_ID = "^[0-9]{12}$"


class AssignmentRequest(In):
    client: str = Field(pattern=CLIENT_KEY, examples=["acme"])
    # `from` is a word of Python's own.
    from_on: date = Field(alias="from", examples=["2026-12-01"])


class AccountItem(Out):
    id: AccountText
    name: str = Field(max_length=200)
    client: ClientText | None
    external_refs: ExternalRefs
    state: str = Field(max_length=40)


class AccountDetail(AccountItem):
    onboarding_id: OnboardingText | None = Field(description="Null for a client's own key.")


class AccountList(Out):
    items: list[AccountItem] = Field(max_length=500)
    next_cursor: str | None = Field(max_length=400)
    has_more: bool


class AccountFindingItem(Out):
    severity: Literal["critical", "warning"]
    code: str = Field(max_length=60, examples=["root_password"])
    where: str = Field(max_length=400, description="An account's id, and what of it.")
    message: Words
    payer: AccountText
    found_at: Instant
    seen_at: Instant


class AccountFindingList(Out):
    items: list[AccountFindingItem] = Field(max_length=500)
    next_cursor: str | None = Field(max_length=2000)
    has_more: bool


class AssignmentItem(Out):
    client: ClientText
    external_refs: ExternalRefs
    from_on: str = Field(serialization_alias="from", max_length=10, examples=["2026-12-01"])
    to_on: str | None = Field(serialization_alias="to", max_length=10, description="Exclusive.")


class AssignmentList(Out):
    items: list[AssignmentItem] = Field(max_length=500)


class RoleCheckItem(Out):
    role_arn: str = Field(max_length=200)
    expected: Literal["allowed", "refused"]
    is_as_expected: bool
    aws_words: Words


class AccessCheckItem(Out):
    id: str = Field(max_length=40)
    account_id: AccountText
    state: Literal["asked", "done"]
    is_as_expected: bool | None
    asked_at: Instant
    finished_at: Instant | None
    results: list[RoleCheckItem] = Field(max_length=200)


class LinkFile(Out):
    team: str = Field(max_length=100)
    name: str = Field(max_length=200)
    text: str = Field(max_length=10_000_000)


class LinkFileList(Out):
    items: list[LinkFile] = Field(max_length=1000)


def to_api_finding(standing: StandingFinding) -> AccountFindingItem:
    found = standing.finding
    return AccountFindingItem(
        severity=found.severity.value,
        code=found.code,
        where=found.where,
        message=found.message,
        payer=standing.payer_account_id,
        found_at=standing.found_at.isoformat(),
        seen_at=standing.seen_at.isoformat(),
    )


def to_api_link_file(file: ExportFile) -> LinkFile:
    return LinkFile(team=file.team, name=file.name, text=file.text)


def to_api_account(member: Member) -> AccountItem:
    return AccountItem(**_account_fields(member))


def to_api_account_detail(member: Member, key: ApiKey) -> AccountDetail:
    """A client is not shown how its account came to be."""
    onboarding_id = member.onboarding_id or None
    return AccountDetail(
        **_account_fields(member), onboarding_id=onboarding_id if key.client is None else None
    )


def _account_fields(member: Member) -> dict[str, Any]:
    return {
        "id": member.id,
        "name": member.name,
        "client": member.client or None,
        "external_refs": dict(member.external_refs),
        "state": member.state,
    }


def to_api_assignment(assignment: Assignment, refs: Mapping[str, dict[str, str]]) -> AssignmentItem:
    span = assignment.span
    return AssignmentItem(
        client=str(assignment.client),
        external_refs=refs[assignment.client],
        from_on=span.start.isoformat(),
        to_on=span.end.isoformat() if span.end else None,
    )


def to_api_check(check: AccessCheck) -> AccessCheckItem:
    is_done = check.finished_at is not None
    return AccessCheckItem(
        id=str(check.id),
        account_id=check.account_id,
        state="done" if is_done else "asked",
        is_as_expected=all(each.is_as_expected for each in check.results) if is_done else None,
        asked_at=check.asked_at.isoformat(),
        finished_at=check.finished_at.isoformat() if check.finished_at else None,
        results=[
            RoleCheckItem(
                role_arn=each.role_arn,
                expected="allowed" if each.expected == "allowed" else "refused",
                is_as_expected=each.is_as_expected,
                aws_words=each.aws_words,
            )
            for each in check.results
        ],
    )
