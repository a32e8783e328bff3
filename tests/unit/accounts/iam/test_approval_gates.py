"""Whatever lets an account go asks, in AWS, for the tag that only an approver may write."""

from __future__ import annotations

import pytest

from accounts.iam.policy_documents import (
    as_list,
    guard_policies,
    service_policies,
    statements_of,
    to_text,
)
from accounts.model.organization import TAG_CLIENT, TAG_OFFBOARDING, TAG_ONBOARDING
from sandbox.aws.iam.evaluator import AuthorizationRequest, Verdict, verdict
from tests.support.accounts_reseller import MEMBER, PAYER, RESELLER

ORGANIZATION = f"arn:aws:organizations::{PAYER}:"
ACCOUNT = f"{ORGANIZATION}account/o-exampleorgid/{MEMBER}"
AT_ACCOUNTS = f"arn:aws:account::{PAYER}:account/o-exampleorgid/{MEMBER}"
SCP = {"organizations:policytype": ["SERVICE_CONTROL_POLICY"]}
GUARD = f"{ORGANIZATION}policy/o-exampleorgid/service_control_policy/p-member01"
TRANSFER = f"{ORGANIZATION}transfer/o-exampleorgid/billing/inbound/rt-abcdefgh"
APPROVED = ["handover-approved"]


def said(policy: str, action: str, resource: str, context: dict[str, list[str]]) -> Verdict:
    document = to_text(service_policies(RESELLER)[policy])
    return verdict([document], AuthorizationRequest(action, resource, context))


DEPARTING = {
    "organizations:RemoveAccountFromOrganization": ACCOUNT,
    "organizations:DetachPolicy": ACCOUNT,
    "organizations:TerminateResponsibilityTransfer": TRANSFER,
    "account:StartPrimaryEmailUpdate": AT_ACCOUNTS,
    "account:AcceptPrimaryEmailUpdate": AT_ACCOUNTS,
    "account:PutContactInformation": AT_ACCOUNTS,
    "account:PutAlternateContact": AT_ACCOUNTS,
    "account:DeleteAlternateContact": AT_ACCOUNTS,
    "account:SendPhoneNumberVerification": AT_ACCOUNTS,
    "account:VerifyPhoneNumber": AT_ACCOUNTS,
}


@pytest.mark.parametrize("action", DEPARTING)
def test_what_gives_an_account_away_needs_the_approver_s_tag(action: str) -> None:
    # Organizations and Account Management name an account's tags by keys of their own.
    service = action.split(":")[0]
    key = {"organizations": "aws:resourcetag", "account": "account:accountresourceorgtags"}[service]

    def asked(tags: dict[str, list[str]]) -> Verdict:
        context = {f"{key}/{name}": value for name, value in tags.items()}
        return said("svc_offboard", action, DEPARTING[action], SCP | context)

    assert asked({"msp:offboarding": APPROVED}) == "Allow"
    assert asked({"msp:offboarding": ["close-approved"]}) is None
    assert asked({"msp:client": APPROVED}) is None
    assert asked({}) is None


def test_an_account_is_closed_only_where_its_closure_was_approved() -> None:
    def asked(value: str) -> Verdict:
        tag = {"aws:resourcetag/msp:offboarding": [value]}
        return said("svc_offboard", "organizations:CloseAccount", ACCOUNT, tag)

    assert asked("close-approved") == "Allow"
    assert asked("handover-approved") is None


def test_every_right_to_write_of_the_offboarding_role_is_gated_or_known() -> None:
    """A right added without a gate is named here, with what holds instead."""
    ungated = {
        action
        for each in statements_of(service_policies(RESELLER)["svc_offboard"])
        if each["Effect"] == "Allow" and "msp:offboarding" not in to_text(each)
        for action in as_list(each["Action"])
        if not action.split(":")[1].startswith(("Get", "List"))
    }

    assert ungated == {
        # Of the guard's own ARN: AWS asks for the account's as well, which is gated.
        "organizations:DetachPolicy",
        # AWS has no condition on an account's tags here: the guard on root, below, holds.
        "sts:AssumeRoot",
        # Into roles that let it in by their own trust; the clean-up goes on after departure.
        "sts:AssumeRole",
        "sts:SetSourceIdentity",
    }


