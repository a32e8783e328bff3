"""Owns rounds of kills: months and accounts that go on while everything under them is killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from accounts.onboarding.creation import SETTLE
from invoices.periods import BillingPeriod
from jobs.environment import Environment
from sandbox.aws import StrictAWS
from service.actions.access.create_api_key import create_api_key
from service.actions.billing.apply_configuration import apply_configuration
from service.actions.billing.approve_drafts import approve_drafts
from service.actions.billing.request_run import request_billing, request_ingest, request_issuing
from service.cli.demo.onboarding import Provider, open_provider
from service.clock import system_clock
from service.configuration.reading import Configuration, read_configuration
from service.store.access.keys import Scope
from service.store.accounts import onboarding_events
from service.store.database import Database, open_database
from service.store.session import Session
from tests.conftest import account_of, configured
from tests.support.bills.ingest_builders import line, put, text
from tests.support.builders import OCTOBER, PAYER
from tests.support.months import TODAY
from tests.support.servers.network import NetworkServer
from tests.support.servers.processes import NO_TLS, Installation, eventually, free_url, healthy

CLIENTS = 3
Kill = Callable[["Rounds"], None]


@dataclass
class Supervised:
    """One of our processes, started again whenever it ended, as systemd's units have it."""

    installation: Installation
    command: tuple[str, ...]
    variables: dict[str, str]
    statuses: list[int] = field(default_factory=list)
    words: Path = field(init=False)

    @contextmanager
    def kept_up(self) -> Iterator[None]:
        stop = threading.Event()
        self.words = self.installation.home.with_name(f"{self.command[0]}.words")
        self._start()
        watch = threading.Thread(target=self._watch, args=(stop,), daemon=True)
        watch.start()
        try:
            yield
        finally:
            stop.set()
            watch.join()
            self._process.terminate()
            self.statuses.append(self._process.wait(60))

    def kill(self) -> None:
        self._process.kill()

    def complaints(self) -> str:
        return self.words.read_text(encoding="utf-8")

    def _start(self) -> None:
        with self.words.open("a") as words:
            self._process = self.installation.start(
                *self.command, variables=self.variables, stderr=words, stdout=subprocess.DEVNULL
            )

    def _watch(self, stop: threading.Event) -> None:
        while not stop.wait(0.1):
            if self._process.poll() is not None:
                self.statuses.append(self._process.returncode)
                self._start()


GIVEN_TIME = "an account may have been asked for; AWS is given time to show it"


