"""A backup is of one instant, and what comes back goes on as if nothing had happened."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from jobs.backups.manifest import DUMP, MANIFEST, BackupFails
from jobs.backups.places import BackupFolder, place_of, whole
from jobs.backups.schedule import Schedule, back_up_if_due
from jobs.environment import Environment
from jobs.runs import engine
from kernel.errors import BadInput, Refused
from kernel.room import NoRoom
from sandbox.server import SandboxAWS
from service.store.archive import dump
from service.store.billing import months
from service.store.embedded import programs
from tests.conftest import NOW
from tests.jobs.backups.conftest import BackUp, Empty
from tests.support.builders import OCTOBER, PAYER
from tests.support.months import ask_to_issue, bill, issue, issued
from tests.support.room import file_bytes_max

DAY = timedelta(days=1)
BYTES = "SELECT document_id, format, content FROM document_file ORDER BY 1, 2"


def test_documents_are_byte_identical_numbers_go_on_and_the_month_closes(
    installation: Environment, back_up_at: BackUp, empty: Empty, place: BackupFolder
) -> None:
    back_up_at()
    with psycopg.connect(installation.database.conninfo) as connection:
        bytes_before = connection.execute(BYTES).fetchall()

    restored = empty.restored(place)

    with psycopg.connect(empty.address.conninfo) as connection:
        assert connection.execute(BYTES).fetchall() == bytes_before
        with pytest.raises(psycopg.errors.RestrictViolation, match="its rows are frozen"):
            connection.execute("DELETE FROM document_file")
    assert (restored.proven.documents, restored.proven.files) == (1, len(bytes_before))
    environment = empty.opened()
    assert issued(environment) == issued(installation)
    bill(environment)
    with environment.database.transaction() as session:
        assert months.reconciliation(session, PAYER, OCTOBER).closes
    issue(environment)
    assert [each.number for each in issued(environment)] == [
        "INV-000001", "INV-000002", "INV-000003",
    ]  # fmt: skip
    environment.database.close()


def test_what_is_issued_while_a_backup_is_made_is_wholly_in_it_or_not_at_all(
    installation: Environment, empty: Empty, tmp_path: Path
) -> None:
    """Of the two files and rows of a later document there is nothing in the earlier instant."""
    with dump.instant(installation.database.conninfo) as instant:
        engine.follow(installation, ask_to_issue(installation, client="c01"))
        instant.dump(tmp_path / DUMP)

    dump.load(empty.address.conninfo, tmp_path / DUMP)

    environment = empty.opened()
    assert [each.number for each in issued(environment)] == ["INV-000001"]
    assert len(issued(installation)) == 2
    assert (instant.documents, instant.last_ordinals) == (1, {"seller": 1})
    environment.database.close()


def test_a_backup_that_broke_off_is_none_and_the_next_one_is(
    back_up_at: BackUp, empty: Empty, place: BackupFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at each of the four files in turn: dump, keys, days, manifest."""
    real = BackupFolder.put
    for files in range(4):
        left = iter(range(files))

        def put(
            self: BackupFolder, path: Path, name: str, key: str, left: Iterator[int] = left
        ) -> None:
            if next(left, None) is None:
                raise KeyboardInterrupt
            real(self, path, name, key)

        monkeypatch.setattr(BackupFolder, "put", put)
        with pytest.raises(KeyboardInterrupt):
            back_up_at(NOW + files * timedelta(minutes=1))
        assert whole(place) == ()
        with pytest.raises(BadInput, match="there is no whole backup"):
            empty.restored(place)
    monkeypatch.setattr(BackupFolder, "put", real)

    back_up_at(NOW + 2 * DAY, keep=1)

    assert place.begun() == ("2026-11-25T12-00-00Z",)  # what broke off two days ago is gone
    assert empty.restored(place).manifest.name == "2026-11-25T12-00-00Z"


