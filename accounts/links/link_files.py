"""Owns grants and their links: who may use which role in which account, as files for each team.

A link is no credential: taking one back takes nothing away. The power goes with the role's trust
(`AccountRequest.teams`), so `revoked` says what to delete where, and `powers_to_remove` which roles
are shut.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from accounts.model.naming import to_slug
from kernel.errors import BadInput
from kernel.file_names import FileName, file_name

DISPLAY_NAME_CHARS_MAX = 64
CHAINED_SECONDS_MAX = 3_600
SIGN_IN_HOSTS = {
    "aws": "signin.aws.amazon.com",
    "aws-us-gov": "signin.amazonaws-us-gov.com",
    "aws-cn": "signin.amazonaws.cn",
    "aws-eusc": "signin.amazonaws-eusc.eu",
}
# Unofficial, and AWS changes them: an unknown colour leaves the field empty, no more.
COLOURS = {
    "day0": "f2b0a9",
    "build": "fbc8aa",
    "run": "efda95",
    "billing": "b7ca9d",
    "automation": "83d4e8",
}
# OWASP, "CSV Injection":
# `tests/unit/accounts/test_links.py::test_a_client_name_is_never_a_formula`.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Grant:
    """A team may use a role in a client's account."""

    team: str
    client_key: str
    client_name: str
    account_id: str
    account_name: str
    role_path: str
    """As in the ARN, without the leading slash: `msp/MspAdmin`."""
    stage: str = "run"
    """A RoleStage: picks the colour."""
    session_seconds: int = 3_600
    permission_set: str = ""
    """Of Identity Center, whose users hold it; '' for IAM users."""
    until: datetime | None = field(default=None, compare=False)
    """None: until it is revoked."""

    @property
    def link_id(self) -> str:
        """Stable over renames, so that a password manager's item can be found again."""
        text = f"{self.team}|{self.account_id}|{self.role_path}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def profile(self) -> str:
        """`acme-333333333333-mspadmin`: client, account, role.

        No two alike: the account is whole, and a role whose name a slug does not keep has a hash.
        """
        name = self.role_path.rsplit("/", 1)[-1]
        role = to_slug(name)
        if role != name.lower():
            role = f"{role}-{hashlib.sha256(name.lower().encode()).hexdigest()[:6]}".strip("-")
        return "-".join(filter(None, (to_slug(self.client_key), self.account_id, role)))

    @property
    def display_name(self) -> str:
        """`Acme prod MspAdmin @ 333333333333`: what the console shows in place of its own name.

        It ends as the console's own does, with role and account: two accounts of one client never
        look alike in the list of roles, however much of their names has to be cut off.
        """
        account = f" @ {self.account_id}"
        role = self.role_path.rsplit("/", 1)[-1][: DISPLAY_NAME_CHARS_MAX - len(account)]
        names = f"{self.client_name} {self.account_name}".strip()
        names = names[: max(DISPLAY_NAME_CHARS_MAX - len(f" {role}{account}"), 0)]
        return f"{names} {role}{account}".strip()

    @property
    def title(self) -> str:
        return f"{self.client_name} {self.role_path.rsplit('/', 1)[-1]} ({self.account_id})"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSettings:
    """What a deployment chooses."""

    partition: str = "aws"
    region: str = "us-east-1"
    colours: dict[str, str] = field(default_factory=lambda: dict(COLOURS))
    base_profile: str = "msp-base"
    access_account_id: str = ""
    user: str = "YOUR-USER-NAME"
    """Of the IAM user in the access account; AWS config does not expand variables."""
    sso_start_url: str = ""
    """Of Identity Center's portal."""
    sso_region: str = ""
    """Identity Center's own, which may be another."""


@dataclass(frozen=True, slots=True)
class ExportFile:
    team: str
    folders: tuple[FileName, ...]
    """Where its format asks for one."""
    base: FileName
    text: str

    @property
    def name(self) -> str:
        return "/".join((*self.folders, self.base))

    @property
    def content_id(self) -> str:
        """Kept with every export handed out, to know whether it is still right."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """A link a team's export no longer holds: imports only add, so somebody has to delete it."""

    team: str
    link_id: str
    title: str
    profile: str
    role_arn: str
    entries: tuple[tuple[str, str], ...]
    """The exported files that had it, and by what it is found there: its linkId or its profile."""


def role_arn_of(grant: Grant, partition: str) -> str:
    return f"arn:{partition}:iam::{grant.account_id}:role/{grant.role_path}"


