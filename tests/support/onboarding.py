"""An organization in the strict sandbox, a store, and the shell between them, as tests use them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

from botocore.config import Config
from botocore.credentials import Credentials

from accounts.checks.access_proof import probe_user
from accounts.iam.client_templates import artefact
from accounts.iam.policy_documents import guard_policies, service_policies, to_text
from accounts.model.organization import TAG_ONBOARDING, OnboardingKind, Reseller
from accounts.model.request import Consent
from accounts.model.role_spec import Document
from invoices.clients import AccountId
from jobs.aws.calls import Caller, Clients
from jobs.aws.signers import OFFBOARD, ONBOARD, SETUP, Signer, Signers
from jobs.onboarding.advance import advance
from jobs.onboarding.environment import OnboardingEnvironment
from sandbox.aws import (
    PAYER,
    Clock,
    Crash,
    Faults,
    Rules,
    StrictAWS,
)
from sandbox.aws import (
    reseller as provider,
)
from sandbox.aws.reseller import SignIn, add_role, add_user
from service.actions.billing.apply_configuration import apply_configuration
from service.actions.onboarding.request_onboarding import Wanted, request_onboarding
from service.actions.onboarding.set_reseller import set_reseller
from service.configuration.reading import Configuration, read_configuration
from service.store.accounts import grants, onboarding_events, onboardings, turns
from service.store.accounts.onboarding_events import Event
from service.store.accounts.onboardings import Onboarding
from service.store.billing import clients
from service.store.database import Database
from tests.support.accounts_reseller import ACCESS, RESELLER
from tests.support.moments import databases, world

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SENT_ONCE = Config(retries={"total_max_attempts": 1})
"""So that every fault reaches us: botocore's own repeats are a test of their own."""


@dataclass(frozen=True)
class Keys:
    """All that a signer needs of a session, which costs more than an onboarding to make."""

    credentials: Credentials

    def get_credentials(self) -> Credentials:
        return self.credentials


@cache
def kept_clients() -> Clients:
    """Making clients is what costs; they know nobody's credentials."""
    return Clients(repeated=SENT_ONCE)


@dataclass
class Installation:
    """A reseller at work: AWS beside a store, and hands that ask, wait and look."""

    aws: StrictAWS
    database: Database
    reseller: Reseller
    environment: OnboardingEnvironment
    crashes: int = 0
    visits: int = 0
    clients: dict[str, Any] = field(default_factory=dict)
    signers: Signers = field(default_factory=lambda: Signers({}))
    """As the machine's AWS configuration would name them."""
    once_live: Callable[[], None] = lambda: None
    """Called when `moments.onboarded` has an account live, before anything else happens to it."""
    opened_as: tuple[Any, ...] = ()
    """How, and into a store with how many rows: what is opened alike may go on alike."""
    opened: tuple[Any, ...] = ()
    """Its state then."""

    def state(self) -> tuple[Any, ...]:
        """Differs once anything has changed: in AWS, its faults to come, its clock, or a row."""
        return (
            world.taken(self.aws, self.environment.caller),
            databases.rows_of(self.database),
            id(self.environment),
        )

    def is_as_opened(self) -> bool:
        return self.state() == self.opened

    def ask(self, wanted: Wanted, *, actor: str = "ada") -> Onboarding:
        with self.database.transaction() as session:
            return request_onboarding(session, wanted, actor=actor, now=self.now())

    def now(self) -> datetime:
        return self.aws.clock.now()

    def stored(self, onboarding_id: str) -> Onboarding:
        with self.database.transaction() as session:
            return onboardings.onboarding(session, onboarding_id)

    def events(self, onboarding_id: str) -> tuple[Event, ...]:
        with self.database.transaction() as session:
            return onboarding_events.events(session, onboarding_id)

    def client_on(self, account_id: str, day: datetime) -> str | None:
        with self.database.transaction() as session:
            return clients.roster(session).client_of(AccountId(account_id), day.date())

    def work(
        self,
        *,
        until: datetime | None = None,
        client: Callable[[], object] = lambda: None,
        steps_max: int = 3_000,
    ) -> None:
        """Advance whenever something is due, and let time pass in between, until nothing is.

        A crash ends the worker; the next one starts with nothing but the store.
        """
        for _ in range(steps_max):
            try:
                self.visits += advance(self.environment, PAYER)
            except Crash:
                self.crashes += 1
                self.aws.clock.advance(seconds=5)
                continue
            client()
            with self.database.transaction() as session:
                due_at = turns.next_due(session, PAYER)
            if due_at is None or (until is not None and due_at > until):
                return
            if due_at > self.now():
                self.aws.clock.advance(seconds=(due_at - self.now()).total_seconds())
        raise AssertionError("it comes to no end")


def client_form(key: str, name: str) -> dict[str, Any]:
    address = {"street": "1 Quay", "city": "Cork", "postcode": "T12", "country": "IE"}
    return {
        "key": key, "name": name, "currency": "USD", "address": address, "price_book": "cost",
    }  # fmt: skip