def test_a_place_that_is_full_is_left_as_it_was(
    back_up_at: BackUp, empty: Empty, place: BackupFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dump has some 300,000 bytes, which fit; the place takes 1,000 of them."""
    real, put = place.put, []

    def full(path: Path, name: str, key: str) -> None:
        put.append(key)
        with file_bytes_max(1_000):
            real(path, name, key)

    monkeypatch.setattr(BackupFolder, "put", lambda _, *given: full(*given))
    with pytest.raises(NoRoom, match=r"^file too large for .*/database.dump.writing: make room"):
        back_up_at()
    monkeypatch.undo()
    assert put == [DUMP]
    assert place.begun() == ()

    back_up_at()
    with file_bytes_max(1_000), pytest.raises(NoRoom, match=r"^file too large for .*: make room"):
        empty.restored(place)
    assert [each.name for each in empty.home.iterdir()] == []
    empty.restored(place)


def test_a_dump_that_has_no_room_says_so_first(installation: Environment, tmp_path: Path) -> None:
    """Linux's /dev/full has no room, ever."""
    with (
        dump.instant(installation.database.conninfo) as instant,
        pytest.raises(dump.DumpFails, match=r"^no space left on a disk, .*No space left on device"),
    ):
        instant.dump(Path("/dev/full"))


def test_so_many_whole_backups_stay(back_up_at: BackUp, place: BackupFolder) -> None:
    (place.root / "of-somebody-else").mkdir(parents=True)
    for day in range(4):
        back_up_at(NOW + day * DAY, keep=2)

    assert whole(place) == ("2026-11-25T12-00-00Z", "2026-11-26T12-00-00Z")
    assert (place.root / "of-somebody-else").exists()


def test_nobody_else_may_read_a_backup(back_up_at: BackUp, place: BackupFolder) -> None:
    made = place.root / back_up_at().name

    assert made.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in made.rglob("*") if path.is_file()} == {0o600}


def test_a_damaged_snapshot_is_named_and_kept_as_it_is(
    installation: Environment, back_up_at: BackUp, empty: Empty, place: BackupFolder
) -> None:
    (damaged,) = installation.snapshots.root.iterdir()
    (damaged / "daily.parquet").write_bytes(b"half")

    made = back_up_at()

    assert (made.unproven, made.not_kept) == ((damaged.name,), ())
    (words,) = made.warnings()
    assert words.startswith(f"snapshot {damaged.name} is not what its id says;")
    assert empty.restored(place).proven.documents == 1
    kept = empty.home / "snapshots" / damaged.name
    assert (kept / "daily.parquet").read_bytes() == b"half"


def test_a_lost_snapshot_is_named_and_the_rest_is_kept(
    installation: Environment, back_up_at: BackUp, empty: Empty, place: BackupFolder
) -> None:
    (lost,) = installation.snapshots.root.iterdir()
    shutil.rmtree(lost)

    made = back_up_at()

    assert (made.unproven, made.not_kept) == ((), (lost.name,))
    assert empty.restored(place).proven.documents == 1


def test_a_server_that_ends_idle_transactions_does_not_end_a_backup(
    installation: Environment, tmp_path: Path
) -> None:
    with psycopg.connect(installation.database.conninfo, autocommit=True) as connection:
        connection.execute(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET "
            "idle_in_transaction_session_timeout = 100', current_database()); END $$"
        )

    with dump.instant(installation.database.conninfo) as instant:
        time.sleep(0.4)
        instant.dump(tmp_path / DUMP)

    assert instant.documents == 1


def test_two_backups_at_once_are_not_made(installation: Environment, back_up_at: BackUp) -> None:
    with (
        installation.database.try_lock("backup"),
        pytest.raises(Refused, match="another backup is being made"),
    ):
        back_up_at()


def test_a_scheduled_backup_is_made_once_a_day(
    installation: Environment, place: BackupFolder
) -> None:
    schedule = Schedule(str(place.root), keep=2)
    assert back_up_if_due(installation, schedule)
    assert not back_up_if_due(installation, schedule)

    (place.root / "2026-11-23T12-00-00Z").rename(place.root / "2026-11-22T12-00-00Z")
    assert back_up_if_due(installation, schedule)

    (place.root / "2026-11-23T12-00-00Z").rename(place.root / "2030-01-01T00-00-00Z")
    assert back_up_if_due(installation, schedule)  # a clock that was wrong holds nothing up
    assert len(whole(place)) == 2


