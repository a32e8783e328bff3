"""Owns asking for a member account: everything is validated before anything is stored."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from accounts.iam.client_templates import what_changes
from accounts.iam.role_catalogue import CATALOGUE, as_deployed, pick_roles
from accounts.model.emails import check_email, plus_address
from accounts.model.naming import account_name, name_with_token
from accounts.model.organization import OnboardingKind, Reseller
from accounts.model.request import AccountRequest, Consent, check_request
from accounts.model.role_spec import RoleSpec
from invoices.clients import Client
from kernel.errors import BadInput, Refused
from service.actions.access.note_person import note_person
from service.actions.onboarding.check_roles import check_roles
from service.actions.onboarding.own_accounts import check_not_ours
from service.store.access import audit
from service.store.access.idempotency import ask_alone
from service.store.accounts import (
    external_ids,
    members,
    onboarding_events,
    onboardings,
    resellers,
)
from service.store.accounts.onboarding_events import Event
from service.store.accounts.onboardings import AlreadyOnboarded, Asked, Onboarding
from service.store.billing import assignments, clients
from service.store.session import Session
from service.store.tables.onboarding import EventKind

REF_CHARS_MAX = 200
TOKEN_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An onboarding in the caller's words; '' and () leave the choice to us."""

    kind: OnboardingKind
    client: str
    name: str = ""
    """Of the account, without what makes it unique: what it is for, such as `prod`."""
    email: str = ""
    """To create: the team's mailbox if not the reseller's. To invite: the account's address."""
    account_id: str = ""
    roles: tuple[str, ...] = ()
    """Names of the catalogue; all of the shipped one if empty."""
    budget: str = ""
    transfer_starts_at: datetime | None = None
    consents: frozenset[Consent] = frozenset()
    consented_by: str = ""
    """The client's person who gave them."""
    external_ref: str | None = None
    payer_account_id: str = ""
    """Where the reseller has several payers."""


class OtherRequest(Refused):
    """The external_ref was used for something else."""

    code = "external_ref_taken"

    def __init__(self, external_ref: str, onboarding_id: str) -> None:
        super().__init__(
            f"external_ref {external_ref!r} asked for something else before: see {onboarding_id}"
        )
        self.onboarding_id = onboarding_id


class MemberElsewhere(Refused):
    code = "member_elsewhere"

    def __init__(self, account_id: str, payer_account_id: str) -> None:
        super().__init__(
            f"account {account_id} is a member of the organization of payer {payer_account_id}: "
            "hand it over from there first"
        )


def request_onboarding(
    session: Session,
    wanted: Wanted,
    *,
    actor: str,
    now: datetime,
    batch_id: str | None = None,
) -> Onboarding:
    """The new onboarding, or with the same external_ref the one there is.

    Raises BadInput, AlreadyOnboarded, OtherRequest, NoPractice; then nothing is stored.
    """
    ask_alone(session)
    _check_blanks(wanted)
    if (known := _asked_before(session, wanted)) is not None:
        return known
    reseller, request = plan_request(session, wanted, now=now)
    onboardings.add(
        session,
        Asked(
            request=request,
            payer_account_id=reseller.payer_account_id,
            external_ref=wanted.external_ref,
            batch_id=batch_id,
            words=_words(wanted),
            actor=actor,
        ),
        now,
    )
    added = onboardings.onboarding(session, request.onboarding_id)
    if request.kind is OnboardingKind.CREATE:
        onboardings.reserve(session, added, email=request.email, account_name=request.asked_as)
    event = Event(at=now, kind=EventKind.ASKED, step=request.kind.value, actor=actor)
    onboarding_events.record(session, added.id, event)
    audit.record(
        session,
        actor=actor,
        action="request_onboarding",
        subject=f"onboarding {added.id}",
        after=_words(wanted),
        now=now,
    )
    if request.consented_by:
        note_person(session, added, "record_consent", words=_consent(request), actor=actor, now=now)
    return added


def plan_request(
    session: Session, wanted: Wanted, *, now: datetime
) -> tuple[Reseller, AccountRequest]:
    """What would be asked for: all that `request_onboarding` checks, and nothing is recorded.

    The ExternalId of a client that has none yet is drawn, and kept only by the caller's commit.
    """
    _check_blanks(wanted)
    client = _client(session, wanted.client)
    reseller = _reseller(session, wanted.payer_account_id)
    request = check_request(reseller, _request(session, reseller, client, wanted))
    check_roles(reseller, request)
    _check_budget(request.budget_amount)
    onboardings.check_free(
        session,
        email=request.email,
        account_name=request.asked_as,
        account_id=request.account_id,
    )
    check_not_ours(session, request.account_id)
    _check_owner(session, request, now)
    _check_organization(session, reseller, request)
    return reseller, request


