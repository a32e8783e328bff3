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
from tests.support.onboarding import CREATE, INVITE, Office, onboard, opened, quietly


@pytest.fixture
def office(database: Database) -> Iterator[Office]:
    """With no more rights than the service's own policy."""
    with opened(database, enforced=True) as office:
        yield office


def found(office: Office) -> dict[str, Finding]:
    """By the worker's own clock, which AWS's waits move on."""
    sleep = lambda seconds: office.aws.clock.advance(seconds=seconds)  # noqa: E731
    return {each.code: each for each in watch(office.environment, PAYER, sleep=sleep)}


def stored(office: Office) -> list[str]:
    with office.database.transaction() as session:
        return [each.code for each in members.open_findings(session, PAYER)]


def test_the_payer_s_root_is_judged_by_its_summary_and_its_report(office: Office) -> None:
    office.aws.world.rules = Rules(report_seconds=8)
    root, owner = office.aws.account(PAYER).root, office.aws.owner(PAYER)
    assert found(office) == {}, "its root has a passkey and was never used"
    root.mfa_devices.clear()
    owner.add_root_access_key()
    owner.sign_in_as_root()

    assert list(found(office)) == ["payer_root_access_keys", "payer_root_without_mfa"], (
        "the report of four hours ago does not know of the sign-in"
    )
    office.aws.clock.advance(days=1)
    assert set(found(office)) == {
        "payer_root_access_keys", "payer_root_without_mfa", "payer_root_used",
    }  # fmt: skip
    root.access_keys.clear()
    owner.add_root_mfa()
    office.aws.clock.advance(days=30)
    assert list(found(office)) == stored(office) == ["payer_root_virtual_mfa"]


def test_a_report_that_aws_does_not_make_is_told(office: Office) -> None:
    office.aws.world.rules = Rules(report_seconds=3_600)

    told = found(office)["payer_root_unseen"]

    assert told.where == f"{PAYER} GetCredentialReport" and "ReportInProgress" in told.message


def test_what_aws_does_not_say_leaves_the_rest_judged(office: Office) -> None:
    live = onboard(office, CREATE)
    office.aws.account(live.account_id).root.password = True
    for operation in ("iam:GetAccountSummary", "iam:ListOrganizationsFeatures"):
        office.aws.faults.on(operation, Fault.THROTTLE)

    assert set(found(office)) == {"payer_root_unseen", "root_access_unseen", "root_password"}


def test_where_central_management_is_off_that_is_said_and_nobody_is_audited(office: Office) -> None:
    onboard(office, CREATE)
    iam, organizations = office.aws.client("iam"), office.aws.client("organizations")
    office.aws.log.clear()

    quietly(office, iam.disable_organizations_root_sessions)
    assert list(found(office)) == ["root_sessions_off"]
    quietly(
        office,
        lambda: organizations.disable_aws_service_access(ServicePrincipal="iam.amazonaws.com"),
    )
    assert list(found(office)) == ["root_access_untrusted"]
    assert office.aws.calls("sts:AssumeRoot") == []


def test_credentials_that_came_back_are_found_within_a_week_and_settled_within_a_day(
    office: Office,
) -> None:
    live = onboard(office, CREATE)
    root, days = office.aws.account(live.account_id).root, []
    for _ in range(7):
        assert found(office) == {}
        office.aws.clock.advance(days=1)
    root.password = True
    root.mfa_devices.append("arn:aws:iam::1:u2f/root")
    for _ in range(14):
        days.append(sorted(found(office)))
        assert stored(office) == days[-1] or days[-1] == [], "it stands between audits"
        office.aws.clock.advance(days=1)

    assert ["root_mfa", "root_password"] in days[:8]
    assert days[-1] == ["root_mfa", "root_password"], "the troubled are looked at every day"
    root.password = False
    root.mfa_devices.clear()
    assert found(office) == {} and stored(office) == []


def test_an_audit_costs_two_calls_and_no_account_has_two_in_a_week(office: Office) -> None:
    for number in range(12):
        office.aws.create_account(name=f"side {number}", email=f"side{number}@msp.example")
    counts = []
    for _ in range(7):
        office.aws.log.clear()
        found(office)
        counts.append(len(office.aws.calls("sts:AssumeRoot")))
        office.aws.clock.advance(days=1)

    assert counts == [10, 3, 0, 0, 0, 0, 0], "the access account and twelve others"
    office.aws.log.clear()
    found(office)
    asked = [entry.name for entry in office.aws.log if entry.name.startswith(("iam:", "sts:"))]
    assert sorted(asked) == sorted(
        ["iam:ListOrganizationsFeatures", "iam:GenerateCredentialReport",
         "iam:GetCredentialReport", "iam:ListVirtualMFADevices", "iam:GetAccountSummary",
         *["sts:AssumeRoot", "iam:GetAccountSummary"] * 10]
    )  # fmt: skip
    assert len(office.aws.calls("organizations:ListAWSServiceAccessForOrganization")) == 1


def test_an_invited_account_keeps_its_credentials_until_its_client_agrees(office: Office) -> None:
    invited = onboard(office, INVITE)
    assert invited.state == "live"

    told = found(office)["root_password"]

    assert (told.severity, told.where) == (Severity.WARNING, invited.account_id)
    assert "its client keeps until it agrees" in told.message
    waits = Waiting(kind=WaitKind.NEEDS_HUMAN, reason="a role", what_to_do="look")
    with office.database.transaction() as session:
        before = onboardings.onboarding(session, invited.id)
        onboardings.save(
            session, before, before.record, waiting=waits, next_at=None, now=office.now()
        )
    assert found(office)["root_password"] == told, "whatever else it waits for"


def test_on_the_way_out_the_client_s_own_password_is_no_finding(office: Office) -> None:
    live = onboard(office, CREATE)
    wanted = WantedHandover(exit=HandoverKind.CLOSE)
    with office.database.transaction() as session:
        request_handover(session, live.id, wanted, actor="ada", now=office.now())
    office.work(until=office.now())
    assert office.stored(live.id).stage == "handing_over"
    office.aws.account(live.account_id).root.password = True

    assert "root_password" not in found(office)