@dataclass
class Rounds:
    """An installation with an organization in the pretend AWS, its API and worker kept up."""

    installation: Installation
    network: NetworkServer | None
    aws: StrictAWS
    url: str
    key: str
    exports: Path
    worker: Supervised
    api: Supervised
    dice: random.Random
    asked: list[str] = field(default_factory=list)
    """Ids of the onboardings."""
    period: BillingPeriod = OCTOBER
    documents: int = 0

    @property
    def environment(self) -> Environment:
        return self.installation.environment

    def calm(self) -> float:
        """The seconds that a month takes where nothing is killed."""
        began_at = time.monotonic()
        self._month()
        self._check_month()
        return time.monotonic() - began_at

    def play(self, kill: Kill, *, calm: float, onboard: bool) -> float:
        """One month, and perhaps one account, with one kill amid it.

        By how many seconds it took longer than a calm one, and than the server itself was away.
        """
        if onboard:
            self.asked.append(self.ask_for_account(f"round-{len(self.asked)}"))
        away: list[float] = []

        def strike() -> None:
            time.sleep(self.dice.uniform(0, calm))
            struck_at = time.monotonic()
            kill(self)
            away.append(time.monotonic() - struck_at)

        striking = threading.Thread(target=strike)
        striking.start()
        events = self._events()
        began_at = time.monotonic()
        self._month()
        took = time.monotonic() - began_at
        striking.join()
        self._check_month()
        if onboard:
            eventually(lambda: self._events() > events)
        eventually(lambda: healthy(self.url))
        return took - calm - away[0]

    def _month(self) -> None:
        """As finance does it: each step is asked for when the one before it is done."""
        now, period = system_clock(), self.period
        location = str(_export(self.exports, period))

        def ingest(session: Session) -> int:
            return request_ingest(
                session, PAYER, period, location=location, dialect="cur2", actor="test", now=now
            )

        def bill(session: Session) -> int:
            return request_billing(session, PAYER, period, actor="test", now=now)

        def approve(session: Session) -> int:
            return len(approve_drafts(session, period, actor="test", now=now)) + 1

        def issue(session: Session) -> int:
            return request_issuing(session, PAYER, period, issued_on=TODAY, actor="test", now=now)

        for ask in (ingest, bill):
            self._done(self._in_transaction(ask))
        self._in_transaction(approve)
        self._done(self._in_transaction(issue))

    def _in_transaction(self, ask: Callable[[Session], int]) -> int:
        """Asked again where the answer was lost: what is asked twice is done once."""

        def once() -> int:
            with self.environment.database.transaction() as session:
                return ask(session)

        return eventually(once)

    def _done(self, run_id: int) -> None:
        eventually(lambda: self.installation.done(run_id))

    def _check_month(self) -> None:
        """Over the API: each client has one invoice, and the series has no gap."""
        self.documents += CLIENTS
        found = eventually(lambda: self._get(f"/v1/invoices?period={self.period}"))
        assert [each["state"] for each in found] == ["issued"] * CLIENTS
        first = self.documents - CLIENTS
        assert sorted(each["number"] for each in found) == [
            f"INV-{first + ordinal:06}" for ordinal in range(1, CLIENTS + 1)
        ]
        self.period = self.period.next

    def ask_for_account(self, name: str) -> str:
        """Sent until it is answered: under one Idempotency-Key that is one account."""
        wanted = {
            "kind": "create", "client": "c00", "name": name, "external_ref": name, "budget": "5",
        }  # fmt: skip

        def ask() -> str:
            answer = httpx.post(
                f"{self.url}/v1/onboardings",
                json=wanted,
                headers={"Authorization": f"Bearer {self.key}", "Idempotency-Key": name},
            )
            assert answer.status_code in {202, 503}, answer.text
            return str(answer.json().get("id", ""))

        return eventually(ask)

    def _ask(self, path: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.get(self.url + path, headers=headers, verify=NO_TLS)

    def _get(self, path: str) -> list[dict[str, str]]:
        answer = self._ask(path)
        assert answer.status_code in {200, 503}, answer.text
        items: list[dict[str, str]] = answer.json().get("items", [])
        return items

    def _events(self) -> int:
        """How much has happened to all onboardings."""

        def count() -> int:
            with self.environment.database.transaction() as session:
                return 1 + sum(len(onboarding_events.events(session, each)) for each in self.asked)

        return eventually(count)

    def check_accounts(self) -> None:
        """Every one that was asked for becomes live, and there is one in AWS for each."""
        for onboarding_id in self.asked:
            self.check_live(onboarding_id)
        wanted = sorted(f"round-{number}" for number in range(len(self.asked)))
        accounts = self.aws.world.accounts.values()
        assert sorted(each.name for each in accounts if each.name.startswith("round")) == wanted

    def check_live(self, onboarding_id: str) -> None:
        """Soon, or where a kill fell between writing down that an account is asked for and asking
        for it: after the time in which AWS would have shown it. It is not asked for before.
        """
        path = f"/v1/onboardings/{onboarding_id}"
        try:
            eventually(lambda: self._is_live(onboarding_id))
        except AssertionError as stuck:
            waiting = self._ask(path).json()["waiting"]
            if waiting is None or waiting["reason"] != GIVEN_TIME:
                said = self._ask(path).text, self._ask(f"{path}/events").text
                raise AssertionError("\n".join([str(stuck), *said])) from stuck
            eventually(lambda: self._is_live(onboarding_id), SETTLE.total_seconds())

    def _is_live(self, onboarding_id: str) -> bool:
        answer = self._ask(f"/v1/onboardings/{onboarding_id}")
        state = str(answer.json().get("state"))
        assert state not in {"needs_human", "failed"}, answer.text
        return state == "live"

    def check_queue(self) -> None:
        """No job belongs to a dead worker, and no run has one left."""

        def is_settled() -> bool:
            with self.environment.database.transaction() as session:
                left = session.connection().exec_driver_sql(
                    "SELECT count(*) FROM procrastinate_jobs WHERE task_name LIKE '%%advance_run' "
                    "OR (status = 'doing' AND worker_id IS NULL)"
                )
                return not left.scalar_one()

        eventually(is_settled)


def kill_worker(rounds: Rounds) -> None:
    rounds.worker.kill()


def kill_api(rounds: Rounds) -> None:
    rounds.api.kill()


def restart_fast(rounds: Rounds) -> None:
    _restart(rounds, "fast", signal.SIGINT)


def restart_immediately(rounds: Rounds) -> None:
    _restart(rounds, "immediate", signal.SIGQUIT)


def kill_database(rounds: Rounds) -> None:
    if rounds.network is None:
        rounds.installation.kill_server()
    else:
        rounds.network.kill()
        rounds.network.start()


def _restart(rounds: Rounds, mode: str, told: signal.Signals) -> None:
    """The embedded one is started again by whoever sees that it went."""
    if rounds.network is not None:
        rounds.network.restart("fast" if mode == "fast" else "immediate")
        return
    postmaster = rounds.installation.server.postmaster_pid
    if postmaster is not None:
        os.kill(postmaster, told)


KILLS: tuple[Kill, ...] = (
    kill_worker, restart_immediately, kill_api, restart_fast, kill_database,
)  # fmt: skip


@contextmanager
def rounds_on(home: Path, network: NetworkServer | None, seed: int) -> Iterator[Rounds]:
    """Only the processes under test keep an embedded server up; we look on through its socket."""
    aws = StrictAWS(payer_id=str(PAYER))
    with aws, aws.serve() as endpoint, ExitStack() as stack:
        prepared = open_database(network.url if network else None, home)
        provider = open_provider(prepared, aws)
        key = _configure(prepared, provider)
        conninfo = prepared.conninfo
        prepared.close()
        database = Database(conninfo)
        stack.callback(database.close)
        environment = Environment.under(home, database, system_clock)
        installation = Installation(home, environment, network.url if network else "")
        url = free_url()
        variables = _aws_variables(home, endpoint, provider)
        rounds = Rounds(
            installation, network, aws, url, key, home.with_name("exports"),
            worker=Supervised(installation, ("worker",), variables),
            api=Supervised(installation, ("serve", "--port", url.rsplit(":", 1)[1]), {}),
            dice=random.Random(seed),
        )  # fmt: skip
        kept_up: list[AbstractContextManager[None]] = [
            rounds.worker.kept_up(),
            rounds.api.kept_up(),
        ]
        for each in kept_up:
            stack.enter_context(each)
        eventually(lambda: healthy(url))
        yield rounds


def _configure(database: Database, provider: Provider) -> str:
    """The API key of somebody who may do everything."""
    now = system_clock()
    with database.transaction() as session:
        configuration = _configuration(provider)
        apply_configuration(session, configuration, actor="test", now=now)
        return create_api_key(session, "test", scopes=tuple(Scope), actor="test", now=now)


def _configuration(provider: Provider) -> Configuration:
    written = configured(CLIENTS) | {"onboarding": provider.described}
    return read_configuration(json.dumps(written))


def _aws_variables(home: Path, endpoint: str, provider: Provider) -> dict[str, str]:
    path = put(home.with_name("aws-config"), provider.aws_configuration().encode())
    return {
        "AWS_CONFIG_FILE": str(path), "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_ENDPOINT_URL": endpoint, "AWS_DEFAULT_REGION": "us-east-1",
    }  # fmt: skip


def _export(folder: Path, period: BillingPeriod) -> Path:
    day = f"{period}-05T07:00:00.000Z"
    rows = [
        line(
            str(100 + number),
            bill_payer_account_id=str(PAYER),
            bill_billing_period_start_date=f"{period}-01T00:00:00.000Z",
            line_item_usage_account_id=account_of(number),
            line_item_usage_start_date=day,
        )
        for number in range(CLIENTS)
    ]
    return put(folder / f"{period}.csv", text(rows))


__all__ = ["KILLS", "Kill", "Rounds", "rounds_on"]
