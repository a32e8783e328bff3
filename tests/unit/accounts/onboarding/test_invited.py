"""Accounts that come by invitation or billing transfer: what is the client's stays its own."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from accounts.engine.transitions import retry
from accounts.iam.client_templates import artefact
from accounts.iam.role_catalogue import MSP_AUTOMATION
from accounts.model.decision import Done, NeedsHuman, Wait
from accounts.model.lifecycle import Stage, WaitKind
from accounts.model.request import Consent
from kernel.findings import Severity
from sandbox.aws.core.errors import handshake_constraint
from sandbox.aws.core.world import RootCredentials
from sandbox.aws.organizations.handshakes import state_of_handshake
from sandbox.aws.reseller import deploy
from tests.support.accounts_reseller import (
    DESK,
    INVITE,
    TRANSFER,
)
from tests.support.core_worker import Worker

BERLIN_IN_WINTER = timezone(timedelta(hours=1))


def let_us_in(worker: Worker) -> None:
    """The client deploys the bootstrap role with our template."""
    template = json.loads(artefact("cloudformation.json", worker.reseller, worker.request))
    deploy(worker.aws, worker.request.account_id, template)


def root_of(worker: Worker) -> RootCredentials:
    return worker.aws.account(worker.request.account_id).root


def test_an_invitation_waits_for_the_client_and_then_for_the_role(accepted: Worker) -> None:
    worker = accepted

    decision = worker.run()

    assert isinstance(decision, Wait)
    assert decision.kind is WaitKind.WAITING_CLIENT
    assert "deploy the role MspBootstrap" in decision.reason
    assert worker.stored.stage is Stage.IN_OU


def test_an_invited_account_is_live_once_its_client_let_us_in(accepted: Worker) -> None:
    worker = accepted
    worker.run()
    let_us_in(worker)
    worker.aws.clock.advance(seconds=900)

    assert isinstance(worker.run(), Done)
    assert worker.aws.account("444444444444").name == "Globex"
    assert worker.count("InviteAccountToOrganization") == 1


def test_an_invited_clients_root_credentials_are_told_and_kept(accepted: Worker) -> None:
    worker = accepted
    root_of(worker).password = False
    worker.aws.owner(INVITE.account_id).add_root_access_key()
    let_us_in(worker)

    decision = worker.run()

    assert isinstance(decision, Done)
    (finding,) = decision.findings
    assert finding.severity is Severity.CRITICAL
    assert finding.message == "has root access keys; delete it, or have the client do so"
    assert list(root_of(worker).access_keys.values()) == ["Active"]


def test_the_clients_own_contacts_are_remembered(accepted: Worker) -> None:
    worker = accepted
    theirs = {
        "Name": "A. Globex", "Title": "CFO", "EmailAddress": "cfo@globex.example",
        "PhoneNumber": "+1 555 0100", "AlternateContactType": "BILLING",
    }  # fmt: skip
    contacts = worker.aws.account("444444444444").alternate_contacts
    contacts["BILLING"] = theirs
    worker.run()

    kept = worker.stored.prior_contacts
    assert kept["SECURITY"] is None
    assert kept["BILLING"] is not None
    assert kept["BILLING"].email == "cfo@globex.example"
    assert contacts["BILLING"]["EmailAddress"] == DESK.email


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("DECLINED", "the invitation was declined"),
        ("CANCELED", "the invitation was cancelled"),
        ("EXPIRED", "the invitation has expired"),
    ],
)
def test_an_ended_invitation_asks_a_person_and_retry_sends_a_new_one(
    invited: Worker, state: str, reason: str
) -> None:
    worker, handshake_id = invited, invited.stored.handshake_id
    if state == "DECLINED":
        client = worker.aws.client("organizations", INVITE.account_id)
        client.decline_handshake(HandshakeId=handshake_id)
    elif state == "CANCELED":
        worker.aws.client("organizations").cancel_handshake(HandshakeId=handshake_id)
    else:
        worker.aws.clock.advance(days=15)

    decision = worker.run()

    assert isinstance(decision, NeedsHuman)
    assert decision.reason == reason
    worker.stored = retry(worker.stored)
    assert isinstance(worker.run(), Wait)
    world = worker.aws.world
    states = [state_of_handshake(world, each) for each in world.handshakes.values()]
    assert states == [state, "OPEN"]


def test_an_account_in_another_organization_is_told_in_plain_words(
    worker: Worker,
) -> None:
    """On inviting AWS looks no further than our own organization: who accepts learns of the other.

    So the refusal is made here, as a stub.
    """
    worker.request = INVITE

    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise handshake_constraint("ALREADY_IN_AN_ORGANIZATION")

    worker.aws.stub("organizations", "InviteAccountToOrganization", refuse)

    decision = worker.run()

    assert isinstance(decision, NeedsHuman)
    assert "let the client leave it, or accept the transfer there" in decision.what_to_do
    assert "ALREADY_IN_AN_ORGANIZATION" in decision.aws_words


def test_an_account_that_is_a_member_already_is_not_linked_twice(
    worker: Worker,
) -> None:
    worker.request = INVITE
    account = worker.aws.add_member(INVITE.account_id, name="Globex", email="root@globex.example")
    account.tags["msp:onboarding-id"] = "onb-old1"

    decision = worker.run()

    assert isinstance(decision, NeedsHuman)
    assert worker.aws.world.handshakes == {}


def test_a_role_name_of_the_clients_own_is_left_alone(accepted: Worker) -> None:
    worker = accepted
    let_us_in(worker)
    iam = worker.aws.client("iam", INVITE.account_id)
    trust = json.dumps(iam.get_role(RoleName="MspBootstrap")["Role"]["AssumeRolePolicyDocument"])
    iam.create_role(RoleName="MspAdmin", AssumeRolePolicyDocument=trust)

    decision = worker.run()

    assert isinstance(decision, NeedsHuman)
    assert decision.reason.startswith("the account has a role MspAdmin that is not ours")


def test_a_billing_transfer_starts_with_its_month_and_has_deployed_roles_only(
    worker: Worker,
) -> None:
    worker.request, aws = TRANSFER, worker.aws
    aws.add_standalone(TRANSFER.account_id, email="root@initech.example", name="Initech")
    client = aws.client("organizations", TRANSFER.account_id)
    client.create_organization(FeatureSet="ALL")
    decision = worker.run()
    assert isinstance(decision, Wait)
    assert decision.expires_at == datetime(2026, 12, 1, tzinfo=UTC)
    (handshake_id,) = aws.world.handshakes
    client.accept_handshake(HandshakeId=handshake_id)
    aws.clock.advance(hours=11)

    waits = worker.visit()

    assert isinstance(waits, Wait)
    assert waits.reason == "the billing transfer starts on 2026-12-01"
    aws.clock.advance(seconds=(decision.expires_at - aws.clock.now()).total_seconds())
    worker.visit()
    assert worker.stored.assigned_on == date(2026, 12, 1)
    let_us_in(worker)
    assert isinstance(worker.run(), Done)
    assert worker.count("MoveAccount") == 0


def test_consent_lets_a_changed_role_of_an_invited_client_be_repaired(accepted: Worker) -> None:
    worker = accepted
    let_us_in(worker)
    worker.run()
    worker.change("DeleteRolePolicy", RoleName="MspOnCall", PolicyName="msp")
    another = [{"Key": "msp:onboarding-id", "Value": "onb-old1"}]
    worker.change("TagRole", RoleName="MspOnCall", Tags=another)
    worker.stored = replace(worker.stored, stage=Stage.IN_OU)

    refused = worker.run()

    assert isinstance(refused, NeedsHuman)
    assert refused.reason.startswith("the role MspOnCall was changed by the client")
    worker.request = replace(INVITE, consents=frozenset({Consent.REPAIR_ROLES}))
    assert isinstance(worker.run(), Done)
    iam = worker.aws.client("iam", INVITE.account_id)
    assert iam.list_role_policies(RoleName="MspOnCall")["PolicyNames"] == ["msp"]
    assert MSP_AUTOMATION.name in {role["RoleName"] for role in iam.list_roles()["Roles"]}
