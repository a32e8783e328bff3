"""What outlives a visit survives JSON exactly."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from accounts.iam.role_catalogue import MSP_BILLING, as_deployed
from accounts.model.handover import Handover
from accounts.model.lifecycle import Stage
from accounts.model.organization import OnboardingKind, Reseller
from accounts.model.record import Record
from accounts.model.request import AccountRequest, Consent
from sandbox.aws import Fault
from service.store.plain import from_json, to_json
from tests.support.accounts_reseller import ASKED, CREATE, RESELLER
from tests.support.core_worker import Worker


def through_json(document: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads(json.dumps(document)))


def test_a_record_full_of_trouble_survives(worker: Worker) -> None:
    worker.aws.fail_creation(CREATE.email, "INTERNAL_FAILURE")
    worker.aws.faults.on("organizations:MoveAccount", Fault.THROTTLE)
    for _ in range(40):
        stored = worker.stored
        worker.stored = from_json(Record, through_json(to_json(stored)))
        assert worker.stored == stored
        worker.visit()
        worker.aws.clock.advance(seconds=60)
    assert worker.stored.stage == "live"
    assert worker.aws.faults.struck.total() == 1


def test_a_record_of_an_earlier_version_is_read() -> None:
    read = from_json(Record, {"stage": "in_ou", "account_id": "333333333333"})

    assert read == Record(stage=Stage.IN_OU, account_id="333333333333")


def test_requests_hand_overs_and_resellers_survive() -> None:
    transfer = replace(
        CREATE,
        kind=OnboardingKind.BILLING_TRANSFER,
        account_id="555555555555",
        roles=as_deployed([MSP_BILLING]),
        transfer_starts_at=datetime(2026, 12, 1, tzinfo=UTC),
        consents=frozenset({Consent.REPAIR_ROLES}),
    )

    for request in (CREATE, transfer):
        assert from_json(AccountRequest, through_json(to_json(request))) == request
    assert from_json(Handover, through_json(to_json(ASKED))) == ASKED
    assert from_json(Reseller, through_json(to_json(RESELLER))) == RESELLER
