"""The policies of the service's own roles: what they wait for, and what is a defect."""

from __future__ import annotations

import pytest

from accounts.iam import policy_documents as policy_files
from accounts.organization_setup.items import SetupContext, WantedSetup
from accounts.organization_setup.roles import service_policy
from tests.support.accounts_reseller import PAYER, RESELLER

BEFORE = SetupContext(
    wanted=WantedSetup(),
    answers={
        "see_caller": {"Account": PAYER, "Arn": f"arn:aws:iam::{PAYER}:user/root"},
        "see_organization": {"Organization": {"Id": "o-exampleorgid"}},
        "see_root": {"Roots": [{"Id": "r-abcd"}]},
    },
)
"""Neither the OU nor the guards are there."""

AFTER = SetupContext(
    wanted=WantedSetup(reseller=RESELLER),
    answers={
        **BEFORE.answers,
        "see_client_ou": {"OrganizationalUnit": {"Id": RESELLER.client_ou_id}},
        "see_policies": {
            "Policies": [
                {"Id": RESELLER.membership_scp_id, "Name": "MspMembership"},
                {"Id": RESELLER.root_scp_id, "Name": "MspRoot"},
            ]
        },
    },
)
OF_THE_PAYER = ("svc_setup", "svc_approver", "svc_analyzer")
OF_ITS_CLIENTS = ("svc_onboard", "svc_offboard", "svc_access")


def test_a_policy_that_names_the_ou_a_guard_or_an_account_waits_for_it() -> None:
    assert [service_policy(BEFORE, file) for file in OF_ITS_CLIENTS] == [None, None, None]
    for file in OF_THE_PAYER:
        assert service_policy(BEFORE, file) == policy_files.service_policies(RESELLER)[file]


def test_with_all_of_them_there_each_is_what_the_service_asks_for() -> None:
    for file, policy in policy_files.service_policies(RESELLER).items():
        assert service_policy(AFTER, file) == policy, file


@pytest.mark.parametrize("scene", [BEFORE, AFTER], ids=["before", "after"])
def test_a_misspelt_place_is_not_waited_for(
    scene: SetupContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_files, "_text", lambda _: '{"Resource": "<organisation>"}')

    with pytest.raises(KeyError, match="organisation"):
        service_policy(scene, "svc_onboard")
