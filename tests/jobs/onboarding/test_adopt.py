"""A member already becomes a client's by a recorded consent, with the service's own rights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa

from accounts.iam.client_templates import what_changes
from accounts.model.organization import OnboardingKind
from invoices.clients import AccountId, Assignment, ClientKey
from invoices.periods import DaySpan
from jobs.aws.calls import AwsRefused, Sent, SignedBy
from jobs.aws.signers import ONBOARD
from kernel.errors import BadInput
from sandbox.aws import PAYER
from sandbox.aws.reseller import ACCESS
from service.actions.onboarding.assign_account import assign_account
from service.store.accounts import members
from service.store.billing import clients, sellers
from service.store.database import Database
from service.store.tables.onboarding import EventKind
from tests.support.onboarding import (
    ADOPT,
    INVITE,
    INVITED,
    Installation,
    accept_and_deploy,
    onboard,
    opened,
    quietly,
)

DOOR = "OrganizationAccountAccessRole"


@pytest.fixture
def installation(database: Database) -> Iterator[Installation]:
    """Globex's account is a member since noon, made by hand."""
    with opened(database, enforced=True) as installation:
        installation.aws.add_member(INVITED, name="Globex", email="it@globex.example")
        yield installation


def give(installation: Installation, client: str, start: date, end: date | None) -> None:
    with installation.database.transaction() as session:
        span = DaySpan(start, end)
        clients.put_assignments(session, [Assignment(AccountId(INVITED), ClientKey(client), span)])


def spans(installation: Installation) -> list[tuple[str, date, date | None]]:
    with installation.database.transaction() as session:
        every = clients.roster(session, account_id=INVITED).assignments
    return sorted((each.client, each.span.start, each.span.end) for each in every)


def test_adopted_with_our_own_rights_it_is_live_and_its_clients(
    installation: Installation,
) -> None:
    live = onboard(installation, ADOPT)

    assert live.state == "live"
    assert live.request.email == "it@globex.example"
    assert spans(installation) == [("globex", date(2026, 11, 23), None)]
    with installation.database.transaction() as session:
        member = members.member(session, installation.now(), INVITED)
    assert member is not None
    assert (member.client, member.name, member.state) == ("globex", "Globex", "live")


def test_the_consent_is_kept_with_its_giver_its_text_and_its_recorder(
    installation: Installation,
) -> None:
    asked = installation.ask(ADOPT)

    (event,) = [each for each in installation.events(asked.id) if each.kind is EventKind.PERSON]
    assert (event.step, event.actor, event.at) == ("record_consent", "ada", installation.now())
    text = " ".join(what_changes(OnboardingKind.ADOPT))
    assert event.words == f"Jane Roe allowed adoption: {text}"
    installation.work()
    with installation.database.transaction() as session:
        found = session.execute(sa.text("SELECT action, subject, after FROM audit_entry"))
        entries = {action: (subject, after) for action, subject, after in found}
    assert entries["record_consent"] == (f"onboarding {asked.id}", {"words": event.words})
    subject, after = entries["adopt"]
    assert subject == f"account {INVITED}"
    assert after == {
        "client": "globex", "name": "Globex", "email": "it@globex.example", "state": "ACTIVE",
        "joined_at": "2026-11-23T12:00:00+00:00", "consented_by": "Jane Roe",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("client", "start", "end", "expected"),
    [
        ("globex", date(2026, 3, 1), None, [("globex", date(2026, 3, 1), None)]),
        ("globex", date(2026, 12, 1), None, [("globex", date(2026, 12, 1), None)]),
        (
            "acme", date(2026, 11, 1), date(2026, 11, 23),
            [("acme", date(2026, 11, 1), date(2026, 11, 23)), ("globex", date(2026, 11, 23), None)],
        ),
    ],
)  # fmt: skip
def test_what_was_assigned_is_not_written_over(
    installation: Installation,
    client: str,
    start: date,
    end: date | None,
    expected: list[tuple[str, date, date | None]],
) -> None:
    give(installation, client, start, end)

    assert onboard(installation, ADOPT).state == "live"
    assert spans(installation) == expected


