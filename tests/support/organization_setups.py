"""Owns the set-up of an organization under test: an administrator's payer and a role for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from accounts.iam.policy_documents import to_text
from accounts.model.organization import Reseller
from accounts.model.role_spec import Document
from accounts.organization_setup.items import Outcome, WantedSetup
from jobs.aws.calls import Caller
from jobs.aws.signers import OFFBOARD, ONBOARD, SETUP, Signer, Signers
from jobs.onboarding.environment import OnboardingEnvironment
from jobs.onboarding.setting_up import SetupReport, plan_set_up, set_up
from sandbox.aws import PAYER, Clock, StrictAWS
from service.actions.billing.apply_configuration import apply_configuration
from service.actions.onboarding.set_reseller import set_reseller
from service.store.database import Database
from tests.support.accounts_reseller import ACCESS, RESELLER
from tests.support.onboarding import NOON, configuration, kept_clients, service_role

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
    keys: Any = None
    """Of set-up itself."""

    def plan(self, wanted: WantedSetup = WANTED) -> SetupReport:
        return plan_set_up(self.environment, wanted)

    def set_up(self, wanted: WantedSetup = WANTED, *, yes: str = "") -> SetupReport:
        agreed = frozenset(filter(None, [yes]))
        return set_up(self.environment, wanted, yes=agreed, actor="ada")

    def signs(self, keys: Any, **others: Signer) -> None:
        self.keys = keys
        named = {SETUP: Signer(keys), **others}
        caller = Caller(Signers(named), kept_clients(), self.aws.clock.now)
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


def states(report: SetupReport) -> dict[str, str]:
    return {outcome.key: outcome.state.value for outcome in report.outcomes}


def outcome_of(report: SetupReport, key: str) -> Outcome:
    return next(outcome for outcome in report.outcomes if outcome.key == key)


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


def policies(operator: Operator) -> list[Any]:
    (organization,) = operator.aws.world.organizations.values()
    return list(organization.policies.values())


def weaken_the_membership_guard(operator: Operator) -> Any:
    (guard,) = (policy for policy in policies(operator) if policy.name == "msp-membership")
    document = json.loads(guard.content)
    document["Statement"][0]["Action"].remove("organizations:LeaveOrganization")
    guard.content = to_text(document)
    return guard


def policy_of_setup(operator: Operator) -> Document:
    iam = operator.aws.client("iam")
    found: Document = iam.get_role_policy(RoleName=SETUP, PolicyName="msp")["PolicyDocument"]
    return found


def put_policy_of_setup(operator: Operator, document: Document) -> None:
    iam, text = operator.aws.client("iam"), to_text(document)
    iam.put_role_policy(RoleName=SETUP, PolicyName="msp", PolicyDocument=text)
