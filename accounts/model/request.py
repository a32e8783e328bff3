"""Owns the request: what a client's account is asked to be, checked before any write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum

from accounts.model.emails import check_email
from accounts.model.naming import check_account_name, token_of
from accounts.model.organization import (
    OnboardingKind,
    Reseller,
    check_account_id,
    check_external_id,
)
from accounts.model.role_spec import RoleSpec
from kernel.errors import BadInput

CONSENTED_BY_CHARS_MAX = 200


class Consent(StrEnum):
    """What the client of an account of its own allowed us to do there."""

    ADOPTION = "adoption"
    """Of a member already: all that follows from being ours (`onboarding.adoption`)."""
    REPAIR_ROLES = "repair_roles"
    DELETE_ROOT_CREDENTIALS = "delete_root_credentials"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRequest:
    """One onboarding, as accepted: nothing in it is still to be decided."""

    onboarding_id: str
    kind: OnboardingKind
    client_key: str
    account_name: str
    """What the account is called once it is ours, and wherever we show it: `prod`."""
    name_with_token: str = ""
    """What AWS is asked for, so that a creation in flight can be found again: `Acme prod (7f3a)`.
    '' in a request of before the two were apart: its account_name has the token."""
    email: str
    """Created: the new root address. Invited: the address invited, where no account id is known."""
    account_id: str = ""
    """Invited, adopted: the account; billing transfer: the client's management account; created:
    ''."""
    external_id: str
    """Ours, one per client, never chosen by the client."""
    roles: tuple[RoleSpec, ...] = ()
    budget_amount: str = ""
    """Monthly, decimal text in USD; '' for no budget."""
    transfer_starts_at: datetime | None = None
    """Billing transfer: the first of a month, 00:00 UTC."""
    consents: frozenset[Consent] = frozenset()
    teams: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Who holds a role of people since somebody granted or revoked it, by the role's name."""
    ends: Mapping[str, Mapping[str, datetime]] = field(default_factory=dict)
    """Of those in `teams` that hold it until a time (UTC): by the role's name, then the team's."""
    consented_by: str = ""
    """The client's person who gave the consents, as our own people say."""

    @property
    def asked_as(self) -> str:
        """The name that carries our token, and is nobody else's."""
        return self.name_with_token or self.account_name

    def teams_of(self, role: RoleSpec) -> tuple[str, ...]:
        """Those that hold it: the catalogue's team, unless a person decided otherwise."""
        return self.teams.get(role.name, (role.team,) if role.team else ())


def check_request(reseller: Reseller, request: AccountRequest) -> AccountRequest:
    """The request itself, its instants in UTC, or BadInput.

    Whatever AWS would refuse is refused before any write.
    """
    token = token_of(request.onboarding_id)
    check_external_id(request.external_id)
    _check_consented_by(request.consented_by)
    match request.kind:
        case OnboardingKind.CREATE:
            check_email(request.email)
            _check_names(request, token)
            if request.account_id:
                raise BadInput("an account to be created has no account_id yet; leave it out")
        case OnboardingKind.INVITE if not request.account_id:
            check_email(request.email)
        case OnboardingKind.INVITE:
            check_account_id(request.account_id)
        case OnboardingKind.ADOPT:
            _check_adoption(request)
        case OnboardingKind.BILLING_TRANSFER:
            check_account_id(request.account_id)
            starts_at = _transfer_start(request.transfer_starts_at)
            request = replace(request, transfer_starts_at=starts_at)
            _check_deployed(request.roles)
    if request.account_id == reseller.payer_account_id:
        raise BadInput(f"{request.account_id} is our own payer account; give the client's")
    names = [role.name for role in request.roles]
    # AWS ignores case (IAM API reference, CreateRole):
    # `tests/unit/accounts/iam/test_role_rights.py`,
    # `test_a_request_names_a_role_once_whatever_the_case`.
    if len(names) != len({name.lower() for name in names}):
        raise BadInput(f"a role is asked for twice: {', '.join(sorted(names))}")
    return request


def _check_consented_by(said: str) -> None:
    if len(said) > CONSENTED_BY_CHARS_MAX or not said.isprintable() or said != said.strip():
        raise BadInput(
            f"consented_by {said[:40]!r} is no name: give 1 to {CONSENTED_BY_CHARS_MAX} printable "
            "characters, without blanks around them"
        )


def _check_adoption(request: AccountRequest) -> None:
    """It changes hands without an act of its client's in AWS: so the consent is written down."""
    check_account_id(request.account_id)
    if request.email:
        raise BadInput("an account to be adopted is named by its account_id; leave email out")
    if Consent.ADOPTION not in request.consents:
        raise BadInput(
            f"an account is adopted with its client's consent {Consent.ADOPTION.value!r} only: "
            "with it validate_only lists what the client consents to, and records nothing"
        )
    if not request.consented_by:
        raise BadInput("say who of the client consented to the adoption: consented_by")


def _check_names(request: AccountRequest, token: str) -> None:
    check_account_name(request.account_name)
    check_account_name(request.asked_as)
    if token not in request.asked_as:
        raise BadInput(
            f"{request.asked_as!r} lacks the token {token}: a creation in flight shows nothing "
            "else to find it again by"
        )


def _check_deployed(roles: tuple[RoleSpec, ...]) -> None:
    for role in roles:
        if role.trust != "trust_automation":
            raise BadInput(
                f"{role.name}: a billing transfer has roles for automation only, "
                "which the client deploys"
            )


def _transfer_start(starts_at: datetime | None) -> datetime:
    """In UTC, whatever zone it was given in: what is shown and sent to AWS is then the same day."""
    if starts_at is None or starts_at.utcoffset() is None:
        raise BadInput("a billing transfer needs transfer_starts_at, an instant in UTC")
    utc = starts_at.astimezone(UTC)
    midnight = (utc.hour, utc.minute, utc.second, utc.microsecond) == (0, 0, 0, 0)
    if utc.day != 1 or not midnight:
        raise BadInput(
            f"a billing transfer starts on the first of a month at 00:00 UTC, not {starts_at}"
        )
    return utc
