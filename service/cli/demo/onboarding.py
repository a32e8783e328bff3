"""The demo's accounts: asked for, made and proved in the pretend AWS as in the real one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

from accounts.iam.client_templates import artefact
from accounts.iam.policy_documents import to_text
from accounts.model.decision import Adopt
from accounts.model.lifecycle import Stage, has_reached
from accounts.model.organization import OnboardingKind
from accounts.model.record import Record
from accounts.organization_setup.items import SETTLED_STATES, WantedSetup
from invoices.clients import AccountId
from jobs.aws.calls import Caller, Clients
from jobs.aws.signers import ONBOARD, SETUP, Signer, Signers
from jobs.onboarding.advance import advance
from jobs.onboarding.environment import OnboardingEnvironment
from jobs.onboarding.setting_up import set_up
from kernel.errors import Refused
from sandbox.aws import StrictAWS
from sandbox.aws import reseller as provider
from sandbox.aws.reseller import ACCESS, SignIn
from sandbox.bills.organization import LONG_AGO, SimulatedAccount, SimulatedOrganization
from service.actions.onboarding.assign_account import assign_account
from service.actions.onboarding.request_onboarding import Wanted
from service.actions.onboarding.request_onboardings import request_onboardings
from service.cli.output import Report
from service.store.accounts import handovers, onboarding_events, onboardings, resellers, turns
from service.store.accounts.onboardings import Onboarding
from service.store.database import Database
from service.store.session import Session
from service.store.tables.onboarding import EventKind

ACTOR = "demo"
DESK = {
    "name": "MSP Desk", "title": "Duty", "email": "desk@msp.example", "phone": "+353 21 555 0100",
}  # fmt: skip
OPENING = timedelta(days=14)
"""So long before the first bill the accounts are asked for."""
PURPOSES = ("production", "staging", "sandbox", "archive")
"""Far more than a demo can have: AWS's quota of the pretend organization."""
INVITED_EACH = 11
"""One account in so many was its client's own before, and is invited."""


@dataclass(frozen=True)
class Provider:
    """The pretend provider: its organization set up, and everybody signed in."""

    aws: StrictAWS
    environment: OnboardingEnvironment
    sign_ins: dict[str, SignIn]
    """By the profile's name; kept nowhere but in the demo's own AWS configuration."""
    described: dict[str, Any]
    """The organization, as `onboarding` of the configuration file has it."""

    @property
    def payer_id(self) -> str:
        return self.aws.world.payer_id

    def aws_configuration(self) -> str:
        """For AWS_CONFIG_FILE, once the sandbox's clock runs."""
        return provider.configuration_file(self.sign_ins, own=ONBOARD)


BY_HAND = frozenset({"probe_users", "people"})
"""What the set-up leaves to the administrator of the access account."""


def open_provider(database: Database, aws: StrictAWS) -> Provider:
    """An organization as AWS gives it, set up by the command's own code and an administrator."""
    provider.open_organization(aws)
    sign_ins = {SETUP: provider.administrator_sign_in(aws)}
    wanted = WantedSetup(payer_account_id=aws.world.payer_id, alert_email=DESK["email"])
    office = OnboardingEnvironment(database, _caller(aws, sign_ins), aws.clock.now)
    first = set_up(office, wanted, yes=frozenset(), actor=ACTOR)
    own = {file.replace("svc_", "msp-"): to_text(each) for file, each in first.policies.items()}
    sign_ins |= provider.sign_everybody_in(aws, own)
    # Where a demo has run, its access account is known and looked at, too. It is the pretend
    # administrator's, with probes made by hand and without people.
    everybody = OnboardingEnvironment(database, _caller(aws, sign_ins), aws.clock.now)
    second = set_up(everybody, wanted, yes=frozenset(), actor=ACTOR)
    amiss = [
        f"{each.key}: {each.words}"
        for each in second.outcomes
        if each.state not in SETTLED_STATES and each.key not in BY_HAND
    ]
    if amiss:
        raise AssertionError(f"the pretend organization is not set up: {amiss}")
    return Provider(
        aws=aws,
        environment=everybody,
        sign_ins=sign_ins,
        described=_described(second.configuration),
    )


