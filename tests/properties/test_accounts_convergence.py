"""Whatever goes wrong at whichever call: one account, one role set, one handshake, and live."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.model.decision import Done
from accounts.model.lifecycle import Stage
from accounts.model.record import Record
from sandbox.aws import PAYER, Crash, Fault, Rules
from tests.support.accounts_reseller import ACCESS
from tests.support.core_worker import Worker, a_worker
from tests.support.forking import strike_each_call

DECIDED = 75
CALLS = 81
"""An onboarding without trouble takes 75 calls, and 6 more to sign in: twice in the account, and as
each of four people with MFA."""

ROLES = {"MspBootstrap", "MspAdmin", "MspEngineer", "MspOnCall", "MspBilling", "MspAutomation"}


def slow(lag_seconds: int, *, creation_seconds: int = 20) -> Rules:
    """An AWS whose lists show late what was just made."""
    return Rules(
        creation_seconds=creation_seconds,
        listing_seconds=lag_seconds,
        request_listing_seconds=lag_seconds,
    )


def onboarded_once(worker: Worker) -> int:
    """How many faults struck on the way."""
    assert worker.run() == Done()
    worker.aws.faults.clear()
    organization, account_id = worker.organization, worker.stored.account_id
    assert worker.stored.stage is Stage.LIVE
    assert set(organization.members) == {PAYER, ACCESS, account_id}
    assert [request.state for request in organization.requests.values()] == ["SUCCEEDED"]
    assert set(worker.roles()) == ROLES
    assert organization.members[account_id].parent_id == worker.reseller.client_ou_id
    assert worker.guards() == {worker.reseller.membership_scp_id, worker.reseller.root_scp_id}
    budgets = worker.aws.client("budgets").describe_budgets(AccountId=PAYER)["Budgets"]
    assert len(budgets) == 1
    return worker.aws.faults.struck.total()


def test_without_trouble_it_takes_one_creation_and_75_calls() -> None:
    with a_worker() as worker:
        assert onboarded_once(worker) == 0

        assert worker.count("CreateAccount") == 1
        assert len(worker.sent) == DECIDED


HARDEST = [(Fault.CRASH_AFTER, 0), (Fault.TIMEOUT_AFTER, 120)]
"""What took effect and was not heard of: the default run has these, `make proof` all sixteen."""


@pytest.mark.parametrize(
    ("fault", "lag_seconds", "one_in"),
    [
        *(pytest.param(*hardest, 4, id=f"{hardest}-some") for hardest in HARDEST),
        *(
            pytest.param(fault, lag_seconds, 1, marks=pytest.mark.proof)
            for fault in Fault
            for lag_seconds in (0, 120)
        ),
    ],
)
def test_one_fault_at_any_call_converges(fault: Fault, lag_seconds: int, one_in: int) -> None:
    with a_worker(rules=slow(lag_seconds)) as worker:
        came_to = strike_each_call(worker.aws, fault, lambda: onboarded_once(worker), one_in=one_in)

    assert came_to == dict.fromkeys(range(one_in, CALLS + 1, one_in), 1)


@settings(max_examples=6, deadline=None)
@given(
    st.dictionaries(st.integers(1, 150), st.sampled_from(Fault), max_size=25),
    st.integers(0, 240),
    st.integers(0, 600),
)
def test_many_faults_and_slow_lists_converge(
    faults: dict[int, Fault], lag_seconds: int, creation_seconds: int
) -> None:
    with a_worker(rules=slow(lag_seconds, creation_seconds=creation_seconds)) as worker:
        before = worker.aws.faults.calls
        for number, fault in faults.items():
            worker.aws.faults.at(before + number, fault)

        assert onboarded_once(worker) <= len(faults)


def test_the_test_has_teeth() -> None:
    """A worker that forgets its intent asks twice."""
    with a_worker(rules=slow(120)) as forgetful:
        forgetful.aws.faults.on("organizations:CreateAccount", Fault.CRASH_AFTER)
        with pytest.raises(Crash):
            forgetful.visit()
        forgetful.stored = Record(reserved=True, stage=Stage.CREATING)

        forgetful.run()

        assert len(forgetful.organization.requests) == 2
