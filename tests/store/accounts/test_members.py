"""Accounts and findings are filtered, sorted and paged by the database: no limit hides one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.model.lifecycle import Stage, WaitKind
from accounts.model.observed import ObservedAccount
from accounts.model.record import Record
from accounts.monitoring.membership import KnownAccount
from invoices.clients import AccountId, ClientKey
from kernel.findings import critical, warning
from sandbox.aws import PAYER
from service.actions.billing.apply_configuration import apply_configuration
from service.store import tables
from service.store.accounts import members, onboardings
from service.store.accounts import resellers as resellers
from service.store.accounts.members import Member
from service.store.billing import assignments as assigning
from service.store.database import Database
from service.store.plain import to_json
from service.store.session import Session
from tests.support.accounts_reseller import CREATE, RESELLER
from tests.support.onboarding import CLIENTS, configuration

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ASSIGNED, LISTED, MOVED, GIVEN_UP, WAITING, GONE = (f"{number}" * 12 for number in range(3, 9))


@pytest.fixture
def registry(database: Database) -> Iterator[Session]:
    with database.transaction() as session:
        apply_configuration(session, configuration(CLIENTS), actor="test", now=NOW)
        resellers.put_reseller(session, replace(RESELLER, payer_account_id=PAYER))
        assign(session, ASSIGNED, "acme", date(2026, 11, 23))
        assign(session, MOVED, "initech", date(2026, 11, 1))
        assign(session, GONE, "acme", date(2026, 1, 1))
        assigning.unassign(session, AccountId(GONE), date(2026, 11, 23))
        members.note_seen(session, PAYER, [seen(LISTED, "Listed"), seen(MOVED, "Renamed")], NOW)
        onboard(session, "onb-0002", MOVED, Stage.ARCHIVED, client="globex")
        onboard(session, "onb-0001", MOVED, Stage.LIVE, days=1)
        onboard(session, "onb-0003", GIVEN_UP, Stage.CANCELLED, WaitKind.NEEDS_HUMAN)
        onboard(session, "onb-0004", WAITING, Stage.IN_OU, WaitKind.WAITING_AWS)
        yield session


def assign(session: Session, account_id: str, client: str, day: date) -> None:
    assigning.assign(session, AccountId(account_id), ClientKey(client), day)


def seen(account_id: str, name: str) -> ObservedAccount:
    return ObservedAccount(
        account_id=account_id, email="a@msp.example", name=name, state="ACTIVE", joined_at=NOW
    )


def onboard(
    session: Session,
    identity: str,
    account_id: str,
    stage: Stage,
    wait_kind: WaitKind | None = None,
    *,
    client: str = "acme",
    days: int = 0,
) -> None:
    request = replace(
        CREATE, onboarding_id=identity, client_key=client, account_name=identity, email=""
    )
    row = tables.onboarding.OnboardingRow(
        id=identity,
        payer_account_id=PAYER,
        kind=request.kind,
        client_key=client,
        account_name=request.account_name,
        email=request.email,
        account_id=account_id,
        asked={},
        request=to_json(request),
        record=to_json(Record(stage=stage, account_id=account_id)),
        stage=stage,
        wait_kind=wait_kind,
        requested_by="ann",
        requested_at=NOW + timedelta(days=days),
    )
    session.add(row)
    session.flush()


EVERYBODY = (
    Member(id=ASSIGNED, name="", client="acme", state="live"),
    Member(id=LISTED, name="Listed", client="", state="live"),
    Member(id=MOVED, name="Renamed", client="initech", state="live", onboarding_id="onb-0001"),
    Member(
        id=GIVEN_UP, name="onb-0003", client="acme", state="cancelled", onboarding_id="onb-0003"
    ),
    Member(
        id=WAITING, name="onb-0004", client="acme", state="waiting_aws", onboarding_id="onb-0004"
    ),
)


def test_an_account_is_whoever_has_it_today_as_its_latest_onboarding_left_it(
    registry: Session,
) -> None:
    assert members.members(registry, NOW) == EVERYBODY
    assert [members.member(registry, NOW, each.id) for each in EVERYBODY] == [*EVERYBODY]
    assert members.member(registry, NOW, GONE) is None


def test_filters_come_before_the_limit(registry: Session) -> None:
    found = members.members(registry, NOW, client="acme", after=ASSIGNED, limit=1)

    assert [each.id for each in found] == [GIVEN_UP]
    assert members.members(registry, NOW, state="live", limit=2) == EVERYBODY[:2]
    assert members.member(registry, NOW, MOVED, client="acme") is None
    assert members.member(registry, NOW, MOVED, client="initech") == EVERYBODY[2]


def test_the_state_that_is_asked_for_is_the_one_that_is_shown(registry: Session) -> None:
    """An onboarding that has ended waits for nothing, whatever it waited for last."""
    shown = {each.id: each.state for each in onboardings.onboardings(registry)}

    assert shown == {
        "onb-0001": "live", "onb-0002": "archived", "onb-0003": "cancelled",
        "onb-0004": "waiting_aws",
    }  # fmt: skip
    for identity, state in shown.items():
        assert [each.id for each in onboardings.onboardings(registry, state=state)] == [identity]


def test_the_watch_knows_what_was_linked_or_listed(registry: Session) -> None:
    known = {each.account_id: each for each in members.known_accounts(registry, PAYER, NOW)}

    assert [*known] == [LISTED, MOVED, WAITING]
    assert known[MOVED] == KnownAccount(
        account_id=MOVED, name="Renamed", client_key="initech", stage=Stage.LIVE, state="ACTIVE"
    )
    assert known[WAITING].stage is Stage.IN_OU
    assert members.known_accounts(registry, "999999999999", NOW) == []


def test_findings_are_paged_in_the_order_of_their_position(registry: Session) -> None:
    found = [
        warning("a_code", ASSIGNED, "-"),
        critical("Code", ASSIGNED, "-"),
        critical("code_", ASSIGNED, "-"),
        critical("code", "Z", "-"),
        critical("code", "a", "-"),
    ]
    members.put_findings(registry, PAYER, found, NOW, looked_at=lambda _: True)

    everything = members.standing_findings(registry)
    paged: list[members.StandingFinding] = []
    while page := members.standing_findings(
        registry, after=paged[-1].position if paged else None, limit=2
    ):
        paged += page

    assert [(each.finding.code, each.finding.where) for each in everything] == [
        ("Code", ASSIGNED), ("code", "Z"), ("code", "a"), ("code_", ASSIGNED), ("a_code", ASSIGNED),
    ]  # fmt: skip
    assert everything == tuple(sorted(everything, key=lambda each: each.position))
    assert paged == [*everything]
    assert members.standing_findings(registry, payer_account_id="999999999999") == ()
