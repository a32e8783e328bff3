"""An organization is set up once: seen first, changed as agreed, the same when run again."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from accounts.iam.policy_documents import as_list, service_policies, to_text
from accounts.model.organization import Reseller
from accounts.model.role_spec import Document
from accounts.organization_setup.items import Outcome, WantedSetup
from jobs.aws.calls import Caller
from jobs.aws.signers import OFFBOARD, ONBOARD, SETUP, Signer, Signers
from jobs.onboarding.environment import OnboardingEnvironment
from jobs.onboarding.setting_up import SetupReport, plan_set_up, set_up
from sandbox.aws import PAYER, Clock, Crash, Fault, StrictAWS
from service.actions.billing.apply_configuration import apply_configuration
from service.actions.onboarding.set_reseller import set_reseller
from service.store.database import Database
from service.store.embedded import EmbeddedServer
from tests.conftest import fresh_database
from tests.support.accounts_reseller import ACCESS, RESELLER
from tests.support.onboarding import MACHINES, NOON, configuration, kept_clients, service_role
from tests.support.rights import denied, without

APPROVER = "msp-approver"
WANTED = WantedSetup(payer_account_id=PAYER, alert_email="desk@msp.example")
BY_US = (
    "payer all_features trusted_access root_access control_policies client_ou "
    "membership_guard root_guard cost_tag anomalies"
).split()
BY_HAND = "onboard_role offboard_role approver_role payer_root".split()


@dataclass
class Operator:
    """An administrator's payer, and a role that may set it up and nothing else."""

    aws: StrictAWS
    environment: OnboardingEnvironment

    def plan(self, wanted: WantedSetup = WANTED) -> SetupReport:
        return plan_set_up(self.environment, wanted)

    def set_up(self, wanted: WantedSetup = WANTED, *, yes: str = "") -> SetupReport:
        agreed = frozenset(filter(None, [yes]))
        return set_up(self.environment, wanted, yes=agreed, actor="ada")

    def signs(self, keys: Any) -> None:
        caller = Caller(Signers({SETUP: Signer(keys)}), kept_clients(), self.aws.clock.now)
        self.environment = replace(self.environment, caller=caller)

    def by_hand(self) -> None:
        """What set-up leaves to an administrator, with the policies that it prints."""
        policies = self.plan().policies
        for role in (ONBOARD, OFFBOARD, APPROVER):
            service_role(self.aws, role, policies[role.replace("msp-", "svc_")])
        self.aws.account(PAYER).root.mfa_devices.append("passkey")

    def described(self) -> Reseller:
        """What was printed is in the configuration."""
        found = self.plan().configuration
        reseller = replace(
            RESELLER,
            payer_account_id=found["payer"],
            automation_arn=found["automation_role"],
            offboarding_arn=found["offboarding_role"],
            organization_id=found["organization_id"],
            root_id=found["root_id"],
            client_ou_id=found["client_ou_id"],
            membership_scp_id=found["membership_scp_id"],
            root_scp_id=found["root_scp_id"],
        )
        with self.environment.database.transaction() as session:
            apply_configuration(session, configuration({}), actor="test", now=NOON)
            set_reseller(session, reseller, actor="test", now=NOON)
        return reseller

    def writes(self) -> list[str]:
        looks = ("Describe", "Get", "List")
        names = [entry.name.split(":")[1] for entry in self.aws.log if entry.outcome == "ok"]
        return [name for name in names if not name.startswith(looks)]


@contextmanager
def at_work(database: Database) -> Iterator[Operator]:
    """A bare organization; the role's policy is the one that a dry run prints."""
    with StrictAWS(clock=Clock(NOON)) as aws:
        organizations = aws.client("organizations")
        organizations.create_organization(FeatureSet="ALL")
        aws.add_member(ACCESS, name="Access", email="awsaccounts+access@msp.example")
        root_id = organizations.list_roots()["Roots"][0]["Id"]
        organizations.disable_policy_type(RootId=root_id, PolicyType="SERVICE_CONTROL_POLICY")
        nobody = Caller(Signers({}), kept_clients(), aws.clock.now)
        operator = Operator(aws, OnboardingEnvironment(database, nobody, aws.clock.now))
        operator.signs(aws.session())
        policy = operator.plan().policies["svc_setup"]
        operator.signs(service_role(aws, SETUP, policy))
        aws.log.clear()
        with aws.enforced():
            yield operator


@pytest.fixture
def operator(database: Database) -> Iterator[Operator]:
    with at_work(database) as operator:
        yield operator


def states(report: SetupReport) -> dict[str, str]:
    return {outcome.key: outcome.state.value for outcome in report.outcomes}


def outcome_of(report: SetupReport, key: str) -> Outcome:
    return next(outcome for outcome in report.outcomes if outcome.key == key)


def test_a_dry_run_says_what_it_would_do_and_changes_nothing(operator: Operator) -> None:
    report = operator.plan()

    assert states(report) == {
        "payer": "is so", "all_features": "is so", "trusted_access": "to do",
        "root_access": "to do", "control_policies": "to do", "client_ou": "to do",
        "membership_guard": "to do", "root_guard": "to do", "cost_tag": "later",
        "anomalies": "to do", "onboard_role": "later", "offboard_role": "later",
        "approver_role": "by hand", "payer_root": "by hand", "configuration": "later",
    }  # fmt: skip
    assert operator.writes() == []
    assert report.configuration == {}
    assert sorted(report.policies) == ["svc_analyzer", "svc_approver", "svc_setup"]


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


