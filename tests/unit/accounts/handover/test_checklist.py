"""A hand-over: recovery first, nothing dangerous alone, undone when aborted, and loss proved."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from accounts.handover.checklist import CHECKLIST, checklist, dry_run
from accounts.iam.trust_policies import TRUST_NOBODY
from accounts.model.decision import Actor, Done, NeedsHuman, Send, Wait
from accounts.model.handover import HandoverKind
from accounts.model.lifecycle import Stage
from accounts.model.record import Record
from sandbox.aws import AwsError, Crash, Fault
from tests.support.accounts_reseller import (
    ASKED,
    CLIENT_CONTACT,
    DANGEROUS,
    MEMBER,
    ROLE_ARNS,
    TRANSFER,
)
from tests.support.core_worker import Worker
from tests.support.forking import strike_each_call
from tests.unit.accounts.conftest import approved, recovered, with_its_codes


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


def test_nothing_happens_before_the_approvers_tag(live: Worker) -> None:
    decision = live.visit()

    assert isinstance(decision, NeedsHuman)
    assert decision.what_to_do == ("an approver tags the account msp:offboarding=handover-approved")
    assert {call.send for call in live.sent} == {Send.READ}


@pytest.mark.parametrize("approvals", [{}, {"root_guard": "ann"}])
def test_nobody_approves_their_own_dangerous_step(live: Worker, approvals: dict[str, str]) -> None:
    approved(live).handover = replace(ASKED, approvals=approvals)

    decision = live.visit()

    assert isinstance(decision, NeedsHuman)
    assert decision.what_to_do == "a second person than ann approves root_guard"
    assert live.count("DetachPolicy") == 0


def test_the_client_reads_out_the_code_and_the_code_is_secret(live: Worker) -> None:
    decision = approved(live).visit()

    assert isinstance(decision, Wait)
    assert decision.reason == "the client has to read the code sent to cloud@acme.example"
    live.codes = {"root_email": live.aws.mail.code_for("cloud@acme.example")}
    live.visit()
    assert live.aws.account(MEMBER).email == "cloud@acme.example"
    (accept,) = [call for call in live.sent if call.operation == "AcceptPrimaryEmailUpdate"]
    assert accept.secrets == ("Otp",)
    assert live.aws.calls("account:AcceptPrimaryEmailUpdate")[0].params["Otp"] == "***"
    assert live.count("StartPrimaryEmailUpdate") == 1


def test_a_standalone_departure_goes_all_the_way(live: Worker) -> None:
    decision = with_its_codes(recovered(live))

    assert isinstance(decision, Wait)
    assert decision.reason == "the account stays in billing until its final invoice is issued"
    assert live.stored.stage is Stage.AWAITING_FINAL_INVOICE
    account = live.aws.account(MEMBER)
    assert account.organization is None
    assert only_a_shut_door_is_left(live)
    iam = live.aws.client("iam", MEMBER)
    assert iam.list_policies(Scope="Local")["Policies"] == []
    assert account.alternate_contacts == {}
    assert account.contact == CLIENT_CONTACT
    assert sorted(key for key in live.stored.proofs if key.startswith("prove_no_access")) == [
        f"prove_no_access:arn:aws:iam::{MEMBER}:role/MspBootstrap",
        *(f"prove_no_access:{arn}" for arn in ROLE_ARNS),
    ]
    live.handover = replace(ASKED, final_invoice_issued=True)
    assert live.visit() == Done()
    assert live.stored.stage.value == "archived"
    assert live.stored.unassigned_on == date(2026, 12, 1)
    assert live.stored.grants_revoked


def only_a_shut_door_is_left(live: Worker) -> bool:
    """A role cannot delete itself: the first one is left, with a trust in nobody."""
    trust = live.role("MspBootstrap")["AssumeRolePolicyDocument"]
    return live.roles() == {"MspBootstrap": "/"} and trust == TRUST_NOBODY


def test_a_standalone_departure_takes_58_calls_and_two_more_looks_at_it_all(live: Worker) -> None:
    """The client's two codes are read out once AWS has sent them, so there are three visits."""
    with_its_codes(recovered(live))

    looks = [call for call in live.sent if call.operation == "ListAccounts"]
    assert len(looks) == 3 + 1, "and a look whether it is gone"
    assert len(live.sent) == 58 + 12 + 13


