"""Giving an onboarding up: only before the account is linked, and nothing is left behind."""

from dataclasses import replace
from functools import partial

import pytest

from accounts.model.decision import Decision, Done, NeedsHuman
from accounts.model.lifecycle import Stage
from accounts.model.request import AccountRequest
from accounts.onboarding.cancellation import next_cancel_step
from sandbox.aws.organizations.handshakes import state_of_handshake
from sandbox.aws.organizations.transfers import status_of
from tests.support.accounts_reseller import CREATE, INVITE, TRANSFER
from tests.support.core_worker import Worker


def cancel(worker: Worker) -> Decision:
    return worker.visit(partial(next_cancel_step, worker.request))


def test_a_request_not_yet_sent_is_simply_cancelled(worker: Worker) -> None:
    assert cancel(worker) == Done()
    assert worker.stored.stage is Stage.CANCELLED
    assert worker.sent == []


@pytest.mark.parametrize("request_", [INVITE, TRANSFER], ids=lambda each: each.kind)
def test_an_open_invitation_is_taken_back(worker: Worker, request_: AccountRequest) -> None:
    worker.request = request_
    worker.aws.add_standalone(request_.account_id, email="it@client.example")
    client = worker.aws.client("organizations", request_.account_id)
    if request_ is TRANSFER:
        client.create_organization(FeatureSet="ALL")
    worker.run()

    assert cancel(worker) == Done()
    assert worker.stored.stage is Stage.CANCELLED
    assert worker.count("CancelHandshake") == 1
    world = worker.aws.world
    states = [state_of_handshake(world, each) for each in world.handshakes.values()]
    assert states == ["CANCELED"]
    transfers = [status_of(world, each) for each in world.transfers.values()]
    assert transfers == (["CANCELED"] if request_ is TRANSFER else [])


def test_a_creation_under_way_cannot_be_taken_back(worker: Worker) -> None:
    worker.visit()

    decision = cancel(worker)

    assert isinstance(decision, NeedsHuman)
    assert decision.what_to_do == "let it be linked, then close it"


def test_a_failed_creation_can_be_given_up(worker: Worker) -> None:
    worker.aws.fail_creation(CREATE.email, "INVALID_EMAIL")
    worker.run()

    assert cancel(worker) == Done()


def test_an_accepted_invitation_is_too_late(accepted: Worker) -> None:
    decision = cancel(accepted)

    assert isinstance(decision, NeedsHuman)
    assert decision.reason == "the client has accepted already"


def test_a_linked_account_is_handed_over_instead(worker: Worker) -> None:
    worker.run()

    decision = cancel(worker)

    assert isinstance(decision, NeedsHuman)
    assert decision.what_to_do == "hand it over or close it"
    worker.stored = replace(worker.stored, stage=Stage.CANCELLED)
    assert cancel(worker) == Done()
