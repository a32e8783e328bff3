"""What happens to accounts and roles outside Rebill is found the next day; the roster follows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from jobs.onboarding.watching import watch
from kernel.findings import Finding
from sandbox.aws import PAYER, Fault
from service.store.accounts import members
from service.store.accounts.onboardings import Onboarding
from service.store.database import Database
from tests.support.onboarding import CREATE, INVITE, Office, onboard, opened, quietly


@pytest.fixture
def office(database: Database) -> Iterator[Office]:
    with opened(database) as office:
        yield office


def found(office: Office) -> dict[str, Finding]:
    return {finding.code: finding for finding in watch(office.environment, PAYER)}


def test_nothing_is_found_where_nothing_changed(office: Office) -> None:
    onboard(office, CREATE)

    assert found(office) == {}
    office.aws.clock.advance(days=1)
    assert found(office) == {}


def test_an_account_that_left_ends_with_its_client_the_day_after(office: Office) -> None:
    invited = onboard(office, INVITE)
    organizations = office.aws.client("organizations")
    account_id = invited.account_id
    office.aws.account(account_id).payment_instrument = True
    quietly(office, lambda: organizations.remove_account_from_organization(AccountId=account_id))

    assert list(found(office)) == ["account_left"]
    assert office.stored(invited.id).stage == "departed"
    assert office.client_on(account_id, office.now()) == "globex"
    assert office.client_on(account_id, office.now() + timedelta(days=1)) is None


def test_an_account_that_appeared_is_its_client_s_by_its_tag_or_nobody_s(office: Office) -> None:
    tag = [{"Key": "msp:client", "Value": "acme"}]
    tagged = office.aws.create_account(name="side", email="side@msp.example", Tags=tag)
    plain = office.aws.create_account(name="other", email="other@msp.example")

    findings = found(office)

    assert findings["account_appeared"].where == tagged
    assert findings["account_unassigned"].where == plain
    assert office.client_on(tagged, office.now()) == "acme"
    assert office.client_on(plain, office.now()) is None


def test_a_suspension_is_told_once_and_settles(office: Office) -> None:
    live = onboard(office, CREATE)
    found(office)
    office.aws.account(live.account_id).suspended = True

    assert "account_state_changed" in found(office)
    assert "account_state_changed" not in found(office)


def test_a_role_that_the_client_changed_is_drift(office: Office) -> None:
    live = onboard(office, CREATE)
    iam = unguarded(office, live)
    quietly(office, lambda: iam.delete_role_policy(RoleName="MspBilling", PolicyName="msp"))

    drifted = found(office)["role_drift"]

    assert drifted.where == f"{live.account_id} MspBilling"
    with office.database.transaction() as session:
        guard, role = members.open_findings(session, PAYER)
    assert (guard.code, role) == ("guard_detached", drifted)


def test_a_role_that_lets_us_in_no_more_is_told(office: Office) -> None:
    live = onboard(office, CREATE)
    shut_out(office, live)

    assert found(office)["role_unreachable"].message.endswith("AccessDenied")


def unguarded(office: Office, live: Onboarding) -> Any:
    """Our guard keeps the client from changing our roles: somebody has lifted it."""
    organizations, scp = office.aws.client("organizations"), office.reseller.membership_scp_id
    quietly(office, lambda: organizations.detach_policy(PolicyId=scp, TargetId=live.account_id))
    return office.aws.client("iam", live.account_id)


def shut_out(office: Office, live: Onboarding) -> None:
    iam = unguarded(office, live)

    def delete() -> None:
        iam.delete_role_policy(RoleName="MspAutomation", PolicyName="msp")
        iam.delete_role(RoleName="MspAutomation")

    quietly(office, delete)
    office.aws.clock.advance(hours=1)


def test_from_a_list_that_aws_did_not_show_nothing_is_concluded(office: Office) -> None:
    live = onboard(office, CREATE)
    office.aws.faults.on("organizations:ListAccounts", Fault.THROTTLE)

    with pytest.raises(Exception, match="did not list the organization's accounts"):
        found(office)
    assert office.stored(live.id).state == "live"
