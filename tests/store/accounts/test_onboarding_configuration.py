"""The reseller is configured by file: its organization, its teams, roles of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlmodel import select

from accounts.model.mailbox import MailboxCheck, MailServer, Tls
from accounts.model.role_spec import TrustKind
from service.actions.billing.apply_configuration import apply_configuration
from service.configuration.reading import ConfigurationRefused, read_configuration
from service.store import tables
from service.store.accounts import resellers
from service.store.accounts.resellers import Team
from service.store.database import Database
from tests.conftest import NOW

PAYER = "111111111111"
DESK = {
    "name": "MSP Desk", "title": "Duty", "email": "desk@msp.example", "phone": "+353 1 234 5678",
}  # fmt: skip
ORGANIZATION: dict[str, Any] = {
    "payer": PAYER,
    "organization_id": "o-exampleorgid",
    "root_id": "r-abcd",
    "client_ou_id": "ou-abcd-clients0",
    "membership_scp_id": "p-member01",
    "root_scp_id": "p-rootuse1",
    "mailbox": "awsaccounts@msp.example",
    "automation_role": f"arn:aws:iam::{PAYER}:role/msp-onboard",
    "offboarding_role": f"arn:aws:iam::{PAYER}:role/msp-offboard",
    "access_account": "222222222222",
    "contacts": {"billing": DESK, "operations": DESK, "security": DESK},
    "probe_teams": ["admins"],
}
SMTP: dict[str, Any] = {
    "host": "smtp.other.example", "port": 587, "tls": "starttls", "user": "canary",
    "password_env": "REBILL_SMTP_PASSWORD",
}  # fmt: skip
IMAP = {
    "host": "imap.msp.example", "port": 993, "user": "aws", "password_file": "/run/secrets/imap",
}  # fmt: skip
MAIL: dict[str, Any] = {
    "smtp": SMTP, "imap": IMAP, "sender": "canary@other.example", "hours": 12,
}  # fmt: skip
ROLE: dict[str, Any] = {
    "name": "MspBackup",
    "purpose": "Restores backups",
    "stage": "run",
    "trust": "human_mfa",
    "team": "backup",
    "policy": {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "backup:StartRestoreJob", "Resource": "*"}],
    },
}
ADDRESS = {"street": "1 Quay", "city": "Cork", "postcode": "T12", "country": "IE"}


def written(**onboarding: Any) -> str:
    return json.dumps(
        {
            "seller": {"name": "Example Cloud Ltd", "address": ADDRESS, "tax_id": "IE6388047V"},
            "payers": [{"account_id": PAYER}],
            "onboarding": onboarding,
        }
    )


def apply(database: Database, text: str) -> list[str]:
    with database.transaction() as session:
        changes = apply_configuration(session, read_configuration(text), actor="test", now=NOW)
        return [str(change) for change in changes]


def test_an_organization_with_its_teams_and_roles_is_applied_once(database: Database) -> None:
    text = written(
        organizations=[ORGANIZATION], teams=[{"key": "backup", "name": "Backup"}], roles=[ROLE]
    )

    assert apply(database, text)[-3:] == [
        f"reseller {PAYER}: added", "team backup: added", "role MspBackup: added",
    ]  # fmt: skip
    assert apply(database, text) == []
    with database.transaction() as session:
        reseller = resellers.reseller(session, PAYER)
        (role,) = resellers.own_roles(session)
        assert resellers.teams(session) == (Team("backup", "Backup"),)
    assert reseller.automation_arn == f"arn:aws:iam::{PAYER}:role/msp-onboard"
    assert reseller.probe_teams == {"admins"}
    assert role.trust is TrustKind.HUMAN_MFA and role.custom == ROLE["policy"]


def test_how_the_mailbox_is_reached_is_stored_without_its_password(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REBILL_SMTP_PASSWORD", "correct horse")
    apply(database, written(organizations=[ORGANIZATION | {"mail": MAIL}]))

    with database.transaction() as session:
        check = resellers.reseller(session, PAYER).mail
        (row,) = session.exec(select(tables.onboarding.ResellerRow))
    assert check == MailboxCheck(
        smtp=MailServer(
            host="smtp.other.example", port=587, tls=Tls.STARTTLS, user="canary",
            password_env="REBILL_SMTP_PASSWORD",
        ),
        imap=MailServer(
            host="imap.msp.example", port=993, user="aws", password_file="/run/secrets/imap"
        ),
        sender="canary@other.example",
        hours=12,
    )  # fmt: skip
    assert "correct horse" not in json.dumps(row.body)


@pytest.mark.parametrize(
    ("onboarding", "words"),
    [
        (
            {"organizations": [ORGANIZATION | {"payer": "999999999999"}]},
            "onboarding: 999999999999 is no payer; add it under `payers`",
        ),
        (
            {"organizations": [ORGANIZATION | {"mailbox": "a@b"}]},
            (
                "onboarding.organizations: AWS does not take the e-mail address 'a@b': "
                "it has 3 characters, not 6 to 64"
            ),
        ),
        (
            {"organizations": [ORGANIZATION], "roles": [ROLE | {"name": "MspAdmin"}]},
            "onboarding.roles: MspAdmin is our own role MspAdmin to AWS; give another name",
        ),
        (
            {"organizations": [ORGANIZATION | {"mail": MAIL | {"smtp": SMTP | {"tls": "none"}}}]},
            (
                "onboarding.organizations: smtp: without TLS a password travels in clear; "
                "use tls or starttls"
            ),
        ),
        (
            {"organizations": [ORGANIZATION | {"mail": MAIL | {"smtp": SMTP | {"password": "x"}}}]},
            "onboarding.organizations[0].mail.smtp.password: there is no such setting",
        ),
        ({"owner": "x"}, "onboarding.owner: there is no such setting"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    database: Database, onboarding: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigurationRefused) as refused:
        apply(database, written(**onboarding))

    assert refused.value.problems == (words,)
