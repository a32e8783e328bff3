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
from tests.support.onboarding import CREATE, INVITE, NOON, Office, onboard, opened


@pytest.fixture
def office(database: Database) -> Iterator[Office]:
    with opened(database) as office:
        yield office


def sent(operation: str, *, once: bool, **arguments: object) -> Sent:
    return Sent(
        service="organizations",
        operation=operation,
        arguments=arguments,
        signed_by=SignedBy(signer=ONBOARD),
        once=once,
    )


@pytest.fixture
def patient(office: Office) -> Iterator[Caller]:
    """As in production: botocore repeats what may be repeated."""
    clients = Clients()
    yield Caller(office.environment.caller._signers, clients, office.now)
    clients.close()


def test_a_read_is_repeated_and_a_creation_is_not(office: Office, patient: Caller) -> None:
    office.aws.faults.on("organizations:*", Fault.THROTTLE)
    patient.send(sent("ListAccounts", once=False))
    office.aws.faults.on("organizations:CreateAccount", Fault.ERROR_AFTER)
    new = {"AccountName": "acme", "Email": "aws+acme@msp.example"}
    reply = patient.send(sent("CreateAccount", once=True, **new))

    assert len(office.aws.calls("organizations:ListAccounts")) == 2
    assert len(office.aws.calls("organizations:CreateAccount")) == 1
    assert isinstance(reply, AwsRefused) and reply.code in ("500", "ResponseLost")


def test_who_is_not_configured_signs_nothing(office: Office) -> None:
    nobody = Caller(Signers({}), Clients(), office.now)

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
    assert office.aws.log == []


def test_what_is_sent_shows_no_arguments_and_no_credentials(office: Office) -> None:
    call = sent("CreateAccount", once=True, Email="secret@msp.example")

    assert "secret@msp.example" not in repr(call)
    assert "SecretAccessKey" not in repr(office.environment)


def test_an_onboarding_and_its_job_are_one(office: Office) -> None:
    with pytest.raises(OtherRequest), office.database.transaction() as session:
        ask_differently(session)
    assert jobs(office) == 0

    office.ask(CREATE)
    office.ask(INVITE)
    assert jobs(office) == 1


def ask_differently(session: Session) -> None:
    """The second time is refused, and with it goes the first."""
    for wanted in (CREATE, replace(CREATE, name="test")):
        request_onboarding(session, wanted, actor="ada", now=NOON)


def jobs(office: Office) -> int:
    with office.database.transaction() as session:
        rows = session.connection().exec_driver_sql(
            "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'rebill:advance_onboardings'"
        )
        return int(rows.scalar_one())


def test_an_organization_has_one_writer(office: Office) -> None:
    office.ask(CREATE)

    with office.database.try_lock(lock_of(PAYER)) as is_ours:
        assert is_ours
        assert advance(office.environment, PAYER) == 0
    assert advance(office.environment, PAYER) == 1


def test_who_decided_from_less_is_overtaken(office: Office) -> None:
    before = onboard(office, CREATE)
    with office.database.transaction() as session:
        onboardings.save(session, before, before.record, next_at=None, now=office.now())

    with office.database.transaction() as session, pytest.raises(OnboardingOvertaken):
        onboardings.save(session, before, before.record, next_at=None, now=office.now())


def test_a_payer_that_is_unfit_stops_all_creations(office: Office) -> None:
    first = office.ask(CREATE)
    office.aws.fail_creation(first.request.email, "MISSING_PAYMENT_INSTRUMENT")
    office.work()
    second = office.ask(INVITE)
    office.work(until=office.now())

    stopped, held = office.stored(first.id), office.stored(second.id)
    assert stopped.waiting is not None and stopped.waiting.stops_all
    assert stopped.waiting.aws_words == "MISSING_PAYMENT_INSTRUMENT"
    assert held.state == "blocked" and held.waiting is not None
    assert held.waiting.reason == (
        f"the payer account has to be put in order first: see {first.id}"
    )
    assert office.aws.calls("organizations:InviteAccountToOrganization") == []
