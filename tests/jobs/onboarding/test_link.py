"""Accounts that exist: invited with their client's consent, or billed through us only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from accounts.model.lifecycle import WaitKind
from accounts.model.organization import OnboardingKind
from service.actions.onboarding.cancel_onboarding import CannotCancel, cancel_onboarding
from service.actions.onboarding.request_onboarding import Wanted
from service.actions.onboarding.retry_onboarding import NothingToRetry, retry_onboarding
from service.store.database import Database
from tests.support.onboarding import (
    CREATE,
    INVITE,
    INVITED,
    Installation,
    accept_and_deploy,
    deploy,
    live_once,
    onboard,
    opened,
    quietly,
)

PAYING = "555555555555"
TRANSFER = Wanted(
    kind=OnboardingKind.BILLING_TRANSFER,
    client="initech",
    account_id=PAYING,
    roles=("MspBilling",),
    transfer_starts_at=datetime(2026, 12, 1, tzinfo=UTC),
)


@pytest.fixture
def installation(database: Database) -> Iterator[Installation]:
    with opened(database, enforced=True) as installation:
        installation.aws.add_standalone(INVITED, email="it@globex.example", name="Globex")
        yield installation


def soon(installation: Installation) -> datetime:
    return installation.now() + timedelta(minutes=10)


def test_an_invitation_waits_for_its_client_with_aws_s_words_and_expiry(
    installation: Installation,
) -> None:
    asked = installation.ask(INVITE)
    installation.work(until=soon(installation))

    waits = installation.stored(asked.id)
    assert waits.state == "waiting_client" and waits.waiting is not None
    assert waits.waiting.kind is WaitKind.WAITING_CLIENT
    assert waits.waiting.reason == "the client has to accept the invitation"
    assert waits.waiting.aws_words.endswith("OPEN")
    assert waits.waiting.expires_at == datetime(2026, 12, 8, 12, tzinfo=UTC)


def test_accepted_and_let_in_the_account_is_live_with_one_handshake(
    installation: Installation,
) -> None:
    asked = installation.ask(INVITE)
    installation.work(client=lambda: accept_and_deploy(installation, asked.id))

    live_once(installation, asked.id)
    assert len(installation.aws.calls("organizations:InviteAccountToOrganization")) == 1


def test_a_declined_invitation_needs_a_person_and_retry_sends_another(
    installation: Installation,
) -> None:
    asked = installation.ask(INVITE)
    installation.work(until=soon(installation))
    client = installation.aws.client("organizations", INVITED)
    handshake_id = installation.stored(asked.id).record.handshake_id
    quietly(installation, lambda: client.decline_handshake(HandshakeId=handshake_id))
    installation.work()
    declined = installation.stored(asked.id)

    assert declined.waiting is not None and declined.state == "needs_human"
    assert declined.waiting.reason == "the invitation was declined"
    with installation.database.transaction() as session:
        retry_onboarding(session, asked.id, actor="ada", now=installation.now())
    installation.work(until=soon(installation))
    assert installation.stored(asked.id).record.handshake_id not in ("", handshake_id)


def test_an_invitation_is_taken_back(installation: Installation) -> None:
    asked = installation.ask(INVITE)
    installation.work(until=soon(installation))
    with installation.database.transaction() as session:
        cancel_onboarding(session, asked.id, actor="ada", now=installation.now())
    installation.work()

    assert installation.stored(asked.id).state == "cancelled"
    (handshake,) = installation.aws.world.handshakes.values()
    assert handshake.settled == "CANCELED"
    assert installation.ask(INVITE).id == asked.id
    with installation.database.transaction() as session, pytest.raises(NothingToRetry):
        retry_onboarding(session, asked.id, actor="ada", now=installation.now())


def test_an_account_that_is_linked_cannot_be_given_up(installation: Installation) -> None:
    live = onboard(installation, CREATE)

    refused = pytest.raises(CannotCancel, match="is linked already; hand it over or close it")
    with installation.database.transaction() as session, refused:
        cancel_onboarding(session, live.id, actor="ada", now=installation.now())


def test_before_aws_was_asked_a_creation_is_given_up_and_its_name_is_free(
    installation: Installation,
) -> None:
    asked = installation.ask(CREATE)
    with installation.database.transaction() as session:
        cancel_onboarding(session, asked.id, actor="ada", now=installation.now())
    installation.work()

    assert installation.stored(asked.id).state == "cancelled"
    assert installation.aws.calls("organizations:CreateAccount") == []


def test_a_billing_transfer_begins_with_its_month(database: Database) -> None:
    with opened(database) as installation:
        transferred(installation)


def transferred(installation: Installation) -> None:
    installation.aws.add_standalone(PAYING, email="aws@initech.example", name="Initech")
    client = installation.aws.client("organizations", PAYING)
    quietly(installation, lambda: client.create_organization(FeatureSet="ALL"))
    asked = installation.ask(TRANSFER)
    installation.work(until=soon(installation))
    assert installation.stored(asked.id).state == "waiting_client"

    (handshake,) = installation.aws.world.handshakes.values()
    quietly(installation, lambda: client.accept_handshake(HandshakeId=handshake.id))
    quietly(installation, lambda: deploy(installation, asked.id, PAYING))
    installation.work(until=datetime(2026, 12, 1, 1, tzinfo=UTC))

    live = installation.stored(asked.id)
    assert live.state == "live", live.waiting
    assert installation.client_on(PAYING, datetime(2026, 11, 30, tzinfo=UTC)) is None
    assert installation.client_on(PAYING, datetime(2026, 12, 1, tzinfo=UTC)) == "initech"
    made = installation.aws.calls("organizations:InviteOrganizationToTransferResponsibility")
    assert len(made) == 1
