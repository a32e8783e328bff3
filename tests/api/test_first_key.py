"""The first key is in a file that only its owner reads, and the commands take it from there."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from kernel.errors import Refused
from kernel.room import NoRoom
from service.cli import commands
from service.cli.installation import Installation
from service.cli.system.serve import FIRST_KEY, write_first_key
from service.store.access import keys
from service.store.access.keys import Scope
from service.store.database import Database
from tests.conftest import NOW
from tests.support.room import file_bytes_max


def test_a_first_key_that_has_no_room_is_neither_half_there_nor_opens(
    installation: Installation,
) -> None:
    with file_bytes_max(10), pytest.raises(NoRoom, match=r"^file too large for .*first-api-key: "):
        write_first_key(installation)

    assert list(installation.home.iterdir()) == []
    with installation.database.transaction() as session:
        assert not keys.is_any_key(session, NOW)


@pytest.fixture
def installation(database: Database, tmp_path: Path) -> Installation:
    return Installation(tmp_path, database, lambda: NOW)


def test_the_first_key_is_written_once_and_for_its_owner_only(installation: Installation) -> None:
    path = installation.home / FIRST_KEY
    path.symlink_to(installation.home / "elsewhere")

    assert write_first_key(installation) == path
    assert write_first_key(installation) is None
    assert not path.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with installation.database.transaction() as session:
        found = keys.find_key(session, path.read_text().strip(), NOW)
        assert found is not None and found.scopes == frozenset(Scope)
        keys.revoke_key(session, found.prefix, NOW)
    assert write_first_key(installation) == path


def test_a_key_that_cannot_be_written_is_not_made(database: Database, tmp_path: Path) -> None:
    (tmp_path / FIRST_KEY).mkdir()

    with pytest.raises(Refused) as refused:
        write_first_key(Installation(tmp_path, database, lambda: NOW))
    assert "the first API key cannot be written" in str(refused.value)
    with database.transaction() as session:
        assert keys.keys(session) == ()


def test_keys_are_made_listed_replaced_and_revoked_on_the_command_line(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("REBILL_HOME", str(tmp_path))
    monkeypatch.setenv("REBILL_DATABASE_URL", database.conninfo)

    def rebill(*arguments: str) -> tuple[int, str, str]:
        status = commands.run(["key", *arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    _, made, _ = rebill("create", "PSA", "--scopes", "read,onboard", "--days", "30")
    prefix = made.split("_")[1]
    assert rebill("rotate", prefix, "--overlap", "0")[1].startswith("rb_")
    listed = json.loads(rebill("list", "--json")[1])["api_keys"]
    assert {(each["name"], each["revoked_at"] is None) for each in listed} == {
        ("PSA", False), ("PSA", True),
    }  # fmt: skip
    second = next(each["prefix"] for each in listed if each["revoked_at"] is None)
    assert rebill("revoke", f"rb_{second}") == (0, f"{second} (PSA) is revoked\n", "")
    assert made.split("_")[2].strip() not in rebill("list")[1]
    status, said, trouble = rebill("create", "x", "--client", "nope")
    assert (status, said) == (2, "")
    assert trouble == ("rebill: there is no client 'nope'; add it under `clients` and apply\n")
    assert rebill("revoke", "0" * 12)[0] == 2
