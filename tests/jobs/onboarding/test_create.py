"""An account is asked for, made, entered, guarded and proved; its client has it from that day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from invoices.clients import AccountId
from jobs.onboarding.watching import watch
from sandbox.aws import PAYER, Rules
from service.actions.onboarding.request_onboarding import OtherRequest
from service.store.accounts import grants, members
from service.store.accounts.onboardings import Onboarding
from service.store.billing import clients
from service.store.database import Database
from service.store.tables.onboarding import EventKind, EventOutcome
from tests.support.onboarding import CREATE, NOON, Installation, opened


@pytest.fixture
def installation(database: Database) -> Iterator[Installation]:
    with opened(database, enforced=True) as installation:
        yield installation


@pytest.fixture
def live(installation: Installation) -> Onboarding:
    asked = installation.ask(CREATE)
    installation.work()
    return installation.stored(asked.id)


def test_with_its_own_rights_only_the_service_takes_an_account_to_live(
    installation: Installation, live: Onboarding
) -> None:
    assert (live.state, live.waiting) == ("live", None)
    assert len(installation.aws.calls("organizations:CreateAccount")) == 1
    refused = {
        event.step
        for event in installation.events(live.id)
        if event.outcome is EventOutcome.REFUSED and event.words.startswith("AccessDenied")
    }
    assert refused == {
        "prove_refusal:no MspAdmin", "prove_refusal:no MspEngineer", "prove_refusal:no MspOnCall",
        "prove_refusal:no MspBilling", "prove_refusal:no MspAutomation",
        "prove_refusal:no MspBootstrap",
    }  # fmt: skip


def test_the_client_has_the_account_from_the_day_it_joined(
    installation: Installation, live: Onboarding
) -> None:
    assert installation.client_on(live.account_id, NOON) == "acme"
    assert installation.client_on(live.account_id, NOON - timedelta(days=1)) is None


def test_its_stages_are_reached_in_order_and_written_down(
    installation: Installation, live: Onboarding
) -> None:
    events = installation.events(live.id)
    reached = [e.words for e in events if e.kind is EventKind.ENTRY and e.step == "Reach"]

    assert reached == [
        "reserved", "creating", "linked", "in_ou", "roles_in_place", "verified", "live",
    ]  # fmt: skip
    assert events[0].kind is EventKind.ASKED and events[0].actor == "ada"
    assert events[-1].kind is EventKind.DONE


def test_what_cannot_be_repeated_is_written_down_before_it_is_sent(
    installation: Installation, live: Onboarding
) -> None:
    of_creation = [e for e in installation.events(live.id) if e.step == "create_account"]

    assert [event.kind for event in of_creation] == [EventKind.INTENT, EventKind.CALL]
    assert of_creation[1].request_id


def test_every_role_is_registered_and_each_team_has_its_own(
    installation: Installation, live: Onboarding
) -> None:
    with installation.database.transaction() as session:
        roles = grants.registered_roles(session, live.account_id)
        granted = grants.living_grants(session, account_id=live.account_id)
        shown = members.members(session, installation.now(), client="acme")

    assert {arn.rsplit("/", 1)[-1] for arn in roles} == {
        "MspBootstrap", "MspAdmin", "MspAutomation", "MspBilling", "MspEngineer", "MspOnCall",
    }  # fmt: skip
    assert {(each.team, each.role) for each in granted} == {
        ("admins", "MspAdmin"), ("engineers", "MspEngineer"), ("oncall", "MspOnCall"),
        ("finance", "MspBilling"),
    }  # fmt: skip
    assert [(each.id, each.state) for each in shown] == [(live.account_id, "live")]


def test_it_is_called_what_its_client_asked_for(
    installation: Installation, live: Onboarding
) -> None:
    """The token was for the creation in flight: with CreateAccount, and nowhere from then on."""
    (creation,) = installation.aws.calls("organizations:CreateAccount")
    token = live.id.removeprefix("onb-")
    with installation.database.transaction() as session:
        (shown,) = members.members(session, installation.now(), client="acme")
        on_documents = clients.account_names(session)[AccountId(live.account_id)]

    assert creation.params["AccountName"] == f"Acme prod ({token})"
    assert installation.aws.account(live.account_id).name == "prod"
    assert (shown.name, on_documents) == ("prod", "prod")


def test_two_clients_may_each_have_a_prod(installation: Installation, live: Onboarding) -> None:
    other = installation.ask(replace(CREATE, client="globex", external_ref="T-9"))
    installation.work()

    names = [
        installation.aws.account(installation.stored(o.id).account_id).name for o in (live, other)
    ]
    assert names == ["prod", "prod"]


def test_the_hours_until_aws_shows_a_changed_name_are_not_waited_for(database: Database) -> None:
    """Nor told of: not while the old name is listed, and not when the new one comes."""
    with opened(database, rules=Rules(naming_seconds=4 * 3_600)) as installation:
        asked = installation.ask(CREATE)
        installation.work()
        live = installation.stored(asked.id)
        with installation.database.transaction() as session:
            on_documents = clients.account_names(session)[AccountId(live.account_id)]
        listed = installation.aws.client("organizations").describe_account(
            AccountId=live.account_id
        )
        told = {finding.code for finding in watch(installation.environment, PAYER)}
        installation.aws.clock.advance(hours=5)
        told |= {finding.code for finding in watch(installation.environment, PAYER)}

    assert live.state == "live"
    assert listed["Account"]["Name"] == live.request.name_with_token
    assert on_documents == "prod"
    assert len(installation.aws.calls("account:PutAccountName")) == 1
    assert "account_renamed" not in told


def test_asked_again_with_the_same_reference_it_is_the_same_onboarding(
    installation: Installation,
) -> None:
    first, second = installation.ask(CREATE), installation.ask(CREATE)

    assert first.id == second.id
    with pytest.raises(OtherRequest, match=f"asked for something else before: see {first.id}"):
        installation.ask(replace(CREATE, name="test"))


def test_no_session_token_or_policy_is_written_down(
    installation: Installation, live: Onboarding
) -> None:
    written = " ".join(f"{event.words} {event.step}" for event in installation.events(live.id))

    assert "SecretAccessKey" not in written and live.request.external_id not in written
