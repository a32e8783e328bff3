"""Members already, made by hand or joined by others' invitations, are adopted with a consent."""

import json
from dataclasses import replace

import pytest

from accounts.checks.roles import bootstrap_probe
from accounts.engine.context import OnboardingContext
from accounts.engine.transitions import retry
from accounts.iam.client_templates import artefact, what_changes
from accounts.iam.trust_policies import TRUST_NOBODY
from accounts.model.decision import Done, NeedsHuman, Wait
from accounts.model.lifecycle import Stage, WaitKind
from accounts.model.observed import Observed
from accounts.model.organization import OnboardingKind
from accounts.model.request import AccountRequest, check_request
from accounts.onboarding.cancellation import next_cancel_step
from kernel.errors import BadInput
from sandbox.aws.reseller import deploy
from tests.support.accounts_reseller import ADOPT, NOW, PAYER, RESELLER
from tests.support.core_worker import Worker, trust_of

DOOR = "OrganizationAccountAccessRole"
ROLES = {"MspAdmin", "MspAutomation", "MspBilling", "MspEngineer", "MspOnCall"}


@pytest.fixture
def adopting(worker: Worker) -> Worker:
    worker.request = ADOPT
    return worker


@pytest.fixture
def by_hand(adopting: Worker) -> Worker:
    """A member that somebody made in the console: AWS made its first role."""
    adopting.aws.add_member(ADOPT.account_id, name="Globex", email="it@globex.example")
    return adopting


@pytest.fixture
def joined_by_hand(adopting: Worker) -> Worker:
    """Invited and accepted in two consoles, past us: there is no role of AWS's."""
    aws, account_id = adopting.aws, ADOPT.account_id
    aws.add_standalone(account_id, email="it@globex.example", name="Globex")
    target = {"Id": account_id, "Type": "ACCOUNT"}
    asked = aws.client("organizations").invite_account_to_organization(Target=target)
    owner = aws.client("organizations", account_id)
    owner.accept_handshake(HandshakeId=asked["Handshake"]["Id"])
    return adopting


def test_a_member_made_by_hand_is_live_without_an_act_of_its_client(by_hand: Worker) -> None:
    worker = by_hand

    assert isinstance(worker.run(), Done)
    assert worker.stored.stage is Stage.LIVE
    assert set(worker.roles()) == ROLES | {"MspBootstrap", DOOR}
    assert worker.aws.account(ADOPT.account_id).name == "Globex"
    assert worker.aws.account(ADOPT.account_id).parent_id == worker.reseller.client_ou_id
    tags = worker.organization.members[ADOPT.account_id].tags
    assert tags == {"msp:onboarding-id": "onb-9b1c", "msp:client": "globex"}
    assert worker.count("InviteAccountToOrganization") == worker.count("CreateAccount") == 0


def test_once_ours_lets_us_in_the_role_of_aws_lets_nobody_in(by_hand: Worker) -> None:
    worker = by_hand
    worker.run()

    assert trust_of(worker, DOOR) == TRUST_NOBODY
    steps = [call.key for call in worker.sent]
    assert steps.index("enter_account:MspBootstrap", 1) < steps.index(f"update_trust:{DOOR}")
    assert "prove_refusal:no MspBootstrap" in worker.stored.proofs


def test_adopted_twice_is_once(by_hand: Worker) -> None:
    by_hand.run()
    again = by_hand.anew(ADOPT)

    assert isinstance(again.run(), Done)
    assert again.count("CreateRole") == again.count("UpdateAssumeRolePolicy") == 0


def test_a_member_that_joined_by_hand_waits_for_our_template(joined_by_hand: Worker) -> None:
    worker = joined_by_hand

    decision = worker.run()

    assert isinstance(decision, Wait)
    assert decision.kind is WaitKind.WAITING_CLIENT
    assert "deploy the role MspBootstrap" in decision.reason
    assert worker.stored.stage is Stage.IN_OU
    template = json.loads(artefact("cloudformation.json", worker.reseller, worker.request))
    deploy(worker.aws, ADOPT.account_id, template)
    worker.aws.clock.advance(seconds=900)
    assert isinstance(worker.run(), Done)
    assert set(worker.roles()) == ROLES | {"MspBootstrap"}


def test_a_role_of_our_first_role_s_name_that_is_not_ours_is_left_alone(by_hand: Worker) -> None:
    worker = by_hand
    iam = worker.aws.client("iam", ADOPT.account_id)
    theirs = json.dumps(TRUST_NOBODY)
    iam.create_role(RoleName="MspBootstrap", AssumeRolePolicyDocument=theirs)

    decision = worker.run()

    assert isinstance(decision, NeedsHuman)
    assert decision.reason == "the account has a role MspBootstrap that does not let us in"
    iam.delete_role(RoleName="MspBootstrap")
    worker.stored = retry(worker.stored)
    assert isinstance(worker.run(), Done)


