"""What a command imports before it works: a second of imports is a second that everybody waits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.store.database import Database

ROOT = Path(__file__).parents[2]
PROBE = """
import atexit, json, pathlib, sys
out, *sys.argv[1:] = sys.argv[1:]

@atexit.register
def loaded():
    files = {name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()}
    libraries = {n for n, file in files.items() if "." not in n and "site-packages" in file}
    ours = {n for n in files if n.split(".")[0] in ("invoices", "jobs", "sandbox", "service")}
    pathlib.Path(out).write_text(json.dumps([sorted(libraries), sorted(ours)]))

from service.cli import commands
if sys.argv[1:]:
    sys.exit(commands.run(sys.argv[1:]))
"""

NAMES = {"typer", "annotated_doc", "shellingham"}
"""What Typer is made of."""
OPTIONS = NAMES | {
    "annotated_types", "pydantic", "pydantic_core", "typing_extensions", "typing_inspection",
}  # fmt: skip
"""What Typer reads the values of options with."""
ASKING = OPTIONS | {"dotenv", "platformdirs", "psycopg", "psycopg_binary", "pydantic_settings"}
"""The settings and the way to the database. No Alembic: that is asked when there is work for it."""
STORE = ASKING | {"sqlalchemy", "sqlmodel"}
"""Neither data frames, nor AWS, nor the queue, nor HTTP, nor PDF, nor the sandbox."""

THE_HELP = {
    "service", "service.cli", "service.cli.application", "service.cli.catalogue",
    "service.cli.commands", "service.cli.output", "kernel.errors",
}  # fmt: skip


@pytest.fixture
def environment_of(database: Database, tmp_path: Path) -> dict[str, str]:
    return os.environ | {
        "REBILL_HOME": str(tmp_path / "home"),
        "REBILL_DATABASE_URL": database.conninfo,
    }


def loaded(
    environment: dict[str, str], out: Path, *arguments: str
) -> tuple[frozenset[str], frozenset[str]]:
    """Libraries and modules of ours, after `rebill` with these arguments did what it does."""
    subprocess.run(
        [sys.executable, "-c", PROBE, str(out), *arguments],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
    )
    libraries, ours = json.loads(out.read_text(encoding="utf-8"))
    return frozenset(libraries), frozenset(ours)


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        ((), NAMES),
        (("--help",), NAMES),
        (("--version",), NAMES),
        (("onboard", "--help"), OPTIONS),
    ],
)
def test_the_help_imports_no_command(
    environment_of: dict[str, str], tmp_path: Path, arguments: tuple[str, ...], allowed: set[str]
) -> None:
    libraries, ours = loaded(environment_of, tmp_path / "loaded", *arguments)

    assert libraries <= allowed
    assert ours <= THE_HELP


@pytest.mark.parametrize(
    ("command", "allowed"),
    [
        ("db upgrade", ASKING),
        ("links --format granted", STORE),
        ("key create psa", STORE),
        ("onboard status", STORE | {"rich", "markdown_it", "mdurl", "pygments"}),
    ],
)
def test_a_command_that_only_asks_imports_what_it_asks_with(
    environment_of: dict[str, str], tmp_path: Path, command: str, allowed: set[str]
) -> None:
    libraries, ours = loaded(environment_of, tmp_path / "loaded", *command.split(" "))

    assert libraries <= allowed
    assert [name for name in ours if name.startswith(("jobs", "sandbox"))] == []


@pytest.mark.parametrize("command", ["approve", "withdraw"])
def test_who_approves_waits_for_no_data_frames(
    environment_of: dict[str, str], tmp_path: Path, command: str
) -> None:
    libraries, ours = loaded(environment_of, tmp_path / "loaded", command, "--help")

    assert "polars" not in libraries
    assert "service.cli.billing.invoices" in ours


def test_what_is_imported_is_seen(environment_of: dict[str, str], tmp_path: Path) -> None:
    libraries, ours = loaded(environment_of, tmp_path / "loaded", "bill", "--help")

    assert {"polars", "sqlmodel"} <= libraries
    assert "jobs.runs.engine" in ours
