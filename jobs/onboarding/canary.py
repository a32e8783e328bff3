"""Owns measuring the mailbox: it is read, test mails are sent, and what that says is stored."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from accounts.model.lifecycle import Stage
from accounts.model.mailbox import MailboxCheck
from accounts.model.organization import OnboardingKind, Reseller
from accounts.monitoring import mailbox_canary
from accounts.monitoring.mailbox_canary import Canary, Mail
from jobs.onboarding import post
from jobs.onboarding.environment import OnboardingEnvironment
from jobs.onboarding.watching import members_of_aws
from kernel.errors import Refused
from kernel.findings import Finding
from service.store.accounts import members, onboardings, resellers, root_security

TOKEN_BYTES = 24


class Sends(Enum):
    """To whom a round sends a new test mail."""

    DUE = "due"
    EVERYBODY = "everybody"
    NOBODY = "nobody"


class NoMailboxCheck(Refused):
    code = "no_mailbox_check"

    def __init__(self, payer_account_id: str) -> None:
        super().__init__(
            f"how to reach the mailbox of {payer_account_id} is not configured: add `mail` to its "
            "organization and apply"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    sent: int
    waiting: int
    """Test mails that may still arrive in time."""
    addresses: int
    findings: tuple[Finding, ...]


def measure(
    environment: OnboardingEnvironment, payer_account_id: str, sends: Sends = Sends.DUE
) -> Round | None:
    """One look and what it sends; None where somebody else is at it.

    Raises NoMailboxCheck, ListNotShown. A test mail is in the store before it is sent, so that a
    worker that ends in between forgets none; while the mailbox cannot be read, none is sent.
    """
    with environment.database.try_lock(f"mailbox {payer_account_id}") as is_ours:
        if not is_ours:
            return None
        look = _Look.of(environment, payer_account_id)
        try:
            mails = post.headers_since(look.check, (look.now - mailbox_canary.LOOKED_BACK).date())
        except post.PostTrouble as trouble:
            return look.store_findings([mailbox_canary.unread(look.reseller.mailbox, str(trouble))])
        look.store_mails(mailbox_canary.mark_arrived(look.canaries, mails, look.now))
        sent, troubles = _send(look, sends)
        looked_at = mailbox_canary.CODES | {"mailbox_unread"}
        if sends is not Sends.NOBODY:
            looked_at |= {"mailbox_unsent"}
        return look.store_findings(
            [*look.findings(mails), *troubles], sent=sent, looked_at=looked_at
        )


@dataclass
class _Look:
    environment: OnboardingEnvironment
    reseller: Reseller
    check: MailboxCheck
    addresses: Mapping[str, str]
    created: Mapping[str, str]
    canaries: tuple[Canary, ...]
    now: datetime

    @classmethod
    def of(cls, environment: OnboardingEnvironment, payer_account_id: str) -> _Look:
        now = environment.now()
        with environment.database.transaction() as session:
            reseller = resellers.reseller(session, payer_account_id)
            if reseller.mail is None:
                raise NoMailboxCheck(payer_account_id)
            since = now - timedelta(days=3 * reseller.mail.every_days)
            canaries = root_security.canaries(session, payer_account_id, since=since)
            live = onboardings.onboardings(
                session, payer_account_id=payer_account_id, state=Stage.LIVE
            )
        accounts = members_of_aws(environment.caller)
        ours = {each.account_id for each in live if each.request.kind is OnboardingKind.CREATE}
        return cls(
            environment,
            reseller,
            reseller.mail,
            mailbox_canary.root_addresses(reseller.mailbox, accounts),
            {each.account_id: each.email for each in accounts if each.account_id in ours},
            canaries,
            now,
        )

    def store_mails(self, changed: Sequence[Canary]) -> None:
        """In the store, and in what the rest of this look is decided from."""
        with self.environment.database.transaction() as session:
            root_security.put_canaries(session, self.reseller.payer_account_id, changed)
        known = {each.token: each for each in (*self.canaries, *changed)}
        self.canaries = tuple(known.values())

    def findings(self, mails: Sequence[Mail]) -> list[Finding]:
        mailbox, check = self.reseller.mailbox, self.check
        return [
            *mailbox_canary.mailbox_findings(
                check, mailbox, self.addresses, self.canaries, self.now
            ),
            *mailbox_canary.foreign_address_findings(mailbox, self.created),
            *mailbox_canary.alarms(mailbox, check.folder, self.addresses, mails),
        ]

    def store_findings(
        self,
        findings: list[Finding],
        *,
        sent: int = 0,
        looked_at: frozenset[str] = frozenset({"mailbox_unread"}),
    ) -> Round:
        """What a mailbox that could not be read would have shown is neither found nor settled."""
        with self.environment.database.transaction() as session:
            members.put_findings(
                session,
                self.reseller.payer_account_id,
                findings,
                self.now,
                looked_at=lambda finding: finding.code in looked_at,
            )
        waiting = mailbox_canary.outstanding(self.check, self.canaries, self.now)
        return Round(
            sent=sent,
            waiting=len(waiting),
            addresses=len(self.addresses),
            findings=tuple(sorted(findings)),
        )


def _send(look: _Look, sends: Sends) -> tuple[int, list[Finding]]:
    if sends is Sends.NOBODY:
        return 0, []
    wanted = mailbox_canary.accounts_due(look.check, look.addresses, look.canaries, look.now)
    if sends is Sends.EVERYBODY:
        wanted = tuple(look.addresses)
    again = [
        each
        for each in mailbox_canary.unsent(look.canaries)
        if look.addresses.get(each.account_id) == each.address
    ]
    fresh = [
        Canary(
            token=secrets.token_urlsafe(TOKEN_BYTES),
            account_id=account_id,
            address=look.addresses[account_id],
            written_at=look.now,
        )
        for account_id in wanted
        if account_id not in {each.account_id for each in again}
    ]
    if not again and not fresh:
        return 0, []
    # In the store before any is sent: `tests/jobs/monitoring/test_canary.py`,
    # `test_a_worker_that_ends_before_it_sent_forgets_nothing`.
    look.store_mails(fresh)
    outcomes: list[Canary] = []
    troubles: list[Finding] = []
    try:
        for each, refusal in post.send(look.check, [*again, *fresh], look.now):
            outcome = {"refusal": refusal} if refusal else {"sent_at": look.now}
            outcomes.append(replace(each, **outcome))
    except post.PostTrouble as trouble:
        troubles.append(mailbox_canary.not_sent(look.reseller.mailbox, str(trouble)))
    look.store_mails(outcomes)
    return len(outcomes), troubles
