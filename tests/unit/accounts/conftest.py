"""Owns what the tests of the accounts core share: workers in an organization of the sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from accounts.model.decision import Decision, Wait
from accounts.model.lifecycle import WaitKind
from tests.support.accounts_reseller import ASKED, INVITE, NOW
from tests.support.core_worker import Worker, a_worker

EMAIL, PHONE = ASKED.client_email, ASKED.client_contact["PhoneNumber"]


@pytest.fixture
def worker() -> Iterator[Worker]:
    """Asked for the account CREATE, and nothing is done yet."""
    with a_worker() as worker:
        yield worker


@pytest.fixture
def invited(worker: Worker) -> Worker:
    """The account of INVITE is asked to join, and its owner has not answered."""
    worker.request = INVITE
    worker.aws.add_standalone(INVITE.account_id, email="root@globex.example", name="Globex")
    decision = worker.run()
    assert isinstance(decision, Wait)
    assert decision.kind is WaitKind.WAITING_CLIENT
    assert decision.expires_at == NOW + timedelta(days=15, seconds=3)
    return worker


@pytest.fixture
def accepted(invited: Worker) -> Worker:
    client = invited.aws.client("organizations", INVITE.account_id)
    client.accept_handshake(HandshakeId=invited.stored.handshake_id)
    return invited


@pytest.fixture
def live(worker: Worker) -> Worker:
    """The account of CREATE, live, and its hand-over asked for, once AWS lets it go."""
    worker.run()
    worker.aws.clock.advance(days=5)
    worker.handover = ASKED
    worker.sent.clear()
    return worker


def approved(live: Worker, tag: str = "handover-approved") -> Worker:
    live.organization.members[live.stored.account_id].tags["msp:offboarding"] = tag
    return live


def recovered(live: Worker) -> Worker:
    """Approved; the client can pay, and has vouched for all it is asked."""
    approved(live).attest("root_sign_in", "client_admin", "evidence", "dependencies")
    owner = live.aws.owner(live.stored.account_id)
    owner.add_payment_instrument()
    owner.accept_agreement()
    return live


def with_its_codes(live: Worker, go_on: Callable[[Worker], Decision] = Worker.run) -> Decision:
    """It goes on, and each time the client reads the code out that AWS has sent it."""
    decision = go_on(live)
    while isinstance(decision, Wait) and "read the code" in decision.reason:
        item, address = ("phone", PHONE) if "phone" in decision.reason else ("root_email", EMAIL)
        live.codes = {item: live.aws.mail.code_for(address)}
        decision = go_on(live)
    return decision
