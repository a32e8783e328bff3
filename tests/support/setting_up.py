"""An organization before its set-up, the reseller who sets it up, and the administrator's part."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import sqlmodel
from botocore.credentials import Credentials

from accounts.checks.access_proof import probe_user
from accounts.iam.policy_documents import to_text
from accounts.model.organization import Reseller
from jobs.aws.calls import Caller
from jobs.aws.signers import ACCESS as ACCESS_SIGNER
from jobs.aws.signers import SETUP, Signer, Signers
from jobs.onboarding.environment import OnboardingEnvironment
from sandbox.aws import PAYER, StrictAWS
from sandbox.aws.reseller import add_user
from service.store import tables
from tests.support.accounts_reseller import ACCESS
from tests.support.onboarding import (
    Installation,
    Keys,
    allow,
    document,
    kept_clients,
    quietly,
    service_role,
)


def administrator(aws: StrictAWS) -> Keys:
    caller = aws.world.administrator_of(PAYER)
    return Keys(Credentials(caller.access_key_id, caller.secret_access_key, caller.session_token))


def bare(installation: Installation) -> None:
    """As AWS gives it: nothing trusted, no OU, no guards; nor do we know of it."""
    (organization,) = installation.aws.world.organizations.values()
    organization.services.clear()
    organization.root_features.clear()
    organization.policy_types.clear()
    organization.units.clear()
    for policy in [p for p in organization.policies.values() if not p.aws_managed]:
        del organization.policies[policy.id]
    with installation.database.transaction() as session:
        session.exec(sqlmodel.delete(tables.onboarding.ResellerRow))


def operator(installation: Installation) -> OnboardingEnvironment:
    """An administrator of the payer, before there is a role for it, and who else is signed in."""
    named = {SETUP: Signer(administrator(installation.aws))}
    signers = Signers({**installation.signers.named, **named})
    caller = Caller(signers, kept_clients(), installation.aws.clock.now)
    return replace(installation.environment, caller=caller)


def put_the_roles(installation: Installation, folder: Path) -> None:
    """The onboarding and offboarding roles are there, with policies of before; no approver is."""
    iam = installation.aws.client("iam")
    for role in ("onboard", "offboard"):
        policy = to_text(json.loads((folder / f"svc_{role}.json").read_text(encoding="utf-8")))
        put = partial(iam.put_role_policy, RoleName=f"msp-{role}", PolicyName="msp")
        quietly(installation, partial(put, PolicyDocument=policy))
    approver = json.loads((folder / "svc_approver.json").read_text(encoding="utf-8"))
    quietly(installation, lambda: service_role(installation.aws, "msp-approver", approver))


def access_administrator_signs_in(installation: Installation, folder: Path) -> None:
    """With the document that set-up wrote, on a role in the access account."""
    policy = json.loads((folder / "svc_access.json").read_text(encoding="utf-8"))
    named = dict(installation.signers.named)

    def sign_in() -> None:
        named[ACCESS_SIGNER] = Signer(service_role(installation.aws, ACCESS_SIGNER, policy, ACCESS))

    quietly(installation, sign_in)
    installation.signers = Signers(named)


def put_the_people(installation: Installation) -> None:
    """What set-up named: probes only try our roles, and every team has somebody."""
    iam = installation.aws.client("iam", ACCESS)

    def put() -> None:
        for team in sorted(installation.reseller.probe_teams):
            iam.delete_user_policy(UserName=probe_user(team), PolicyName="msp")
        may = document(allow("s3:ListAllMyBuckets", Resource="*"))
        tags = {"msp-team": ":".join(sorted(installation.reseller.probe_teams))}
        add_user(installation.aws, "ada", tags=tags, policy=may)
        iam.add_user_to_group(GroupName="msp-people", UserName="ada")

    quietly(installation, put)


def printed(reseller: Reseller, text: str) -> Reseller:
    """With the ids of the block that set-up prints at its end."""
    found = dict(re.findall(r"^ +(?:- )?(\w+): (\S+)$", text, re.MULTILINE))
    return replace(
        reseller,
        organization_id=found["organization_id"],
        root_id=found["root_id"],
        client_ou_id=found["client_ou_id"],
        membership_scp_id=found["membership_scp_id"],
        root_scp_id=found["root_scp_id"],
        automation_arn=found["automation_role"],
        offboarding_arn=found["offboarding_role"],
    )
