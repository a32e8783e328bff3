"""The plans with the service's own rights and no more: least privilege is enforced."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from accounts.iam.client_templates import artefact
from accounts.model.decision import Done, Wait
from accounts.model.lifecycle import Stage
from sandbox.aws.reseller import deploy
from tests.support.accounts_reseller import INVITE
from tests.support.core_worker import Worker
from tests.unit.accounts.conftest import recovered, with_its_codes


@pytest.fixture
def bound(worker: Worker) -> Iterator[Worker]:
    with worker.aws.enforced():
        yield worker


def test_an_account_is_created_and_proved_with_the_services_own_rights_only(bound: Worker) -> None:
    decision = bound.run()

    assert isinstance(decision, Done), (decision, bound.refused)
    assert bound.stored.stage is Stage.LIVE
    assert len(bound.aws.calls("organizations:CreateAccount")) == 1
    assert bound.refused == ["see_contact", "see_contact", "see_contact", "see_budget"]


def test_it_leaves_standalone_with_the_offboarding_roles_rights_only(
    bound: Worker, live: Worker
) -> None:
    decision = with_its_codes(recovered(live))

    assert isinstance(decision, Wait), (decision, bound.refused)
    assert decision.reason == "the account stays in billing until its final invoice is issued"
    assert sum(key.startswith("prove_no_access") for key in bound.stored.proofs) == 6


def test_an_invited_client_accepts_deploys_our_template_and_is_live(bound: Worker) -> None:
    bound.request, aws = INVITE, bound.aws
    aws.add_standalone(INVITE.account_id, email="root@globex.example")
    asked = bound.run()
    assert isinstance(asked, Wait)
    assert asked.expires_at == datetime(2026, 12, 8, 12, 0, 3, tzinfo=UTC)
    client = aws.client("organizations", INVITE.account_id)
    client.accept_handshake(HandshakeId=bound.stored.handshake_id)

    waits = bound.run()

    assert isinstance(waits, Wait)
    assert "deploy the role MspBootstrap" in waits.reason
    template = json.loads(artefact("cloudformation.json", bound.reseller, INVITE))
    deploy(aws, INVITE.account_id, template)
    aws.clock.advance(seconds=900)
    decision = bound.run()
    assert isinstance(decision, Done), (decision, bound.refused)
    assert [finding.code for finding in decision.findings] == ["root_password"]
