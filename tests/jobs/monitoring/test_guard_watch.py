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
from tests.support.moments.live import onboarded
from tests.support.onboarding import CREATE, Installation, opened, quietly
from tests.support.workflows import CLOSING, transferred


@pytest.fixture
def installation(database: Database) -> Iterator[Installation]:
    with opened(database, enforced=True) as installation:
        yield installation


@pytest.fixture
def live(installation: Installation) -> Onboarding:
    return onboarded(installation, CREATE)


def found(installation: Installation) -> dict[str, Finding]:
    return {finding.code: finding for finding in watch(installation.environment, PAYER)}


def take_off(installation: Installation, live: Onboarding, policy_id: str) -> None:
    organizations = installation.aws.client("organizations")
    quietly(
        installation,
        lambda: organizations.detach_policy(PolicyId=policy_id, TargetId=live.account_id),
    )


def test_guards_that_are_as_we_left_them_are_no_finding(
    installation: Installation, live: Onboarding
) -> None:
    transferred(installation)

    assert found(installation) == {}


def test_a_guard_taken_off_an_account_is_told_until_it_is_back(
    installation: Installation, live: Onboarding
) -> None:
    take_off(installation, live, installation.reseller.membership_scp_id)

    detached = found(installation)["guard_detached"]

    assert (detached.severity, detached.where) == (Severity.CRITICAL, live.account_id)
    assert detached.message.startswith(
        f"{installation.reseller.membership_scp_id} is off: it can leave the organization"
    )
    organizations, scp = (
        installation.aws.client("organizations"),
        installation.reseller.membership_scp_id,
    )
    quietly(
        installation, lambda: organizations.attach_policy(PolicyId=scp, TargetId=live.account_id)
    )
    assert found(installation) == {}


def test_the_guard_on_root_is_watched_as_well(installation: Installation, live: Onboarding) -> None:
    take_off(installation, live, installation.reseller.root_scp_id)

    assert "its root user can be used" in found(installation)["guard_detached"].message


def test_a_guard_that_says_something_else_is_told(
    installation: Installation, live: Onboarding
) -> None:
    (organization,) = installation.aws.world.organizations.values()
    guard = organization.policies[installation.reseller.root_scp_id]
    guard.content = guard.content.replace("Deny", "Allow")

    assert found(installation)["guard_changed"].where == installation.reseller.root_scp_id


def test_a_guard_that_was_deleted_is_told(installation: Installation, live: Onboarding) -> None:
    (organization,) = installation.aws.world.organizations.values()
    scp = installation.reseller.membership_scp_id
    organization.attached[live.account_id].remove(scp)
    del organization.policies[scp]

    assert found(installation)["guard_gone"].where == scp


def test_of_a_guard_that_could_not_be_seen_nothing_is_concluded(
    installation: Installation, live: Onboarding
) -> None:
    installation.aws.faults.on("organizations:ListTargetsForPolicy", Fault.THROTTLE)

    assert list(found(installation)) == ["guard_unseen"]


def test_what_a_hand_over_takes_off_is_no_finding(
    installation: Installation, live: Onboarding
) -> None:
    installation.aws.clock.advance(days=5)
    with installation.database.transaction() as session:
        request_handover(session, live.id, CLOSING, actor="ada", now=installation.now())
    installation.work()
    take_off(installation, live, installation.reseller.root_scp_id)

    assert "guard_detached" not in found(installation)
