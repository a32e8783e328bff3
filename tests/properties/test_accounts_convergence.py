"""Whatever goes wrong at whichever call: one account, one role set, one handshake, and live."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.model.decision import Answer, Call, Done, Refusal
from accounts.model.lifecycle import Stage
from tests.support.accounts_aws import THROTTLED, Aws, Crash, Fault, Worker, plain
from tests.support.accounts_reseller import CREATE

CALLS_MAX = 80
"""An onboarding without trouble takes 75 calls; with one trouble, some of them again."""

ROLES = {"MspBootstrap", "MspAdmin", "MspEngineer", "MspOnCall", "MspBilling", "MspAutomation"}


def crash_before(aws: Aws, call: Call) -> Answer:
    raise Crash


def crash_after(aws: Aws, call: Call) -> Answer:
    aws.perform(call)
    raise Crash


def lost_before(aws: Aws, call: Call) -> Answer:
    return Refusal(code="ResponseLost", message="Read timeout")


def lost_after(aws: Aws, call: Call) -> Answer:
    aws.perform(call)
    return Refusal(code="ResponseLost", message="Read timeout")


def error_before(aws: Aws, call: Call) -> Answer:
    return Refusal(code="InternalFailure", message="500")


def error_after(aws: Aws, call: Call) -> Answer:
    aws.perform(call)
    return Refusal(code="ServiceException", message="500")


def throttled(aws: Aws, call: Call) -> Answer:
    return THROTTLED


def concurrent(aws: Aws, call: Call) -> Answer:
    return Refusal(code="ConcurrentModificationException")


FAULTS: tuple[Fault, ...] = (
    crash_before, crash_after, lost_before, lost_after, error_before, error_after, throttled,
    concurrent,
)  # fmt: skip


def assert_onboarded_once(worker: Worker) -> None:
    aws = worker.aws
    (account,) = aws.accounts.values()
    assert [row["State"] for row in aws.creations] == ["SUCCEEDED"]
    assert set(account["roles"]) == ROLES
    assert account["parent"] == "ou-abcd-clients0"
    assert account["scps"] == {"p-member01", "p-rootuse1"}
    assert len(aws.budgets) == 1
    assert worker.stored.stage is Stage.LIVE
    assert worker.stored.account_id == account["id"]


def test_without_trouble_it_takes_one_creation_and_75_calls() -> None:
    worker = Worker(Aws(), CREATE)

    assert worker.run() == Done()
    assert_onboarded_once(worker)
    assert worker.aws.count("CreateAccount") == 1
    assert worker.calls == 75


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
@pytest.mark.parametrize("lag_seconds", [0, pytest.param(120, marks=pytest.mark.proof)])
def test_one_fault_at_any_call_converges(fault: Fault, lag_seconds: int) -> None:
    for number in range(1, CALLS_MAX):
        worker = Worker(Aws(lag=timedelta(seconds=lag_seconds)), CREATE, faults={number: fault})

        assert worker.run() == Done(), number
        assert_onboarded_once(worker)


@settings(max_examples=30, deadline=None)
@given(
    st.dictionaries(st.integers(1, 150), st.sampled_from(FAULTS), max_size=25),
    st.integers(0, 240),
    st.integers(0, 600),
)
def test_many_faults_and_slow_lists_converge(
    faults: dict[int, Fault], lag_seconds: int, creation_seconds: int
) -> None:
    aws = Aws(
        lag=timedelta(seconds=lag_seconds), creation_takes=timedelta(seconds=creation_seconds)
    )
    worker = Worker(aws, CREATE, faults=faults)

    assert worker.run() == Done()
    assert_onboarded_once(worker)


def test_the_test_has_teeth() -> None:
    """A worker that forgets its intent asks twice."""
    aws = Aws(lag=timedelta(seconds=120))
    number = creation_number()
    forgetful = Worker(aws, CREATE, faults={number: crash_after})
    with pytest.raises(Crash):
        forgetful.visit()
    forgetful.stored = type(forgetful.stored)(reserved=True, stage=Stage.CREATING)

    forgetful.run()

    assert len(aws.creations) == 2


def creation_number() -> int:
    worker = Worker(Aws(), CREATE, faults=dict.fromkeys(range(1, 9), plain))
    worker.visit()
    return [call.operation for call in worker.aws.sent].index("CreateAccount") + 1
