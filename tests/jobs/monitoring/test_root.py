"""Root is looked at every day: the payer's own, its central management, and members in turn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from accounts.model.handover import HandoverKind
from accounts.model.lifecycle import WaitKind
from jobs.onboarding.watching import watch
from kernel.findings import Finding, Severity
from sandbox.aws import PAYER, Fault, Rules
from service.actions.handover.request_handover import WantedHandover, request_handover
from service.store.accounts import members, onboardings
from service.store.accounts.onboardings import Waiting
from service.store.database import Database
from tests.support.moments.live import onboarded
from tests.support.onboarding import CREATE, INVITE, Installation, opened, quietly


@pytest.fixture
def installation(database: Database) -> Iterator[Installation]:
    """With no more rights than the service's own policy."""
    with opened(database, enforced=True) as installation:
        yield installation


def found(installation: Installation) -> dict[str, Finding]:
    """By the worker's own clock, which AWS's waits move on."""
    sleep = lambda seconds: installation.aws.clock.advance(seconds=seconds)  # noqa: E731
    return {each.code: each for each in watch(installation.environment, PAYER, sleep=sleep)}


def stored(installation: Installation) -> list[str]:
    with installation.database.transaction() as session:
        return [each.code for each in members.open_findings(session, PAYER)]


def test_the_payer_s_root_is_judged_by_its_summary_and_its_report(
    installation: Installation,
) -> None:
    installation.aws.world.rules = Rules(report_seconds=8)
    root, owner = installation.aws.account(PAYER).root, installation.aws.owner(PAYER)
    assert found(installation) == {}, "its root has a passkey and was never used"
    root.mfa_devices.clear()
    owner.add_root_access_key()
    owner.sign_in_as_root()

    assert list(found(installation)) == ["payer_root_access_keys", "payer_root_without_mfa"], (
        "the report of four hours ago does not know of the sign-in"
    )
    installation.aws.clock.advance(days=1)
    assert set(found(installation)) == {
        "payer_root_access_keys", "payer_root_without_mfa", "payer_root_used",
    }  # fmt: skip
    root.access_keys.clear()
    owner.add_root_mfa()
    installation.aws.clock.advance(days=30)
    assert list(found(installation)) == stored(installation) == ["payer_root_virtual_mfa"]


def test_a_report_that_aws_does_not_make_is_told(installation: Installation) -> None:
    installation.aws.world.rules = Rules(report_seconds=3_600)

    told = found(installation)["payer_root_unseen"]

    assert told.where == f"{PAYER} GetCredentialReport" and "ReportInProgress" in told.message


def test_what_aws_does_not_say_leaves_the_rest_judged(installation: Installation) -> None:
    live = onboarded(installation, CREATE)
    installation.aws.account(live.account_id).root.password = True
    for operation in ("iam:GetAccountSummary", "iam:ListOrganizationsFeatures"):
        installation.aws.faults.on(operation, Fault.THROTTLE)

    assert set(found(installation)) == {"payer_root_unseen", "root_access_unseen", "root_password"}


def test_where_central_management_is_off_that_is_said_and_nobody_is_audited(
    installation: Installation,
) -> None:
    onboarded(installation, CREATE)
    iam, organizations = installation.aws.client("iam"), installation.aws.client("organizations")
    installation.aws.log.clear()

    quietly(installation, iam.disable_organizations_root_sessions)
    assert list(found(installation)) == ["root_sessions_off"]
    quietly(
        installation,
        lambda: organizations.disable_aws_service_access(ServicePrincipal="iam.amazonaws.com"),
    )
    assert list(found(installation)) == ["root_access_untrusted"]
    assert installation.aws.calls("sts:AssumeRoot") == []


def test_credentials_that_came_back_are_found_within_a_week_and_settled_within_a_day(
    installation: Installation,
) -> None:
    live = onboarded(installation, CREATE)
    root, days = installation.aws.account(live.account_id).root, []
    for _ in range(7):
        assert found(installation) == {}
        installation.aws.clock.advance(days=1)
    root.password = True
    root.mfa_devices.append("arn:aws:iam::1:u2f/root")
    for _ in range(14):
        days.append(sorted(found(installation)))
        assert stored(installation) == days[-1] or days[-1] == [], "it stands between audits"
        installation.aws.clock.advance(days=1)

    assert ["root_mfa", "root_password"] in days[:8]
    assert days[-1] == ["root_mfa", "root_password"], "the troubled are looked at every day"
    root.password = False
    root.mfa_devices.clear()
    assert found(installation) == {} and stored(installation) == []


def test_an_audit_costs_two_calls_and_no_account_has_two_in_a_week(
    installation: Installation,
) -> None:
    for number in range(12):
        installation.aws.create_account(name=f"side {number}", email=f"side{number}@msp.example")
    counts = []
    for _ in range(7):
        installation.aws.log.clear()
        found(installation)
        counts.append(len(installation.aws.calls("sts:AssumeRoot")))
        installation.aws.clock.advance(days=1)

    assert counts == [10, 3, 0, 0, 0, 0, 0], "the access account and twelve others"
    installation.aws.log.clear()
    found(installation)
    asked = [
        entry.name for entry in installation.aws.log if entry.name.startswith(("iam:", "sts:"))
    ]
    assert sorted(asked) == sorted(
        ["iam:ListOrganizationsFeatures", "iam:GenerateCredentialReport",
         "iam:GetCredentialReport", "iam:ListVirtualMFADevices", "iam:GetAccountSummary",
         *["sts:AssumeRoot", "iam:GetAccountSummary"] * 10]
    )  # fmt: skip
    assert len(installation.aws.calls("organizations:ListAWSServiceAccessForOrganization")) == 1


def test_an_invited_account_keeps_its_credentials_until_its_client_agrees(
    installation: Installation,
) -> None:
    invited = onboarded(installation, INVITE)
    assert invited.state == "live"

    told = found(installation)["root_password"]

    assert (told.severity, told.where) == (Severity.WARNING, invited.account_id)
    assert "its client keeps until it agrees" in told.message
    waits = Waiting(kind=WaitKind.NEEDS_HUMAN, reason="a role", what_to_do="look")
    with installation.database.transaction() as session:
        before = onboardings.onboarding(session, invited.id)
        onboardings.save(
            session, before, before.record, waiting=waits, next_at=None, now=installation.now()
        )
    assert found(installation)["root_password"] == told, "whatever else it waits for"


def test_on_the_way_out_the_client_s_own_password_is_no_finding(installation: Installation) -> None:
    live = onboarded(installation, CREATE)
    wanted = WantedHandover(exit=HandoverKind.CLOSE)
    with installation.database.transaction() as session:
        request_handover(session, live.id, wanted, actor="ada", now=installation.now())
    installation.work(until=installation.now())
    assert installation.stored(live.id).stage == "handing_over"
    installation.aws.account(live.account_id).root.password = True

    assert "root_password" not in found(installation)
