"""Files of several teams are one that is still of its format."""

from __future__ import annotations

from configparser import ConfigParser, DuplicateSectionError
from dataclasses import replace

import pytest

from accounts.links.link_files import Grant, LinkSettings, export
from accounts.links.streams import one_stream

ADMIN = Grant(
    team="admins", client_key="acme", client_name="Acme", account_id="333333333333",
    account_name="prod", role_path="msp/MspAdmin", permission_set="Eng",
)  # fmt: skip
SETTINGS = LinkSettings(access_account_id="222222222222")


@pytest.mark.parametrize("link_format", ["aws-config", "granted", "aesr"])
def test_a_role_of_two_teams_is_one_section(link_format: str) -> None:
    """botocore's parser is strict as well: a section twice, and no profile can be read."""
    files = export([ADMIN, replace(ADMIN, team="oncall")], link_format, SETTINGS)
    texts = [file.text for file in files]
    with pytest.raises(DuplicateSectionError):
        ConfigParser().read_string("\n".join(texts))

    config = ConfigParser()
    config.read_string(one_stream(link_format, texts))
    alone = ConfigParser()
    alone.read_string(texts[0])
    assert config == alone
    assert len(config.sections()) == (2 if link_format == "aesr" else 3)


@pytest.mark.parametrize("link_format", ["switch-role", "1password", "bitwarden-csv"])
def test_a_table_has_one_header(link_format: str) -> None:
    files = export([ADMIN, replace(ADMIN, team="oncall")], link_format, SETTINGS)
    lines = one_stream(link_format, [file.text for file in files]).splitlines()

    assert len(lines) == 3
    assert len(set(lines)) == 3
