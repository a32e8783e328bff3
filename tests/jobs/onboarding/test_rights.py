"""Each workflow needs no more than the service's policies say, and no less."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from accounts.iam.policy_documents import as_list, service_policies, to_text
from service.store.database import Database
from tests.support.accounts_reseller import RESELLER
from tests.support.iam.rights import denied, without
from tests.support.onboarding import Installation, opened, quietly
from tests.support.workflows import WORKFLOWS, approver

Right = tuple[str, str, str]
"""Policy, statement, action."""


@pytest.fixture
def installation(database: Database) -> Iterator[Installation]:
    with opened(database, enforced=True) as installation:
        yield installation


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_with_the_service_s_policies_only_it_comes_to_its_end(
    installation: Installation, workflow: str
) -> None:
    assert WORKFLOWS[workflow](installation)


NEEDED_BY = {
    ("svc_onboard", "SeesTheOrganization"): {
        "organizations:DescribePolicy": "watch_daily",
        "organizations:ListTargetsForPolicy": "watch_daily",
        "organizations:ListHandshakesForOrganization": "invite",
        "organizations:ListInboundResponsibilityTransfers": "transfer_billing",
    },
    ("svc_onboard", "AsksOnlyForTaggedAccounts"): {
        "organizations:InviteAccountToOrganization": "invite",
    },
    ("svc_onboard", "AsksForBillingTransfers"): {
        "organizations:InviteOrganizationToTransferResponsibility": "transfer_billing",
    },
    ("svc_onboard", "LooksAtRoot"): dict.fromkeys(
        (
            "iam:GenerateCredentialReport",
            "iam:GetAccountSummary",
            "iam:GetCredentialReport",
            "iam:ListOrganizationsFeatures",
            "iam:ListVirtualMFADevices",
            "organizations:ListAWSServiceAccessForOrganization",
        ),
        "watch_daily",
    ),
    ("svc_onboard", "CancelsInvitations"): {
        "organizations:CancelHandshake": "cancel_invitation",
    },
    ("svc_onboard", "EntersClientsByTheRoleOfAws"): {"sts:AssumeRole": "adopt"},
    ("svc_onboard", "EntersOrganizationsWhoseBillIsOurs"): {
        "sts:AssumeRole": "transfer_billing",
    },
    ("svc_offboard", "GivesRecoveryToTheClient"): {
        "account:PutAlternateContact": "hand_over_with_its_own_contact",
    },
    ("svc_offboard", "RemovesApprovedAccounts"): {
        "organizations:RemoveAccountFromOrganization": "hand_over_standalone",
    },
    ("svc_approver", "ApprovesADeparture"): {"organizations:UntagResource": "abort"},
    ("svc_offboard", "ClosesApprovedAccounts"): {"organizations:CloseAccount": "close"},
    ("svc_offboard", "EndsBillingTransfers"): {
        "organizations:TerminateResponsibilityTransfer": "end_billing",
    },
}
"""Which workflow cannot do without an action; what is not here, the policy's DEFAULT cannot."""
DEFAULT = {
    "svc_onboard": "create",
    "svc_offboard": "hand_over_standalone",
    "svc_approver": "close",
}


ONE_IN = 7
"""The default run takes so many of the rights away, `make proof` each of them."""


def rights() -> Iterator[Right]:
    for policy in DEFAULT:
        for statement in service_policies(RESELLER)[policy]["Statement"]:
            if statement["Effect"] == "Allow":
                for action in as_list(statement["Action"]):
                    yield policy, statement["Sid"], action


def take_away(installation: Installation, right: Right) -> None:
    policy, sid, action = right
    approver(installation)
    document = without(service_policies(installation.reseller)[policy], sid, action)
    iam, role = installation.aws.client("iam"), policy.replace("svc_", "msp-")
    quietly(
        installation,
        lambda: iam.put_role_policy(
            RoleName=role, PolicyName="msp", PolicyDocument=to_text(document)
        ),
    )


def take_away_unused(installation: Installation, right: Right) -> None:
    """As good as from the first: whoever lets an account go has no part in its coming."""
    role = right[0].replace("svc_", "msp-")
    assert not any(f"/{role}/" in entry.caller for entry in installation.aws.log)
    take_away(installation, right)


@pytest.mark.parametrize(
    "right",
    [
        pytest.param(
            right,
            id=f"{right[1]}-{right[2]}",
            marks=[pytest.mark.proof] if number % ONE_IN else [],
        )
        for number, right in enumerate(rights())
    ],
)
def test_without_one_of_its_actions_it_is_refused(installation: Installation, right: Right) -> None:
    policy, sid, action = right
    workflow = NEEDED_BY.get((policy, sid), {}).get(action, DEFAULT[policy])
    if policy == "svc_onboard":
        take_away(installation, right)
    else:
        installation.once_live = partial(take_away_unused, installation, right)

    assert not WORKFLOWS[workflow](installation)
    assert action in denied(installation.aws)