def test_a_root_password_can_be_recovered_only_where_the_root_guard_was_lifted() -> None:
    """And lifting it needs the tag. Other root tasks are the daily audit's."""
    root = {"aws:principalarn": [f"arn:aws:iam::{MEMBER}:root"], "aws:assumedroot": ["true"]}
    everything = to_text({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
    guarded = [everything, to_text(guard_policies(RESELLER)["scp_root"])]

    def asked(action: str, **more: list[str]) -> Verdict:
        return verdict(guarded, AuthorizationRequest(action, "*", root | more))

    assert asked("iam:CreateLoginProfile") == "Deny"
    assert asked("iam:DeleteLoginProfile") == "Allow"
    assert asked("iam:GetAccountSummary") == "Allow"
    person = {"aws:principalarn": [f"arn:aws:iam::{MEMBER}:user/ann"]}
    ask = AuthorizationRequest("iam:CreateLoginProfile", f"arn:aws:iam::{MEMBER}:user/bob", person)
    assert verdict(guarded, ask) == "Allow"


CASES = ("msp:offboarding", "msp:Offboarding", "MSP:OFFBOARDING", "mSp:oFFboarding")


@pytest.mark.parametrize("key", CASES)
def test_nobody_but_an_approver_writes_the_tag_however_its_key_is_spelt(key: str) -> None:
    """Names of condition keys ignore case (IAM User Guide, "Condition"), so that a tag
    `msp:Offboarding` would count as `msp:offboarding`."""
    tags = {
        "aws:tagkeys": [TAG_ONBOARDING, key],
        "aws:requesttag/msp:onboarding-id": ["onb-1"],
        f"aws:requesttag/{key}".lower(): APPROVED,
    }
    alone = {"aws:tagkeys": [key], f"aws:requesttag/{key}".lower(): APPROVED}
    for action, resource in (
        ("organizations:TagResource", ACCOUNT),
        ("organizations:UntagResource", ACCOUNT),
        ("organizations:CreateAccount", "*"),
        ("organizations:InviteAccountToOrganization", "*"),
        ("organizations:InviteOrganizationToTransferResponsibility", "*"),
        ("organizations:TagResource", TRANSFER),
    ):
        for policy in ("svc_onboard", "svc_offboard"):
            assert said(policy, action, resource, tags) != "Allow"
            assert said(policy, action, resource, alone) != "Allow"
    approver = said("svc_approver", "organizations:TagResource", ACCOUNT, alone)
    assert approver == ("Allow" if key == TAG_OFFBOARDING else None)
    ends_a_bill = said("svc_approver", "organizations:TagResource", TRANSFER, alone)
    assert ends_a_bill == ("Allow" if key == TAG_OFFBOARDING else None)


@pytest.mark.parametrize("key", ["msp:CLIENT", "msp:other", "msp:managed", "Msp:onboarding-id"])
def test_the_onboarding_role_writes_the_keys_that_onboarding_writes_and_no_other(key: str) -> None:
    ours = {"aws:tagkeys": [TAG_CLIENT, TAG_ONBOARDING],
            "aws:requesttag/msp:onboarding-id": ["onb-1"]}  # fmt: skip
    more = {**ours, "aws:tagkeys": [TAG_CLIENT, TAG_ONBOARDING, key]}
    for action, resource in (
        ("organizations:CreateAccount", "*"),
        ("organizations:InviteAccountToOrganization", "*"),
        ("organizations:TagResource", ACCOUNT),
    ):
        assert said("svc_onboard", action, resource, ours) == "Allow"
        assert said("svc_onboard", action, resource, more) is None


@pytest.mark.parametrize("policy", ["svc_onboard", "svc_setup", "svc_approver", "svc_analyzer"])
def test_no_other_service_role_ends_a_membership(policy: str) -> None:
    tag = {"aws:resourcetag/msp:offboarding": APPROVED,
           "account:accountresourceorgtags/msp:offboarding": APPROVED}  # fmt: skip
    gone = {"organizations:CloseAccount", "organizations:LeaveOrganization",
            "organizations:DeleteOrganization", *DEPARTING} - {
        # Our contacts are put there by onboarding.
        "account:PutAlternateContact",
    }  # fmt: skip
    for action in gone:
        resource = DEPARTING.get(action, ACCOUNT)
        assert said(policy, action, resource, SCP | tag) != "Allow"
    assert said("svc_offboard", "organizations:DetachPolicy", GUARD, SCP) == "Allow"
