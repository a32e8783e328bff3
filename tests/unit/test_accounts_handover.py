"""A hand-over: recovery first, nothing dangerous alone, undone when aborted, and loss proved."""

# Methods and arguments of the pretend AWS are named as AWS names them.
# ruff: noqa: N802, N803

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from service.accounts.calls import Actor, Answer, Call, Decision, Done, NeedsHuman, Refusal, Wait
from service.accounts.facts import Facts
from service.accounts.handover import CHECKLIST, checklist, dry_run, next_handover_step
from service.accounts.leaving import Exit, Handover
from service.accounts.life import Stage
from service.accounts.record import Proof, Record, attested, entered
from service.accounts.steps import heard
from tests.accounts_aws import DENIED, Aws, Crash, Worker
from tests.accounts_practice import CREATE, MEMBER, NOW, PRACTICE

CLIENT_CONTACT = {
    "FullName": "A. Acme", "AddressLine1": "1 Main", "City": "Cork", "PostalCode": "T12",
    "CountryCode": "IE", "PhoneNumber": "+353 21 000",
}  # fmt: skip
DANGEROUS = {
    "root_guard", "root_email", "roles", "membership_guard", "remove", "close", "end_transfer",
}  # fmt: skip
ROLE_ARNS = tuple(
    f"arn:aws:iam::{MEMBER}:role/msp/{name}"
    for name in ("MspAdmin", "MspAutomation", "MspBilling", "MspEngineer", "MspOnCall")
)
ASKED = Handover(
    request=CREATE,
    exit=Exit.STANDALONE,
    asked_by="ann",
    approvals=dict.fromkeys(DANGEROUS, "bob"),
    client_email="cloud@acme.example",
    client_contact=CLIENT_CONTACT,
    registered_roles=ROLE_ARNS,
)


@dataclass
class AwsOnTheWayOut(Aws):
    email: str = CREATE.email
    contact: dict[str, str] = field(default_factory=dict)
    phone: str = "UNVERIFIED"
    delegated: list[str] = field(default_factory=list)
    gone: dict[str, Any] = field(default_factory=dict)

    def _GetPrimaryEmail(self, call: Call, AccountId: str) -> Answer:
        return {"PrimaryEmail": self.email}

    def _StartPrimaryEmailUpdate(self, call: Call, **more: str) -> Answer:
        return {"Status": "PENDING"}

    def _AcceptPrimaryEmailUpdate(self, call: Call, PrimaryEmail: str, **more: str) -> Answer:
        self.email = PrimaryEmail
        return {"Status": "ACCEPTED"}

    def _GetContactInformation(self, call: Call, AccountId: str) -> Answer:
        return {"ContactInformation": self.contact, "VerificationStatus": self.phone}

    def _PutContactInformation(self, call: Call, **more: Any) -> None:
        self.contact = more["ContactInformation"]

    def _SendPhoneNumberVerification(self, call: Call, AccountId: str) -> Answer:
        return {"Status": "PENDING"}

    def _VerifyPhoneNumber(self, call: Call, AccountId: str, Otp: str) -> Answer:
        self.phone = "VERIFIED"
        return {"Status": "VERIFIED"}

    def _CreateLoginProfile(self, call: Call) -> Answer:
        return {"LoginProfile": {}}

    def _ListDelegatedServicesForAccount(self, call: Call, AccountId: str) -> Answer:
        return {"DelegatedServices": [{"ServicePrincipal": name} for name in self.delegated]}

    def _DeleteAlternateContact(
        self, call: Call, AccountId: str, AlternateContactType: str
    ) -> None:
        del self.accounts[AccountId]["contacts"][AlternateContactType]

    def _DetachPolicy(self, call: Call, PolicyId: str, TargetId: str) -> None:
        self.accounts[TargetId]["scps"].remove(PolicyId)

    def _DetachRolePolicy(self, call: Call, RoleName: str, PolicyArn: str) -> None:
        self._roles(call)[RoleName]["AttachedManagedPolicies"] = []

    def _DeleteRolePolicy(self, call: Call, RoleName: str, PolicyName: str) -> None:
        self._roles(call)[RoleName]["RolePolicyList"] = []

    def _DeleteRole(self, call: Call, RoleName: str) -> None:
        row = self._roles(call).pop(RoleName)
        assert not row["RolePolicyList"]
        assert not row["AttachedManagedPolicies"]

    def _DeletePolicy(self, call: Call, PolicyArn: str) -> None:
        del self.accounts[call.session.account_id]["policies"][PolicyArn]

    def _RemoveAccountFromOrganization(self, call: Call, AccountId: str) -> None:
        self.gone[AccountId] = self.accounts.pop(AccountId)

    def _CloseAccount(self, call: Call, AccountId: str) -> None:
        self.accounts[AccountId]["state"] = "PENDING_CLOSURE"

    def _UpdateAssumeRolePolicy(
        self, call: Call, RoleName: str, PolicyDocument: str
    ) -> Answer | None:
        if call.session.account_id in self.gone:
            shut = self.gone[call.session.account_id]["roles"].pop(RoleName, None) is None
            return DENIED if shut else None
        return super()._UpdateAssumeRolePolicy(call, RoleName, PolicyDocument)

    def _AssumeRole(self, call: Call, RoleArn: str, **more: Any) -> Answer:
        account_id, name = RoleArn.split(":")[4], RoleArn.split("/")[-1]
        if name in self.gone.get(account_id, {"roles": {}})["roles"]:
            return {"Credentials": {}}
        return super()._AssumeRole(call, RoleArn, **more)