def set_up_once(operator: Operator) -> None:
    """All that there should be, and one of each."""
    (organization,) = operator.aws.world.organizations.values()
    assert {"account.amazonaws.com", "iam.amazonaws.com"} == set(organization.services)
    assert organization.root_features == {"RootCredentialsManagement", "RootSessions"}
    assert organization.policy_types == ["SERVICE_CONTROL_POLICY"]
    assert [unit.name for unit in organization.units.values()] == ["Clients"]
    ours = [policy.name for policy in organization.policies.values() if not policy.aws_managed]
    assert sorted(ours) == ["msp-membership", "msp-root"]
    (monitor,) = (each for each in organization.anomaly.values() if "MonitorType" in each)
    (subscription,) = (each for each in organization.anomaly.values() if "Subscribers" in each)
    assert (monitor["MonitorType"], monitor["MonitorDimension"]) == (
        "DIMENSIONAL", "LINKED_ACCOUNT",
    )  # fmt: skip
    assert subscription["MonitorArnList"] == [monitor["MonitorArn"]]
    assert subscription["Subscribers"][0]["Address"] == "desk@msp.example"


def test_run_again_it_changes_nothing_and_once_the_rest_is_done_by_hand_all_is_fine(
    operator: Operator,
) -> None:
    operator.set_up()
    operator.by_hand()
    operator.described()
    operator.aws.log.clear()

    report = operator.set_up(WantedSetup())

    assert operator.writes() == []
    assert set(states(report).values()) == {"is so", "later"}
    assert report.is_fine
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


def weaken_the_membership_guard(operator: Operator) -> Any:
    (guard,) = (policy for policy in policies(operator) if policy.name == "msp-membership")
    document = json.loads(guard.content)
    document["Statement"][0]["Action"].remove("organizations:LeaveOrganization")
    guard.content = to_text(document)
    return guard


def policies(operator: Operator) -> list[Any]:
    (organization,) = operator.aws.world.organizations.values()
    return list(organization.policies.values())


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

    assert operator.set_up().is_fine
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


# Least privilege. ----------------------------------------------------------------------


def rights() -> list[tuple[str, str]]:
    statements = service_policies(RESELLER)["svc_setup"]["Statement"]
    return [
        (s["Sid"], a) for s in statements if s["Effect"] == "Allow" for a in as_list(s["Action"])
    ]


@pytest.mark.parametrize("right", rights(), ids="-".join)
def test_without_one_of_its_rights_an_item_is_refused(
    operator: Operator, right: tuple[str, str]
) -> None:
    """At the first run, or at one that finds everything there and a guard that says less."""
    tag = [{"Key": "msp:client", "Value": "acme"}]
    operator.aws.create_account(name="prod", email="prod@msp.example", Tags=tag)
    whole = policy_of_setup(operator)
    put_policy_of_setup(operator, without(whole, *right))
    first = operator.set_up()
    put_policy_of_setup(operator, whole)
    operator.set_up()
    operator.by_hand()
    operator.described()
    weaken_the_membership_guard(operator)
    put_policy_of_setup(operator, without(whole, *right))
    second = operator.set_up(yes="membership_guard")

    assert right[1] in denied(operator.aws)
    assert not (first.is_fine and second.is_fine)
    assert "refused" in {*states(first).values(), *states(second).values()}


def policy_of_setup(operator: Operator) -> Document:
    iam = operator.aws.client("iam")
    found: Document = iam.get_role_policy(RoleName=SETUP, PolicyName="msp")["PolicyDocument"]
    return found


def put_policy_of_setup(operator: Operator, document: Document) -> None:
    iam, text = operator.aws.client("iam"), to_text(document)
    iam.put_role_policy(RoleName=SETUP, PolicyName="msp", PolicyDocument=text)


# Faults. -------------------------------------------------------------------------------

CALLS = 37


def test_undisturbed_it_takes_so_many_calls(operator: Operator) -> None:
    operator.set_up()

    assert len(operator.aws.log) == CALLS


def struck(server: EmbeddedServer, template: str, *, number: int, fault: Fault) -> None:
    """The call with this number meets this fault; the reseller runs it again, and that is all."""
    with fresh_database(server, template) as database, at_work(database) as operator:
        operator.aws.faults.at(operator.aws.faults.calls + number, fault)
        runs = 0
        while not runs or not is_set_up(operator):
            runs += 1
            try:
                operator.set_up()
            except Crash:
                assert fault in (Fault.CRASH_BEFORE, Fault.CRASH_AFTER)
            assert runs <= 2, (number, fault)
        assert sum(operator.aws.faults.struck.values()) == 1, number
        set_up_once(operator)


def is_set_up(operator: Operator) -> bool:
    found = states(operator.plan())
    return all(found.get(key) in ("is so", "later") for key in BY_US)


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name.lower())
def test_one_fault_at_some_call_converges_when_run_again(
    server: EmbeddedServer, template: str, fault: Fault
) -> None:
    number = random.Random(f"set-up {fault}").randint(1, CALLS)
    struck(server, template, number=number, fault=fault)


@pytest.mark.proof
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name.lower())
def test_one_fault_at_every_call_converges_when_run_again(
    server: EmbeddedServer, template: str, fault: Fault
) -> None:
    for number in range(1, CALLS + 1):
        struck(server, template, number=number, fault=fault)