def _caller(aws: StrictAWS, sign_ins: dict[str, SignIn]) -> Caller:
    named = {
        name: Signer(each.session(), each.mfa_serial, partial(each.code, aws))
        for name, each in sign_ins.items()
    }
    return Caller(Signers(named), Clients(), aws.clock.now)


def _described(found: Mapping[str, str]) -> dict[str, Any]:
    """Copied through JSON: YAML would write the one desk as an anchor and two references."""
    organization = {
        **found,
        "mailbox": "awsaccounts@msp.example",
        "access_account": ACCESS,
        "probe_teams": list(provider.TEAMS),
        "contacts": dict.fromkeys(("billing", "operations", "security"), DESK),
    }
    return {"organizations": [json.loads(json.dumps(organization))]}


# The accounts. ---------------------------------------------------------------------------


def opening_day(organization: SimulatedOrganization) -> datetime:
    return datetime.combine(organization.first.start.date() - OPENING, time(9), UTC)


def onboard_accounts(
    office: Provider, organization: SimulatedOrganization, report: Report
) -> tuple[Onboarding, ...]:
    """All of them, live, each on the day it joins; those that changed hands are given on.

    What an earlier demo onboarded, or had begun to, is onboarded anew: its pretend AWS ended with
    its process. Raises Refused where one was on its way out.
    """
    _check_none_departs(office)
    waves: dict[date, list[SimulatedAccount]] = {}
    for account in organization.accounts:
        day = account.joined_on
        waves.setdefault(day if day != LONG_AGO else date.min, []).append(account)
    wanted = _wanted(organization)
    asked: list[str] = []
    for day, accounts in sorted(waves.items()):
        if day > office.aws.clock.now().date():
            moment = datetime.combine(day, time(9), UTC)
            office.aws.clock.advance(seconds=(moment - office.aws.clock.now()).total_seconds())
        asked += _ask(office, accounts, [wanted[account.id] for account in accounts])
        _work(office, asked, len(wanted), report)
    if others := _ask_for_others(office, asked):
        _work(office, others, len(others), report)
    _give_on(office, organization)
    return tuple(_stored(office, asked))


def _wanted(organization: SimulatedOrganization) -> dict[str, Wanted]:
    """What to ask for, by account: a few are their clients' own, the others are to be made."""
    seen: Counter[str] = Counter()
    wanted: dict[str, Wanted] = {}
    first = {account: spans[0] for account, spans in organization.clients_by_account().items()}
    for number, account in enumerate(organization.accounts, 1):
        client = first[account.id].client
        purpose, again = PURPOSES[seen[client] % len(PURPOSES)], seen[client] // len(PURPOSES)
        seen[client] += 1
        is_invited = number % INVITED_EACH == 0
        wanted[account.id] = Wanted(
            kind=OnboardingKind.INVITE if is_invited else OnboardingKind.CREATE,
            client=client,
            name=f"{purpose} {again + 1}" if again else purpose,
            account_id=account.id if is_invited else "",
            budget="" if is_invited else "5000",
            external_ref=f"DEMO-{account.id}",
            payer_account_id=organization.payer.id,
        )
    return wanted


def _ask(
    office: Provider, accounts: Sequence[SimulatedAccount], wanted: Sequence[Wanted]
) -> list[str]:
    """One batch; the bills know beforehand which account is to have which id."""
    environment = office.environment
    with environment.database.transaction() as session:
        batch = request_onboardings(session, wanted, actor=ACTOR, now=environment.now())
        for account, onboarding in zip(accounts, batch.onboardings, strict=True):
            _begin(office, session, onboarding, account.id)
    return [onboarding.id for onboarding in batch.onboardings]


def _ask_for_others(office: Provider, asked: Sequence[str]) -> list[str]:
    """Accounts that somebody asked for at an earlier demo's API; those that had come to be."""
    with office.environment.database.transaction() as session:
        others = [each for each in _onboarded(office, session) if each.id not in asked]
        accounts = {each.id: _account_id_of(session, each) for each in others}
        for each in others:
            _begin(office, session, each, accounts[each.id])
    return [each.id for each in others if accounts[each.id]]


