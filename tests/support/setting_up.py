"""An organization before its set-up, the reseller who sets it up, and the administrator's part."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import sqlmodel
from botocore.credentials import Credentials

from accounts.iam.policy_documents import to_text
from accounts.model.organization import Reseller
from jobs.aws.calls import Caller
from jobs.aws.signers import SETUP, Signer, Signers
from jobs.onboarding.environment import OnboardingEnvironment
from sandbox.aws import PAYER, StrictAWS
from service.store import tables
from tests.support.onboarding import Installation, Keys, kept_clients, quietly, service_role


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
    """An administrator of the payer, before there is a role for it."""
    signers = Signers({SETUP: Signer(administrator(installation.aws))})
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