@dataclass
class Desk:
    """The shell of a hand-over."""

    aws: AwsOnTheWayOut
    handover: Handover
    stored: Record
    codes: dict[str, str] = field(default_factory=dict)
    crash_after: int = 0

    def run(self) -> Decision:
        facts = Facts()
        while True:
            decision = next_handover_step(
                PRACTICE, self.handover, facts, self.stored, NOW, codes=self.codes
            )
            match decision:
                case Call():
                    answer = self.aws.perform(decision)
                    self.crash_after -= 1
                    if self.crash_after == 0:
                        raise Crash
                    facts, self.stored = heard(
                        self.handover.request, facts, self.stored, decision, answer, NOW
                    )
                case Wait() | NeedsHuman() | Done():
                    return decision
                case _:
                    self.stored = entered(self.stored, decision)

    def attest(self, *items: str) -> None:
        for item in items:
            proof = Proof(at=NOW, words="seen", by="ann")
            self.stored = attested(self.stored, item, proof)


@pytest.fixture
def live() -> Desk:
    aws = AwsOnTheWayOut()
    worker = Worker(aws, CREATE)
    worker.run()
    aws.sent.clear()
    return Desk(aws, ASKED, worker.stored)


def approved(desk: Desk, tag: str = "handover-approved") -> Desk:
    desk.aws.accounts[MEMBER]["tags"]["msp:offboarding"] = tag
    return desk


def recovered(desk: Desk) -> Desk:
    approved(desk)
    desk.codes = {"root_email": "123456", "phone": "654321"}
    desk.attest("root_sign_in", "client_admin", "evidence", "dependencies")
    return desk


def test_the_checklist_gives_recovery_before_it_takes_anything() -> None:
    assert [item.key for item in checklist(Exit.STANDALONE)] == [
        "approval", "root_guard", "root_email", "contact", "phone", "recovery", "root_sign_in",
        "client_admin", "evidence", "delegated", "dependencies", "contacts", "roles",
        "membership_guard", "remove", "last_door", "no_access", "links", "final_invoice",
        "assignment",
    ]  # fmt: skip
    assert {item.key for item in CHECKLIST if item.dangerous} == DANGEROUS


def test_a_dry_run_lists_the_steps_and_their_approvals_and_sends_nothing() -> None:
    lines = dry_run(replace(ASKED, exit=Exit.CLOSE, approvals={}))

    assert [line.key for line in lines if line.dangerous] == ["close"]
    assert lines[0].title == "A second person approves the departure"
    assert all(line.approved_by == "" for line in lines)


