"""A demo on a home where one has run, or was cut off: it goes on, and ends as a fresh one does."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from accounts.model.decision import Call
from accounts.model.handover import HandoverKind
from accounts.model.organization import OnboardingKind
from jobs.aws.calls import Caller
from jobs.environment import Environment
from jobs.onboarding import performing, visits
from kernel.errors import Refused
from sandbox.bills import Simulation
from service.actions.handover.request_handover import WantedHandover, request_handover
from service.actions.onboarding.request_onboarding import Wanted, request_onboarding
from service.cli.demo import demo as demo_command
from service.cli.demo import onboarding as demo_onboarding
from service.cli.demo.onboarding import Provider, onboard_accounts
from service.cli.demo.pretend_aws import pretend_aws
from service.store.accounts import grants, onboardings
from service.store.accounts.onboardings import Onboarding
from service.store.billing import clients
from service.store.database import Database
from tests.conftest import NOW
from tests.support.onboarding import ROLES

SMALL = Simulation(seed=2018, accounts=2, months=1, rows=1_500, start="2026-09")
"""One account is created, the other is invited."""


TICKET = Wanted(kind=OnboardingKind.CREATE, client="acme", name="dev", external_ref="TICKET-1")


class CutOff(BaseException):
    """The machine went away."""


@dataclass
class Home:
    """Where demos run, one after the other."""

    environment: Environment
    folder: Path
    runs: int = 0
    roles: dict[str, set[str]] = field(default_factory=dict)
    """By account: what the pretend AWS of the latest demo had."""

    def demo(self) -> dict[str, bytes]:
        """What it wrote, by file, without the throw-away keys."""
        self.runs += 1
        out = self.folder / f"out-{self.runs}"
        demo_command.demo(out=out, serve=False, port=8000)
        return {
            str(path.relative_to(out)): path.read_bytes()
            for path in sorted(out.rglob("*"))
            if path.is_file() and path.name != "credentials.json"
        }

    def onboard(self, *others: Wanted) -> None:
        """The first half of a demo, in which nothing is billed."""
        self.runs += 1
        out = self.folder / f"out-{self.runs}"
        demo_command._invent(SMALL, out)
        with pretend_aws(self.environment, SMALL) as (installation, _):
            demo_command._configure(self.environment, installation, SMALL, out)
            onboard_accounts(installation, SMALL.organization(), quiet)
            for wanted in others:
                with self.environment.database.transaction() as session:
                    now = installation.environment.now()
                    asked = request_onboarding(session, wanted, actor="ann", now=now)
                demo_onboarding._work(installation, [asked.id], 1, quiet)
            self.look(installation)

    def look(self, installation: Provider) -> None:
        self.roles = {
            each.account_id: {
                role["RoleName"]
                for role in installation.aws.client("iam", each.account_id).list_roles()["Roles"]
            }
            for each in self.onboarded()
        }

    def onboarded(self) -> tuple[Onboarding, ...]:
        with self.environment.database.transaction() as session:
            return onboardings.onboardings(session)

    def known(self) -> tuple[Any, ...]:
        """What the store says beside the records: whose accounts are, and who may use them."""
        with self.environment.database.transaction() as session:
            return (
                [(each.id, each.account_id, each.state, each.live_at) for each in self.onboarded()],
                clients.roster(session).assignments,
                clients.account_names(session),
                grants.living_grants(session),
            )


@pytest.fixture
def home(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    environment = Environment.under(tmp_path / "home", database, lambda: NOW)
    home = Home(environment, tmp_path)

    @contextmanager
    def opened() -> Iterator[Environment]:
        yield environment

    def onboard(installation: Provider, *arguments: Any) -> Any:
        found = onboard_accounts(installation, *arguments)
        home.look(installation)
        return found

    monkeypatch.setattr(demo_command, "opened", opened)
    monkeypatch.setattr(demo_command, "onboard_accounts", onboard)
    monkeypatch.setattr(demo_command, "SIMULATION", SMALL)
    monkeypatch.setattr(demo_onboarding, "INVITED_EACH", 2)
    variables = dict(os.environ)
    yield home
    os.environ.clear()
    os.environ.update(variables)


def quiet(what: str, done: int, total: int) -> None:
    pass


def cut_off_at(
    number: int, monkeypatch: pytest.MonkeyPatch, *, operation: str = ""
) -> Callable[[], None]:
    """The call with this number reaches AWS, and its answer nobody. Gives what ends the trouble."""
    sent, send = 0, performing.perform

    def perform(caller: Caller, call: Call, **more: Any) -> Any:
        nonlocal sent
        sent += operation in ("", call.operation)
        reply = send(caller, call, **more)
        if sent == number:
            raise CutOff
        return reply

    monkeypatch.setattr(visits, "perform", perform)
    return lambda: monkeypatch.setattr(visits, "perform", send)


def test_twice_on_one_home_gives_the_same_bytes_and_every_account_its_roles(home: Home) -> None:
    first = home.demo()
    known = home.known()
    second = home.demo()

    assert first == second
    assert len(first) > 20
    assert home.known() == known
    assert len(home.roles) == 2
    assert all(names >= ROLES for names in home.roles.values()), home.roles


@pytest.mark.parametrize("number", [12, pytest.param(110, marks=pytest.mark.proof)])
def test_cut_off_at_any_call_the_next_one_goes_on(
    home: Home, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """First nothing is linked yet; then one account is live, and roles of the other are placed."""
    mend = cut_off_at(number, monkeypatch)
    with pytest.raises(CutOff):
        home.onboard()
    mend()
    home.onboard()

    accounts = {account.id for account in SMALL.organization().accounts}
    assert {each.account_id for each in home.onboarded()} == accounts
    assert {each.state for each in home.onboarded()} == {"live"}
    assert all(names >= ROLES for names in home.roles.values()), home.roles
    with home.environment.database.transaction() as session:
        spans = clients.roster(session).assignments
    assert sorted(each.account_id for each in spans) == sorted(accounts)


@pytest.mark.proof  # Three demos.
def test_an_account_that_was_asked_for_at_the_api_comes_back_as_it_was(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where the demo that brings it back is cut off, and the one after it does."""
    home.onboard(TICKET)
    (before,) = [each for each in home.onboarded() if each.external_ref == "TICKET-1"]
    mend = cut_off_at(2, monkeypatch, operation="CreateAccount")
    with pytest.raises(CutOff):
        home.onboard()
    mend()
    (between,) = [each for each in home.onboarded() if each.external_ref == "TICKET-1"]
    home.onboard()
    (after,) = [each for each in home.onboarded() if each.external_ref == "TICKET-1"]

    assert (between.account_id, between.state == "live") == ("", False)
    assert (after.account_id, after.state) == (before.account_id, "live")
    assert home.roles[after.account_id] >= ROLES


@pytest.mark.proof
def test_where_an_account_was_on_its_way_out_it_says_what_to_do(home: Home) -> None:
    home.onboard()
    leaving = home.onboarded()[0]
    with home.environment.database.transaction() as session:
        wanted = WantedHandover(exit=HandoverKind.CLOSE)
        request_handover(session, leaving.id, wanted, actor="ann", now=home.environment.now())

    words = f"account {leaving.account_id} was being handed over.*set REBILL_HOME to an empty"
    with pytest.raises(Refused, match=words):
        home.onboard()
