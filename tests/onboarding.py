"""An organization in the strict sandbox, a store, and the shell between them, as tests use them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from invoices.clients import AccountId
from jobs.aws.calls import Clients
from jobs.aws.signers import OFFBOARD, ONBOARD, Signer, Signers
from jobs.onboarding.advance import advance
from jobs.onboarding.environment import OnboardingEnvironment
from sandbox.aws import PAYER, Clock, Crash, Rules, StrictAWS, code_at, session_from
from sandbox.aws.sessions import Caller, new_key
from sandbox.aws.strict import as_session
from service.accounts.policy_files import guard_policies, service_policies, to_text
from service.accounts.practice import Kind, Practice
from service.accounts.proving import probe_user
from service.actions.apply_configuration import apply_configuration
from service.actions.request_onboarding import Wanted, request_onboarding
from service.actions.set_practice import set_practice
from service.configuration import Configuration, read_configuration
from service.store import clients, onboarding_events, onboardings
from service.store.database import Database
from service.store.onboarding_events import Event
from service.store.onboardings import Onboarding
from tests.accounts_practice import ACCESS, PRACTICE

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SENT_ONCE = Config(retries={"total_max_attempts": 1})
"""So that every fault reaches us: botocore's own repeats are a test of their own."""


@cache
def kept_clients() -> Clients:
    """Making clients is what costs; they know nobody's credentials."""
    return Clients(repeated=SENT_ONCE)


@dataclass
class Office:
    """A practice at work: AWS beside a store, and hands that ask, wait and look."""

    aws: StrictAWS
    database: Database
    practice: Practice
    environment: OnboardingEnvironment
    crashes: int = 0
    visits: int = 0
    clients: dict[str, str] = field(default_factory=dict)

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

    def work(self, *, until: datetime | None = None, steps_max: int = 3_000) -> None:
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
            with self.database.transaction() as session:
                due_at = onboardings.next_due(session, PAYER)
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
) -> Iterator[Office]:
    """The organization is set up, the practice described, clients configured."""
    with StrictAWS(clock=Clock(NOON), rules=rules, seed=seed) as aws:
        practice = set_up(aws)
        aws.add_member(ACCESS, name="Access", email="awsaccounts+access@msp.example")
        signers = {
            ONBOARD: Signer(_service_role(aws, practice, "onboard")),
            OFFBOARD: Signer(_service_role(aws, practice, "offboard")),
        }
        for team in sorted(practice.probe_teams):
            signers[probe_user(team)] = _probe_signer(aws, team)
        environment = OnboardingEnvironment(
            database, Signers(signers), kept_clients(), aws.clock.now
        )
        with database.transaction() as session:
            chosen = configuration(names or CLIENTS)
            apply_configuration(session, chosen, actor="test", now=NOON)
            set_practice(session, practice, actor="test", now=NOON)
        office = Office(aws, database, practice, environment)
        aws.log.clear()
        if enforced:
            with aws.enforced():
                yield office
        else:
            yield office


def set_up(aws: StrictAWS) -> Practice:
    """What the manual's set-up page has an operator do, in short."""
    organization_id = aws.set_up_organization()
    organizations = aws.client("organizations")
    root_id = organizations.list_roots()["Roots"][0]["Id"]
    unit = organizations.create_organizational_unit(ParentId=root_id, Name="Clients")
    practice = replace(
        PRACTICE,
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
        for name, document in guard_policies(practice).items()
    }
    return replace(
        practice, membership_scp_id=guards["scp_membership"], root_scp_id=guards["scp_root"]
    )


def _service_role(aws: StrictAWS, practice: Practice, name: str) -> boto3.Session:
    """A session of the service's role that never runs out, as a worker's own is renewed."""
    iam, role = aws.client("iam"), f"msp-{name}"
    everybody = {"AWS": f"arn:aws:iam::{PAYER}:root"}
    trust = allow("sts:AssumeRole", Principal=everybody)
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=document(trust))
    policy = to_text(service_policies(practice)[f"svc_{name}"])
    iam.put_role_policy(RoleName=role, PolicyName="msp", PolicyDocument=policy)
    caller = Caller(
        PAYER,
        arn=f"arn:aws:sts::{PAYER}:assumed-role/{role}/worker",
        principal_arn=f"arn:aws:iam::{PAYER}:role/{role}",
        kind="role",
        user_id="AROASANDBOX:worker",
        chained=True,
        **new_key(aws.world, prefix="ASIA"),
    )
    aws.world.sessions[caller.access_key_id] = caller
    return as_session(caller)


def allow(action: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, **more}


def document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _probe_signer(aws: StrictAWS, team: str) -> Signer:
    """The probe user of a team, with a virtual MFA device."""
    iam, user = aws.client("iam", ACCESS), probe_user(team)
    iam.create_user(UserName=user, Tags=[{"Key": "msp-team", "Value": team}])
    may = allow("sts:AssumeRole", Resource="arn:aws:iam::*:role/msp/*")
    iam.put_user_policy(UserName=user, PolicyName="probe", PolicyDocument=document(may))
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName=user)["VirtualMFADevice"]
    seed, now = device["Base32StringSeed"], aws.clock.now()
    iam.enable_mfa_device(
        UserName=user,
        SerialNumber=device["SerialNumber"],
        AuthenticationCode1=code_at(seed, now),
        AuthenticationCode2=code_at(seed, now + timedelta(seconds=30)),
    )

    def code() -> str:
        """Each code is good once: a person would wait for the next one."""
        aws.clock.advance(seconds=31)
        return code_at(seed, aws.clock.now())

    session = session_from(iam.create_access_key(UserName=user)["AccessKey"])
    return Signer(session, device["SerialNumber"], code)


CREATE = Wanted(kind=Kind.CREATE, client="acme", name="prod", budget="1000", external_ref="T-1")
