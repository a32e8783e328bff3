"""The plans against the strict sandbox: an AWS written by somebody else, least privilege on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from accounts.checks.access_proof import probe_user
from accounts.checks.memory import record_answer
from accounts.engine.transitions import apply_entry, attest, record_intent
from accounts.handover.checklist import next_handover_step
from accounts.iam.client_templates import artefact
from accounts.iam.policy_documents import guard_policies, service_policies, to_text
from accounts.model.decision import (
    Actor,
    Answer,
    Call,
    Decision,
    Done,
    NeedsHuman,
    Refusal,
    Wait,
)
from accounts.model.handover import Handover
from accounts.model.lifecycle import Stage, WaitKind
from accounts.model.observed import Observed
from accounts.model.organization import Reseller
from accounts.model.record import Proof, Record
from accounts.model.request import AccountRequest
from accounts.model.role_spec import Document
from accounts.onboarding.plan import next_step
from sandbox.aws import PAYER, Clock, StrictAWS, code_at, session_from
from sandbox.aws.reseller import add_user
from tests.support.accounts_leaving import ASKED
from tests.support.accounts_reseller import CREATE, RESELLER
from tests.unit.accounts.test_steps import INVITE

ACCESS = "222222222222"
TEAMS = ("admins", "engineers", "oncall", "finance")
ROLE_SESSION = "onb-7f3a"


@dataclass
class Shell:
    """A shell of a few lines: real boto3 clients in, facts and record out."""

    aws: StrictAWS
    reseller: Reseller
    seeds: dict[str, str]
    people: dict[str, Any]
    stored: Record = field(default_factory=Record)
    request: AccountRequest = CREATE
    handover: Handover | None = None
    codes: dict[str, str] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)
    """The steps refused."""

    def run(self) -> Decision:
        for _ in range(200):
            decision = self.visit()
            if not isinstance(decision, Wait) or decision.kind == WaitKind.WAITING_CLIENT:
                return decision
            if decision.again_at - self.aws.clock.now() > timedelta(hours=12):
                return decision
            pause = decision.again_at - self.aws.clock.now()
            self.aws.clock.advance(seconds=max(pause.total_seconds(), 1))
        raise AssertionError(decision)

    def visit(self) -> Decision:
        observed = Observed()
        while True:
            now = self.aws.clock.now()
            decision = self.decide(observed, now)
            match decision:
                case Call():
                    if decision.send == "once":
                        self.stored = record_intent(self.stored, decision, now)
                    answer = self.send(decision)
                    observed, self.stored = record_answer(
                        self.request, observed, self.stored, decision, answer, now
                    )
                case Wait() | NeedsHuman() | Done():
                    return decision
                case _:
                    self.stored = apply_entry(self.stored, decision)

    def decide(self, observed: Observed, now: datetime) -> Decision:
        if self.handover is None:
            return next_step(self.reseller, self.request, observed, self.stored, now)
        return next_handover_step(
            self.reseller, self.handover, observed, self.stored, now, codes=self.codes
        )

    def send(self, call: Call) -> Answer:
        try:
            client = self.session(call).client(call.service, region_name="us-east-1")
            arguments = {**call.arguments, **self.mfa(call)}
            operation = xform_name(call.operation)
            if client.can_paginate(operation):
                pages: Answer = client.get_paginator(operation).paginate(**arguments)
                return dict(pages.build_full_result())  # type: ignore[union-attr]
            return dict(getattr(client, operation)(**arguments))
        except ClientError as error:
            told: Any = error.response
            code, words = told["Error"]["Code"], told["Error"]["Message"]
            if not call.expects_refusal:
                self.refusals.append(call.step)
            return Refusal(code=code, reason=told.get("Reason", ""), message=words)

    def session(self, call: Call) -> Any:
        who = call.session
        if who.actor in (Actor.PERSON, Actor.PERSON_WITH_MFA):
            return self.people[who.team]
        leaving = Actor.OFFBOARD in (who.actor, who.via)
        role = self.reseller.offboarding_arn if leaving else self.reseller.automation_arn
        worker = self.aws.client("sts").assume_role(RoleArn=role, RoleSessionName="worker")
        service = session_from(worker["Credentials"])
        sts: Any = service.client("sts", region_name="us-east-1")
        if who.actor is Actor.MEMBER:
            return session_from(
                sts.assume_role(
                    RoleArn=who.role_arn,
                    RoleSessionName=ROLE_SESSION,
                    ExternalId=who.external_id,
                )["Credentials"]
            )
        if who.actor is Actor.ROOT:
            task = {"arn": who.task_policy_arn}
            root = sts.assume_root(TargetPrincipal=who.account_id, TaskPolicyArn=task)
            return session_from(root["Credentials"])
        return service

    def mfa(self, call: Call) -> dict[str, str]:
        if call.session.actor is not Actor.PERSON_WITH_MFA:
            return {}
        user = probe_user(call.session.team)
        self.aws.clock.advance(seconds=31)
        code = code_at(self.seeds[user], self.aws.clock.now())
        return {"SerialNumber": f"arn:aws:iam::{ACCESS}:mfa/{user}", "TokenCode": code}


def set_up(aws: StrictAWS) -> Reseller:
    """What the manual's set-up page has a person do, in short."""
    organization_id = aws.set_up_organization()
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
        access_account_id=ACCESS,
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


