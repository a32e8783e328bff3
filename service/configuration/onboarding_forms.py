"""Owns the `onboarding` section of the configuration file: the organization, teams, own roles."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from accounts.model.mailbox import MailboxCheck, MailServer, Tls
from accounts.model.organization import Contact, ContactType, Reseller
from accounts.model.role_spec import RoleSpec, RoleStage, TrustKind
from service.configuration.forms import ConfigurationForm
from service.configuration.values import AS_TEXT, AS_WHOLE, AccountNumber, Form, Key, Name, Text
from service.store.accounts.resellers import Team

# ASCII, as AWS means it: pydantic's \w is Unicode's. `tests/store/test_role_forms.py`.
RoleName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+=,.@-]{1,64}$"), AS_TEXT]
PermissionSet = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9_+=,.@-]{1,32})?$"), AS_TEXT]
TeamKey = Annotated[
    str, StringConstraints(pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]{0,63})?$"), AS_TEXT
]
Purpose = Annotated[
    str,
    StringConstraints(max_length=1_000, pattern=r"^[\t\n\r\x20-\x7E\u00A1-\u00FF]+$"),
    AS_TEXT,
]
Managed = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+=,.@/:-]{1,512}$"), AS_TEXT]
RoleArn = Annotated[
    str, StringConstraints(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$"), AS_TEXT
]
Seconds = Annotated[int, Field(ge=900, le=43_200), AS_WHOLE]


class ContactForm(Form):
    name: Name
    title: Name
    email: Name
    phone: Name


class ContactsForm(Form):
    billing: ContactForm
    operations: ContactForm
    security: ContactForm


class MailServerForm(Form):
    host: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z.:-]{1,253}$"), AS_TEXT]
    port: Annotated[int, Field(ge=1, le=65_535)]
    tls: Literal["tls", "starttls", "none"] = "tls"
    user: Text = ""
    password_env: Annotated[
        str, StringConstraints(pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$"), AS_TEXT
    ] = ""
    password_file: Text = ""


class MailboxCheckForm(Form):
    smtp: MailServerForm
    imap: MailServerForm
    sender: Name
    folder: Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{1,200}$"), AS_TEXT] = "INBOX"
    every_days: Annotated[int, Field(ge=1, le=366)] = 30
    hours: Annotated[int, Field(ge=1, le=168)] = 24
    mails_max: Annotated[int, Field(ge=1, le=1_000)] = 50


class IdentityCenterForm(Form):
    """For AWS profiles of roles that trust a permission set."""

    start_url: Annotated[
        str, StringConstraints(pattern=r"^https://[A-Za-z0-9./_#-]{1,200}$"), AS_TEXT
    ]
    region: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$"), AS_TEXT]


class OrganizationForm(Form):
    payer: AccountNumber
    organization_id: Annotated[str, StringConstraints(pattern=r"^o-[a-z0-9]{10,32}$"), AS_TEXT]
    root_id: Annotated[str, StringConstraints(pattern=r"^r-[a-z0-9]{4,32}$"), AS_TEXT]
    client_ou_id: Annotated[
        str, StringConstraints(pattern=r"^ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}$"), AS_TEXT
    ]
    membership_scp_id: Annotated[str, StringConstraints(pattern=r"^p-[a-z0-9]{8,128}$"), AS_TEXT]
    root_scp_id: Annotated[str, StringConstraints(pattern=r"^p-[a-z0-9]{8,128}$"), AS_TEXT]
    mailbox: Name
    automation_role: RoleArn
    offboarding_role: RoleArn
    access_account: AccountNumber
    contacts: ContactsForm
    bootstrap_role: RoleName = "MspBootstrap"
    region: Key = "us-east-1"
    probe_teams: list[Key] = Field(default=[])
    mail: MailboxCheckForm | None = None
    identity_center: IdentityCenterForm | None = None


class TeamForm(Form):
    key: Key
    name: Name


class RoleForm(Form):
    name: RoleName
    purpose: Purpose
    stage: Literal["day0", "build", "run", "billing", "automation"]
    trust: Literal["human_mfa", "identity_center", "automation", "third_party"]
    team: TeamKey = ""
    permission_set: PermissionSet = ""
    third_party_account: AccountNumber | None = None
    policy: dict[str, Any] | None = None
    """The document itself."""
    managed: list[Managed] = Field(default=[], max_length=10)
    """AWS's own, by what stands behind `policy/` in their ARNs."""
    bounded: bool = True
    session_seconds: Seconds = 3_600
    mfa_age_seconds: Seconds = 3_600


class OnboardingForm(Form):
    organizations: list[OrganizationForm] = Field(default=[])
    teams: list[TeamForm] = Field(default=[])
    roles: list[RoleForm] = Field(default=[])


class FileForm(ConfigurationForm):
    """The whole file, this section included."""

    onboarding: OnboardingForm = OnboardingForm()


def resellers_of(form: OnboardingForm) -> tuple[Reseller, ...]:
    return tuple(map(_reseller, form.organizations))


def teams_of(form: OnboardingForm) -> tuple[Team, ...]:
    return tuple(Team(team.key, team.name) for team in form.teams)


def roles_of(form: OnboardingForm) -> tuple[RoleSpec, ...]:
    return tuple(map(_role, form.roles))


def _reseller(form: OrganizationForm) -> Reseller:
    contacts = {
        kind: Contact(**getattr(form.contacts, kind.value.lower()).model_dump())
        for kind in ContactType
    }
    return Reseller(
        payer_account_id=form.payer,
        organization_id=form.organization_id,
        root_id=form.root_id,
        client_ou_id=form.client_ou_id,
        membership_scp_id=form.membership_scp_id,
        root_scp_id=form.root_scp_id,
        mailbox=form.mailbox,
        automation_arn=form.automation_role,
        offboarding_arn=form.offboarding_role,
        access_account_id=form.access_account,
        contacts=contacts,
        bootstrap_role=form.bootstrap_role,
        partition=form.automation_role.split(":")[1],
        region=form.region,
        probe_teams=frozenset(form.probe_teams),
        mail=_mail(form.mail) if form.mail else None,
        sso_start_url=form.identity_center.start_url if form.identity_center else "",
        sso_region=form.identity_center.region if form.identity_center else "",
    )


def _mail(form: MailboxCheckForm) -> MailboxCheck:
    return MailboxCheck(
        smtp=_server(form.smtp),
        imap=_server(form.imap),
        **form.model_dump(exclude={"smtp", "imap"}),
    )


def _server(form: MailServerForm) -> MailServer:
    return MailServer(tls=Tls(form.tls), **form.model_dump(exclude={"tls"}))


def _role(form: RoleForm) -> RoleSpec:
    return RoleSpec(
        name=form.name,
        stage=RoleStage(form.stage),
        purpose=form.purpose,
        trust=TrustKind(f"trust_{form.trust}"),
        team=form.team,
        permission_set=form.permission_set,
        third_party_account=form.third_party_account or "",
        custom=form.policy,
        managed=tuple(form.managed),
        bounded=form.bounded,
        session_seconds=form.session_seconds,
        mfa_age_seconds=form.mfa_age_seconds,
    )
