"""An organization is set up once: seen first, changed as agreed, the same when run again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from accounts.iam.policy_documents import to_text
from accounts.organization_setup.items import WantedSetup
from jobs.aws.signers import OFFBOARD, ONBOARD
from sandbox.aws import PAYER
from service.store.database import Database
from tests.support.onboarding import MACHINES
from tests.support.organization_setups import (
    APPROVER,
    BY_HAND,
    BY_US,
    WANTED,
    Operator,
    at_work,
    outcome_of,
    policies,
    set_up_once,
    states,
    weaken_the_membership_guard,
)

SETTLED = {"is so", "later"}


@pytest.fixture
def operator(database: Database) -> Iterator[Operator]:
    with at_work(database) as operator:
        yield operator


def test_a_dry_run_says_what_it_would_do_and_changes_nothing(operator: Operator) -> None:
    report = operator.plan()

    assert states(report) == {
        "payer": "is so", "all_features": "is so", "trusted_access": "to do",
        "root_access": "to do", "control_policies": "to do", "client_ou": "to do",
        "membership_guard": "to do", "root_guard": "to do", "cost_tag": "later",
        "anomalies": "to do", "onboard_role": "later", "offboard_role": "later",
        "approver_role": "by hand", "payer_root": "by hand", "configuration": "later",
        "access_account": "later", "access_policies": "later", "people_group": "later",
        "probe_users": "later", "probe_sign_ins": "later", "people": "later",
    }  # fmt: skip
    assert operator.writes() == []
    assert report.configuration == {}
    assert sorted(report.policies) == [
        "access_assume_roles", "access_probe", "access_require_mfa", "svc_analyzer",
        "svc_approver", "svc_setup",
    ]  # fmt: skip


def test_with_its_own_rights_only_it_sets_up_what_is_ours_and_names_what_is_not(
    operator: Operator,
) -> None:
    report = operator.set_up()

    assert {key: states(report)[key] for key in BY_US} == {
        "payer": "is so", "all_features": "is so", "trusted_access": "made",
        "root_access": "made", "control_policies": "made", "client_ou": "made",
        "membership_guard": "made", "root_guard": "made", "cost_tag": "later",
        "anomalies": "made",
    }  # fmt: skip
    assert {states(report)[key] for key in BY_HAND} == {"by hand"}
    assert outcome_of(report, "onboard_role").words == (
        "make the role msp-onboard, for the worker, with svc_onboard.json (--policies DIR)"
    )
    assert "no MFA" in outcome_of(report, "payer_root").words
    assert not report.is_fine
    set_up_once(operator)


def test_run_again_it_changes_nothing_and_once_the_rest_is_done_by_hand_all_is_fine(
    operator: Operator,
) -> None:
    operator.set_up()
    operator.by_hand()
    operator.described()
    operator.aws.log.clear()

    report = operator.set_up(WantedSetup())

    assert operator.writes() == []
    left = {key: state for key, state in states(report).items() if state not in SETTLED}
    assert left == {"access_account": "by hand"}, "tests/jobs/access/test_access_account.py"
    set_up_once(operator)


def test_every_change_is_in_the_audit_log(operator: Operator) -> None:
    operator.set_up()

    with operator.environment.database.transaction() as session:
        rows = session.connection().exec_driver_sql(
            "select actor, after->>'call' from audit_entry where action = 'set_up' order by id"
        )
        written = [(str(actor), str(call)) for actor, call in rows]
    assert written == [("ada", name) for name in operator.writes()]
    assert len(written) == 10


def test_a_guard_in_force_is_changed_only_with_a_yes_and_its_difference_shown(
    operator: Operator,
) -> None:
    operator.set_up()
    guard = weaken_the_membership_guard(operator)
    weaker = guard.content

    asked = outcome_of(operator.set_up(), "membership_guard")

    assert asked.state == "asks"
    assert '+        "organizations:LeaveOrganization"' in asked.diff
    assert asked.words.endswith("agree with --yes membership_guard")
    assert guard.content == weaker
    assert states(operator.plan())["membership_guard"] == "asks"
    assert states(operator.set_up(yes="membership_guard"))["membership_guard"] == "made"
    assert "LeaveOrganization" in guard.content


def test_what_is_there_by_name_or_by_the_configuration_is_adopted(operator: Operator) -> None:
    operator.set_up()
    operator.by_hand()
    reseller = operator.described()
    renamed = {"msp-membership": "keep-members", "msp-root": "no-root"}
    for policy in policies(operator):
        policy.name = renamed.get(policy.name, policy.name)
    (organization,) = operator.aws.world.organizations.values()
    organization.units[reseller.client_ou_id].name = "Customers"
    operator.aws.log.clear()

    assert {states(operator.set_up())[key] for key in [*BY_US, *BY_HAND]} <= SETTLED
    assert operator.writes() == []


def test_ids_of_the_configuration_that_are_gone_are_named(operator: Operator) -> None:
    operator.set_up()
    operator.by_hand()
    reseller = operator.described()
    (organization,) = operator.aws.world.organizations.values()
    del organization.policies[reseller.root_scp_id]

    report = operator.set_up()

    made = report.configuration["root_scp_id"]
    assert outcome_of(report, "configuration").words == (
        f"correct the configuration: root_scp_id is {made}, not {reseller.root_scp_id}"
    )


def test_a_service_role_that_may_do_more_or_less_than_its_work_is_named(
    operator: Operator,
) -> None:
    operator.set_up()
    operator.by_hand()
    iam = operator.aws.client("iam")
    everybody = {"Effect": "Allow", "Principal": {"AWS": PAYER}, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [everybody]}
    iam.update_assume_role_policy(RoleName=APPROVER, PolicyDocument=json.dumps(trust))
    own = operator.plan().policies["svc_offboard"]
    own["Statement"] = own["Statement"][1:]
    iam.put_role_policy(RoleName=OFFBOARD, PolicyName="msp", PolicyDocument=to_text(own))
    iam.put_role_policy(RoleName=ONBOARD, PolicyName="more", PolicyDocument=to_text(own))

    report = operator.plan()

    assert "trusts a whole account" in outcome_of(report, "approver_role").words
    assert "anew" in outcome_of(report, "offboard_role").words
    assert "+" in outcome_of(report, "offboard_role").diff
    assert outcome_of(report, "onboard_role").words == (
        "msp-onboard may do more than its work: take more off it"
    )


def test_people_who_are_let_in_without_mfa_are_named(operator: Operator) -> None:
    operator.set_up()
    operator.by_hand()
    iam = operator.aws.client("iam")
    trust = {"Version": "2012-10-17", "Statement": [MACHINES]}
    iam.update_assume_role_policy(RoleName=APPROVER, PolicyDocument=json.dumps(trust))

    assert outcome_of(operator.plan(), "approver_role").words == (
        "msp-approver: its trust lets people in without MFA"
    )


def test_it_works_in_the_payer_of_an_organization_with_all_features_only(
    operator: Operator,
) -> None:
    other = operator.set_up(replace(WANTED, payer_account_id="999999999999"))
    assert states(other) == {"payer": "by hand"}
    (organization,) = operator.aws.world.organizations.values()
    organization.feature_set = "CONSOLIDATED_BILLING"
    bare = operator.set_up()
    assert states(bare) == {"payer": "is so", "all_features": "by hand"}
    assert "cannot be taken back" in outcome_of(bare, "all_features").words
    operator.aws.add_standalone("444444444444", email="it@globex.example")
    operator.signs(operator.aws.session("444444444444"))
    alone = operator.set_up(WantedSetup())
    assert "has no organization" in outcome_of(alone, "payer").words
    assert operator.writes() == []


def test_the_cost_tag_is_activated_once_an_account_carries_it(operator: Operator) -> None:
    operator.set_up()
    tag = [{"Key": "msp:client", "Value": "acme"}]
    operator.aws.create_account(name="prod", email="prod@msp.example", Tags=tag)

    assert states(operator.set_up())["cost_tag"] == "made"
    assert states(operator.plan())["cost_tag"] == "is so"