def _begin(office: Provider, session: Session, onboarding: Onboarding, account_id: str) -> None:
    """As if nothing had happened in AWS, which is so.

    What the record saw there is forgotten. What the store knows beside it stays: from which day
    the account is its client's, which teams have which role, and every event.
    """
    if _has_left(onboarding):
        return
    before, request = onboarding.record, onboarding.request
    if request.kind is OnboardingKind.CREATE and account_id:
        office.aws.reserve_id(request.email, account_id)
    elif request.kind is OnboardingKind.INVITE and account_id:
        email = f"it@{request.client_key}.example"
        office.aws.add_standalone(account_id, email=email, name=request.account_name)
    anew = Record(reserved=before.reserved, assigned_on=before.assigned_on)
    if before != anew:
        now = office.environment.now()
        onboardings.save(session, onboarding, anew, next_at=now, now=now)


def _onboarded(office: Provider, session: Session) -> tuple[Onboarding, ...]:
    payer_id = office.payer_id
    return onboardings.onboardings(session, payer_account_id=payer_id)


def _account_id_of(session: Session, onboarding: Onboarding) -> str:
    """Also where an earlier demo was cut off while it began anew; '' where none came to be."""
    if onboarding.record.account_id:
        return onboarding.record.account_id
    adopted = [
        event.words
        for event in onboarding_events.events(session, onboarding.id)
        if event.kind is EventKind.ENTRY and event.step == Adopt.__name__
    ]
    return adopted[-1] if adopted else ""


def _has_left(onboarding: Onboarding) -> bool:
    return onboarding.has_ended or has_reached(onboarding.stage, Stage.DEPARTED)


def _check_none_departs(office: Provider) -> None:
    with office.environment.database.transaction() as session:
        for each in _onboarded(office, session):
            if handovers.living_handover(session, each) is not None:
                raise Refused(
                    f"account {each.account_id} was being handed over when an earlier demo ended, "
                    "and its pretend AWS is gone: set REBILL_HOME to an empty folder, and start "
                    "again"
                )


def _work(office: Provider, asked: Sequence[str], total: int, report: Report) -> None:
    """Until all are live, or have left: a worker's loop, where nobody waits for the clock."""
    environment, clock = office.environment, office.aws.clock
    while True:
        advance(environment, office.payer_id)
        found = _stored(office, asked)
        live = sum(each.state == "live" or _has_left(each) for each in found)
        report("onboarding accounts in the pretend AWS", live, total)
        if live == len(found):
            return
        for each in found:
            _client_acts(office, each)
        with environment.database.transaction() as session:
            due_at = turns.next_due(session, office.payer_id)
        if due_at is None:
            stuck = next(e for e in found if e.state != "live" and not _has_left(e))
            raise AssertionError(f"{stuck.id} is {stuck.state}: {stuck.waiting}")
        clock.advance(seconds=max((due_at - clock.now()).total_seconds(), 0))


def _client_acts(office: Provider, onboarding: Onboarding) -> None:
    """An invited client accepts, and lets us in by the template we gave it."""
    if onboarding.state != "waiting_client":
        return
    account_id = onboarding.account_id
    if office.aws.account(account_id).organization is None:
        member = office.aws.client("organizations", account_id)
        member.accept_handshake(HandshakeId=onboarding.record.handshake_id)
        return
    with office.environment.database.transaction() as session:
        reseller = resellers.reseller(session, office.payer_id)
    template = artefact("cloudformation.json", reseller, onboarding.request)
    provider.deploy(office.aws, account_id, json.loads(template))


def _give_on(office: Provider, organization: SimulatedOrganization) -> None:
    """An account that another client takes over is that client's from a day on."""
    environment = office.environment
    with environment.database.transaction() as session:
        for spans in organization.clients_by_account().values():
            for span in spans[1:]:
                account = AccountId(span.account_id)
                now = environment.now()
                assign_account(session, account, span.client, span.start, actor=ACTOR, now=now)


def _stored(office: Provider, asked: Sequence[str]) -> list[Onboarding]:
    with office.environment.database.transaction() as session:
        return [onboardings.onboarding(session, each) for each in asked]
