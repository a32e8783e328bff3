"""An account leaves: recovery first, a second person for what is dangerous, no access after."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from accounts.model.handover import HandoverKind
from kernel.errors import BadInput
from service.actions.handover.abort_handover import abort_handover
from service.actions.handover.approve_step import approve_step
from service.actions.handover.give_code import give_code
from service.actions.handover.request_handover import (
    CannotHandOver,
    WantedHandover,
    dry_run_handover,
    request_handover,
)
from service.store.access.second_person import SamePerson
from service.store.accounts import grants, handovers
from service.store.accounts.onboardings import Onboarding
from service.store.database import Database
from tests.support.moments.live import onboarded
from tests.support.onboarding import CREATE, NOON, Installation, opened
from tests.support.workflows import (
    CLOSING,
    CONTACT,
    ROOT,
    STANDALONE,
    approve_all,
    ask_to_leave,
    client_does_its_part,
)


@pytest.fixture
def installation(database: Database) -> Iterator[Installation]:
    with opened(database, enforced=True) as installation:
        yield installation


@pytest.fixture
def live(installation: Installation) -> Onboarding:
    return onboarded(installation, CREATE)


def test_a_standalone_account_is_handed_over_and_every_role_refuses_us(
    installation: Installation, live: Onboarding
) -> None:
    ask_to_leave(installation, live, STANDALONE)
    approve_all(installation, live, STANDALONE)
    client_does_its_part(installation, live)

    left = installation.stored(live.id)
    assert (left.stage, left.state) == ("awaiting_final_invoice", "waiting_aws"), left.waiting
    assert installation.aws.account(live.account_id).organization is None
    assert installation.aws.account(live.account_id).email == ROOT
    proofs = {key for key in left.record.proofs if key.startswith("prove_no_access:")}
    with installation.database.transaction() as session:
        registered = grants.registered_roles(session, live.account_id)
        assert grants.living_grants(session, account_id=live.account_id) == ()
    assert proofs == {f"prove_no_access:{arn}" for arn in registered}
    assert len(proofs) == 6
    for proof in proofs:
        assert left.record.proofs[proof].words.startswith("AccessDenied")
    assert (
        installation.client_on(live.account_id, installation.now() + timedelta(days=40)) == "acme"
    )
    assert installation.client_on(live.account_id, NOON) == "acme"


def test_nothing_dangerous_is_sent_before_a_second_person_approved(
    installation: Installation, live: Onboarding
) -> None:
    ask_to_leave(installation, live, STANDALONE)
    installation.work()

    stopped = installation.stored(live.id)
    assert stopped.state == "needs_human" and stopped.waiting is not None
    assert stopped.waiting.what_to_do == (
        "an approver tags the account msp:offboarding=handover-approved"
    )
    with (
        installation.database.transaction() as session,
        pytest.raises(SamePerson, match="ada asked"),
    ):
        approve_step(session, live.id, "root_guard", actor="ada", now=installation.now())
    with (
        installation.database.transaction() as session,
        pytest.raises(BadInput, match="no approval"),
    ):
        approve_step(session, live.id, "contact", actor="grace", now=installation.now())
    assert installation.aws.calls("organizations:DetachPolicy") == []


def test_a_dry_run_tells_the_checklist_and_changes_nothing(
    installation: Installation, live: Onboarding
) -> None:
    calls = len(installation.aws.log)
    with installation.database.transaction() as session:
        lines = dry_run_handover(session, live.id, STANDALONE, actor="ada")

    assert [line.key for line in lines if line.dangerous] == [
        "root_guard", "root_email", "roles", "membership_guard", "remove",
    ]  # fmt: skip
    assert lines[0].title == "It administers no service for us"
    assert installation.stored(live.id) == live
    assert len(installation.aws.log) == calls


def test_an_aborted_handover_puts_back_what_it_took_away(
    installation: Installation, live: Onboarding
) -> None:
    ask_to_leave(installation, live, STANDALONE)
    approve_all(installation, live, STANDALONE)
    installation.work(until=installation.now() + timedelta(minutes=10))
    assert len(installation.aws.calls("organizations:DetachPolicy")) == 1

    with installation.database.transaction() as session:
        abort_handover(session, live.id, actor="ada", now=installation.now())
    installation.work()

    back = installation.stored(live.id)
    assert (back.stage, back.state) == ("live", "live")
    assert len(installation.aws.calls("organizations:AttachPolicy")) == 3
    with installation.database.transaction() as session:
        assert handovers.living_handover(session, back) is None


def test_a_closed_account_stays_in_billing(installation: Installation, live: Onboarding) -> None:
    ask_to_leave(installation, live, CLOSING)
    approve_all(installation, live, CLOSING)
    installation.work(until=installation.now() + timedelta(hours=2))

    closed = installation.stored(live.id)
    assert (closed.stage, closed.state) == ("awaiting_final_invoice", "waiting_aws")
    assert len(installation.aws.calls("organizations:CloseAccount")) == 1
    assert (
        installation.client_on(live.account_id, installation.now() + timedelta(days=40)) == "acme"
    )


def test_a_one_time_code_is_gone_once_it_was_taken(
    installation: Installation, live: Onboarding
) -> None:
    ask_to_leave(installation, live, STANDALONE)
    with installation.database.transaction() as session:
        give_code(session, live.id, "root_email", "123456", actor="ada", now=installation.now())
        departure = handovers.living_handover(session, installation.stored(live.id))
        assert departure is not None
        assert handovers.codes(session, departure) == {"root_email": "123456"}
        handovers.spend_code(session, departure, "root_email", "654321")
        handovers.spend_code(session, departure, "phone", "123456")
        assert handovers.codes(session, departure) == {"root_email": "123456"}, "not yet taken"
        handovers.spend_code(session, departure, "root_email", "123456")
        assert handovers.codes(session, departure) == {}

    told = [event.step for event in installation.events(live.id) if "root_email" in event.words]
    assert told == ["give_code"], "that a code was given is told, and by whom"
    assert not any("123456" in event.words for event in installation.events(live.id))


def test_what_cannot_leave_is_refused_in_one_line(installation: Installation) -> None:
    asked = installation.ask(CREATE)
    refused = pytest.raises(CannotHandOver, match="is requested; only a live account leaves")
    with installation.database.transaction() as session, refused:
        request_handover(session, asked.id, STANDALONE, actor="ada", now=NOON)
    installation.work()
    nobody = WantedHandover(exit=HandoverKind.STANDALONE, client_email=ROOT)
    contact = {key: each for key, each in CONTACT.items() if key != "StateOrRegion"}
    stateless = replace(nobody, client_contact=contact)
    ending = WantedHandover(exit=HandoverKind.END_BILLING)
    with installation.database.transaction() as session:
        with pytest.raises(BadInput, match="lacks StateOrRegion"):
            request_handover(session, asked.id, stateless, actor="ada", now=NOON)
        with pytest.raises(BadInput, match="client_contact lacks AddressLine1, City"):
            request_handover(session, asked.id, nobody, actor="ada", now=NOON)
        with pytest.raises(BadInput, match="leaves by transfer, standalone or close"):
            request_handover(session, asked.id, ending, actor="ada", now=NOON)
