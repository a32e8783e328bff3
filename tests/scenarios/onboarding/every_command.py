"""Owns what the walk leaves out: every other command, so that each has done its work once."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress

import psycopg
import typer
from typer.core import TyperGroup

from sandbox.bills import BillStage, Simulation, simulate
from sandbox.server import SandboxAWS
from service.cli.application import application
from service.cli.catalogue import CATALOGUE, CommandGroup
from tests.scenarios.onboarding.conftest import Walk
from tests.support.onboarding import quietly
from tests.support.workflows import PAYING

OPEN_MONTH = Simulation(seed=5, accounts=12, rows=300, start="2026-10", stage=BillStage.OPEN)
ELSEWHERE = {
    "demo": "tests/scenarios/test_demo.py::test_its_keys_are_in_their_two_files_and_nowhere_else",
}
"""What is too long to be done again here."""
PATIENCE_SECONDS = 60.0


def commands() -> set[str]:
    """As Typer finds them, so that none can be left out: `onboard create`, …"""
    root = application()
    context = typer.Context(root)
    names: set[str] = set()
    for name, entry in CATALOGUE.items():
        if isinstance(entry, CommandGroup):
            group = root.get_command(context, name)
            assert isinstance(group, TyperGroup)
            names |= {f"{name} {each}" for each in group.list_commands(context)}
        else:
            names.add(name)
    assert set(root.list_commands(context)) == set(CATALOGUE)
    return names


def name_of(arguments: tuple[str, ...]) -> str:
    depth = 2 if isinstance(CATALOGUE[arguments[0]], CommandGroup) else 1
    return " ".join(arguments[:depth])


class Desk:
    """Runs commands, and remembers what each was called with and printed."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self.done: dict[str, tuple[str, ...]] = {}
        self.printed: list[tuple[str, str]] = []

    def runs(
        self, command: str, *, status: int = 0, is_up: Callable[[], bool] | None = None
    ) -> str:
        """`is_up` is for what goes on until somebody stops it."""
        arguments = tuple(shlex.split(command))
        with _told_to_stop(is_up):
            answer = self.walk.rebill(*arguments)
        assert answer.status == status, (command, answer.err, answer.out)
        self.done[name_of(arguments)] = arguments
        self.printed.append((command, answer.out + answer.err))
        return answer.out

    def fails(self, arguments: tuple[str, ...]) -> int:
        answer = self.walk.rebill(*arguments)
        self.printed.append((f"{shlex.join(arguments)}, failing", answer.out + answer.err))
        return answer.status

    def walks(self) -> None:
        """The manual's page; what was approved is taken back before it is issued."""
        before = self.walk.before()

        def again() -> None:
            self.runs("withdraw --period 2026-11")
            self.runs("approve --period 2026-11")

        self.walk.monkeypatch.setattr(self.walk, "before", lambda: before | {"issue": again})
        self.walk.run()
        for command, answer in self.walk.answers:
            arguments = tuple(shlex.split(command))
            self.done.setdefault(name_of(arguments), arguments)
            self.printed.append((command, answer.out + answer.err))

    def does_the_rest_of_accounts(self) -> None:
        installation = self.walk.installation
        installation.aws.add_standalone(PAYING, email="aws@globex.example", name="Globex")
        self.runs("onboard create --client acme --name lab --ref S-1 --no-wait")
        self.runs("onboard cancel S-1 --no-wait")
        transfer = f"--account {PAYING} --starts 2027-01 --name all --role MspBilling --no-wait"
        self.runs(f"onboard billing-transfer --client globex {transfer}")
        self.runs("onboard retry HALO-4")
        self.runs("handover start HALO-5 --exit close --by ada", status=1)
        self.runs("handover abort HALO-5 --by ada")
        account_id = self.walk.stored("HALO-4").account_id
        asked = f"root ask recover-root --account {account_id} --reason 'T-9: nobody signs in'"
        recovery = json.loads(self.runs(f"{asked} --by ada --json"))["id"]
        self.runs(f"root approve {recovery} --by grace")
        tag = {"Key": "msp:offboarding", "Value": "recovery-approved"}
        organizations = installation.aws.client("organizations")
        quietly(installation, lambda: organizations.tag_resource(ResourceId=account_id, Tags=[tag]))
        self.runs(f"root perform {recovery} --by ada")
        self.runs(f"root end {recovery} --by ada")
        other = json.loads(self.runs(f"{asked} --by ada --json"))["id"]
        self.runs(f"root withdraw {other} --by ada")

    def does_the_rest_of_bills(self) -> None:
        self.runs("plan organization.yaml")
        self.runs("diff --period 2026-11")
        (document,) = (self.walk.here / "invoices/2026-11/acme").glob("*.json")
        issued = json.loads(document.read_text(encoding="utf-8"))
        line = issued["lines"][0]["key"]
        self.runs(f"explain {issued['number']} {shlex.quote(line)}")
        self.runs(f"evidence --period 2026-11 --out {self.walk.here / 'evidence.zip'}")
        self.runs(f"credit {issued['number']} --reason goodwill --text 'Thank you'")
        self.runs(f"credit {issued['number']} --discard")

    def does_the_rest_of_the_system(self) -> None:
        self.runs("db upgrade")
        port, conninfo = _free_port(), self.walk.installation.database.conninfo
        self.runs(f"serve --port {port}", is_up=lambda: _answers(port))
        self.runs("worker", is_up=lambda: _is_at_work(conninfo))
        key, kept = self.walk.here / "signing.key", self.walk.here / "checkpoints"
        for each in ("show", "stop", "start"):
            self.runs(f"deliveries {each}")
        self.runs("deliveries look", status=2)  # The page's payer names no exports.
        self.runs(f"checkpoint key {key}")
        self.runs(f"checkpoint write --to {kept} --key {key}")
        self.runs(f"verify --checkpoints {kept} --key {key}.pub")
        self.runs(f"backup --to {self.walk.here / 'backups'}")

    def estimates(self) -> None:
        """Another reseller's organization, in a database of its own."""
        self.runs(f"simulate --out {self.walk.here / 'simulated'} --accounts 12 --rows 300")
        out = self.walk.here / "open"
        simulate(OPEN_MONTH, out)
        bills = [OPEN_MONTH.bill(month) for month in OPEN_MONTH.periods()]
        with SandboxAWS(bills) as server:
            self.walk.monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint_url)
            self.runs(f"apply {out / 'rebill.yaml'}")
            self.runs("estimate --period 2026-10")
        self.walk.monkeypatch.delenv("AWS_ENDPOINT_URL")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def _told_to_stop(is_up: Callable[[], bool] | None) -> Iterator[None]:
    """What runs until it is told to stop is told so by a person's key, once it is up."""
    if is_up is None:
        yield
        return

    def stop() -> None:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while not is_up() and time.monotonic() < give_up_at:
            time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    with ThreadPoolExecutor(1) as beside:
        beside.submit(stop)
        yield


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def _is_at_work(conninfo: str) -> bool:
    with closing(psycopg.connect(conninfo)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM procrastinate_workers").fetchone() or (
            0,
        )
    return bool(count)


__all__ = ["ELSEWHERE", "Desk", "commands"]