def configuration(names: dict[str, str]) -> Configuration:
    address = {"street": "1 Quay", "city": "Cork", "postcode": "T12", "country": "IE"}
    written = {
        "seller": {"name": "Example Cloud Ltd", "address": address, "tax_id": "IE6388047V"},
        "payers": [{"account_id": PAYER}],
        "clients": [client_form(key, name) for key, name in names.items()],
        "price_books": [{"key": "cost", "from": "2018-01", "cost_basis": "billed"}],
    }
    return read_configuration(json.dumps(written))


CLIENTS = {"acme": "Acme", "globex": "Globex", "initech": "Initech"}


@contextmanager
def opened(
    database: Database,
    *,
    rules: Rules | None = None,
    seed: int = 1,
    names: dict[str, str] | None = None,
    enforced: bool = False,
) -> Iterator[Installation]:
    """The organization is set up, the reseller described, clients configured."""
    with StrictAWS(clock=Clock(NOON), rules=rules, seed=seed) as aws:
        signers = dict[str, Signer]()
        caller = Caller(Signers(signers), kept_clients(), aws.clock.now)
        reseller = _set_up_and_signed_in(aws, caller, signers, repr((rules, seed)))
        environment = OnboardingEnvironment(database, caller, aws.clock.now)
        with database.transaction() as session:
            chosen = configuration(names or CLIENTS)
            apply_configuration(session, chosen, actor="test", now=NOON)
            set_reseller(session, reseller, actor="test", now=NOON)
        installation = Installation(aws, database, reseller, environment, signers=Signers(signers))
        aws.log.clear()
        with aws.enforced() if enforced else nullcontext():
            installation.opened = installation.state()
            counts = tuple((table, count) for table, count, _ in databases.rows_of(database))
            installation.opened_as = (repr(rules), seed, repr(names), enforced, counts)
            yield installation


_set_ups: dict[str, tuple[world.World, Reseller]] = {}


def _set_up_and_signed_in(
    aws: StrictAWS, caller: Caller, signers: dict[str, Signer], like: str
) -> Reseller:
    """Done once for all that are alike: then given as it was, which costs a tenth."""
    if like not in _set_ups:
        reseller = set_up(aws)
        signers.update(sign_in(aws, reseller).named)
        _set_ups[like] = world.taken(aws, caller), reseller
    taken, reseller = _set_ups[like]
    world.gone_back_to(taken, aws, caller)  # Also the first: all are in the same case.
    return reseller


def set_up(aws: StrictAWS) -> Reseller:
    """What the manual's set-up page has a person do, in short."""
    organization_id = aws.set_up_organization()
    aws.owner(PAYER).add_root_passkey()
    organizations = aws.client("organizations")
    root_id = organizations.list_roots()["Roots"][0]["Id"]
    unit = organizations.create_organizational_unit(ParentId=root_id, Name="Clients")
    reseller = replace(
        RESELLER,
        payer_account_id=PAYER,
        organization_id=organization_id,
        root_id=root_id,
        client_ou_id=unit["OrganizationalUnit"]["Id"],
        automation_arn=f"arn:aws:iam::{PAYER}:role/msp-onboard",
        offboarding_arn=f"arn:aws:iam::{PAYER}:role/msp-offboard",
    )
    guards = {
        name: organizations.create_policy(
            Name=name, Description="", Type="SERVICE_CONTROL_POLICY", Content=to_text(document)
        )["Policy"]["PolicySummary"]["Id"]
        for name, document in guard_policies(reseller).items()
    }
    return replace(
        reseller, membership_scp_id=guards["scp_membership"], root_scp_id=guards["scp_root"]
    )


def sign_in(aws: StrictAWS, reseller: Reseller) -> Signers:
    """Our service roles, each with its own policy, and the people of the access account."""
    aws.add_member(ACCESS, name="Access", email="awsaccounts+access@msp.example")
    policies = service_policies(reseller)
    signers = {
        role: Signer(service_role(aws, role, policies[role.replace("msp-", "svc_")]))
        for role in (ONBOARD, OFFBOARD)
    }
    for team in sorted(reseller.probe_teams):
        signers[probe_user(team)] = _probe_signer(aws, team)
    return Signers(signers)


MACHINES = {
    "Effect": "Allow",
    "Action": "sts:AssumeRole",
    "Principal": {"Service": "ec2.amazonaws.com"},
}
PEOPLE = {
    "Effect": "Allow",
    "Action": "sts:AssumeRole",
    "Principal": {"AWS": f"arn:aws:iam::{ACCESS}:root"},
    "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
}


def service_role(aws: StrictAWS, role: str, policy: Document, account_id: str = PAYER) -> Keys:
    trust = MACHINES if role in (ONBOARD, SETUP) else PEOPLE
    made = add_role(aws, role, trust=document(trust), policy=to_text(policy), account_id=account_id)
    return keys_of(made)


def keys_of(sign_in: SignIn) -> Keys:
    token = sign_in.session_token or None
    return Keys(Credentials(sign_in.access_key_id, sign_in.secret_access_key, token))