def make_service_role(aws: StrictAWS, reseller: Reseller, name: str) -> None:
    iam = aws.client("iam")
    trust: Document = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{PAYER}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    role = f"msp-{name}"
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))
    policy = to_text(service_policies(reseller)[f"svc_{name}"])
    iam.put_role_policy(RoleName=role, PolicyName="msp", PolicyDocument=policy)


def probe(aws: StrictAWS, team: str) -> tuple[str, Any]:
    """A probe user with a virtual MFA device: its seed and its session."""
    may = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::*:role/msp/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [may]})
    made = add_user(aws, probe_user(team), tags={"msp-team": team}, policy=policy)
    keys = {"AccessKeyId": made.access_key_id, "SecretAccessKey": made.secret_access_key}
    return made.mfa_seed, session_from(keys)


@pytest.fixture
def shell() -> Iterator[Shell]:
    with StrictAWS(clock=Clock(datetime(2026, 11, 23, 12, tzinfo=UTC))) as aws:
        reseller = set_up(aws)
        aws.add_member(ACCESS, name="Access", email="awsaccounts+access@msp.example")
        for name in ("onboard", "offboard"):
            make_service_role(aws, reseller, name)
        seeds: dict[str, str] = {}
        people: dict[str, Any] = {}
        for team in TEAMS:
            seeds[probe_user(team)], people[team] = probe(aws, team)
        with aws.enforced():
            yield Shell(aws, reseller, seeds, people)


def test_an_account_is_created_and_proved_with_the_services_own_rights_only(shell: Shell) -> None:
    decision = shell.run()

    assert isinstance(decision, Done), (decision, shell.refusals)
    assert shell.stored.stage is Stage.LIVE
    assert len(shell.aws.calls("organizations:CreateAccount")) == 1
    assert shell.refusals == ["see_contact", "see_contact", "see_contact", "see_budget"]


def test_it_leaves_standalone_with_the_offboarding_roles_rights_only(shell: Shell) -> None:
    shell.run()
    shell.refusals.clear()
    account_id, aws = shell.stored.account_id, shell.aws
    tag = {"Key": "msp:offboarding", "Value": "handover-approved"}
    aws.client("organizations").tag_resource(ResourceId=account_id, Tags=[tag])
    aws.owner(account_id).add_payment_instrument()
    aws.owner(account_id).accept_agreement()
    aws.clock.advance(days=10)
    for item in ("root_sign_in", "client_admin", "evidence", "dependencies"):
        proof = Proof(at=aws.clock.now(), words="seen", by="ann")
        shell.stored = attest(shell.stored, item, proof)
    arn = f"arn:aws:iam::{account_id}:role/msp/"
    shell.handover = replace(ASKED, registered_roles=tuple(arn + s.name for s in CREATE.roles))

    waits = shell.run()
    assert isinstance(waits, Wait)
    shell.codes["root_email"] = aws.mail.code_for("cloud@acme.example")
    waits = shell.run()
    assert isinstance(waits, Wait)
    shell.codes["phone"] = aws.mail.code_for(ASKED.client_contact["PhoneNumber"])

    decision = shell.run()

    assert isinstance(decision, Wait), (decision, shell.refusals)
    assert decision.reason == "the account stays in billing until its final invoice is issued"
    assert sum(key.startswith("prove_no_access") for key in shell.stored.proofs) == 6


def test_an_invited_client_accepts_deploys_our_template_and_is_live(shell: Shell) -> None:
    shell.request, aws = INVITE, shell.aws
    aws.add_standalone(INVITE.account_id, email="root@globex.example")
    asked = shell.run()
    assert isinstance(asked, Wait)
    assert asked.expires_at == datetime(2026, 12, 8, 12, tzinfo=UTC)
    client = aws.client("organizations", INVITE.account_id)
    client.accept_handshake(HandshakeId=shell.stored.handshake_id)

    waits = shell.run()

    assert isinstance(waits, Wait)
    assert "deploy the role MspBootstrap" in waits.reason
    template = json.loads(artefact("cloudformation.json", shell.reseller, INVITE))
    (role,) = (resource["Properties"] for resource in template["Resources"].values())
    iam = aws.client("iam", INVITE.account_id)
    iam.create_role(
        RoleName=role["RoleName"],
        AssumeRolePolicyDocument=to_text(role["AssumeRolePolicyDocument"]),
        Tags=role["Tags"],
    )
    iam.attach_role_policy(RoleName=role["RoleName"], PolicyArn=role["ManagedPolicyArns"][0])
    aws.clock.advance(seconds=900)
    decision = shell.run()
    assert isinstance(decision, Done), (decision, shell.refusals)
    assert [finding.code for finding in decision.findings] == ["root_password"]
