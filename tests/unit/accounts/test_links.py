"""Links: for each team what it may open, in the words of each tool, and what to delete again."""

import csv
import io
import json
from configparser import ConfigParser
from dataclasses import replace
from pathlib import Path

import pytest
from botocore.configloader import load_config

from accounts.links.link_files import (
    FORMATS,
    Grant,
    LinkSettings,
    export,
    granted_registry,
    powers_to_remove,
    revoked,
    switch_role_url,
)
from kernel.errors import BadInput
from service.cli.folders import write_inside

SETTINGS = LinkSettings(access_account_id="222222222222", user="ann")
ADMIN = Grant(
    team="admins",
    client_key="acme",
    client_name="Müller & Söhne",
    account_id="333333333333",
    account_name="Acme prod (7f3a)",
    role_path="msp/MspAdmin",
    stage="day0",
)
ONCALL = replace(ADMIN, team="oncall", role_path="msp/MspOnCall", stage="run")
GLOBEX = replace(ONCALL, client_key="globex", client_name="=Globex", account_id="444444444444")
GRANTS = (GLOBEX, ADMIN, ONCALL)


def text_of(link_format: str, team: str) -> str:
    (file,) = export(GRANTS, link_format, SETTINGS, team=team)
    return file.text


def rows_of(link_format: str, team: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text_of(link_format, team), newline="")))


def test_a_switch_role_link_names_account_role_title_and_colour() -> None:
    assert switch_role_url(replace(ADMIN, account_name="prod"), SETTINGS) == (
        "https://signin.aws.amazon.com/switchrole?account=333333333333&roleName=msp/MspAdmin"
        "&displayName=M%C3%BCller%20%26%20S%C3%B6hne%20prod%20MspAdmin%20%40%20333333333333"
        "&color=f2b0a9"
    )


@pytest.mark.parametrize(
    ("partition", "host"),
    [
        ("aws-us-gov", "signin.amazonaws-us-gov.com"),
        ("aws-cn", "signin.amazonaws.cn"),
        ("aws-eusc", "signin.amazonaws-eusc.eu"),
    ],
)
def test_other_partitions_sign_in_elsewhere(partition: str, host: str) -> None:
    url = switch_role_url(ADMIN, replace(SETTINGS, partition=partition))

    assert url.startswith(f"https://{host}/switchrole?")


def test_a_long_title_is_cut_to_what_the_console_shows() -> None:
    """What says where one is comes last, and stays: 64 - 24 characters are left for the names."""
    long = replace(ADMIN, client_name="x" * 80)

    assert long.display_name == "x" * 40 + " MspAdmin @ 333333333333"
    assert f"displayName={'x' * 40}%20MspAdmin%20%40%20333333333333&" in switch_role_url(
        long, SETTINGS
    )
    longest = replace(long, role_path="msp/" + "R" * 64)
    assert longest.display_name == "R" * 49 + " @ 333333333333"


def test_two_accounts_of_a_client_never_look_alike_in_the_console() -> None:
    twin = replace(ADMIN, account_id="555555555555")

    assert ADMIN.display_name != twin.display_name


def test_each_team_has_a_file_of_its_own() -> None:
    files = export(GRANTS, "1password", SETTINGS)

    assert [(file.team, file.name) for file in files] == [
        ("admins", "admins.1password.csv"),
        ("oncall", "oncall.1password.csv"),
    ]
    assert "MspAdmin" not in files[1].text


def test_a_client_name_is_never_a_formula() -> None:
    titles = [row["title"] for row in rows_of("1password", "oncall")]

    assert titles == [
        "Müller & Söhne MspOnCall (333333333333)",
        "'=Globex MspOnCall (444444444444)",
    ]


def test_an_aws_profile_assumes_the_role_with_the_users_own_mfa_and_name() -> None:
    config = ConfigParser()
    config.read_string(text_of("aws-config", "admins"))

    assert dict(config["profile acme-333333333333-mspadmin"]) == {
        "role_arn": "arn:aws:iam::333333333333:role/msp/MspAdmin",
        "source_profile": "msp-base",
        "mfa_serial": "arn:aws:iam::222222222222:mfa/ann",
        "role_session_name": "ann",
        "duration_seconds": "3600",
        "region": "us-east-1",
    }


ENGINEER = replace(
    ADMIN, role_path="msp/SsoEngineer", permission_set="MspEngineer", session_seconds=28_800
)


def test_a_profile_of_identity_center_comes_from_its_session_and_lasts_an_hour() -> None:
    """No MFA device, no name of an IAM user, and no more than a chained role may have."""
    settings = replace(
        SETTINGS, sso_start_url="https://d-1.awsapps.com/start", sso_region="eu-central-1"
    )
    (file,) = export([ADMIN, ENGINEER], "aws-config", settings)
    config = ConfigParser()
    config.read_string(file.text)

    assert dict(config["sso-session msp-base"]) == {
        "sso_start_url": "https://d-1.awsapps.com/start",
        "sso_region": "eu-central-1",
        "sso_registration_scopes": "sso:account:access",
    }
    assert dict(config["profile msp-base-sso-MspEngineer"]) == {
        "sso_session": "msp-base",
        "sso_account_id": "222222222222",
        "sso_role_name": "MspEngineer",
        "region": "us-east-1",
    }
    assert dict(config["profile acme-333333333333-ssoengineer"]) == {
        "role_arn": "arn:aws:iam::333333333333:role/msp/SsoEngineer",
        "source_profile": "msp-base-sso-MspEngineer",
        "duration_seconds": "3600",
        "region": "us-east-1",
    }