def switch_role_url(grant: Grant, settings: LinkSettings) -> str:
    """The console's own link. Only `account` and `roleName` are documented by AWS."""
    host = SIGN_IN_HOSTS.get(settings.partition)
    if host is None:
        raise BadInput(
            f"no partition is called {settings.partition!r}; there are {', '.join(SIGN_IN_HOSTS)}"
        )
    colour = settings.colours.get(grant.stage, "")
    return (
        f"https://{host}/switchrole?account={grant.account_id}"
        f"&roleName={quote(grant.role_path, safe='/')}"
        f"&displayName={quote(grant.display_name, safe='')}"
        + (f"&color={colour}" if colour else "")
    )


def export(
    grants: Iterable[Grant], link_format: str, settings: LinkSettings, *, team: str = ""
) -> tuple[ExportFile, ...]:
    """One file per team (of all teams without `team`), the same bytes for the same grants."""
    writer = FORMATS.get(link_format)
    if writer is None:
        raise BadInput(f"no format is called {link_format!r}; there are {', '.join(FORMATS)}")
    ordered = sorted(set(grants))
    teams = sorted({grant.team for grant in ordered})
    if team and team not in teams:
        raise BadInput(f"the team {team!r} has no grants; there are {', '.join(teams) or 'none'}")
    return tuple(
        writer(each, [grant for grant in ordered if grant.team == each], settings)
        for each in teams
        if team in ("", each)
    )


def revoked(
    before: Iterable[Grant], after: Iterable[Grant], settings: LinkSettings
) -> tuple[Revocation, ...]:
    """What each team has to delete from its password manager and profiles."""
    kept = {grant.link_id for grant in after}
    return tuple(
        Revocation(
            team=grant.team,
            link_id=grant.link_id,
            title=grant.title,
            profile=grant.profile,
            role_arn=role_arn_of(grant, settings.partition),
            entries=_entries(grant, settings),
        )
        for grant in sorted(set(before))
        if grant.link_id not in kept
    )


def _entries(grant: Grant, settings: LinkSettings) -> tuple[tuple[str, str], ...]:
    files = [writer(grant.team, [grant], settings) for writer in FORMATS.values()]
    return tuple(
        (file.name, f"linkId {grant.link_id}")
        if grant.link_id in file.text
        else (file.name, f"profile {grant.profile}")
        for file in files
    )


def powers_to_remove(before: Iterable[Grant], after: Iterable[Grant]) -> tuple[str, ...]:
    """Roles (account and path) that no team holds any more: these are shut in AWS.

    Where another team keeps the role, its trust is left to that team.
    """
    kept = {(grant.account_id, grant.role_path) for grant in after}
    gone = {(grant.account_id, grant.role_path) for grant in before} - kept
    return tuple(f"{account_id}:role/{path}" for account_id, path in sorted(gone))


def _switch_role(team: str, grants: list[Grant], settings: LinkSettings) -> ExportFile:
    rows = [[g.title, switch_role_url(g, settings), g.link_id] for g in grants]
    return ExportFile(
        team, (), file_name(team, ending="-links.csv"), _csv([["title", "url", "linkId"], *rows])
    )


def _aws_config(team: str, grants: list[Grant], settings: LinkSettings) -> ExportFile:
    profiles = [
        [
            f"[profile {grant.profile}]",
            f"role_arn = {role_arn_of(grant, settings.partition)}",
            *(_by_sso(grant, settings) if grant.permission_set else _by_mfa(grant, settings)),
            f"region = {settings.region}",
        ]
        for grant in grants
    ]
    sections = [*_sso_sections(grants, settings), *profiles]
    return ExportFile(team, (), file_name(team, ending=".aws-config"), _sections(sections))


def _by_mfa(grant: Grant, settings: LinkSettings) -> list[str]:
    serial = f"arn:{settings.partition}:iam::{settings.access_account_id}:mfa/{settings.user}"
    return [
        f"source_profile = {settings.base_profile}",
        f"mfa_serial = {serial}",
        # The trust of a role for people takes the user's own name only.
        f"role_session_name = {settings.user}",
        f"duration_seconds = {grant.session_seconds}",
    ]


def _by_sso(grant: Grant, settings: LinkSettings) -> list[str]:
    """Out of a session of Identity Center, where MFA was asked for: a chained role.

    AWS refuses more than an hour for one (IAM User Guide, "Role chaining").
    """
    return [
        f"source_profile = {_sso_profile(grant.permission_set, settings)}",
        f"duration_seconds = {min(grant.session_seconds, CHAINED_SECONDS_MAX)}",
    ]


def _sso_profile(permission_set: str, settings: LinkSettings) -> str:
    return f"{settings.base_profile}-sso-{permission_set}"


