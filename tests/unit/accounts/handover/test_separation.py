"""What stands in the way of a departure: dependencies, codes, old words, an abort that is late."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from accounts.engine.transitions import replace_code
from accounts.handover.root_recovery import CONFLICTS_MAX
from accounts.model.decision import Decision, NeedsHuman, Refusal, Wait
from accounts.model.lifecycle import Stage, WaitKind
from tests.support.accounts_leaving import ASKED, Desk, a_live_desk, approved, recovered
from tests.support.accounts_reseller import MEMBER, NOW


@pytest.fixture
def live() -> Desk:
    return a_live_desk()


def stack_set(name: str, *, retains: bool) -> dict[str, Any]:
    how = {"Enabled": True, "RetainStacksOnAccountRemoval": retains}
    return {"StackSetName": name, "Status": "ACTIVE", "AutoDeployment": how}


def test_a_stack_set_that_deletes_on_departure_is_in_the_way(live: Desk) -> None:
    recovered(live).aws.stack_sets = [stack_set("guard", retains=True)]
    assert isinstance(live.run(), Wait)
    live.stored = replace(live.stored, stage=Stage.HANDING_OVER)
    live.aws.accounts[MEMBER] = live.aws.gone.pop(MEMBER)
    live.aws.stack_sets.append(stack_set("baseline", retains=False))

    decision = live.run()

    assert isinstance(decision, NeedsHuman)
    assert decision.reason == ("AWS deletes the stacks of baseline in the account when it leaves")


def test_what_depends_on_us_is_told_to_whoever_vouches_for_it(live: Desk) -> None:
    approved(live).codes = {"root_email": "123456", "phone": "654321"}
    live.attest("root_sign_in", "client_admin", "evidence")
    live.aws.shares = {"SELF": ["subnets"], "OTHER-ACCOUNTS": ["resolver", "images"]}
    live.aws.permission_sets = ["ps-admin"]
    live.aws.reserved = ["r-1"]
    denied = Refusal(code="AccessDeniedException", message="not authorized")
    live.aws.refuse_next["DescribeSavingsPlans"] = [denied]
    live.run()

    decision = live.run()

    assert isinstance(decision, NeedsHuman)
    assert decision.reason == "nobody has confirmed dependencies yet"
    for words in (
        "the account shares subnets with others; who is outside loses it",
        "the account uses what is shared with it as images, resolver, and may lose it",
        "the account is reached by people with ps-admin of Identity Center, who lose it",
        "the account has bought r-1; they go with it, for nobody else",
        "policies, keys and buckets that name our organization or payer",
        "savings plans (AWS says AccessDeniedException)",
    ):
        assert words in decision.what_to_do, decision.what_to_do
    live.attest("dependencies")
    assert isinstance(live.run(), Wait)
    assert live.stored.stage is Stage.AWAITING_FINAL_INVOICE


def test_a_code_that_aws_refuses_is_asked_for_anew(live: Desk) -> None:
    wrong = Refusal(code="ValidationException", message="The one-time password is not correct.")
    recovered(live).aws.refuse_next["AcceptPrimaryEmailUpdate"] = [wrong]
    accepted = live.run()

    assert isinstance(accepted, NeedsHuman), "the shell takes a code back once AWS refused it"
    assert live.aws.count("StartPrimaryEmailUpdate") == 2
    live.codes = {}
    waits = live.run()
    assert isinstance(waits, Wait)
    assert waits.aws_words.endswith("The one-time password is not correct.")
    live.codes, live.stored = (
        {"root_email": "1", "phone": "2"},
        replace_code(live.stored, "root_email"),
    )
    live.run()
    assert live.aws.email == "cloud@acme.example"


def patiently(live: Desk) -> Decision:
    """Until somebody else has to do something."""
    while isinstance(decision := live.run(), Wait) and decision.kind is WaitKind.WAITING_AWS:
        live.now = decision.again_at
    return decision


def test_a_conflict_that_passes_asks_nobody(live: Desk) -> None:
    """Two changes of an account at once are refused in the same words as an address in use."""
    busy = Refusal(code="ConflictException", message="Try again later.")
    approved(live).aws.refuse_next["StartPrimaryEmailUpdate"] = [busy]

    decision = patiently(live)

    assert isinstance(decision, Wait)
    assert decision.reason == "the client has to read the code sent to cloud@acme.example"


def test_an_address_that_another_account_has_needs_a_person(live: Desk) -> None:
    taken = Refusal(code="ConflictException", message="An AWS account with that address exists.")
    approved(live).aws.refuse_next["StartPrimaryEmailUpdate"] = [taken] * CONFLICTS_MAX

    decision = patiently(live)

    assert isinstance(decision, NeedsHuman)
    assert live.aws.count("StartPrimaryEmailUpdate") == CONFLICTS_MAX
    assert decision.aws_words == "ConflictException An AWS account with that address exists."
    assert "another AWS account has the address" in decision.what_to_do


def test_what_was_vouched_for_of_an_aborted_hand_over_is_asked_again(live: Desk) -> None:
    recovered(live)
    live.handover = replace(ASKED, asked_at=NOW + timedelta(days=1))

    decision = live.run()

    assert isinstance(decision, NeedsHuman)
    assert decision.reason == "nobody has confirmed root_sign_in yet"


def test_aborted_too_late_it_goes_on_leaving(live: Desk) -> None:
    recovered(live).crash_after = 10_000
    live.aws.gone[MEMBER] = deepcopy(live.aws.accounts.pop(MEMBER))
    live.stored = replace(live.stored, stage=Stage.HANDING_OVER)
    live.handover = replace(ASKED, aborted=True, registered_roles=())

    decision = live.run()

    assert isinstance(decision, Wait)
    assert live.stored.stage is Stage.AWAITING_FINAL_INVOICE
    assert live.aws.count("AttachPolicy") == 0
