"""Owns installations to back up, and empty ones to restore into."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from jobs.backups.making import Installed, back_up
from jobs.backups.manifest import BackupManifest
from jobs.backups.places import BackupFolder, BackupPlace
from jobs.backups.restoring import Restored, restore
from jobs.environment import Environment
from jobs.runs import engine
from service.store.address import DatabaseAddress
from service.store.database import Database
from service.store.embedded import EmbeddedServer
from tests.conftest import NOW, MonthOf
from tests.support.moments import databases
from tests.support.months import approve_all, ask_to_issue, bill

CLIENTS = 3
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Empty:
    """A home and a database in which nothing is."""

    home: Path
    address: DatabaseAddress

    def restored(self, place: BackupPlace, name: str | None = None) -> Restored:
        return restore(self.address, self.home, place, name, actor="test", now=NOW)

    def opened(self) -> Environment:
        return Environment.under(self.home, Database(self.address.conninfo), lambda: NOW)


@pytest.fixture
def empty(server: EmbeddedServer, tmp_path: Path) -> Iterator[Empty]:
    name = f"restored_{os.getpid()}_{next(_numbers)}"
    home = tmp_path / "restored"
    home.mkdir()
    conninfo = databases.create(server.conninfo(), name, template="template0")
    yield Empty(home, DatabaseAddress(conninfo, None))
    databases.drop(server.conninfo(), name)


@pytest.fixture
def installation(environment: Environment, month_of: MonthOf) -> Environment:
    """Of three approved invoices one is issued."""
    month_of(CLIENTS)
    bill(environment)
    approve_all(environment)
    engine.follow(environment, ask_to_issue(environment, client="c00"))
    return environment


BackUp = Callable[..., BackupManifest]


@pytest.fixture
def place(tmp_path: Path) -> BackupFolder:
    return BackupFolder(tmp_path / "backups")


@pytest.fixture
def back_up_at(installation: Environment, place: BackupFolder) -> BackUp:
    def make(
        now: datetime = NOW, *, keep: int | None = None, to: BackupPlace = place
    ) -> BackupManifest:
        source = Installed(installation.database, installation.snapshots, installation.cache)
        return back_up(source, to, keep=keep, actor="test", now=now)

    return make