@pytest.mark.parametrize("one_in", [6, pytest.param(1, marks=pytest.mark.proof)])
def test_a_crash_after_any_call_is_survived(live: Worker, one_in: int) -> None:
    """83 calls, and 6 to sign in."""
    recovered(live)

    def leave() -> tuple[int, str, bool]:
        try:
            decision = with_its_codes(live)
        except Crash:
            decision = with_its_codes(live)
        assert isinstance(decision, Wait)
        live.aws.faults.clear()
        return live.aws.faults.struck.total(), live.stored.stage, only_a_shut_door_is_left(live)

    came_to = strike_each_call(live.aws, Fault.CRASH_AFTER, leave, one_in=one_in)

    assert came_to == dict.fromkeys(range(one_in, 90, one_in), (1, "awaiting_final_invoice", True))


def test_a_role_that_still_lets_us_in_is_told(live: Worker) -> None:
    leftover = f"arn:aws:iam::{MEMBER}:role/msp/MspForgotten"
    live.handover = replace(ASKED, registered_roles=(leftover,))
    recovered(live)
    live.change(
        "CreateRole",
        RoleName="MspForgotten",
        Path="/msp/",
        AssumeRolePolicyDocument=json.dumps(live.role("MspAutomation")["AssumeRolePolicyDocument"]),
    )

    waits = with_its_codes(live, Worker.visit)
    assert isinstance(waits, Wait)
    assert waits.reason == f"the role {leftover} lets us in yet; IAM takes a minute or two"
    live.aws.clock.advance(seconds=300)
    decision = live.visit()

    assert isinstance(decision, NeedsHuman)
    assert decision.reason == f"the role {leftover} still lets us in"


def test_people_are_proved_shut_out_with_their_mfa(live: Worker) -> None:
    with_its_codes(recovered(live))

    knocks = {c.subject: c.session.actor for c in live.sent if c.step == "prove_no_access"}
    assert knocks[ROLE_ARNS[0]] is Actor.PERSON_WITH_MFA
    assert knocks[ROLE_ARNS[1]] is Actor.OFFBOARD


def test_a_delegated_administrator_stays_until_it_is_none(live: Worker) -> None:
    organizations = recovered(live).aws.client("organizations")
    principal = "guardduty.amazonaws.com"
    organizations.enable_aws_service_access(ServicePrincipal=principal)
    organizations.register_delegated_administrator(AccountId=MEMBER, ServicePrincipal=principal)

    decision = live.visit()

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
    live: Worker, reason: str, words: str
) -> None:
    account = recovered(live).aws.account(MEMBER)
    if reason == "WAIT_PERIOD_ACTIVE":
        live.aws.world.rules = replace(live.aws.world.rules, wait_days=30)
    elif reason == "ACCOUNT_CANNOT_LEAVE_WITHOUT_EULA":
        account.accepted_agreement = False
    else:
        account.payment_instrument = False

    decision = with_its_codes(live)

    assert isinstance(decision, Wait)
    assert decision.reason == words
    assert reason in decision.aws_words
    assert decision.again_at - live.aws.clock.now() == timedelta(days=1, seconds=-1)


def test_an_aborted_hand_over_is_undone(live: Worker) -> None:
    recovered(live).aws.account(MEMBER).payment_instrument = False
    with_its_codes(live)
    assert live.guards() == set()
    assert set(live.roles()) == {"MspBootstrap"}

    live.handover = replace(ASKED, aborted=True)

    assert live.run() == Done()
    assert live.stored.stage is Stage.LIVE
    assert live.guards() == {live.reseller.membership_scp_id, live.reseller.root_scp_id}
    assert len(live.roles()) == 6
    assert len(live.aws.account(MEMBER).alternate_contacts) == 3


