"""The service's policies allow every call its plans make, and nothing that nobody calls."""

from fnmatch import fnmatchcase
from typing import Any

import pytest
from policy_sentry.querying.actions import get_action_data

from accounts.iam.policy_documents import as_list, service_policies
from accounts.iam.role_catalogue import CATALOGUE, desired_role
from accounts.model.decision import Actor, Call
from accounts.model.role_spec import Document
from accounts.monitoring import root_audit
from tests.support.accounts_reseller import CREATE, INVITE, MEMBER, RESELLER, TRANSFER
from tests.support.core_worker import Worker, a_worker
from tests.unit.accounts.conftest import recovered, with_its_codes

# IAM actions whose names differ from the operation's.
ACTIONS = {
    "budgets:DescribeBudget": "budgets:ViewBudget",
    "budgets:CreateBudget": "budgets:ModifyBudget",
    "budgets:UpdateBudget": "budgets:ModifyBudget",
}
# Which account may be asked for its bill is not known beforehand, and it is in no organization of
# ours; the client has to agree.
UNBOUNDED = {"organizations:InviteOrganizationToTransferResponsibility"}


def action(call: Call) -> str:
    named = f"{call.service}:{call.operation}"
    return ACTIONS.get(named, named).replace("sso-admin:", "sso:")


def statements(name: str) -> list[Document]:
    return [s for s in service_policies(RESELLER)[name]["Statement"] if s["Effect"] == "Allow"]


def allowed(name: str, sid: str = "") -> set[str]:
    return {a for s in statements(name) if sid in ("", s["Sid"]) for a in as_list(s["Action"])}


# Sent only where something is amiss, or by the shell and the watch: test_onboarding_rights.py runs
# those workflows, and takes each right away.
SELDOM = {
    *allowed("svc_onboard", "LooksAtRoot"),
    "account:PutAccountName",
    "organizations:CancelHandshake",
    "organizations:DescribePolicy",
    "organizations:ListTargetsForPolicy",
    "organizations:TagResource",
    "sts:AssumeRoot",
}


@pytest.fixture(scope="module")
def onboarding_calls() -> list[Call]:
    calls: list[Call] = []
    with a_worker() as first:
        payer = first.aws.add_standalone(TRANSFER.account_id, email="aws@initech.example")
        first.aws.client("organizations", payer.id).create_organization(FeatureSet="ALL")
        for request in (CREATE, INVITE, TRANSFER):
            worker = first.anew(request)
            worker.run()
            calls += worker.sent
    return calls


def test_onboarding_sends_what_its_role_allows_and_no_other(onboarding_calls: list[Call]) -> None:
    sent = {action(call) for call in onboarding_calls if call.session.actor is Actor.ONBOARD}
    sent |= {action(call) for call in root_audit.DAILY}

    assert sent - allowed("svc_onboard") == set()
    assert allowed("svc_onboard") - sent - SELDOM == set()


def test_offboarding_sends_what_its_role_allows(live: Worker) -> None:
    live.aws.stub(
        "cloudformation", "ListStackSets", lambda _: {"Summaries": [{"StackSetName": "guard"}]}
    )
    directory = {"InstanceArn": "arn:aws:sso:::instance/ssoins-1111111111111111"}
    live.aws.stub("sso-admin", "ListInstances", lambda _: {"Instances": [directory]})
    live.aws.stub(
        "sso-admin", "ListPermissionSetsProvisionedToAccount", lambda _: {"PermissionSets": []}
    )
    with_its_codes(recovered(live))

    sent = {action(call) for call in live.sent if call.session.actor is Actor.OFFBOARD}

    assert sent - allowed("svc_offboard") == set()
    assert allowed("svc_offboard") - sent == {
        "account:PutAlternateContact", "organizations:CloseAccount",
        "organizations:TerminateResponsibilityTransfer", "sts:AssumeRoot", "sts:SetSourceIdentity",
    }  # fmt: skip
    assert {call.step for call in live.sent if call.session.actor is Actor.ONBOARD} == {
        "see_accounts", "see_account_tags", "see_contact", "see_guards",
    }  # fmt: skip


def test_automation_may_look_at_what_the_watch_looks_at() -> None:
    spec = next(each for each in CATALOGUE if each.name == "MspAutomation")
    inline = desired_role(spec, RESELLER, CREATE, MEMBER).inline
    assert inline is not None
    granted = [a for s in inline["Statement"] for a in as_list(s["Action"])]

    for wanted in ("iam:GetAccountAuthorizationDetails", "iam:ListRoles", "iam:DeleteRole"):
        assert any(fnmatchcase(wanted, pattern) for pattern in granted)


@pytest.mark.parametrize("name", service_policies(RESELLER))
def test_no_policy_of_ours_allows_by_wildcard(name: str) -> None:
    assert [action for action in sorted(allowed(name)) if "*" in action] == []


@pytest.mark.parametrize("name", service_policies(RESELLER))
def test_a_write_is_bound_to_resources_or_by_a_condition_where_aws_can(name: str) -> None:
    """By policy_sentry's table of which actions know resources."""
    unbound = {
        action
        for statement in statements(name)
        if statement["Resource"] == "*" and "Condition" not in statement
        for action in as_list(statement["Action"])
        if is_write(action) and knows_resources(action)
    }

    assert unbound - UNBOUNDED == set()


def rows(action: str) -> list[dict[str, Any]]:
    service, operation = action.split(":")
    found = get_action_data(service, operation)
    assert isinstance(found, dict), action
    return list(found[service])


def is_write(action: str) -> bool:
    return rows(action)[0]["access_level"] not in ("Read", "List")


def knows_resources(action: str) -> bool:
    return any(row["resource_arn_format"] != "*" for row in rows(action))
