"""The command line's manners: one line of trouble, one JSON object, telling statuses."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from invoices.clients import AccountId
from invoices.periods import BillingPeriod
from sandbox.bills import Simulation, simulate
from service.actions.billing.request_run import request_ingest
from service.store import runs
from service.store.database import Database
from service.store.tables.runs import RunState
from tests.conftest import NOW
from tests.scenarios.conftest import Rebill

SMALL = Simulation(accounts=12, rows=2_000)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, Path]:
    """A folder with `rebill.yaml`, the payer, and the folder of a small CUR 2.0 export."""
    out = tmp_path_factory.mktemp("simulated")
    written = simulate(SMALL, out)
    return out, SMALL.organization().payer.id, written[0].export_path


def billed(rebill: Rebill, simulated: tuple[Path, str, Path]) -> None:
    out, payer, export = simulated
    assert rebill("apply", out / "rebill.yaml").status == 0
    assert rebill("ingest", export, "--payer", payer, "--period", "2026-09").status == 0
    assert rebill("bill", "--period", "2026-09").status == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("bill", "--period", "2026-13"), "'2026-13' is no billing period"),
        (("bill", "--period", "2026-09"), "there are no charges of 2026-09 yet"),
        (("reconcile", "--period", "2026-09"), "2026-09 is not billed yet"),
        (("approve", "--period", "2026-09"), "nothing to approve for 2026-09"),
        (("issue", "--period", "2026-09"), "there are no charges of 2026-09 yet"),
        (("issue", "--period", "2026-09", "--on", "soon"), "'soon' is no day"),
        (("export", "--period", "2026-09", "--out", "x"), "there are no charges of 2026-09 yet"),
        (("export", "--period", "2026-09", "--out", "x", "--format", "doc"), "there is no 'doc'"),
        (("apply", "nothing.yaml"), "nothing.yaml cannot be read"),
        (("simulate", "--out", "x", "--format", "cur3"), "'cur3' is no dialect"),
        (("frobnicate",), "No such command"),
        (("ingest",), "Missing argument"),
        (("ingest", "x", "--payer", "1", "--period", "2026-09"), "twelve digits"),
    ],
)
def test_bad_input_gets_one_clear_line_and_status_2(
    rebill: Rebill, arguments: tuple[str, ...], words: str
) -> None:
    answer = rebill(*arguments)

    assert answer.status == 2
    assert answer.err.startswith("rebill: ")
    assert words in answer.err
    assert answer.err.count("\n") == 1
    assert answer.out == ""


def test_json_is_one_object_and_nothing_else(
    rebill: Rebill, simulated: tuple[Path, str, Path]
) -> None:
    out, payer, export = simulated
    period = ("--period", "2026-09")

    assert "changes" in rebill("apply", out / "rebill.yaml", "--json").json
    ingested = rebill("ingest", export, "--payer", payer, *period, "--json").json
    drafted = rebill("bill", *period, "--json").json
    proof = rebill("reconcile", *period, "--json").json
    approved = rebill("approve", *period, "--json").json
    issued = rebill("issue", *period, "--on", "2026-10-06", "--json").json

    truth = json.loads((out / "truth.json").read_text(encoding="utf-8"))["periods"]["2026-09"]
    assert ingested["sums"]["billed"] == truth["rows"]["sums"]["billed"]
    assert proof["payer_total"] == truth["rows"]["payer_total"]
    assert len(drafted["invoices"]) == len(approved["approved"]) == len(issued["invoices"]) > 2
    assert {each["state"] for each in issued["invoices"]} == {"issued"}


def test_a_truth_known_beforehand_is_what_the_clients_cost(
    rebill: Rebill, simulated: tuple[Path, str, Path]
) -> None:
    """Every client is at amortized cost; what is not passed on is retained under its own name."""
    billed(rebill, simulated)

    proof = rebill("reconcile", "--period", "2026-09", "--json").json

    assert proof["closes"] is True
    assert proof["unassigned"] == "0"


def test_a_second_apply_changes_nothing(rebill: Rebill, simulated: tuple[Path, str, Path]) -> None:
    file = simulated[0] / "rebill.yaml"
    rebill("apply", file)

    assert rebill("apply", file).out == "nothing changes\n"


def test_issuing_without_an_assignment_is_refused_with_status_1(
    rebill: Rebill, simulated: tuple[Path, str, Path], tmp_path: Path
) -> None:
    out, payer, export = simulated
    configuration = yaml.safe_load((out / "rebill.yaml").read_text(encoding="utf-8"))
    configuration["payers"][0]["internal_accounts"] = []
    without = tmp_path / "without.yaml"
    without.write_text(yaml.safe_dump(configuration), encoding="utf-8")
    assert rebill("apply", without).status == 0
    rebill("ingest", export, "--payer", payer, "--period", "2026-09")

    drafted = rebill("bill", "--period", "2026-09")
    proof = rebill("reconcile", "--period", "2026-09", "--json")
    rebill("approve", "--period", "2026-09")
    refused = rebill("issue", "--period", "2026-09")

    assert (drafted.status, proof.status, refused.status) == (1, 1, 1)
    assert proof.json["closes"] is False
    assert proof.json["unassigned"] != "0"
    assert "cannot be issued" in refused.err


def test_an_approval_can_be_withdrawn(rebill: Rebill, simulated: tuple[Path, str, Path]) -> None:
    billed(rebill, simulated)
    period = ("--period", "2026-09")
    rebill("approve", *period)

    withdrawn = rebill("withdraw", *period, "--client", "acme", "--json").json

    assert withdrawn == {"withdrawn": ["acme"]}
    states = {
        each["client"]: each["state"] for each in rebill("bill", *period, "--json").json["invoices"]
    }
    assert (states.pop("acme"), set(states.values())) == ("draft", {"approved"})
    assert rebill("withdraw", *period, "--client", "acme").status == 2


def test_an_export_is_taken_in_before_anything_is_configured(
    rebill: Rebill, simulated: tuple[Path, str, Path]
) -> None:
    _, payer, export = simulated
    period = ("--period", "2026-09")

    ingested = rebill("ingest", export, "--payer", payer, *period, "--json")
    refused = rebill("bill", *period)

    assert ingested.status == 0
    assert ingested.json["by_account"].keys() >= {payer}
    assert refused.status == 2
    assert f"payer account {payer} has no seller" in refused.err


def test_an_api_key_is_shown_once(rebill: Rebill) -> None:
    key = rebill("key", "create", "psa").out.strip()

    assert key.startswith("rb_")
    assert rebill("key", "create", "psa", "--scopes", "everything").status == 2


def test_the_help_lists_the_public_commands(rebill: Rebill) -> None:
    text = rebill("--help").out

    for command in (
        "demo serve worker db apply ingest estimate bill reconcile approve issue export simulate"
    ).split():
        assert f"  {command} " in text


def test_interrupted_a_command_says_so_in_one_line(
    rebill: Rebill, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("service.cli.system.configuration.apply_configuration", interrupt)
    (tmp_path / "b.yaml").write_text("{}", encoding="utf-8")

    answer = rebill("apply", tmp_path / "b.yaml")

    assert (answer.status, answer.out) == (130, "")
    assert answer.err == "rebill: interrupted; what was begun goes on at the next start\n"


def test_only_a_command_that_moves_runs_finishes_what_a_crash_left(
    rebill: Rebill, simulated: tuple[Path, str, Path], database: Database
) -> None:
    out, payer, export = simulated
    rebill("apply", out / "rebill.yaml")
    with database.transaction() as session:
        left = request_ingest(
            session,
            AccountId(payer),
            BillingPeriod(2026, 9),
            location=str(export),
            dialect="auto",
            actor="who was killed",
            now=NOW,
        )

    for asking in (
        ("links", "--format", "granted"),
        ("key", "create", "psa"),
        ("db", "upgrade"),
        ("grants", "show"),
        ("onboard", "status"),
        ("apply", out / "rebill.yaml"),
    ):
        answer = rebill(*asking)
        assert (answer.status, answer.err) == (0, ""), asking
    with database.transaction() as session:
        assert runs.run(session, left).state == RunState.REQUESTED

    drafted = rebill("bill", "--period", "2026-09")
    assert f"rebill: finished what was left of run {left}: ingest of 2026-09\n" in drafted.err
    assert drafted.status == 0


def test_the_version_is_the_installed_one(rebill: Rebill) -> None:
    answer = rebill("--version")

    assert (answer.status, answer.out, answer.err) == (0, f"rebill {version('rebill')}\n", "")


@pytest.mark.parametrize("arguments", [(), ("onboard",)])
def test_without_a_command_the_help_says_which_there_are(
    rebill: Rebill, arguments: tuple[str, ...]
) -> None:
    answer = rebill(*arguments)

    assert (answer.status, answer.out) == (2, "")
    assert answer.err == rebill(*arguments, "--help").out


@pytest.mark.parametrize(
    ("absent", "command"), [("moto", "demo"), ("sandbox", "demo"), ("sandbox", "simulate --out x")]
)
def test_without_the_sandbox_its_commands_say_what_to_install(absent: str, command: str) -> None:
    without = (
        "import sys\n"
        "absent, *arguments = sys.argv[1:]\n"
        "sys.modules[absent] = None\n"
        "from service.cli import commands\n"
        "sys.exit(commands.run(arguments))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", without, absent, *command.split(" ")],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )

    name = command.split(" ")[0]
    words = (
        f"rebill: {name} needs the pretend AWS: `make install`, or pip install rebill[sandbox]\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (2, "", words)