def test_a_direct_transfer_waits_for_the_client_to_accept_elsewhere(live: Worker) -> None:
    live.handover = replace(ASKED, exit=HandoverKind.TRANSFER)

    decision = with_its_codes(recovered(live))

    assert isinstance(decision, Wait)
    assert decision.reason == "the client's organization has to invite the account"
    aws, now = live.aws, live.aws.clock.now()
    aws.add_standalone("666666666666", email="aws@acme.example", name="Acme")
    theirs = aws.client("organizations", "666666666666")
    theirs.create_organization(FeatureSet="ALL")
    asked = theirs.invite_account_to_organization(Target={"Id": MEMBER, "Type": "ACCOUNT"})
    invited = live.visit()
    assert isinstance(invited, Wait)
    assert invited.reason.startswith("somebody in the account has to accept the invitation")
    assert invited.expires_at is not None
    assert abs(invited.expires_at - now - timedelta(days=15)) < timedelta(milliseconds=1)
    member = aws.client("organizations", MEMBER)
    member.accept_handshake(HandshakeId=asked["Handshake"]["Id"])
    assert isinstance(live.visit(), Wait)
    assert live.stored.stage is Stage.AWAITING_FINAL_INVOICE
    assert live.count("RemoveAccountFromOrganization") == 0


def test_a_closed_account_stays_the_clients_until_its_final_invoice(live: Worker) -> None:
    live.handover = replace(ASKED, exit=HandoverKind.CLOSE)
    approved(live, "close-approved").attest("evidence", "dependencies")

    assert isinstance(live.visit(), Wait)
    decision = live.visit()
    assert isinstance(decision, Wait)
    assert live.stored.stage.value == "closing"
    assert decision.aws_words == "PENDING_CLOSURE"
    live.aws.clock.advance(seconds=900)
    decision = live.visit()

    assert isinstance(decision, Wait)
    assert live.stored.stage is Stage.AWAITING_FINAL_INVOICE
    assert live.stored.unassigned_on is None
    assert live.count("CloseAccount") == 1


def test_the_end_of_a_billing_transfer_is_the_end_of_a_month(worker: Worker) -> None:
    aws = worker.aws
    aws.add_standalone(TRANSFER.account_id, email="root@initech.example", name="Initech")
    client = aws.client("organizations", TRANSFER.account_id)
    client.create_organization(FeatureSet="ALL")
    worker.anew(TRANSFER).run()
    (handshake_id,), (transfer_id,) = aws.world.handshakes, aws.world.transfers
    client.accept_handshake(HandshakeId=handshake_id)
    ends_at = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
    worker.handover = replace(
        ASKED, exit=HandoverKind.END_BILLING, ends_at=ends_at, approvals={"end_transfer": "bob"}
    )
    worker.stored = Record(stage=Stage.LIVE, account_id=TRANSFER.account_id)
    worker.attest("evidence")

    unapproved = worker.visit()

    assert isinstance(unapproved, NeedsHuman)
    assert unapproved.what_to_do == (
        f"an approver tags the transfer {transfer_id} msp:offboarding=handover-approved"
    )
    aws.world.transfers[transfer_id].tags["msp:offboarding"] = "handover-approved"

    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise AwsError("AccessDeniedException", "not authorized")

    aws.stub("organizations", "TerminateResponsibilityTransfer", refuse)

    decision = worker.visit()

    assert isinstance(decision, Wait)
    (end,) = [c for c in worker.sent if c.operation == "TerminateResponsibilityTransfer"]
    assert end.arguments == {"Id": transfer_id, "EndTimestamp": ends_at}