def test_an_invitation_of_a_member_says_to_adopt_it_and_can_be_given_up(
    installation: Installation,
) -> None:
    asked = installation.ask(INVITE)
    installation.work()

    waiting = installation.stored(asked.id).waiting
    assert waiting is not None
    assert waiting.what_to_do == (
        "cancel this, and adopt the account with its client's consent (`rebill onboard adopt`)"
    )


def test_a_creation_that_still_looks_for_the_account_keeps_it(installation: Installation) -> None:
    looking = installation.ask(replace(INVITE, account_id="", email="it@globex.example"))
    installation.work()
    adopting = installation.ask(ADOPT)
    installation.work()

    waiting = installation.stored(adopting.id).waiting
    assert waiting is not None
    assert waiting.reason == (
        f"it@globex.example is onboarded already: see onboarding {looking.id}"
    )
    assert spans(installation) == []


def test_by_aws_s_role_the_service_enters_accounts_of_the_clients_ou_only(
    installation: Installation,
) -> None:
    """Accounts of our own in an OU of their own can neither be moved by it nor entered."""
    organizations, ours = installation.aws.client("organizations"), installation.reseller
    unit = organizations.create_organizational_unit(ParentId=ours.root_id, Name="Ours")
    own_ou = unit["OrganizationalUnit"]["Id"]

    def move(account_id: str, start: str, end: str) -> dict[str, str]:
        return {"AccountId": account_id, "SourceParentId": start, "DestinationParentId": end}

    def enter(account_id: str) -> str:
        arn = f"arn:aws:iam::{account_id}:role/{DOOR}"
        return by_service(installation, "sts", "AssumeRole", RoleArn=arn, RoleSessionName="onb-1")

    organizations.move_account(**move(ACCESS, ours.root_id, own_ou))
    out = move(ACCESS, own_ou, ours.client_ou_id)
    assert enter(INVITED) == "AccessDenied"
    assert by_service(installation, "organizations", "MoveAccount", **out) == (
        "AccessDeniedException"
    )
    assert enter(ACCESS) == "AccessDenied"
    organizations.move_account(**move(INVITED, ours.root_id, ours.client_ou_id))
    assert enter(INVITED) == ""


def by_service(installation: Installation, service: str, operation: str, **arguments: str) -> str:
    """What AWS refuses msp-onboard with; '' where it does not."""
    call = Sent(
        service=service, operation=operation, arguments=arguments,
        signed_by=SignedBy(signer=ONBOARD), once=False,
    )  # fmt: skip
    reply = installation.environment.caller.send(call)
    return reply.code if isinstance(reply, AwsRefused) else ""


def test_our_own_accounts_are_given_to_no_client(installation: Installation) -> None:
    with installation.database.transaction() as session:
        payer = sellers.payer_account(session, PAYER)
        internal = replace(payer, internal_accounts=frozenset({AccountId(INVITED)}))
        sellers.put_payer_account(session, internal)

    for account_id in (PAYER, ACCESS, INVITED):
        refused = pytest.raises(BadInput, match=f"{account_id} is our own a")
        with installation.database.transaction() as session, refused:
            assign_account(
                session, account_id, "acme", date(2026, 11, 1), actor="ada", now=installation.now()
            )
    with pytest.raises(BadInput, match="is our own account"):
        installation.ask(ADOPT)


def test_one_that_joined_by_hand_waits_for_its_client_and_is_live(database: Database) -> None:
    with opened(database, enforced=True) as installation:
        installation.aws.add_standalone(INVITED, email="it@globex.example", name="Globex")
        organizations = installation.aws.client("organizations")
        target = {"Id": INVITED, "Type": "ACCOUNT"}
        quietly(installation, lambda: organizations.invite_account_to_organization(Target=target))
        (handshake,) = installation.aws.world.handshakes.values()
        owner = installation.aws.client("organizations", INVITED)
        quietly(installation, lambda: owner.accept_handshake(HandshakeId=handshake.id))
        asked = installation.ask(ADOPT)
        installation.work(until=datetime(2026, 11, 23, 13, tzinfo=UTC))

        assert installation.stored(asked.id).state == "waiting_client"
        installation.work(client=lambda: accept_and_deploy(installation, asked.id))
        assert installation.stored(asked.id).state == "live"
