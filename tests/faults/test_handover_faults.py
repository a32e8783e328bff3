"""Whatever goes wrong at whichever call of a hand-over: one hand-over, and nothing of ours left."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from accounts.model.handover import HandoverKind
from jobs.onboarding.environment import OnboardingEnvironment
from sandbox.aws import Fault, Faults
from service.actions.handover.abort_handover import TooLate, abort_handover
from service.actions.handover.give_code import give_code
from service.actions.handover.living_handover import NoHandover
from service.store.accounts import grants
from service.store.accounts.onboardings import Onboarding
from service.store.database import Database
from service.store.embedded import EmbeddedServer
from tests.conftest import fresh_database
from tests.support.forking import Failed, each_apart
from tests.support.moments import databases
from tests.support.moments.live import onboarded
from tests.support.onboarding import CREATE, Installation, live_once, opened, quietly
from tests.support.workflows import (
    CLOSING,
    CONTACT,
    ENDING,
    PAYING,
    ROOT,
    STANDALONE,
    THEIR_PAYER,
    another_organization_takes,
    approve_all,
    ask_to_leave,
    guarded,
    remove_roles,
    transferred,
)

WANTED = {
    HandoverKind.STANDALONE: STANDALONE,
    HandoverKind.TRANSFER: replace(STANDALONE, exit=HandoverKind.TRANSFER),
    HandoverKind.CLOSE: CLOSING,
    HandoverKind.END_BILLING: ENDING,
}
CALLS = {
    HandoverKind.STANDALONE: 89,
    HandoverKind.TRANSFER: 74,
    HandoverKind.CLOSE: 47,
    HandoverKind.END_BILLING: 8,
}
"""What an undisturbed hand-over sends, sessions and repeated looks included."""
DEPARTURE = {
    HandoverKind.STANDALONE: "organizations:RemoveAccountFromOrganization",
    HandoverKind.CLOSE: "organizations:CloseAccount",
    HandoverKind.END_BILLING: "organizations:TerminateResponsibilityTransfer",
}
CHAOS_RATE = 0.08
CHAOS_FAULTS = 3
"""So many faults at least, as a rule: a way out of eight calls gets more of them."""


@dataclass
class Moment:
    """A live account whose hand-over is asked for and approved, and nothing of it done."""

    installation: Installation
    live: Onboarding
    wanted: Any
    server: EmbeddedServer
    name: str
    links: Any
    """Of people who may enter the account: of one that only pays through us, nobody."""

    @property
    def calls(self) -> int:
        return self.installation.aws.door.faults.calls

    @contextmanager
    def relived(self, number: str) -> Iterator[Installation]:
        """With a database of its own, which is as this one was."""
        name = f"{self.name}_{number}"
        conninfo = self.server.conninfo()
        database = Database(databases.create(conninfo, name, template=self.name))
        environment = OnboardingEnvironment(
            database, self.installation.environment.caller, self.installation.now
        )
        installation = self.installation
        installation.database, installation.environment = database, environment
        try:
            yield installation
        finally:
            database.close()
            databases.drop(conninfo, name)


@contextmanager
def moment_before(
    server: EmbeddedServer, template: str, exit_: HandoverKind, *, pays: bool = True
) -> Iterator[Moment]:
    with fresh_database(server, template) as database, opened(database) as installation:
        wanted = WANTED[exit_]
        live = (
            transferred(installation)
            if exit_ is HandoverKind.END_BILLING
            else onboarded(installation, CREATE)
        )
        assert live.state == "live"
        ask_to_leave(installation, live, wanted)
        approve_all(installation, live, wanted)
        owner = installation.aws.owner(live.account_id)
        owner.accept_agreement()
        if pays:
            owner.add_payment_instrument()
        installation.aws.log.clear()
        with database.transaction() as session:
            links = grants.living_grants(session, account_id=live.account_id)
        assert bool(links) == (exit_ is not HandoverKind.END_BILLING)
        database.close()
        yield Moment(installation, live, wanted, server, databases.name_of(database), links)


def client_s_hands(moment: Moment) -> Callable[[], None]:
    """It reads each code out once, takes the account as soon as it may, and removes our roles."""
    installation, live, given = moment.installation, moment.live, set[str]()

    def act() -> None:
        for item, address in (("root_email", ROOT), ("phone", CONTACT["PhoneNumber"])):
            sent = [
                m.body for m in installation.aws.mail.to(address) if m.subject.startswith("Verify")
            ]
            if sent and sent[-1] not in given:
                given.add(sent[-1])
                code = sent[-1].rsplit(" ", 1)[-1]
                with installation.database.transaction() as session:
                    try:
                        give_code(session, live.id, item, code, actor="ada", now=installation.now())
                    except NoHandover:
                        return
        waiting = installation.stored(live.id).waiting
        if waiting is None:
            return
        if "has to invite the account" in waiting.reason and not guarded(
            installation, live.account_id
        ):
            quietly(installation, lambda: another_organization_takes(installation, live.account_id))
        if "lets us in yet" in waiting.reason and moment.wanted.exit is HandoverKind.END_BILLING:
            quietly(installation, lambda: remove_roles(installation, PAYING))

    return act


def depart(moment: Moment, installation: Installation) -> None:
    until = installation.now() + timedelta(days=3)
    if moment.wanted.ends_at is not None:
        until = moment.wanted.ends_at + timedelta(hours=2)
    installation.work(until=until, client=client_s_hands(moment))


def ending(moment: Moment, installation: Installation) -> dict[str, Any]:
    """All that matters of how it ended."""
    live = installation.stored(moment.live.id)
    account = installation.aws.account(live.account_id)
    iam = installation.aws.client("iam", live.account_id)
    roles: dict[str, Any] = {}
    quietly(
        installation, lambda: roles.update({r["RoleName"]: r for r in iam.list_roles()["Roles"]})
    )
    with installation.database.transaction() as session:
        links = grants.living_grants(session, account_id=live.account_id)
        registered = grants.registered_roles(session, live.account_id)
    return {
        "stage": live.stage,
        "waits": live.waiting.reason if live.waiting else "",
        "paid by": account.organization.payer_id if account.organization else "",
        "is closed": account.closed_at is not None,
        "email": account.email,
        "contact": account.contact,
        "alternate contacts": account.alternate_contacts,
        "root password": account.root.password,
        "roles": {name: role["AssumeRolePolicyDocument"] for name, role in roles.items()},
        "links": links,
        "refused": {key for key in live.record.proofs if key.startswith("prove_no_access:")},
        "registered": registered,
        "departures": handovers_begun(moment, installation),
        "client": installation.client_on(live.account_id, installation.now() + timedelta(days=40)),
    }


def handovers_begun(moment: Moment, installation: Installation) -> int:
    """How often AWS let it go."""
    if moment.wanted.exit is HandoverKind.TRANSFER:
        accepted = [
            h for h in installation.aws.world.handshakes.values() if h.settled == "ACCEPTED"
        ]
        return sum(h.organization.payer_id == THEIR_PAYER for h in accepted)
    name = DEPARTURE[moment.wanted.exit]
    return sum(entry.outcome == "ok" for entry in installation.aws.calls(name))


def undisturbed(moment: Moment) -> tuple[dict[str, Any], int]:
    """How it ends, and after how many calls."""
    with moment.relived("undisturbed") as installation:
        before = moment.calls
        depart(moment, installation)
        return ending(moment, installation), moment.calls - before


def struck(moment: Moment, number: int, fault: Fault, expected: dict[str, Any]) -> str:
    """The call with this number meets this fault; nobody helps; it ends as if nothing was."""
    with moment.relived(f"{number}_{fault.name.lower()}") as installation:
        faults = installation.aws.door.faults
        faults.at(faults.calls + number, fault)
        depart(moment, installation)
        faults.clear()
        assert ending(moment, installation) == expected
        assert sum(faults.struck.values()) == 1, "the fault was never met"
        assert installation.crashes == (fault in (Fault.CRASH_BEFORE, Fault.CRASH_AFTER))
        return "ended"


def chaotic(moment: Moment, seed: int, expected: dict[str, Any]) -> int:
    """How many faults it met."""
    with moment.relived(f"chaos_{seed}") as installation:
        faults = installation.aws.door.faults
        faults.randomly(seed=seed, rate=max(CHAOS_RATE, CHAOS_FAULTS / CALLS[moment.wanted.exit]))
        depart(moment, installation)
        faults.clear()
        assert ending(moment, installation) == expected
        return sum(faults.struck.values())


@pytest.fixture(scope="module", params=list(HandoverKind), ids=lambda exit_: exit_.value)
def moment(
    request: pytest.FixtureRequest, server: EmbeddedServer, template: str
) -> Iterator[Moment]:
    """Each try is a fork, so that one moment does for all of them."""
    with moment_before(server, template, request.param) as moment:
        yield moment


@pytest.fixture(scope="module")
def end(moment: Moment) -> dict[str, Any]:
    """What an undisturbed one comes to; how many calls that takes, too, is in `CALLS`."""
    (came_to,) = each_apart([("undisturbed", partial(undisturbed, moment))]).values()
    end, calls = succeeded(came_to)
    assert calls == CALLS[moment.wanted.exit]
    return dict(end)


def test_undisturbed_the_account_is_gone_and_lets_none_of_us_in(end: dict[str, Any]) -> None:
    assert end["stage"] == "awaiting_final_invoice"
    assert end["departures"] == 1 and end["links"] == ()
    assert end["refused"] == {f"prove_no_access:{arn}" for arn in end["registered"]}


def succeeded(value: Any) -> Any:
    assert not isinstance(value, Failed), value.words
    return value


@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("share", [1, pytest.param(None, marks=pytest.mark.proof)])
def test_one_fault_at_any_call_ends_as_if_it_had_not_been(
    moment: Moment, end: dict[str, Any], share: int | None
) -> None:
    """8 faults, at one call each; the proof: at each of 218 calls, 1,744 injections."""
    exit_ = moment.wanted.exit
    dice = random.Random(exit_.value)
    numbers = range(1, CALLS[exit_] + 1)
    outcomes = each_apart(
        (f"{fault.name.lower()} at {number}", partial(struck, moment, number, fault, end))
        for fault in Fault
        for number in (dice.sample(numbers, share) if share else numbers)
    )

    failed = {name: each.words for name, each in outcomes.items() if isinstance(each, Failed)}
    assert failed == {}, "\n".join([*failed, *failed.values()][:200])
    print(f"{exit_}: {len(outcomes)} faults at {len(numbers)} calls: one departure each")


@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("runs", [1, pytest.param(60, marks=pytest.mark.proof)])
def test_random_chaos_ends_alike(moment: Moment, end: dict[str, Any], runs: int) -> None:
    """Faults at one call in twelve, or more where there are few calls."""
    outcomes = each_apart((str(seed), partial(chaotic, moment, seed, end)) for seed in range(runs))

    failed = {name: each.words for name, each in outcomes.items() if isinstance(each, Failed)}
    assert failed == {}, "\n".join(failed.values())
    print(f"{moment.wanted.exit}: {runs} runs, {sum(outcomes.values())} faults: one departure each")
    assert sum(outcomes.values()) >= runs


# Calling it off. -----------------------------------------------------------------------


class Interrupting(Faults):
    """Somebody acts while the call with this number is on its way."""

    def __init__(self, number: int, act: Callable[[], None]) -> None:
        super().__init__()
        self._number, self._act = number, act

    def next(self, name: str) -> Fault | None:
        fault = super().next(name)
        if self.calls == self._number:
            self._act()
        return fault


def aborted(moment: Moment, number: int, faulty: bool) -> str:
    """Called off at this call: all is as it was, or it had left already and is gone for good."""
    with moment.relived(f"abort_{number}_{int(faulty)}") as installation:

        def call_off() -> None:
            with installation.database.transaction() as session:
                try:
                    abort_handover(session, moment.live.id, actor="ada", now=installation.now())
                except TooLate:
                    return
            if faulty:
                interrupting.randomly(seed=number, rate=CHAOS_RATE)

        interrupting = Interrupting(number, call_off)
        installation.aws.door.faults = interrupting
        depart(moment, installation)
        interrupting.clear()
        end = ending(moment, installation)
        if end["stage"] != "live":
            assert end["stage"] == "awaiting_final_invoice", end
            assert end["departures"] == 1 and end["links"] == ()
            assert end["refused"] == {f"prove_no_access:{arn}" for arn in end["registered"]}
            return "left"
        assert end["departures"] == 0
        as_it_was(moment, installation, end)
        return "live"


def as_it_was(moment: Moment, installation: Installation, end: dict[str, Any]) -> None:
    account = installation.aws.account(moment.live.account_id)
    assert end["client"] == moment.live.request.client_key
    assert end["links"] == moment.links
    if moment.wanted.exit is HandoverKind.END_BILLING:
        return
    live = live_once(installation, moment.live.id)
    assert not end["root password"]
    assert {kind: each["EmailAddress"] for kind, each in account.alternate_contacts.items()} == {
        kind.value: each.email for kind, each in installation.reseller.contacts.items()
    }
    proved = {key for key in live.record.proofs if key.startswith("prove_access:")}
    assert len(proved) == 5


@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("share", [1, pytest.param(None, marks=pytest.mark.proof)])
def test_called_off_at_any_call_it_is_as_it_was_or_has_left(
    moment: Moment, share: int | None
) -> None:
    """Quietly, and with faults at one call in twelve on the way back."""
    exit_ = moment.wanted.exit
    numbers = range(1, CALLS[exit_] + 1)
    chosen = numbers[:: len(numbers) // share] if share else numbers
    outcomes = each_apart(
        (f"at {number}{' with faults' if faulty else ''}", partial(aborted, moment, number, faulty))
        for number in chosen
        for faulty in (False, True)
    )

    failed = {name: each.words for name, each in outcomes.items() if isinstance(each, Failed)}
    assert failed == {}, "\n".join([*failed, *failed.values()])
    count = Counter(outcomes.values())
    print(f"{exit_}: called off at {len(outcomes)} points: {dict(count)}")
    assert count["live"] > 0