def _sso_sections(grants: list[Grant], settings: LinkSettings) -> Iterator[list[str]]:
    """What `aws configure sso` would write (AWS CLI User Guide, "Manual configuration")."""
    sets = sorted({grant.permission_set for grant in grants if grant.permission_set})
    if sets:
        yield [
            f"[sso-session {settings.base_profile}]",
            f"sso_start_url = {settings.sso_start_url or 'https://YOUR-PORTAL.awsapps.com/start'}",
            f"sso_region = {settings.sso_region or settings.region}",
            "sso_registration_scopes = sso:account:access",
        ]
    for each in sets:
        yield [
            f"[profile {_sso_profile(each, settings)}]",
            f"sso_session = {settings.base_profile}",
            f"sso_account_id = {settings.access_account_id}",
            f"sso_role_name = {each}",
            f"region = {settings.region}",
        ]


def _aesr(team: str, grants: list[Grant], settings: LinkSettings) -> ExportFile:
    sections = [
        [
            f"[{grant.profile}]",
            f"role_arn = {role_arn_of(grant, settings.partition)}",
            f"source_profile = {settings.base_profile}",
            f"color = {settings.colours.get(grant.stage, 'ffffff')}",
            f"region = {settings.region}",
        ]
        for grant in grants
    ]
    base = [f"[{settings.base_profile}]", f"aws_account_id = {settings.access_account_id}"]
    return ExportFile(team, (), file_name(team, ending=".aesr.ini"), _sections([base, *sections]))


def _granted(team: str, grants: list[Grant], settings: LinkSettings) -> ExportFile:
    """The profiles of a Granted registry; `granted_registry` makes the file that lists them."""
    text = _aws_config(team, grants, settings).text
    return ExportFile(team, (file_name(team),), file_name("config"), text)


def granted_registry(files: Iterable[ExportFile]) -> str:
    """`granted.yml` at the root of the registry's git repository."""
    names = "".join(f"  - {json.dumps('./' + file.name)}\n" for file in files)
    return f"awsConfig:\n{names}"


def _one_password(team: str, grants: list[Grant], settings: LinkSettings) -> ExportFile:
    """1Password imports one file into one vault: a vault for each team."""
    header = ["title", "website", "username", "password", "notes", "linkId"]
    rows = [[g.title, switch_role_url(g, settings), "", "", g.profile, g.link_id] for g in grants]
    return ExportFile(team, (), file_name(team, ending=".1password.csv"), _csv([header, *rows]))


def _bitwarden_csv(team: str, grants: list[Grant], settings: LinkSettings) -> ExportFile:
    header = (
        "collections,type,name,notes,fields,reprompt,login_uri,login_username,login_password,"
        "login_totp"
    ).split(",")
    rows = [
        [
            team, "login", grant.title, grant.profile, f"linkId: {grant.link_id}", "",
            switch_role_url(grant, settings), "", "", "",
        ]
        for grant in grants
    ]  # fmt: skip
    return ExportFile(team, (), file_name(team, ending=".bitwarden.csv"), _csv([header, *rows]))


def _bitwarden_json(team: str, grants: list[Grant], settings: LinkSettings) -> ExportFile:
    collection = hashlib.sha256(team.encode()).hexdigest()[:32]
    items: list[dict[str, Any]] = [
        {
            "type": 1,
            "name": grant.title,
            "notes": grant.profile,
            "fields": [{"name": "linkId", "value": grant.link_id, "type": 0}],
            "login": {"uris": [{"match": None, "uri": switch_role_url(grant, settings)}]},
            "collectionIds": [collection],
        }
        for grant in grants
    ]
    document = {
        "encrypted": False,
        "collections": [{"id": collection, "organizationId": None, "name": team}],
        "items": items,
    }
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    return ExportFile(team, (), file_name(team, ending=".bitwarden.json"), text)


FORMATS: dict[str, Callable[[str, list[Grant], LinkSettings], ExportFile]] = {
    "switch-role": _switch_role,
    "aws-config": _aws_config,
    "aesr": _aesr,
    "granted": _granted,
    "1password": _one_password,
    "bitwarden-csv": _bitwarden_csv,
    "bitwarden-json": _bitwarden_json,
}


def _csv(rows: Iterable[list[str]]) -> str:
    """A cell that a spreadsheet would run as a formula is quoted away: names are the client's."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(
        [f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell for cell in row] for row in rows
    )
    return out.getvalue()


def _sections(sections: Iterable[list[str]]) -> str:
    return "\n".join("\n".join(lines) + "\n" for lines in sections)
