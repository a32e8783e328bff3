"""What happens to accounts and roles outside Rebill is found the next day; the roster follows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from invoices.clients import AccountId
from jobs.onboarding.watching import ListNotShown, watch
from kernel.findings import Finding
from sandbox.aws import PAYER, Fault
from service.actions.onboarding.retry_onboarding import retry_onboarding
from service.store.accounts import members
from service.store.accounts.onboardings import Onboarding
from service.store.billing import sellers
from service.store.database import Database
from tests.support.moments.live import onboarded
from tests.support.onboarding import CREATE, INVITE, Installation, opened, quietly


@pytest.fixture
def installation(database: Database) -> Iterator[Installation]:
    with opened(database) as installation:
        yield installation


def found(installation: Installation) -> dict[str, Finding]:
    return {finding.code: finding for finding in watch(installation.environment, PAYER)}


def test_nothing_is_found_where_nothing_changed(installation: Installation) -> None:
    onboarded(installation, CREATE)

    assert found(installation) == {}
    installation.aws.clock.advance(days=1)
    assert found(installation) == {}


def test_an_account_that_left_ends_with_its_client_the_day_after(
    installation: Installation,
) -> None:
    invited = onboarded(installation, INVITE)
    organizations = installation.aws.client("organizations")
    account_id = invited.account_id
    installation.aws.account(account_id).payment_instrument = True
    quietly(
        installation, lambda: organizations.remove_account_from_organization(AccountId=account_id)
    )

    assert list(found(installation)) == ["account_left"]
    assert installation.stored(invited.id).stage == "departed"
    assert installation.client_on(account_id, installation.now()) == "globex"
    assert installation.client_on(account_id, installation.now() + timedelta(days=1)) is None


def test_an_account_that_appeared_is_its_client_s_by_its_tag_or_nobody_s(
    installation: Installation,
) -> None:
    tag = [{"Key": "msp:client", "Value": "acme"}]
    tagged = installation.aws.create_account(name="side", email="side@msp.example", Tags=tag)
    plain = installation.aws.create_account(name="other", email="other@msp.example")

    findings = found(installation)

    assert findings["account_appeared"].where == tagged
    assert findings["account_unassigned"].where == plain
    assert installation.client_on(tagged, installation.now()) == "acme"
    assert installation.client_on(plain, installation.now()) is None


def test_an_account_of_our_own_is_nobody_s_business_of_a_client(
    installation: Installation,
) -> None:
    """Not even where somebody tagged it as a client's; that it left is told."""
    tag = [{"Key": "msp:client", "Value": "acme"}]
    own = installation.aws.create_account(name="log", email="log@msp.example", Tags=tag)
    with installation.database.transaction() as session:
        payer = sellers.payer_account(session, PAYER)
        internal = frozenset({AccountId(own)})
        sellers.put_payer_account(session, replace(payer, internal_accounts=internal))

    assert found(installation) == {}
    assert installation.client_on(own, installation.now()) is None

    account = installation.aws.account(own)
    account.payment_instrument = account.accepted_agreement = True
    account.phone_status = "VERIFIED"
    installation.aws.clock.advance(days=5)
    organizations = installation.aws.client("organizations")
    organizations.remove_account_from_organization(AccountId=own)
    assert list(found(installation)) == ["account_left"]


def test_a_suspension_is_told_once_and_settles(installation: Installation) -> None:
    live = onboarded(installation, CREATE)
    found(installation)
    installation.aws.account(live.account_id).suspended = True

    assert "account_state_changed" in found(installation)
    assert "account_state_changed" not in found(installation)


def test_a_role_that_the_client_changed_is_drift(installation: Installation) -> None:
    live = onboarded(installation, CREATE)
    iam = unguarded(installation, live)
    quietly(installation, lambda: iam.delete_role_policy(RoleName="MspBilling", PolicyName="msp"))

    drifted = found(installation)["role_drift"]

    assert drifted.where == f"{live.account_id} MspBilling"
    with installation.database.transaction() as session:
        guard, role = members.open_findings(session, PAYER)
    assert (guard.code, role) == ("guard_detached", drifted)


def test_a_role_that_lets_us_in_no_more_is_told(installation: Installation) -> None:
    live = onboarded(installation, CREATE)
    shut_out(installation, live)

    assert found(installation)["role_unreachable"].message.endswith("AccessDenied")


def test_what_an_older_version_placed_is_found_and_put_right_by_a_retry(
    database: Database,
) -> None:
    """New texts of ours reach the accounts that are live: a finding, a retry, all well."""
    with opened(database, enforced=True) as installation:
        live = onboarded(installation, CREATE)
        iam = unguarded(installation, live)
        boundary = f"arn:aws:iam::{live.account_id}:policy/msp/MspBoundary"
        old = json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
            }
        )
        quietly(
            installation,
            lambda: iam.create_policy_version(
                PolicyArn=boundary, PolicyDocument=old, SetAsDefault=True
            ),
        )
        quietly(
            installation,
            lambda: iam.put_role_policy(
                RoleName="MspEngineer", PolicyName="msp", PolicyDocument=old
            ),
        )
        before = found(installation)

        with installation.database.transaction() as session:
            retry_onboarding(session, live.id, actor="ada", now=installation.now())
        installation.work()

        assert sorted(before) == ["boundary_drift", "guard_detached", "role_drift"]
        assert before["boundary_drift"].where == f"{live.account_id} MspBoundary"
        assert before["role_drift"].where == f"{live.account_id} MspEngineer"
        again = installation.stored(live.id)
        assert (again.state, again.waiting) == ("live", None)
        assert found(installation) == {}


def unguarded(installation: Installation, live: Onboarding) -> Any:
    """Our guard keeps the client from changing our roles: somebody has lifted it."""
    organizations, scp = (
        installation.aws.client("organizations"),
        installation.reseller.membership_scp_id,
    )
    quietly(
        installation, lambda: organizations.detach_policy(PolicyId=scp, TargetId=live.account_id)
    )
    return installation.aws.client("iam", live.account_id)


def shut_out(installation: Installation, live: Onboarding) -> None:
    iam = unguarded(installation, live)

    def delete() -> None:
        iam.delete_role_policy(RoleName="MspAutomation", PolicyName="msp")
        iam.delete_role(RoleName="MspAutomation")

    quietly(installation, delete)
    installation.aws.clock.advance(hours=1)


def test_from_a_list_that_aws_did_not_show_nothing_is_concluded(installation: Installation) -> None:
    live = onboarded(installation, CREATE)
    installation.aws.faults.on("organizations:ListAccounts", Fault.THROTTLE)

    with pytest.raises(ListNotShown, match="did not list the organization's accounts"):
        found(installation)
    assert installation.stored(live.id).state == "live"