def test_an_open_invitation_has_to_be_accepted_first(adopting: Worker) -> None:
    adopting.aws.add_standalone(ADOPT.account_id, email="it@globex.example", name="Globex")
    asked = adopting.aws.client("organizations").invite_account_to_organization(
        Target={"Id": ADOPT.account_id, "Type": "ACCOUNT"}
    )

    decision = adopting.run()

    assert isinstance(decision, NeedsHuman)
    assert decision.reason == (
        f"account 444444444444 is no member of {adopting.reseller.organization_id} yet: the "
        f"invitation {asked['Handshake']['Id']} to it is open"
    )


def test_an_account_that_left_is_to_be_invited(joined_by_hand: Worker) -> None:
    joined_by_hand.aws.client("organizations", ADOPT.account_id).leave_organization()

    decision = joined_by_hand.run()

    assert isinstance(decision, NeedsHuman)
    assert decision.reason.endswith(": it left, or never joined")
    assert decision.what_to_do == "cancel this, and invite it"
    assert joined_by_hand.stored.account_id == ""


def test_a_suspended_account_is_not_adopted(by_hand: Worker) -> None:
    by_hand.aws.account(ADOPT.account_id).suspended = True

    decision = by_hand.run()

    assert isinstance(decision, NeedsHuman)
    assert decision.reason == "AWS says that the account is SUSPENDED: it is not adopted"
    assert by_hand.stored.account_id == ""
    assert by_hand.count("TagResource") == by_hand.count("MoveAccount") == 0


def test_a_tag_that_names_another_client_asks_a_person(by_hand: Worker) -> None:
    by_hand.aws.account(ADOPT.account_id).tags["msp:client"] = "acme"

    decision = by_hand.run()

    assert isinstance(decision, NeedsHuman)
    assert decision.reason == "the account's tag msp:client says that it is of client 'acme'"
    assert by_hand.count("TagResource") == 0


def test_an_account_in_an_ou_of_others_is_moved_by_a_person(by_hand: Worker) -> None:
    organizations, ours = by_hand.aws.client("organizations"), by_hand.reseller
    unit = organizations.create_organizational_unit(ParentId=ours.root_id, Name="Lab")
    lab = unit["OrganizationalUnit"]["Id"]
    organizations.move_account(
        AccountId=ADOPT.account_id, SourceParentId=ours.root_id, DestinationParentId=lab
    )

    decision = by_hand.run()

    assert isinstance(decision, NeedsHuman)
    assert decision.reason == f"the account is in {lab}, and the service moves none out of there"
    organizations.move_account(
        AccountId=ADOPT.account_id, SourceParentId=lab, DestinationParentId=ours.client_ou_id
    )
    by_hand.stored = retry(by_hand.stored)
    assert isinstance(by_hand.run(), Done)


def test_it_is_given_up_until_it_is_linked(adopting: Worker) -> None:
    adopting.run()

    decision = next_cancel_step(ADOPT, Observed(), adopting.stored, NOW)

    assert getattr(decision, "stage", None) is Stage.CANCELLED


def test_where_the_role_of_aws_let_us_in_nobody_is_waited_for(by_hand: Worker) -> None:
    by_hand.run()
    context = OnboardingContext(RESELLER, ADOPT, Observed(), by_hand.stored, NOW)

    assert not bootstrap_probe(context).awaits_client


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (replace(ADOPT, consents=frozenset()), "with its client's consent 'adoption' only"),
        (replace(ADOPT, consented_by=""), "say who of the client consented to the adoption"),
        (replace(ADOPT, consented_by="Jane\nRoe"), "is no name: give 1 to 200 printable"),
        (replace(ADOPT, consented_by=" Jane"), "without blanks around them"),
        (replace(ADOPT, account_id=""), "'' is no AWS account id"),
        (replace(ADOPT, account_id="٤" * 12), "is no AWS account id"),
        (replace(ADOPT, account_id=PAYER), "is our own payer account"),
        (replace(ADOPT, email="it@globex.example"), "is named by its account_id"),
    ],
)
def test_bad_input_is_one_line(request_: AccountRequest, words: str) -> None:
    with pytest.raises(BadInput) as refused:
        check_request(RESELLER, request_)

    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_the_client_consents_to_says_what_is_done_with_the_role_of_aws() -> None:
    text = " ".join(what_changes(OnboardingKind.ADOPT))

    assert "OrganizationAccountAccessRole lets nobody in from then on" in text
