"""What stands in the way of a departure: dependencies, codes, old words, an abort that is late."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from accounts.engine.transitions import replace_code
from accounts.handover.root_recovery import CONFLICTS_MAX
from accounts.model.decision import NeedsHuman, Wait
from accounts.model.lifecycle import Stage
from sandbox.aws import AwsError, Fault, StrictAWS
from tests.support.accounts_reseller import ASKED, MEMBER
from tests.support.core_worker import Worker
from tests.unit.accounts.conftest import EMAIL, approved, recovered, with_its_codes

ADMINISTRATORS = "arn:aws:sso:::permissionSet/ssoins-1111111111111111/ps-1111111111111111"


def stack_set(name: str, *, retains: bool) -> dict[str, Any]:
    how = {"Enabled": True, "RetainStacksOnAccountRemoval": retains}
    return {"StackSetName": name, "Status": "ACTIVE", "AutoDeployment": how}


def test_a_stack_set_that_deletes_on_departure_is_in_the_way(live: Worker) -> None:
    sets = [stack_set("guard", retains=True), stack_set("baseline", retains=False)]
    there = {"Summaries": [{"Region": "eu-west-1"}]}
    live.aws.stub("cloudformation", "ListStackSets", lambda _: {"Summaries": sets})
    live.aws.stub("cloudformation", "ListStackInstances", lambda _: there)

    decision = recovered(live).visit()

    assert isinstance(decision, NeedsHuman)
    assert decision.reason == ("AWS deletes the stacks of baseline in the account when it leaves")
    sets.pop()
    assert isinstance(with_its_codes(live), Wait)
    assert live.stored.stage is Stage.AWAITING_FINAL_INVOICE


def depends_on_us(aws: StrictAWS) -> None:
    """Shares given and taken, people of Identity Center, a reservation; what moto has none of."""
    shares = {"SELF": ["subnets"], "OTHER-ACCOUNTS": ["resolver", "images"]}
    directory = {"InstanceArn": "arn:aws:sso:::instance/ssoins-1111111111111111"}

    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise AwsError("AccessDeniedException", "not authorized")

    def shared(params: dict[str, Any]) -> dict[str, Any]:
        return {"resourceShares": [{"name": name} for name in shares[params["resourceOwner"]]]}

    aws.stub("ram", "GetResourceShares", shared)
    aws.stub("sso-admin", "ListInstances", lambda _: {"Instances": [directory]})
    people = {"PermissionSets": [ADMINISTRATORS]}
    aws.stub("sso-admin", "ListPermissionSetsProvisionedToAccount", lambda _: people)
    bought = {"ReservedInstances": [{"ReservedInstancesId": "r-1"}]}
    aws.stub("ec2", "DescribeReservedInstances", lambda _: bought)
    aws.stub("savingsplans", "DescribeSavingsPlans", refuse)


def test_what_depends_on_us_is_told_to_whoever_vouches_for_it(live: Worker) -> None:
    recovered(live)
    live.stored = replace(
        live.stored, proofs={k: v for k, v in live.stored.proofs.items() if k != "dependencies"}
    )
    depends_on_us(live.aws)
    with_its_codes(live)

    decision = live.visit()

    assert isinstance(decision, NeedsHuman)
    assert decision.reason == "nobody has confirmed dependencies yet"
    for words in (
        "the account shares subnets with others; who is outside loses it",
        "the account uses what is shared with it as images, resolver, and may lose it",
        f"the account is reached by people with {ADMINISTRATORS} of Identity Center, who lose it",
        "the account has bought r-1; they go with it, for nobody else",
        "policies, keys and buckets that name our organization or payer",
        "savings plans (AWS says AccessDeniedException)",
    ):
        assert words in decision.what_to_do, decision.what_to_do
    live.attest("dependencies")
    assert isinstance(live.visit(), Wait)
    assert live.stored.stage is Stage.AWAITING_FINAL_INVOICE


def test_a_code_that_aws_refuses_is_asked_for_anew(live: Worker) -> None:
    waits = recovered(live).visit()
    assert isinstance(waits, Wait)
    right = live.aws.mail.code_for(EMAIL)
    live.codes = {"root_email": "000000" if right != "000000" else "111111"}
    accepted = live.visit()

    assert isinstance(accepted, NeedsHuman), "the shell takes a code back once AWS refused it"
    assert live.count("StartPrimaryEmailUpdate") == 2
    live.codes = {}
    waits = live.visit()
    assert isinstance(waits, Wait)
    assert waits.aws_words.endswith("The one-time password is not correct.")
    live.codes = {"root_email": live.aws.mail.code_for(EMAIL)}
    live.stored = replace_code(live.stored, "root_email")
    live.visit()
    assert live.aws.account(MEMBER).email == EMAIL


def test_a_conflict_that_passes_asks_nobody(live: Worker) -> None:
    """Two changes of an account at once are refused in the same words as an address in use."""
    approved(live).aws.faults.on("account:StartPrimaryEmailUpdate", Fault.CONCURRENT_MODIFICATION)

    decision = live.run()

    assert live.aws.faults.struck.total() == 1
    assert isinstance(decision, Wait)
    assert decision.reason == "the client has to read the code sent to cloud@acme.example"


def test_an_address_that_another_account_has_needs_a_person(live: Worker) -> None:
    approved(live).aws.add_standalone("999999999999", email=EMAIL)

    decision = live.run()

    assert isinstance(decision, NeedsHuman)
    assert live.count("StartPrimaryEmailUpdate") == CONFLICTS_MAX
    assert decision.aws_words == "ConflictException An AWS account with that e-mail address exists."
    assert "another AWS account has the address" in decision.what_to_do


def test_what_was_vouched_for_of_an_aborted_hand_over_is_asked_again(live: Worker) -> None:
    recovered(live)
    live.handover = replace(ASKED, asked_at=live.aws.clock.now() + timedelta(days=1))

    decision = with_its_codes(live)

    assert isinstance(decision, NeedsHuman)
    assert decision.reason == "nobody has confirmed root_sign_in yet"


def test_aborted_too_late_it_goes_on_leaving(live: Worker) -> None:
    recovered(live).aws.account(MEMBER).phone_status = "VERIFIED"
    live.aws.client("organizations").remove_account_from_organization(AccountId=MEMBER)
    live.stored = replace(live.stored, stage=Stage.HANDING_OVER)
    live.handover = replace(ASKED, aborted=True, registered_roles=())

    decision = live.visit()

    assert isinstance(decision, Wait)
    assert live.stored.stage is Stage.AWAITING_FINAL_INVOICE
    assert live.count("AttachPolicy") == 0
