"""The service's policies allow every call its plans make, and nothing that nobody calls."""

from fnmatch import fnmatchcase

import pytest

from service.accounts import root_audit
from service.accounts.calls import Actor, Call
from service.accounts.policy_files import many, service_policies
from service.accounts.roles import CATALOGUE, desired_role
from tests.accounts_aws import Aws, Worker
from tests.accounts_practice import CREATE, MEMBER, PRACTICE
from tests.unit.test_accounts_handover import ASKED, AwsOnTheWayOut, Desk, recovered
from tests.unit.test_accounts_steps import INVITE, TRANSFER

# IAM actions whose names differ from the operation's.
ACTIONS = {
    "budgets:DescribeBudget": "budgets:ViewBudget",
    "budgets:CreateBudget": "budgets:ModifyBudget",
    "budgets:UpdateBudget": "budgets:ModifyBudget",
}
# Allowed, and sent only where something is amiss, or by the shell.
SELDOM = {
    "access-analyzer:ValidatePolicy",
    "account:GetAccountInformation",
    "account:PutAccountName",
    "organizations:CancelHandshake",
    "organizations:DescribeHandshake",
    "organizations:DescribeResponsibilityTransfer",
    "organizations:ListAWSServiceAccessForOrganization",
    "organizations:ListDelegatedServicesForAccount",
    "organizations:ListRoots",
    "organizations:TagResource",
    "organizations:UntagResource",
    "sts:AssumeRoot",
    "sts:SetSourceIdentity",
}


def action(call: Call) -> str:
    named = f"{call.service}:{call.operation}"
    return ACTIONS.get(named, named)


def allowed(name: str) -> set[str]:
    statements = service_policies(PRACTICE)[name]["Statement"]
    return {a for s in statements if s["Effect"] == "Allow" for a in many(s["Action"])}


@pytest.fixture(scope="module")
def onboarding_calls() -> list[Call]:
    calls: list[Call] = []
    for request in (CREATE, INVITE, TRANSFER):
        worker = Worker(Aws(), request)
        worker.run()
        calls += worker.aws.sent
    return calls


def test_onboarding_sends_what_its_role_allows_and_no_other(onboarding_calls: list[Call]) -> None:
    sent = {action(call) for call in onboarding_calls if call.session.actor is Actor.ONBOARD}
    sent |= {action(call) for call in root_audit.DAILY}

    assert sent - allowed("svc_onboard") == set()
    assert allowed("svc_onboard") - sent - SELDOM == set()


def test_offboarding_sends_what_its_role_allows() -> None:
    aws = AwsOnTheWayOut()
    worker = Worker(aws, CREATE)
    worker.run()
    aws.sent.clear()
    recovered(Desk(aws, ASKED, worker.stored)).run()

    sent = {action(call) for call in aws.sent if call.session.actor is Actor.OFFBOARD}

    assert sent - allowed("svc_offboard") == set()
    assert {call.step for call in aws.sent if call.session.actor is Actor.ONBOARD} == {
        "see_accounts", "see_account_tags", "see_contact", "see_guards",
    }  # fmt: skip


def test_automation_may_look_at_what_the_watch_looks_at() -> None:
    spec = next(each for each in CATALOGUE if each.name == "MspAutomation")
    inline = desired_role(spec, PRACTICE, CREATE, MEMBER).inline
    assert inline is not None
    granted = [a for s in inline["Statement"] for a in many(s["Action"])]

    for wanted in ("iam:GetAccountAuthorizationDetails", "iam:ListRoles", "iam:DeleteRole"):
        assert any(fnmatchcase(wanted, pattern) for pattern in granted)
