"""Giving an onboarding up: only before the account is linked, and nothing is left behind."""

from dataclasses import replace

import pytest

from accounts.checks.memory import record_answer
from accounts.engine.transitions import apply_entry
from accounts.model.decision import Call, Decision, Done, NeedsHuman, Wait
from accounts.model.lifecycle import Stage
from accounts.model.observed import Observed
from accounts.model.request import AccountRequest
from accounts.onboarding.cancellation import next_cancel_step
from tests.support.accounts_aws import Aws, Worker
from tests.support.accounts_reseller import CREATE
from tests.unit.accounts.test_steps import INVITE, TRANSFER


def cancel(worker: Worker) -> Decision:
    observed = Observed()
    while True:
        now = worker.aws.now
        decision = next_cancel_step(worker.request, observed, worker.stored, now)
        match decision:
            case Call():
                answer = worker.aws.perform(decision)
                observed, worker.stored = record_answer(
                    worker.request, observed, worker.stored, decision, answer, now
                )
            case Wait() | NeedsHuman() | Done():
                return decision
            case _:
                worker.stored = apply_entry(worker.stored, decision)


def test_a_request_not_yet_sent_is_simply_cancelled() -> None:
    worker = Worker(Aws(), CREATE)

    assert cancel(worker) == Done()
    assert worker.stored.stage is Stage.CANCELLED
    assert worker.aws.sent == []


@pytest.mark.parametrize("request_", [INVITE, TRANSFER], ids=lambda each: each.kind)
def test_an_open_invitation_is_taken_back(request_: AccountRequest) -> None:
    worker = Worker(Aws(), request_)
    worker.run()

    assert cancel(worker) == Done()
    assert worker.stored.stage is Stage.CANCELLED
    assert worker.aws.count("CancelHandshake") == 1
    states = [row.get("State") or row["Status"] for row in worker.aws.handshakes]
    assert states + [row["Status"] for row in worker.aws.transfers] == ["CANCELED"]


def test_a_creation_under_way_cannot_be_taken_back() -> None:
    worker = Worker(Aws(), CREATE)
    worker.visit()

    decision = cancel(worker)

    assert isinstance(decision, NeedsHuman)
    assert decision.what_to_do == "let it be linked, then close it"


def test_a_failed_creation_can_be_given_up() -> None:
    worker = Worker(Aws(creation_failures=["INVALID_EMAIL"]), CREATE)
    worker.run()

    assert cancel(worker) == Done()


def test_an_accepted_invitation_is_too_late() -> None:
    worker = Worker(Aws(), INVITE)
    worker.run()
    worker.aws.handshakes[0]["State"] = "ACCEPTED"

    decision = cancel(worker)

    assert isinstance(decision, NeedsHuman)
    assert decision.reason == "the client has accepted already"


def test_a_linked_account_is_handed_over_instead() -> None:
    worker = Worker(Aws(), CREATE)
    worker.run()

    decision = cancel(worker)

    assert isinstance(decision, NeedsHuman)
    assert decision.what_to_do == "hand it over or close it"
    worker.stored = replace(worker.stored, stage=Stage.CANCELLED)
    assert cancel(worker) == Done()