def test_the_aws_cli_reads_what_is_written(tmp_path: Path) -> None:
    (file,) = export([ADMIN, ENGINEER], "aws-config", SETTINGS)
    (tmp_path / "config").write_text(file.text, encoding="utf-8")

    read = load_config(str(tmp_path / "config"))
    assert sorted(read["profiles"]) == [
        "acme-333333333333-mspadmin", "acme-333333333333-ssoengineer", "msp-base-sso-MspEngineer",
    ]  # fmt: skip
    assert read["sso_sessions"]["msp-base"]["sso_start_url"] == (
        "https://YOUR-PORTAL.awsapps.com/start"
    )


def test_no_two_roles_share_a_profile() -> None:
    """Accounts that end alike, clients that a slug makes alike, and roles that it makes alike."""
    alike = [
        replace(ADMIN, account_id="111111113333"),
        replace(ADMIN, account_id="222222223333"),
        replace(ADMIN, client_key="a.b", account_id="333333333331"),
        replace(ADMIN, client_key="a-b", account_id="333333333332"),
        replace(ADMIN, role_path="msp/Our_Ops"),
        replace(ADMIN, role_path="msp/Our.Ops"),
        replace(ADMIN, role_path="msp/Our-Ops"),
        replace(ADMIN, role_path="msp/@"),
        replace(ADMIN, role_path="msp/="),
    ]
    config = ConfigParser()
    config.read_string(export(alike, "aws-config", SETTINGS)[0].text)

    assert len(config.sections()) == 9
    assert replace(ADMIN, role_path="msp/Our-Ops").profile == "acme-333333333333-our-ops"


@pytest.mark.parametrize("link_format", list(FORMATS))
@pytest.mark.parametrize(
    "team", ["../pwned", "a/b", "..", "a\nb", "/etc", "con", "a\\b", "", "x" * 300]
)
def test_a_team_is_never_a_path(link_format: str, team: str, tmp_path: Path) -> None:
    (file,) = export([replace(ADMIN, team=team)], link_format, SETTINGS)
    written = write_inside(tmp_path / "out", *file.folders, file.base, content=file.text)

    assert written.resolve().is_relative_to(tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert len(written.relative_to(tmp_path / "out").parts) == (
        2 if link_format == "granted" else 1
    )


def test_aws_extend_switch_roles_gets_a_base_and_a_section_for_each_role() -> None:
    config = ConfigParser()
    config.read_string(text_of("aesr", "oncall"))

    assert config.sections() == [
        "msp-base",
        "acme-333333333333-msponcall",
        "globex-444444444444-msponcall",
    ]
    assert config["globex-444444444444-msponcall"]["color"] == "efda95"


def test_a_granted_registry_lists_a_folder_for_each_team() -> None:
    files = export(GRANTS, "granted", SETTINGS)

    assert granted_registry(files) == ('awsConfig:\n  - "./admins/config"\n  - "./oncall/config"\n')


def test_bitwarden_finds_its_items_again_by_link_id() -> None:
    (row,) = rows_of("bitwarden-csv", "admins")
    (item,) = json.loads(text_of("bitwarden-json", "admins"))["items"]

    assert row["collections"] == "admins"
    assert row["fields"] == f"linkId: {ADMIN.link_id}"
    assert item["fields"] == [{"name": "linkId", "value": ADMIN.link_id, "type": 0}]
    assert item["login"]["uris"][0]["uri"] == row["login_uri"]


def test_the_link_id_outlives_a_clients_new_name() -> None:
    assert replace(ADMIN, client_name="Acme SE").link_id == ADMIN.link_id
    assert replace(ADMIN, team="oncall").link_id != ADMIN.link_id


@pytest.mark.parametrize("link_format", list(FORMATS))
def test_the_same_grants_give_the_same_bytes(link_format: str) -> None:
    one = export(GRANTS, link_format, SETTINGS)
    other = export(reversed(GRANTS), link_format, SETTINGS)

    assert one == other
    assert [file.content_id for file in one] == [file.content_id for file in other]


def test_a_revoked_grant_is_listed_for_deletion_by_its_team() -> None:
    (gone,) = revoked(GRANTS, (ADMIN, ONCALL), SETTINGS)

    assert gone.team == "oncall"
    assert gone.profile == "globex-444444444444-msponcall"
    assert gone.role_arn == "arn:aws:iam::444444444444:role/msp/MspOnCall"
    assert gone.link_id == GLOBEX.link_id


def test_the_role_goes_when_no_team_holds_it() -> None:
    shared = replace(ADMIN, team="oncall")

    assert powers_to_remove((ADMIN, shared), (shared,)) == ()
    assert powers_to_remove((ADMIN, shared), ()) == ("333333333333:role/msp/MspAdmin",)


def test_an_unknown_format_team_or_partition_is_refused() -> None:
    with pytest.raises(BadInput, match="no format is called 'leapp'"):
        export(GRANTS, "leapp", SETTINGS)
    with pytest.raises(BadInput, match="the team 'sales' has no grants; there are admins, oncall"):
        export(GRANTS, "aesr", SETTINGS, team="sales")
    with pytest.raises(BadInput, match="no partition is called 'aws-mars'"):
        switch_role_url(ADMIN, replace(SETTINGS, partition="aws-mars"))