def test_nothing_happens_before_the_approvers_tag(live: Desk) -> None:
    decision = live.run()

    assert isinstance(decision, NeedsHuman)
    assert decision.what_to_do == ("an approver tags the account msp:offboarding=handover-approved")
    assert [call.operation for call in live.aws.sent] == ["ListAccounts", "ListTagsForResource"]


@pytest.mark.parametrize("approvals", [{}, {"root_guard": "ann"}])
def test_nobody_approves_their_own_dangerous_step(live: Desk, approvals: dict[str, str]) -> None:
    approved(live).handover = replace(ASKED, approvals=approvals)

    decision = live.run()

    assert isinstance(decision, NeedsHuman)
    assert decision.what_to_do == "a second person than ann approves root_guard"
    assert live.aws.count("DetachPolicy") == 0


def test_the_client_reads_out_the_code_and_the_code_is_secret(live: Desk) -> None:
    decision = approved(live).run()

    assert isinstance(decision, Wait)
    assert decision.reason == "the client has to read the code sent to cloud@acme.example"
    live.codes = {"root_email": "123456"}
    live.run()
    assert live.aws.email == "cloud@acme.example"
    (accept,) = [call for call in live.aws.sent if call.operation == "AcceptPrimaryEmailUpdate"]
    assert accept.secrets == ("Otp",)
    assert live.aws.count("StartPrimaryEmailUpdate") == 1


def test_a_standalone_departure_goes_all_the_way(live: Desk) -> None:
    decision = recovered(live).run()

    assert isinstance(decision, Wait)
    assert decision.reason == "the account stays in billing until its final invoice is issued"
    assert live.stored.stage is Stage.AWAITING_FINAL_INVOICE
    assert live.aws.gone[MEMBER]["roles"] == {}
    assert live.aws.gone[MEMBER]["policies"] == {}
    assert live.aws.gone[MEMBER]["contacts"] == {}
    assert live.aws.contact == CLIENT_CONTACT
    assert sorted(key for key in live.stored.proofs if key.startswith("prove_no_access")) == [
        f"prove_no_access:arn:aws:iam::{MEMBER}:role/MspBootstrap",
        *(f"prove_no_access:{arn}" for arn in ROLE_ARNS),
    ]
    live.handover = replace(live.handover, final_invoice_issued=True)
    assert live.run() == Done()
    assert live.stored.stage.value == "archived"
    assert live.stored.unassigned_on == date(2026, 12, 1)
    assert live.stored.grants_revoked


def test_a_crash_after_any_call_is_survived(live: Desk) -> None:
    recovered(live)
    before, stored = deepcopy(live.aws), live.stored
    live.run()
    calls = len(live.aws.sent)
    for number in range(1, calls + 1):
        desk = Desk(deepcopy(before), ASKED, stored, codes=live.codes, crash_after=number)
        with pytest.raises(Crash):
            desk.run()

        decision = desk.run()

        assert isinstance(decision, Wait), number
        assert desk.stored.stage is Stage.AWAITING_FINAL_INVOICE
        assert desk.aws.gone[MEMBER]["roles"] == {}
    assert calls == 51


def test_a_role_that_still_lets_us_in_is_told(live: Desk) -> None:
    leftover = f"arn:aws:iam::{MEMBER}:role/msp/MspForgotten"
    live.handover = replace(ASKED, registered_roles=(leftover,))
    recovered(live)
    live.aws.accounts[MEMBER]["roles"]["MspForgotten"] = {
        **live.aws.accounts[MEMBER]["roles"]["MspAdmin"],
        "RoleName": "MspForgotten", "Tags": [], "Path": "/old/",
    }  # fmt: skip

    decision = live.run()

    assert isinstance(decision, NeedsHuman)
    assert decision.reason == f"the role {leftover} still lets us in"


def test_people_are_proved_shut_out_with_their_mfa(live: Desk) -> None:
    recovered(live).run()

    knocks = {c.subject: c.session.actor for c in live.aws.sent if c.step == "prove_no_access"}
    assert knocks[ROLE_ARNS[0]] is Actor.PERSON_WITH_MFA
    assert knocks[ROLE_ARNS[1]] is Actor.OFFBOARD


