"""How calls are sent and work is woken: once where it must be, by one writer, with nothing lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from jobs.aws.calls import AwsRefused, Caller, Clients, Sent, SignedBy
from jobs.aws.signers import OFFBOARD, ONBOARD, Signers
from jobs.onboarding.advance import advance, lock_of
from sandbox.aws import PAYER, Fault
from service.actions.onboarding.request_onboarding import OtherRequest, request_onboarding
from service.store.accounts import onboardings
from service.store.accounts.onboardings import OnboardingOvertaken
from service.store.database import Database
from service.store.session import Session
from tests.support.onboarding import CREATE, INVITE, NOON, Installation, onboard, opened


@pytest.fixture
def installation(database: Database) -> Iterator[Installation]:
    with opened(database) as installation:
        yield installation


def sent(operation: str, *, once: bool, **arguments: object) -> Sent:
    return Sent(
        service="organizations",
        operation=operation,
        arguments=arguments,
        signed_by=SignedBy(signer=ONBOARD),
        once=once,
    )


@pytest.fixture
def patient(installation: Installation) -> Iterator[Caller]:
    """As in production: botocore repeats what may be repeated."""
    clients = Clients()
    yield Caller(installation.environment.caller._signers, clients, installation.now)
    clients.close()


def test_a_read_is_repeated_and_a_creation_is_not(
    installation: Installation, patient: Caller
) -> None:
    installation.aws.faults.on("organizations:*", Fault.THROTTLE)
    patient.send(sent("ListAccounts", once=False))
    installation.aws.faults.on("organizations:CreateAccount", Fault.ERROR_AFTER)
    new = {"AccountName": "acme", "Email": "aws+acme@msp.example"}
    reply = patient.send(sent("CreateAccount", once=True, **new))

    assert len(installation.aws.calls("organizations:ListAccounts")) == 2
    assert len(installation.aws.calls("organizations:CreateAccount")) == 1
    assert isinstance(reply, AwsRefused) and reply.code in ("500", "ResponseLost")


def test_who_is_not_configured_signs_nothing(installation: Installation) -> None:
    nobody = Caller(Signers({}), Clients(), installation.now)

    reply = nobody.send(
        Sent(
            service="organizations",
            operation="ListAccounts",
            arguments={},
            signed_by=SignedBy(signer=OFFBOARD),
            once=False,
        )
    )

    assert reply == AwsRefused(
        code="NoCredentials",
        message="nobody signs as msp-offboard: add it to the AWS configuration",
    )
    assert installation.aws.log == []


def test_what_is_sent_shows_no_arguments_and_no_credentials(installation: Installation) -> None:
    call = sent("CreateAccount", once=True, Email="secret@msp.example")

    assert "secret@msp.example" not in repr(call)
    assert "SecretAccessKey" not in repr(installation.environment)


def test_an_onboarding_and_its_job_are_one(installation: Installation) -> None:
    with pytest.raises(OtherRequest), installation.database.transaction() as session:
        ask_differently(session)
    assert jobs(installation) == 0

    installation.ask(CREATE)
    installation.ask(INVITE)
    assert jobs(installation) == 1


def ask_differently(session: Session) -> None:
    """The second time is refused, and with it goes the first."""
    for wanted in (CREATE, replace(CREATE, name="test")):
        request_onboarding(session, wanted, actor="ada", now=NOON)


def jobs(installation: Installation) -> int:
    with installation.database.transaction() as session:
        rows = session.connection().exec_driver_sql(
            "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'rebill:advance_onboardings'"
        )
        return int(rows.scalar_one())


def test_an_organization_has_one_writer(installation: Installation) -> None:
    installation.ask(CREATE)

    with installation.database.try_lock(lock_of(PAYER)) as is_ours:
        assert is_ours
        assert advance(installation.environment, PAYER) == 0
    assert advance(installation.environment, PAYER) == 1


def test_who_decided_from_less_is_overtaken(installation: Installation) -> None:
    before = onboard(installation, CREATE)
    with installation.database.transaction() as session:
        onboardings.save(session, before, before.record, next_at=None, now=installation.now())

    with installation.database.transaction() as session, pytest.raises(OnboardingOvertaken):
        onboardings.save(session, before, before.record, next_at=None, now=installation.now())


def test_a_payer_that_is_unfit_stops_all_creations(installation: Installation) -> None:
    first = installation.ask(CREATE)
    installation.aws.fail_creation(first.request.email, "MISSING_PAYMENT_INSTRUMENT")
    installation.work()
    second = installation.ask(INVITE)
    installation.work(until=installation.now())

    stopped, held = installation.stored(first.id), installation.stored(second.id)
    assert stopped.waiting is not None and stopped.waiting.stops_all
    assert stopped.waiting.aws_words == "MISSING_PAYMENT_INSTRUMENT"
    assert held.state == "blocked" and held.waiting is not None
    assert held.waiting.reason == (
        f"the payer account has to be put in order first: see {first.id}"
    )
    assert installation.aws.calls("organizations:InviteAccountToOrganization") == []