def test_a_bucket_takes_backups_and_gives_them_back(
    back_up_at: BackUp, empty: Empty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "sandbox")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with SandboxAWS() as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
        bucket = place_of("s3://backups/rebill/")
        with pytest.raises(BackupFails, match=r"s3://backups/rebill/: .*NoSuchBucket"):
            back_up_at(to=bucket)
        aws.client("s3").create_bucket(Bucket="backups")
        for day in range(3):
            back_up_at(NOW + day * DAY, keep=2, to=bucket)

        assert whole(bucket) == ("2026-11-24T12-00-00Z", "2026-11-25T12-00-00Z")
        assert empty.restored(bucket, "2026-11-24T12-00-00Z").proven.documents == 1
        assert bucket.describe("x") == "s3://backups/rebill/x"


def test_a_password_is_on_no_command_line_and_in_no_manifest(
    installation: Environment,
    back_up_at: BackUp,
    place: BackupFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Everybody on a machine can read its command lines."""
    real = programs()
    said = tmp_path / "said"
    (tmp_path / "pg_dump").write_text(
        f'#!/bin/sh\necho "$@" >{said}\necho "$PGPASSWORD" >>{said}\nexec {real}/pg_dump "$@"\n'
    )
    (tmp_path / "pg_dump").chmod(0o755)
    monkeypatch.setattr(f"{dump.__name__}.programs", lambda: tmp_path)
    database = installation.database
    database.conninfo = make_conninfo(database.conninfo, password="open sesame")

    made = back_up_at()

    command_line, password = said.read_text().splitlines()
    assert password == "open sesame"
    assert "sesame" not in command_line
    assert b"sesame" not in b"".join(
        path.read_bytes() for path in (place.root / made.name).rglob("*") if path.is_file()
    )


def _change(path: Path, **fields: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def _alter(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _keys(made: Path) -> Path:
    (found,) = made.rglob("keys.parquet")
    return found


Damage = Callable[[Path], object]
DAMAGES: dict[str, tuple[Damage, str]] = {
    "no manifest": (lambda made: (made / MANIFEST).unlink(), "there is no whole backup"),
    "half a manifest": (
        lambda made: (made / MANIFEST).write_text((made / MANIFEST).read_text()[:100]),
        "its manifest is damaged",
    ),
    "no object": (lambda made: (made / MANIFEST).write_text("[]"), "its manifest is damaged"),
    "an altered dump": (lambda made: _alter(made / DUMP), "database.dump is not what was backed"),
    "half a dump": (lambda made: (made / DUMP).write_bytes(b""), "database.dump is not what"),
    "an altered snapshot": (lambda made: _alter(_keys(made)), "keys.parquet is not what was"),
    "a lost file": (lambda made: _keys(made).unlink(), "No such file"),
    "a newer form": (lambda made: _change(made / MANIFEST, form=2), "made by a newer Rebill"),
    "newer tables": (
        lambda made: _change(made / MANIFEST, revision="9999_future"),
        "made by a newer Rebill .*tables 9999_future",
    ),
    "a key that leaves": (
        lambda made: _change(
            made / MANIFEST, files={key: {"size": 1, "sha256": ""} for key in (DUMP, "../x")}
        ),
        "its manifest is damaged",
    ),
    "another's manifest": (
        lambda made: _change(made / MANIFEST, made_at="2026-11-24T12:00:00+00:00"),
        "its manifest is another backup's",
    ),
}  # fmt: skip


def test_what_is_no_whole_backup_of_ours_is_refused_in_one_line_and_nothing_is_changed(
    back_up_at: BackUp, empty: Empty, place: BackupFolder
) -> None:
    for day, (damage, words) in enumerate(DAMAGES.values()):
        made = place.root / back_up_at(NOW + day * DAY).name
        damage(made)
        with pytest.raises((BadInput, BackupFails), match=words) as refused:
            empty.restored(place, made.name)
        assert "\n" not in str(refused.value)
        dump.check_empty(empty.address.conninfo)
        assert list(empty.home.iterdir()) == []


def test_only_an_empty_database_is_restored_into(
    installation: Environment, back_up_at: BackUp, empty: Empty, place: BackupFolder
) -> None:
    back_up_at()
    empty.restored(place)

    with pytest.raises(dump.DatabaseNotEmpty, match="the database has tables already"):
        empty.restored(place)

    assert len(issued(installation)) == 1
