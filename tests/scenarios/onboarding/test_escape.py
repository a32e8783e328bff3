"""An administrator of ours, signed in with MFA, tries to get out of the boundary and at what is
ours; a service role tries to let an account go that nobody approved. By real calls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import session_from
from sandbox.aws.strict import session_of
from service.store.accounts.onboardings import Onboarding
from service.store.database import Database
from tests.support.moments.live import onboarded
from tests.support.onboarding import CREATE, Installation, opened

ALL = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
)
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


@pytest.fixture
def installation(database: Database) -> Iterator[Installation]:
    with opened(database, enforced=True) as installation:
        yield installation


@pytest.fixture
def live(installation: Installation) -> Onboarding:
    return onboarded(installation, CREATE)


def client(installation: Installation, profile: str, service: str) -> Any:
    signer = installation.signers.get(profile)
    keys = signer.session.get_credentials() if signer else None
    assert keys is not None
    session: Any = session_of(keys.access_key, keys.secret_key, keys.token or "")
    return session.client(service)


def administrator(installation: Installation, account_id: str) -> Any:
    """IAM, as MspAdmin: a person of the team signed in with MFA."""
    person = installation.signers.get("msp-probe-admins")
    assert person is not None and person.mfa_code is not None
    installation.aws.clock.advance(seconds=60)
    with_mfa: Any = client(installation, "msp-probe-admins", "sts").get_session_token(
        SerialNumber=person.mfa_serial, TokenCode=person.mfa_code()
    )
    sts: Any = session_from(with_mfa["Credentials"])
    entered = sts.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{account_id}:role/msp/MspAdmin", RoleSessionName="msp-probe-admins"
    )
    session: Any = session_from(entered["Credentials"])
    return session.client("iam")


def is_refused(call: Any, **params: Any) -> bool:
    with pytest.raises(ClientError) as refused:
        call(**params)
    return refused.value.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException")


def test_an_administrator_of_ours_stays_in_the_boundary(
    installation: Installation, live: Onboarding
) -> None:
    account_id = live.account_id
    iam = administrator(installation, account_id)
    stem = f"arn:aws:iam::{account_id}:"
    boundary = f"{stem}policy/msp/MspBoundary"
    trust = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"AWS": f"{stem}root"}, "Action": "sts:AssumeRole"}
            ],
        }
    )
    made: dict[str, Any] = {"RoleName": "App", "AssumeRolePolicyDocument": trust}
    bounded = {"PermissionsBoundary": boundary}

    assert is_refused(iam.create_role, **made)
    assert is_refused(iam.create_role, **made, **bounded)
    assert is_refused(iam.create_role, **made, Path="/workload/")
    assert is_refused(iam.create_role, **made, Path="/msp/", **bounded)
    iam.create_role(**made, Path="/workload/", **bounded)
    iam.put_role_policy(RoleName="App", PolicyName="own", PolicyDocument=ALL)

    assert is_refused(
        iam.put_role_permissions_boundary, RoleName="App", PermissionsBoundary=ADMINISTRATOR
    )
    assert is_refused(iam.delete_role_permissions_boundary, RoleName="App")
    new = {"PolicyArn": boundary, "PolicyDocument": ALL, "SetAsDefault": True}
    assert is_refused(iam.create_policy_version, **new)
    assert is_refused(iam.update_assume_role_policy, RoleName="MspBootstrap", PolicyDocument=trust)

    # What it makes stays inside, too.
    iam.create_user(UserName="ci", Path="/workload/", PermissionsBoundary=boundary)
    iam.put_user_policy(UserName="ci", PolicyName="own", PolicyDocument=ALL)
    ci: Any = session_from(iam.create_access_key(UserName="ci")["AccessKey"]).client("iam")

    assert ci.list_users()["Users"]
    assert is_refused(ci.create_policy_version, **new)
    assert is_refused(ci.delete_user_permissions_boundary, UserName="ci")
    assert is_refused(
        ci.put_user_permissions_boundary, UserName="ci", PermissionsBoundary=ADMINISTRATOR
    )
    assert is_refused(ci.create_user, UserName="free", Path="/workload/")
    assert is_refused(ci.update_user, UserName="ci", NewPath="/msp/")


def test_an_account_that_nobody_approved_stays(
    installation: Installation, live: Onboarding
) -> None:
    account_id = live.account_id

    def of(role: str) -> Any:
        return client(installation, role, "organizations")

    for key in ("msp:offboarding", "msp:Offboarding", "MSP:OFFBOARDING"):
        tags = [{"Key": key, "Value": "handover-approved"}]
        assert is_refused(of("msp-onboard").tag_resource, ResourceId=account_id, Tags=tags)
        assert is_refused(of("msp-offboard").tag_resource, ResourceId=account_id, Tags=tags)
    guard = installation.reseller.membership_scp_id
    leaving = of("msp-offboard")
    assert is_refused(leaving.detach_policy, PolicyId=guard, TargetId=account_id)
    assert is_refused(leaving.remove_account_from_organization, AccountId=account_id)
    account = client(installation, "msp-offboard", "account")
    assert is_refused(
        account.start_primary_email_update, AccountId=account_id, PrimaryEmail="x@acme.example"
    )