def test_a_delegated_administrator_stays_until_it_is_none(live: Desk) -> None:
    recovered(live).aws.delegated = ["guardduty.amazonaws.com"]

    decision = live.run()

    assert isinstance(decision, NeedsHuman)
    assert decision.reason == (
        "the account administers guardduty.amazonaws.com for the organization"
    )


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("MEMBER_ACCOUNT_PAYMENT_INSTRUMENT_REQUIRED", "the client adds a payment method"),
        ("ACCOUNT_CANNOT_LEAVE_WITHOUT_EULA", "the client accepts the AWS customer agreement"),
        ("WAIT_PERIOD_ACTIVE", "wait; AWS keeps new accounts for some days"),
    ],
)
def test_what_keeps_an_account_from_leaving_is_waited_for(
    live: Desk, reason: str, words: str
) -> None:
    refusal = Refusal(code="ConstraintViolationException", reason=reason)
    recovered(live).aws.refuse_next["RemoveAccountFromOrganization"] = [refusal]

    decision = live.run()

    assert isinstance(decision, Wait)
    assert decision.reason == words
    assert (decision.again_at - NOW).days == 1


def test_an_aborted_hand_over_is_undone(live: Desk) -> None:
    refusal = Refusal(
        code="ConstraintViolationException", reason="MEMBER_ACCOUNT_PAYMENT_INSTRUMENT_REQUIRED"
    )
    recovered(live).aws.refuse_next["RemoveAccountFromOrganization"] = [refusal]
    live.run()
    account = live.aws.accounts[MEMBER]
    assert account["scps"] == set()
    assert set(account["roles"]) == {"MspBootstrap"}

    live.handover = replace(live.handover, aborted=True)

    assert live.run() == Done()
    assert live.stored.stage is Stage.LIVE
    assert account["scps"] == {"p-member01", "p-rootuse1"}
    assert len(account["roles"]) == 6
    assert len(account["contacts"]) == 3


def test_a_direct_transfer_waits_for_the_client_to_accept_elsewhere(live: Desk) -> None:
    live.handover = replace(ASKED, exit=Exit.TRANSFER)

    decision = recovered(live).run()

    assert isinstance(decision, Wait)
    assert "the client accepts there" in decision.reason
    live.aws.gone[MEMBER] = live.aws.accounts.pop(MEMBER)
    assert isinstance(live.run(), Wait)
    assert live.stored.stage is Stage.AWAITING_FINAL_INVOICE
    assert live.aws.count("RemoveAccountFromOrganization") == 0


def test_a_closed_account_stays_the_clients_until_its_final_invoice(live: Desk) -> None:
    live.handover = replace(ASKED, exit=Exit.CLOSE)
    approved(live, "close-approved").attest("evidence", "dependencies")

    decision = live.run()
    assert isinstance(decision, Wait)
    decision = live.run()

    assert isinstance(decision, Wait)
    assert live.stored.stage is Stage.AWAITING_FINAL_INVOICE
    assert live.stored.unassigned_on is None
    assert live.aws.count("CloseAccount") == 1


def test_the_end_of_a_billing_transfer_is_the_end_of_a_month() -> None:
    ends_at = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
    handover = replace(
        ASKED, exit=Exit.END_BILLING, ends_at=ends_at, approvals={"end_transfer": "bob"}
    )
    stored = Record(stage=Stage.LIVE, account_id="555555555555")
    desk = Desk(AwsOnTheWayOut(), handover, stored)
    desk.attest("evidence")
    transfer = {
        "Id": "rt-1", "Status": "ACCEPTED", "Source": {"ManagementAccountId": "555555555555"},
        "StartTimestamp": NOW,
    }  # fmt: skip
    desk.aws.transfers.append(transfer)
    desk.aws.refuse_next["TerminateResponsibilityTransfer"] = [DENIED]

    decision = desk.run()

    assert isinstance(decision, Wait)
    (end,) = [c for c in desk.aws.sent if c.operation == "TerminateResponsibilityTransfer"]
    assert end.arguments == {"Id": "rt-1", "EndTimestamp": ends_at}
