"""A person in several teams: one tag names them all, and AWS lets in whom it names."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from accounts.checks.access_proof import probe_user
from jobs.onboarding.watching import watch
from sandbox.aws import PAYER
from service.actions.onboarding.retry_onboarding import retry_onboarding
from service.store.database import Database
from tests.jobs.onboarding.test_grants import enters
from tests.support.accounts_reseller import ACCESS
from tests.support.moments.live import onboarded
from tests.support.onboarding import CREATE, INVITE, INVITED, Installation, opened

ROLES = ("MspEngineer", "MspOnCall", "MspBilling")


TAGS = {
    "oncall": ["MspOnCall"],
    "engineers:oncall": ["MspEngineer", "MspOnCall"],
    "oncall:engineers:finance": ["MspEngineer", "MspOnCall", "MspBilling"],
    "finance:engineers:admins": ["MspEngineer", "MspBilling"],
    # What only looks like a team's name.
    "engineers2:xoncall": [],
    "engineers oncall": [],
    "Engineers:ONCALL": [],
    "": [],
}


@pytest.fixture
def installation(database: Database) -> Iterator[Installation]:
    with opened(database, enforced=True) as installation:
        yield installation


def test_who_is_in_several_teams_holds_what_each_of_them_holds(installation: Installation) -> None:
    live = onboarded(installation, CREATE)
    iam, person = installation.aws.client("iam", ACCESS), probe_user("oncall")

    entered = {}
    for tag in TAGS:
        iam.tag_user(UserName=person, Tags=[{"Key": "msp-team", "Value": tag}])
        entered[tag] = [r for r in ROLES if enters(installation, "oncall", live.account_id, r)]

    assert entered == TAGS


def test_a_trust_of_before_is_put_anew_without_the_clients_consent(
    installation: Installation,
) -> None:
    """It names the same teams in the former way: nothing that the client changed."""
    live = onboarded(installation, INVITE)
    iam = installation.aws.client("iam", INVITED)
    trust = iam.get_role(RoleName="MspOnCall")["Role"]["AssumeRolePolicyDocument"]
    for statement in trust["Statement"]:
        del statement["Condition"]["StringLike"]["aws:PrincipalTag/msp-team"]
        statement["Condition"].setdefault("StringEquals", {})
        statement["Condition"]["StringEquals"]["aws:PrincipalTag/msp-team"] = ["oncall"]
    (organization,) = installation.aws.world.organizations.values()
    guards, organization.attached[INVITED] = organization.attached[INVITED], ["p-FullAWSAccess"]
    iam.update_assume_role_policy(RoleName="MspOnCall", PolicyDocument=json.dumps(trust))
    organization.attached[INVITED] = guards

    assert "role_drift" in {each.code for each in watch(installation.environment, PAYER)}
    with installation.database.transaction() as session:
        retry_onboarding(session, live.id, actor="ada", now=installation.now())
    installation.work()

    assert installation.stored(live.id).state == "live"
    assert live.request.consents == frozenset()
    assert "role_drift" not in {each.code for each in watch(installation.environment, PAYER)}
