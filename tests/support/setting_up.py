"""An organization before its set-up, the operator who sets it up, and the administrator's part."""

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
from tests.support.onboarding import Keys, Office, kept_clients, quietly, service_role


def administrator(aws: StrictAWS) -> Keys:
    caller = aws.world.administrator_of(PAYER)
    return Keys(Credentials(caller.access_key_id, caller.secret_access_key, caller.session_token))


def bare(office: Office) -> None:
    """As AWS gives it: nothing trusted, no OU, no guards; nor do we know of it."""
    (organization,) = office.aws.world.organizations.values()
    organization.services.clear()
    organization.root_features.clear()
    organization.policy_types.clear()
    organization.units.clear()
    for policy in [p for p in organization.policies.values() if not p.aws_managed]:
        del organization.policies[policy.id]
    with office.database.transaction() as session:
        session.exec(sqlmodel.delete(tables.onboarding.ResellerRow))


def operator(office: Office) -> OnboardingEnvironment:
    """An administrator of the payer, before there is a role for it."""
    signers = Signers({SETUP: Signer(administrator(office.aws))})
    caller = Caller(signers, kept_clients(), office.aws.clock.now)
    return replace(office.environment, caller=caller)


def put_the_roles(office: Office, folder: Path) -> None:
    """The onboarding and offboarding roles are there, with policies of before; no approver is."""
    iam = office.aws.client("iam")
    for role in ("onboard", "offboard"):
        policy = to_text(json.loads((folder / f"svc_{role}.json").read_text(encoding="utf-8")))
        put = partial(iam.put_role_policy, RoleName=f"msp-{role}", PolicyName="msp")
        quietly(office, partial(put, PolicyDocument=policy))
    approver = json.loads((folder / "svc_approver.json").read_text(encoding="utf-8"))
    quietly(office, lambda: service_role(office.aws, "msp-approver", approver))


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
