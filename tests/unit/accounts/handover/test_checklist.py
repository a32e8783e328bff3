"""A hand-over: recovery first, nothing dangerous alone, undone when aborted, and loss proved."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.handover.checklist import CHECKLIST, checklist, dry_run
from accounts.model.decision import Actor, Done, NeedsHuman, Refusal, Send, Wait
from accounts.model.handover import HandoverKind
from accounts.model.lifecycle import Stage
from accounts.model.record import Record
from tests.support.accounts_aws import DENIED, Crash
from tests.support.accounts_leaving import (
    ASKED,
    CLIENT_CONTACT,
    DANGEROUS,
    ROLE_ARNS,
    AwsOnTheWayOut,
    Desk,
    a_live_desk,
    approved,
    invitation,
    recovered,
)
from tests.support.accounts_reseller import MEMBER, NOW


@pytest.fixture
def live() -> Desk:
    return a_live_desk()


def test_the_checklist_gives_recovery_before_it_takes_anything() -> None:
    assert [item.key for item in checklist(HandoverKind.STANDALONE)] == [
        "delegated", "stack_sets", "scan", "approval", "root_guard", "root_email", "contact",
        "phone", "recovery", "root_sign_in", "client_admin", "evidence", "dependencies",
        "contacts", "roles",
        "membership_guard", "remove", "last_door", "no_access", "links", "final_invoice",
        "assignment",
    ]  # fmt: skip
    assert {item.key for item in CHECKLIST if item.dangerous} == DANGEROUS


def test_a_dry_run_lists_the_steps_and_their_approvals_and_sends_nothing() -> None:
    lines = dry_run(replace(ASKED, exit=HandoverKind.CLOSE, approvals={}))

    assert [line.key for line in lines if line.dangerous] == ["roles", "close"]
    assert lines[0].title == "It administers no service for us"
    assert all(line.approved_by == "" for line in lines)


def test_nothing_happens_before_the_approvers_tag(live: Desk) -> None:
    decision = live.run()

    assert isinstance(decision, NeedsHuman)
    assert decision.what_to_do == ("an approver tags the account msp:offboarding=handover-approved")
    assert {call.send for call in live.aws.sent} == {Send.READ}


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
    assert calls == 58


def test_a_role_that_still_lets_us_in_is_told(live: Desk) -> None:
    leftover = f"arn:aws:iam::{MEMBER}:role/msp/MspForgotten"
    live.handover = replace(ASKED, registered_roles=(leftover,))
    recovered(live)
    live.aws.accounts[MEMBER]["roles"]["MspForgotten"] = {
        **live.aws.accounts[MEMBER]["roles"]["MspAdmin"],
        "RoleName": "MspForgotten", "Tags": [], "Path": "/old/",
    }  # fmt: skip

    waits = live.run()
    assert isinstance(waits, Wait)
    assert waits.reason == f"the role {leftover} lets us in yet; IAM takes a minute or two"
    live.now += timedelta(minutes=5)
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
    live.handover = replace(ASKED, exit=HandoverKind.TRANSFER)

    decision = recovered(live).run()

    assert isinstance(decision, Wait)
    assert decision.reason == "the client's organization has to invite the account"
    live.aws.invitations = [invitation("OPEN")]
    invited = live.run()
    assert isinstance(invited, Wait)
    assert invited.reason.startswith("somebody in the account has to accept the invitation")
    assert invited.expires_at == NOW + timedelta(days=15)
    live.aws.gone[MEMBER] = live.aws.accounts.pop(MEMBER)
    assert isinstance(live.run(), Wait)
    assert live.stored.stage is Stage.AWAITING_FINAL_INVOICE
    assert live.aws.count("RemoveAccountFromOrganization") == 0


def test_a_closed_account_stays_the_clients_until_its_final_invoice(live: Desk) -> None:
    live.handover = replace(ASKED, exit=HandoverKind.CLOSE)
    approved(live, "close-approved").attest("evidence", "dependencies")

    assert isinstance(live.run(), Wait)
    decision = live.run()
    assert isinstance(decision, Wait)
    assert live.stored.stage.value == "closing"
    assert decision.aws_words == "PENDING_CLOSURE"
    live.aws.accounts[MEMBER]["state"] = "SUSPENDED"
    decision = live.run()

    assert isinstance(decision, Wait)
    assert live.stored.stage is Stage.AWAITING_FINAL_INVOICE
    assert live.stored.unassigned_on is None
    assert live.aws.count("CloseAccount") == 1


def test_the_end_of_a_billing_transfer_is_the_end_of_a_month() -> None:
    ends_at = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
    handover = replace(
        ASKED, exit=HandoverKind.END_BILLING, ends_at=ends_at, approvals={"end_transfer": "bob"}
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