def _check_blanks(wanted: Wanted) -> None:
    """`HALO-1 ` for `HALO-1` would be another ticket, and so another account."""
    for what, word in (("external_ref", wanted.external_ref or ""), ("name", wanted.name)):
        if word != word.strip():
            raise BadInput(f"{what} {word!r} begins or ends with a blank; leave that out")


def _asked_before(session: Session, wanted: Wanted) -> Onboarding | None:
    if wanted.external_ref is None:
        return None
    if not 1 <= len(wanted.external_ref) <= REF_CHARS_MAX or not wanted.external_ref.isprintable():
        raise BadInput(f"external_ref has 1 to {REF_CHARS_MAX} printable characters")
    known = onboardings.onboarding_for(session, wanted.external_ref)
    if known is not None and known.asked != _words(wanted):
        raise OtherRequest(wanted.external_ref, known.id)
    return known


def _consent(request: AccountRequest) -> str:
    """Who allowed what, and the text that was shown: what is kept of it, with day and recorder."""
    text = " ".join(what_changes(request.kind))
    return f"{request.consented_by} allowed {', '.join(sorted(request.consents))}: {text}"


def _words(wanted: Wanted) -> dict[str, Any]:
    """JSON, the same for the same; and for what was asked before there was a `consented_by`."""
    words = asdict(wanted) | {"consents": sorted(wanted.consents)}
    if not wanted.consented_by:
        del words["consented_by"]
    plain: dict[str, Any] = json.loads(json.dumps(words, default=str))
    return plain


def _client(session: Session, key: str) -> Client:
    client = clients.client(session, key)
    if client is None:
        raise BadInput(f"there is no client {key!r}; add it under `clients` and apply")
    return client


def _reseller(session: Session, payer_account_id: str) -> Reseller:
    if payer_account_id:
        return resellers.reseller(session, payer_account_id)
    every = resellers.resellers(session)
    if len(every) != 1:
        there = ", ".join(each.payer_account_id for each in every) or "none"
        raise BadInput(f"say which payer account it is for; those described are: {there}")
    return every[0]


def _request(
    session: Session, reseller: Reseller, client: Client, wanted: Wanted
) -> AccountRequest:
    onboarding_id = f"onb-{secrets.token_hex(TOKEN_BYTES)}"
    email = wanted.email
    if wanted.kind is OnboardingKind.CREATE:
        email = plus_address(
            mailbox=check_email(email or reseller.mailbox),
            client_key=client.key,
            onboarding_id=onboarding_id,
        )
    elif wanted.kind is OnboardingKind.BILLING_TRANSFER:
        email = ""
    words = {"client_name": client.name, "client_key": client.key, "purpose": wanted.name}
    otherwise = f"msp-{secrets.token_hex(16)}"
    return AccountRequest(
        onboarding_id=onboarding_id,
        kind=wanted.kind,
        client_key=client.key,
        account_name=account_name(**words),
        name_with_token=name_with_token(**words, onboarding_id=onboarding_id),
        email=email,
        account_id=wanted.account_id,
        external_id=external_ids.external_id_of(session, client.key, otherwise=otherwise),
        roles=_roles(session, wanted),
        budget_amount=wanted.budget,
        transfer_starts_at=wanted.transfer_starts_at,
        consents=wanted.consents,
        consented_by=wanted.consented_by,
    )


def _roles(session: Session, wanted: Wanted) -> tuple[RoleSpec, ...]:
    transfer = wanted.kind is OnboardingKind.BILLING_TRANSFER
    shipped = () if transfer else tuple(spec.name for spec in CATALOGUE)
    chosen = pick_roles(wanted.roles or shipped, extra=resellers.own_roles(session))
    return as_deployed(chosen) if transfer else chosen


def _check_budget(amount: str) -> None:
    try:
        given = Decimal(amount or "1")
    except InvalidOperation:
        given = Decimal(0)
    if not (amount.isascii() and given.is_finite() and 0 < given < Decimal("1e12")):
        raise BadInput(f"budget {amount!r} is no positive amount of US dollars, like 1000 or 99.50")


def _check_owner(session: Session, request: AccountRequest, now: datetime) -> None:
    """An account that is a client's, or will be, by configuration, cannot become another's."""
    account_id, day = request.account_id, now.astimezone(UTC).date()
    owner = assignments.other_owner(session, account_id, request.client_key, day)
    if owner is not None:
        brought_by = onboardings.onboarding_of(session, account_id)
        raise AlreadyOnboarded(
            f"account {account_id} is {owner}'s", brought_by.id if brought_by else "none"
        )


def _check_organization(session: Session, reseller: Reseller, request: AccountRequest) -> None:
    """Of another organization of ours; or of this one, whose bill is ours without a transfer."""
    payer = members.organization_of(session, request.account_id)
    ours = payer == reseller.payer_account_id and request.kind in members.MEMBERS
    if payer and not ours:
        raise MemberElsewhere(request.account_id, payer)


__all__ = ["OtherRequest", "Wanted", "plan_request", "request_onboarding"]
