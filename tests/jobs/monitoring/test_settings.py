"""Whatever onboarding sets is watched: each of it is damaged, and the look names it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from accounts.checks.settings import SETTINGS, Setting
from accounts.model.organization import OnboardingKind
from accounts.onboarding.plan import PLANS
from jobs.onboarding.watching import watch
from kernel.findings import Finding, Severity
from sandbox.aws import PAYER, Fault
from service.actions.onboarding.retry_onboarding import retry_onboarding
from service.store.accounts import members
from service.store.accounts.onboardings import Onboarding
from service.store.database import Database
from tests.support.moments.live import onboarded
from tests.support.onboarding import CREATE, Installation, opened, quietly

NOT_SET = frozenset({
    "ensure_reserved", "ensure_organization_fit", "ensure_created", "ensure_assigned",  # our store
    "ensure_invited", "ensure_joined",  # membership: compared by `compare_membership`
    "ensure_named",  # the same: `account_renamed`
    "ensure_entered", "ensure_proved",  # nothing is written
    "ensure_root_audited",  # by the watch of root
})  # fmt: skip
ANYBODY = json.dumps({
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
})  # fmt: skip
WHOLE_PAYER = json.dumps({
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{PAYER}:root"},
            "Action": "sts:AssumeRole",
        }
    ],
})  # fmt: skip
DESK = {"Name": "Eve", "Title": "Duty", "EmailAddress": "eve@x.example", "PhoneNumber": "1"}

Damage = Callable[[Installation, Onboarding], object]


@pytest.fixture
def installation(database: Database) -> Iterator[Installation]:
    with opened(database) as installation:
        yield installation


@pytest.fixture
def live(installation: Installation) -> Onboarding:
    return onboarded(installation, CREATE)


def found(installation: Installation) -> dict[str, Finding]:
    return {finding.code: finding for finding in watch(installation.environment, PAYER)}


def unguarded(installation: Installation, live: Onboarding, act: Callable[[Any], object]) -> None:
    """By somebody who takes our guard off for it, and puts it back."""
    guard = {"PolicyId": installation.reseller.membership_scp_id, "TargetId": live.account_id}
    organizations = installation.aws.client("organizations")
    organizations.detach_policy(**guard)
    act(installation.aws.client("iam", live.account_id))
    organizations.attach_policy(**guard)


def move(installation: Installation, live: Onboarding) -> None:
    reseller = installation.reseller
    installation.aws.client("organizations").move_account(
        AccountId=live.account_id,
        SourceParentId=reseller.client_ou_id,
        DestinationParentId=reseller.root_id,
    )


def tag_as_another_clients(installation: Installation, live: Onboarding) -> None:
    installation.aws.client("organizations").tag_resource(
        ResourceId=live.account_id, Tags=[{"Key": "msp:client", "Value": "globex"}]
    )


def change_contact(installation: Installation, live: Onboarding) -> None:
    installation.aws.client("account").put_alternate_contact(
        AccountId=live.account_id, AlternateContactType="SECURITY", **DESK
    )


def rewrite_boundary(installation: Installation, live: Onboarding) -> None:
    arn = f"arn:aws:iam::{live.account_id}:policy/msp/MspBoundary"
    unguarded(
        installation,
        live,
        lambda iam: iam.create_policy_version(
            PolicyArn=arn, PolicyDocument=ANYBODY, SetAsDefault=True
        ),
    )


def trust_by(role: str) -> Damage:
    def act(installation: Installation, live: Onboarding) -> None:
        unguarded(
            installation,
            live,
            lambda iam: iam.update_assume_role_policy(RoleName=role, PolicyDocument=WHOLE_PAYER),
        )

    return act


def take_guard_off(installation: Installation, live: Onboarding) -> None:
    installation.aws.client("organizations").detach_policy(
        PolicyId=installation.reseller.root_scp_id, TargetId=live.account_id
    )


def drop_budget(installation: Installation, live: Onboarding) -> None:
    installation.aws.client("budgets").delete_budget(
        AccountId=PAYER, BudgetName=f"msp-acme-{live.account_id}"
    )


def switch_cost_tag_off(installation: Installation, live: Onboarding) -> None:
    installation.aws.client("ce").update_cost_allocation_tags_status(
        CostAllocationTagsStatus=[{"TagKey": "msp:client", "Status": "Inactive"}]
    )


DAMAGES: dict[str, Damage] = {
    "account_moved": move,
    "account_tags_changed": tag_as_another_clients,
    "contacts_changed": change_contact,
    "boundary_drift": rewrite_boundary,
    "role_drift": trust_by("MspAdmin"),
    "door_changed": trust_by("MspBootstrap"),
    "guard_detached": take_guard_off,
    "budget_changed": drop_budget,
    "cost_tag_off": switch_cost_tag_off,
}


def test_what_an_onboarding_sets_is_on_the_list_and_the_list_is_damaged_here() -> None:
    goals = {
        goal.__name__
        for kind in (OnboardingKind.CREATE, OnboardingKind.INVITE)
        for _, goals in PLANS[kind]
        for goal in goals
    }
    assert goals == NOT_SET | {setting.goal.__name__ for setting in SETTINGS}
    assert set(DAMAGES) == {setting.code for setting in SETTINGS}


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.code)
def test_the_look_names_what_was_damaged_and_a_retry_puts_it_right(
    installation: Installation, live: Onboarding, setting: Setting
) -> None:
    assert found(installation) == {}
    quietly(installation, lambda: DAMAGES[setting.code](installation, live))
    installation.aws.clock.advance(days=1)

    findings = found(installation)
    assert list(findings) == [setting.code]
    told = findings[setting.code]
    assert told.where.startswith(PAYER if setting.is_of_payer else live.account_id)
    assert told.severity is setting.severity

    with installation.database.transaction() as session:
        retry_onboarding(session, live.id, actor="ada", now=installation.now())
    installation.work()
    installation.aws.clock.advance(days=1)
    assert found(installation) == {}


def test_words_say_what_is_there_and_what_should_be(
    installation: Installation, live: Onboarding
) -> None:
    def act() -> None:
        for damage in (move, tag_as_another_clients, change_contact):
            damage(installation, live)

    quietly(installation, act)

    findings = found(installation)
    reseller = installation.reseller
    assert findings["account_moved"].message.startswith(
        f"is in {reseller.root_id}, not in the clients' OU {reseller.client_ou_id}"
    )
    assert "msp:client='globex'" in findings["account_tags_changed"].message
    assert "another security contact than ours" in findings["contacts_changed"].message


def test_what_stands_under_our_path_and_is_none_of_ours_is_told(
    installation: Installation, live: Onboarding
) -> None:
    """Untagged: our guard lets nobody tag there, so a stranger's role never has our tag."""

    def build(iam: Any) -> None:
        iam.create_role(RoleName="Door", Path="/msp/x/", AssumeRolePolicyDocument=WHOLE_PAYER)
        iam.create_policy(PolicyName="Key", Path="/msp/", PolicyDocument=ANYBODY)

    quietly(installation, lambda: unguarded(installation, live, build))

    findings = found(installation)
    assert {code: each.where for code, each in findings.items()} == {
        "role_stranger": f"{live.account_id} Door",
        "policy_stranger": f"{live.account_id} arn:aws:iam::{live.account_id}:policy/msp/Key",
    }
    assert {each.severity for each in findings.values()} == {Severity.CRITICAL}


def test_what_could_not_be_looked_at_stands_as_it_was(
    installation: Installation, live: Onboarding
) -> None:
    quietly(installation, lambda: move(installation, live))
    assert list(found(installation)) == ["account_moved"]
    installation.aws.faults.on("organizations:ListParents", Fault.THROTTLE)

    assert list(found(installation)) == ["setting_unseen"]
    with installation.database.transaction() as session:
        codes = {each.code for each in members.open_findings(session, PAYER)}
    assert codes == {"account_moved", "setting_unseen"}
