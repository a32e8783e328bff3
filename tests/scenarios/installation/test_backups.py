"""The commands of `docs/backup.md`: out of one installation, into an empty one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.environment import Environment
from service.store.address import find_database
from service.store.database import open_database
from service.store.embedded import EmbeddedServer
from tests.conftest import NOW, MonthOf
from tests.scenarios.conftest import Rebill
from tests.support.moments import databases
from tests.support.months import approve_all, bill, issue, issued


@pytest.fixture
def new_database(server: EmbeddedServer) -> Iterator[str]:
    """As `createdb` makes one."""
    name = f"restored_by_hand_{os.getpid()}"
    yield databases.create(server.conninfo(), name, template="template0")
    databases.drop(server.conninfo(), name)


def _issue_a_month(environment: Environment) -> None:
    MonthOf(environment)(2)
    bill(environment)
    approve_all(environment)
    issue(environment)


def test_a_new_database_at_an_address_becomes_the_old_one(
    rebill: Rebill,
    environment: Environment,
    new_database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The fixture `rebill` has the home and the database of `environment`."""
    _issue_a_month(environment)
    backups = tmp_path / "backups"
    monkeypatch.setenv("REBILL_BACKUP_TO", str(backups))
    made = rebill("backup", "--keep", 1, "--json")
    assert (made.status, made.json["documents"], made.json["unproven"]) == (0, 2, [])

    monkeypatch.setenv("REBILL_HOME", str(tmp_path / "restored"))
    monkeypatch.setenv("REBILL_DATABASE_URL", new_database)
    restored = rebill("restore", "--from", backups)

    assert restored.status == 0
    assert f"{made.json['place']}: 2 documents, their 8 files and 1 snapshots" in restored.out
    assert "series seller: the next number is 3;" in restored.out
    assert rebill("reconcile", "--period", "2018-10").status == 0
    again = rebill("restore", "--from", backups)
    assert (again.status, again.err.count("\n")) == (2, 1)
    assert again.err.startswith("rebill: the database has tables already")


def test_a_place_has_to_be_named(rebill: Rebill, tmp_path: Path) -> None:
    nowhere = rebill("backup")
    empty = rebill("restore", "--from", tmp_path / "nothing")

    assert (nowhere.status, empty.status) == (2, 2)
    assert "say where to with --to, or set REBILL_BACKUP_TO" in nowhere.err


@pytest.mark.proof  # Two servers are started.
def test_an_empty_home_becomes_the_old_one(rebill: Rebill, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REBILL_DATABASE_URL")
    with tempfile.TemporaryDirectory(prefix="rebill-tests-") as name:
        old, new, backups = (Path(name) / each for each in ("old", "new", "backups"))
        database = open_database(None, old)
        _issue_a_month(Environment.under(old, database, lambda: NOW))
        database.close()
        monkeypatch.setenv("REBILL_HOME", str(old))
        assert rebill("backup", "--to", backups).status == 0

        monkeypatch.setenv("REBILL_HOME", str(new))
        assert rebill("restore", "--from", backups).status == 0

        address = find_database(None, new)
        database = open_database(None, new)
        numbers = [each.number for each in issued(Environment.under(new, database, lambda: NOW))]
        database.close()
        address.release()
        assert numbers == ["INV-000001", "INV-000002"]
