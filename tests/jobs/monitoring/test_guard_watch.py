"""A guard that is taken off, emptied or deleted outside Rebill is found the next day."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jobs.onboarding.watching import watch
from kernel.findings import Finding, Severity
from sandbox.aws import PAYER, Fault
from service.actions.handover.request_handover import request_handover
from service.store.accounts.onboardings import Onboarding
from service.store.database import Database
from tests.support.onboarding import CREATE, Office, onboard, opened, quietly
from tests.support.workflows import CLOSING, transferred


@pytest.fixture
def office(database: Database) -> Iterator[Office]:
    with opened(database, enforced=True) as office:
        yield office


@pytest.fixture
def live(office: Office) -> Onboarding:
    return onboard(office, CREATE)


def found(office: Office) -> dict[str, Finding]:
    return {finding.code: finding for finding in watch(office.environment, PAYER)}


def take_off(office: Office, live: Onboarding, policy_id: str) -> None:
    organizations = office.aws.client("organizations")
    quietly(
        office, lambda: organizations.detach_policy(PolicyId=policy_id, TargetId=live.account_id)
    )


def test_guards_that_are_as_we_left_them_are_no_finding(office: Office, live: Onboarding) -> None:
    transferred(office)

    assert found(office) == {}


def test_a_guard_taken_off_an_account_is_told_until_it_is_back(
    office: Office, live: Onboarding
) -> None:
    take_off(office, live, office.reseller.membership_scp_id)

    detached = found(office)["guard_detached"]

    assert (detached.severity, detached.where) == (Severity.CRITICAL, live.account_id)
    assert detached.message.startswith(
        f"{office.reseller.membership_scp_id} is off: it can leave the organization"
    )
    organizations, scp = office.aws.client("organizations"), office.reseller.membership_scp_id
    quietly(office, lambda: organizations.attach_policy(PolicyId=scp, TargetId=live.account_id))
    assert found(office) == {}


def test_the_guard_on_root_is_watched_as_well(office: Office, live: Onboarding) -> None:
    take_off(office, live, office.reseller.root_scp_id)

    assert "its root user can be used" in found(office)["guard_detached"].message


def test_a_guard_that_says_something_else_is_told(office: Office, live: Onboarding) -> None:
    (organization,) = office.aws.world.organizations.values()
    guard = organization.policies[office.reseller.root_scp_id]
    guard.content = guard.content.replace("Deny", "Allow")

    assert found(office)["guard_changed"].where == office.reseller.root_scp_id


def test_a_guard_that_was_deleted_is_told(office: Office, live: Onboarding) -> None:
    (organization,) = office.aws.world.organizations.values()
    scp = office.reseller.membership_scp_id
    organization.attached[live.account_id].remove(scp)
    del organization.policies[scp]

    assert found(office)["guard_gone"].where == scp


def test_of_a_guard_that_could_not_be_seen_nothing_is_concluded(
    office: Office, live: Onboarding
) -> None:
    office.aws.faults.on("organizations:ListTargetsForPolicy", Fault.THROTTLE)

    assert list(found(office)) == ["guard_unseen"]


def test_what_a_hand_over_takes_off_is_no_finding(office: Office, live: Onboarding) -> None:
    office.aws.clock.advance(days=5)
    with office.database.transaction() as session:
        request_handover(session, live.id, CLOSING, actor="ada", now=office.now())
    office.work()
    take_off(office, live, office.reseller.root_scp_id)

    assert "guard_detached" not in found(office)