def allow(action: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, **more}


def document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _probe_signer(aws: StrictAWS, team: str) -> Signer:
    """The probe user of a team, with a virtual MFA device."""
    may = allow("sts:AssumeRole", Resource="arn:aws:iam::*:role/msp/*")
    tags = {"msp-team": team}
    sign_in = add_user(aws, probe_user(team), tags=tags, policy=document(may))
    return Signer(keys_of(sign_in), sign_in.mfa_serial, partial(sign_in.code, aws))


ROLES = {"MspAdmin", "MspEngineer", "MspOnCall", "MspBilling", "MspAutomation"}


def live_once(installation: Installation, onboarding_id: str) -> Onboarding:
    """Live, with one account, one role set, one assignment, one place in the organization."""
    onboarding = installation.stored(onboarding_id)
    assert onboarding.state == "live", (onboarding.waiting, installation.events(onboarding_id)[-5:])
    world, account_id = installation.aws.world, onboarding.account_id
    (organization,) = world.organizations.values()
    ours = [a for a in world.accounts.values() if a.tags.get(TAG_ONBOARDING) == onboarding_id]
    assert [account.id for account in ours] == [account_id]
    assert ours[0].parent_id == installation.reseller.client_ou_id
    made = [
        request
        for request in organization.requests.values()
        if request.params["AccountName"] == onboarding.request.asked_as
        and request.state == "SUCCEEDED"
    ]
    created = onboarding.request.kind is OnboardingKind.CREATE
    if created:
        assert ours[0].name == onboarding.request.account_name
    invitations = [h for h in world.handshakes.values() if onboarding_id in h.notes]
    assert (len(made), len(invitations)) == ((1, 0) if created else (0, 1))
    roles: list[dict[str, Any]] = []
    quietly(
        installation,
        lambda: roles.extend(installation.aws.client("iam", account_id).list_roles()["Roles"]),
    )
    assert {role["RoleName"] for role in roles} - {"MspBootstrap"} == ROLES
    assert len(roles) == 6
    guards = {installation.reseller.membership_scp_id, installation.reseller.root_scp_id}
    attached = organization.attached[account_id]
    assert sorted(attached) == sorted([*guards, "p-FullAWSAccess", "p-RCPFullAWSAccess"])
    with installation.database.transaction() as session:
        spans = [a for a in clients.roster(session).assignments if a.account_id == account_id]
        registered = grants.registered_roles(session, account_id)
    assert [(span.client, span.span.end) for span in spans] == [
        (onboarding.request.client_key, None)
    ]
    assert {arn.rsplit("/", 1)[-1] for arn in registered} == ROLES | {"MspBootstrap"}
    return onboarding


CREATE = Wanted(
    kind=OnboardingKind.CREATE, client="acme", name="prod", budget="1000", external_ref="T-1"
)
INVITED = "444444444444"
INVITE = Wanted(
    kind=OnboardingKind.INVITE, client="globex", name="main", account_id=INVITED, external_ref="T-2"
)
ADOPT = Wanted(
    kind=OnboardingKind.ADOPT,
    client="globex",
    account_id=INVITED,
    consents=frozenset({Consent.ADOPTION}),
    consented_by="Jane Roe",
    external_ref="T-4",
)


def onboard(installation: Installation, wanted: Wanted) -> Onboarding:
    """Asked for and worked on until nothing is due; an invited client does its part."""
    if wanted.kind is OnboardingKind.INVITE and INVITED not in installation.aws.world.accounts:
        installation.aws.add_standalone(INVITED, email="it@globex.example", name="Globex")
    asked = installation.ask(wanted)
    if wanted.kind is OnboardingKind.INVITE:
        installation.work(client=lambda: accept_and_deploy(installation, asked.id))
    else:
        installation.work()
    return installation.stored(asked.id)


def accept_and_deploy(installation: Installation, onboarding_id: str) -> None:
    """The client accepts what is open, and deploys the role with our template: once each."""
    world = installation.aws.world
    account = world.account(INVITED)
    open_ones = [h for h in world.handshakes.values() if not h.settled]
    if account.organization is None and open_ones:
        organizations = installation.aws.client("organizations", INVITED)
        quietly(installation, lambda: organizations.accept_handshake(HandshakeId=open_ones[0].id))
    if account.organization is not None:
        quietly(installation, lambda: deploy(installation, onboarding_id, INVITED))


def deploy(installation: Installation, onboarding_id: str, account_id: str) -> None:
    """What the CloudFormation template of the artefacts does."""
    request = installation.stored(onboarding_id).request
    template = json.loads(artefact("cloudformation.json", installation.reseller, request))
    provider.deploy(installation.aws, account_id, template)


def quietly(installation: Installation, act: Callable[[], object]) -> None:
    """What others do is no call of ours: no fault strikes it, and no log or count has it."""
    faults, kept = installation.aws.door.faults, len(installation.aws.log)
    installation.aws.door.faults = Faults()
    try:
        act()
    finally:
        installation.aws.door.faults = faults
        del installation.aws.log[kept:]
