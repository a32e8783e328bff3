"""A set-up with less than its rights, or with a fault at any call: told, or done when run again."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from accounts.iam.policy_documents import as_list, service_policies
from sandbox.aws import Crash, Fault
from service.store.database import Database
from service.store.embedded import EmbeddedServer
from tests.conftest import fresh_database
from tests.support.accounts_reseller import RESELLER
from tests.support.iam.rights import denied, without
from tests.support.organization_setups import (
    BY_US,
    Operator,
    at_work,
    policy_of_setup,
    put_policy_of_setup,
    set_up_once,
    states,
    weaken_the_membership_guard,
)


@pytest.fixture
def operator(database: Database) -> Iterator[Operator]:
    with at_work(database) as operator:
        yield operator


# Least privilege. ----------------------------------------------------------------------


def rights() -> list[tuple[str, str]]:
    statements = service_policies(RESELLER)["svc_setup"]["Statement"]
    return [
        (s["Sid"], a) for s in statements if s["Effect"] == "Allow" for a in as_list(s["Action"])
    ]


@pytest.mark.parametrize("right", rights(), ids="-".join)
def test_without_one_of_its_rights_an_item_is_refused(
    operator: Operator, right: tuple[str, str]
) -> None:
    """At the first run, or at one that finds everything there and a guard that says less."""
    tag = [{"Key": "msp:client", "Value": "acme"}]
    operator.aws.create_account(name="prod", email="prod@msp.example", Tags=tag)
    whole = policy_of_setup(operator)
    put_policy_of_setup(operator, without(whole, *right))
    first = operator.set_up()
    put_policy_of_setup(operator, whole)
    operator.set_up()
    operator.by_hand()
    operator.described()
    weaken_the_membership_guard(operator)
    put_policy_of_setup(operator, without(whole, *right))
    second = operator.set_up(yes="membership_guard")

    assert right[1] in denied(operator.aws)
    assert not (first.is_fine and second.is_fine)
    assert "refused" in {*states(first).values(), *states(second).values()}


# Faults. -------------------------------------------------------------------------------

CALLS = 37


def test_undisturbed_it_takes_so_many_calls(operator: Operator) -> None:
    operator.set_up()

    assert len(operator.aws.log) == CALLS


def struck(server: EmbeddedServer, template: str, *, number: int, fault: Fault) -> None:
    """The call with this number meets this fault; the reseller runs it again, and that is all."""
    with fresh_database(server, template) as database, at_work(database) as operator:
        operator.aws.faults.at(operator.aws.faults.calls + number, fault)
        runs = 0
        while not runs or not is_set_up(operator):
            runs += 1
            try:
                operator.set_up()
            except Crash:
                assert fault in (Fault.CRASH_BEFORE, Fault.CRASH_AFTER)
            assert runs <= 2, (number, fault)
        assert sum(operator.aws.faults.struck.values()) == 1, number
        set_up_once(operator)


def is_set_up(operator: Operator) -> bool:
    found = states(operator.plan())
    return all(found.get(key) in ("is so", "later") for key in BY_US)


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name.lower())
def test_one_fault_at_some_call_converges_when_run_again(
    server: EmbeddedServer, template: str, fault: Fault
) -> None:
    number = random.Random(f"set-up {fault}").randint(1, CALLS)
    struck(server, template, number=number, fault=fault)


@pytest.mark.proof
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name.lower())
def test_one_fault_at_every_call_converges_when_run_again(
    server: EmbeddedServer, template: str, fault: Fault
) -> None:
    for number in range(1, CALLS + 1):
        struck(server, template, number=number, fault=fault)
