"""Granting and revoking: what the store says, and whom AWS then lets in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from botocore.exceptions import ClientError

from accounts.checks.access_proof import probe_user
from accounts.iam.trust_policies import TRUST_NOBODY
from accounts.model.handover import HandoverKind
from jobs.aws.calls import Answered, AwsRefused, Sent, SignedBy
from jobs.onboarding.advance import advance, lock_of
from jobs.onboarding.watching import watch
from kernel.errors import RebillError
from sandbox.aws import PAYER, Fault
from sandbox.aws.core.sessions import Principal as Principal
from sandbox.aws.core.sessions import new_key
from sandbox.aws.strict import as_session
from service.actions.access.compare_grants import TeamRole
from service.actions.access.set_grants import (
    GrantsChanged,
    NotLive,
    Where,
    approve_grants,
    change_grants,
    link_grants,
    set_grants,
)
from service.actions.handover.request_handover import WantedHandover, request_handover
from service.store.access.second_person import SamePerson
from service.store.accounts import grants
from service.store.accounts.grant_proposals import NoProposal
from service.store.accounts.onboardings import Onboarding
from service.store.database import Database
from tests.support.moments.live import onboarded
from tests.support.onboarding import CREATE, INVITE, INVITED, Installation, onboard, opened

ENGINEER = (("engineers", "MspEngineer"),)


@pytest.fixture
def installation(database: Database) -> Iterator[Installation]:
    """The service may do what its policies allow, and no more."""
    with opened(database, enforced=True) as installation:
        yield installation


@pytest.fixture
def live(installation: Installation) -> Onboarding:
    return onboarded(installation, CREATE)


def change(
    installation: Installation,
    where: Where,
    *,
    grant: tuple[TeamRole, ...] = (),
    revoke: tuple[TeamRole, ...] = (),
) -> GrantsChanged:
    with installation.database.transaction() as session:
        return change_grants(
            session, where, grant=grant, revoke=revoke, actor="ada", now=installation.now()
        )


def approve(installation: Installation, where: Where, *given: TeamRole) -> GrantsChanged:
    with installation.database.transaction() as session:
        return approve_grants(session, where, given, actor="grace", now=installation.now())


def of(onboarding: Onboarding) -> Where:
    return Where(account_id=onboarding.account_id)


def enters(installation: Installation, team: str, account_id: str, role: str) -> bool:
    """With a fresh MFA code, by AWS's own word."""
    user = probe_user(team)
    reply = installation.environment.caller.send(
        Sent(
            service="sts",
            operation="AssumeRole",
            arguments={
                "RoleArn": f"arn:aws:iam::{account_id}:role/msp/{role}",
                "RoleSessionName": user,
            },
            signed_by=SignedBy(signer=user, with_mfa=True),
            once=False,
        )
    )
    if isinstance(reply, Answered):
        return True
    assert isinstance(reply, AwsRefused) and reply.code == "AccessDenied", reply
    return False


def session_of(installation: Installation, account_id: str, role: str) -> Any:
    """Of somebody who is in the role already."""
    caller = Principal(
        account_id,
        arn=f"arn:aws:sts::{account_id}:assumed-role/{role}/ada",
        principal_arn=f"arn:aws:iam::{account_id}:role/msp/{role}",
        kind="role",
        user_id="AROASANDBOX:ada",
        **new_key(installation.aws.world, prefix="ASIA"),
    )
    installation.aws.world.sessions[caller.access_key_id] = caller
    return as_session(caller)


def teams_with_links(installation: Installation, role: str) -> list[str]:
    with installation.database.transaction() as session:
        return [each.team for each in link_grants(session) if each.role_path == f"msp/{role}"]


def test_who_is_revoked_is_let_in_no_more_and_nobody_else_is_touched(
    installation: Installation, live: Onboarding
) -> None:
    account_id = live.account_id
    assert enters(installation, "engineers", account_id, "MspEngineer")
    inside = session_of(installation, account_id, "MspEngineer").client("dynamodb", "us-east-1")
    inside.list_tables()

    changed = change(installation, of(live), revoke=ENGINEER)
    assert changed.powers_to_remove == (f"{account_id}:role/msp/MspEngineer",)
    assert enters(installation, "engineers", account_id, "MspEngineer"), (
        "nothing but a worker calls AWS"
    )
    installation.work()

    assert not enters(installation, "engineers", account_id, "MspEngineer")
    with pytest.raises(ClientError, match="AccessDenied"):
        inside.list_tables()
    for team, role in (("admins", "MspAdmin"), ("oncall", "MspOnCall"), ("finance", "MspBilling")):
        assert enters(installation, team, account_id, role)
    assert teams_with_links(installation, "MspEngineer") == []
    assert installation.stored(live.id).state == "live"
    assert watch(installation.environment, PAYER) == (), "a role that was shut is as it should be"


def test_a_revocation_says_what_to_delete_from_which_file(
    installation: Installation, live: Onboarding
) -> None:
    (gone,) = change(installation, of(live), revoke=ENGINEER).revoked

    profile = f"profile acme-{live.account_id}-mspengineer"
    link = f"linkId {gone.link_id}"
    assert gone.entries == (
        ("engineers-links.csv", link),
        ("engineers.aws-config", profile),
        ("engineers.aesr.ini", profile),
        ("engineers/config", profile),
        ("engineers.1password.csv", link),
        ("engineers.bitwarden.csv", link),
        ("engineers.bitwarden.json", link),
    )


def test_another_team_is_let_in_beside_the_first_and_then_instead_of_it(
    installation: Installation, live: Onboarding
) -> None:
    account_id = live.account_id
    change(installation, of(live), grant=(("oncall", "MspAdmin"),))
    approve(installation, of(live), ("oncall", "MspAdmin"))
    installation.work()
    teams = ("admins", "oncall")
    assert [enters(installation, team, account_id, "MspAdmin") for team in teams] == [True, True]
    assert not enters(installation, "engineers", account_id, "MspAdmin")
    assert teams_with_links(installation, "MspAdmin") == ["admins", "oncall"]

    change(installation, of(live), revoke=(("admins", ""),))
    installation.work()
    assert [enters(installation, team, account_id, "MspAdmin") for team in teams] == [False, True]
    proofs = installation.stored(live.id).record.proofs
    assert "prove_access:MspAdmin for oncall" in proofs
    assert "prove_refusal:MspAdmin shut to admins" in proofs
    assert watch(installation.environment, PAYER) == ()


def test_what_was_revoked_is_granted_again_with_all_its_rights(
    installation: Installation, live: Onboarding
) -> None:
    change(installation, of(live), revoke=ENGINEER)
    installation.work()
    change(installation, of(live), grant=ENGINEER)
    installation.work()

    assert enters(installation, "engineers", live.account_id, "MspEngineer")
    session_of(installation, live.account_id, "MspEngineer").client(
        "dynamodb", "us-east-1"
    ).list_tables()
    assert watch(installation.environment, PAYER) == ()


def test_twice_is_once(installation: Installation, live: Onboarding) -> None:
    change(installation, of(live), revoke=ENGINEER)
    installation.work()
    calls = len(installation.aws.log)

    assert change(installation, of(live), revoke=ENGINEER) == GrantsChanged()
    installation.work()
    assert len(installation.aws.log) == calls


def test_all_accounts_of_a_client_at_once(installation: Installation, live: Onboarding) -> None:
    """Of the second one only the engineer's role was asked for."""
    second = onboard(installation, replace(CREATE, roles=("MspEngineer",), external_ref="T-5"))
    where = Where(client="acme")

    changed = change(
        installation, where, revoke=(("engineers", ""),), grant=(("oncall", "MspAdmin"),)
    )
    granted = approve(installation, where, ("oncall", "MspAdmin")).granted
    installation.work()

    assert {gone.role_arn.split(":")[4] for gone in changed.revoked} == {
        live.account_id, second.account_id,
    }  # fmt: skip
    assert [each.account_id for each in changed.proposed] == [live.account_id]
    assert [each.account_id for each in granted] == [live.account_id]
    for account in (live, second):
        assert not enters(installation, "engineers", account.account_id, "MspEngineer")
        assert installation.stored(account.id).state == "live"


def test_an_administrators_role_waits_for_a_second_person(
    installation: Installation, live: Onboarding
) -> None:
    """Until then AWS hears of nothing; what else was asked for is done at once."""
    admin, on_call = ("oncall", "MspAdmin"), ("admins", "MspOnCall")
    asked = change(installation, of(live), grant=(admin, on_call))
    installation.work()

    assert [(e.team, e.role) for e in asked.granted] == [on_call]
    assert [(e.team, e.role) for e in asked.proposed] == [admin]
    assert not enters(installation, "oncall", live.account_id, "MspAdmin")
    with (
        pytest.raises(SamePerson, match="ada asked for this"),
        installation.database.transaction() as session,
    ):
        approve_grants(session, of(live), [admin], actor="ada", now=installation.now())
    approve(installation, of(live), admin)
    installation.work()
    assert enters(installation, "oncall", live.account_id, "MspAdmin")
    with pytest.raises(NoProposal, match="nobody asked for MspAdmin"):
        approve(installation, of(live), admin)


def test_who_revokes_takes_back_what_waits(installation: Installation, live: Onboarding) -> None:
    admin = ("oncall", "MspAdmin")
    change(installation, of(live), grant=(admin,))
    change(installation, of(live), revoke=(("oncall", ""),))

    with pytest.raises(NoProposal):
        approve(installation, of(live), admin)


def test_exactly_these(installation: Installation, live: Onboarding) -> None:
    with installation.database.transaction() as session:
        set_grants(
            session, live.account_id, [("oncall", "MspOnCall")], actor="ada", now=installation.now()
        )
    installation.work()

    with installation.database.transaction() as session:
        held = grants.living_grants(session, account_id=live.account_id)
    assert [(each.team, each.role) for each in held] == [("oncall", "MspOnCall")]
    assert not enters(installation, "admins", live.account_id, "MspAdmin")


def test_iam_may_take_its_time(installation: Installation, live: Onboarding) -> None:
    """A changed trust takes effect forty seconds late: until then it is not taken for a danger."""
    rules = installation.aws.world.rules
    installation.aws.world.rules = replace(rules, role_seconds=40)
    change(installation, of(live), revoke=ENGINEER)
    installation.work()

    assert installation.stored(live.id).state == "live"
    assert not enters(installation, "engineers", live.account_id, "MspEngineer")
    waits = [event for event in installation.events(live.id) if event.step == "waiting_aws"]
    assert any("IAM still lets them in" in event.words for event in waits)


def test_a_role_that_stays_open_is_shown_to_a_person(
    installation: Installation, live: Onboarding
) -> None:
    installation.aws.clock.advance(hours=2)
    installation.aws.world.rules = replace(installation.aws.world.rules, role_seconds=3_600)
    change(installation, of(live), revoke=ENGINEER)
    installation.work()

    stuck = installation.stored(live.id)
    assert stuck.waiting is not None
    assert stuck.state == "needs_human"
    assert "can be assumed by the team engineers, which does not hold it" in stuck.waiting.reason


def test_while_another_writer_is_at_the_organization_nothing_is_sent(
    installation: Installation, live: Onboarding
) -> None:
    calls = len(installation.aws.log)
    with installation.database.try_lock(lock_of(PAYER)) as is_ours:
        assert is_ours
        change(installation, of(live), revoke=ENGINEER)
        assert advance(installation.environment, PAYER) == 0
        assert len(installation.aws.log) == calls
    installation.work()
    assert not enters(installation, "engineers", live.account_id, "MspEngineer")


@pytest.mark.parametrize("one_in", [11, pytest.param(1, marks=pytest.mark.proof)])
def test_whatever_goes_wrong_at_whichever_call_it_is_shut_and_opened_again(
    installation: Installation, live: Onboarding, one_in: int
) -> None:
    """A dozen calls to shut it, and to open it again: each is met by each of eight faults."""
    chosen = list(product(Fault, range(1, 13)))[::one_in]
    for fault, number in chosen:
        for opens in (False, True):
            installation.aws.faults.at(installation.aws.faults.calls + number, fault)
            change(installation, of(live), **{"grant" if opens else "revoke": ENGINEER})
            installation.work()
            installation.aws.faults.clear()

            assert installation.stored(live.id).state == "live", (fault, number)
            assert enters(installation, "engineers", live.account_id, "MspEngineer") is opens
    assert sum(installation.aws.faults.struck.values()) == 2 * len(chosen)


class TestInvited:
    """The client's account: what it changed stays; whom of us our role lets in is ours to say."""

    @pytest.fixture
    def live(self, installation: Installation) -> Onboarding:
        return onboarded(installation, INVITE)

    def test_it_is_shut_and_opened_without_any_consent(
        self, installation: Installation, live: Onboarding
    ) -> None:
        assert live.request.consents == frozenset()
        for grant, revoke, lets_in in (
            ((), ENGINEER, [False, False]),
            (ENGINEER, (), [True, False]),
            ((("oncall", "MspEngineer"),), (), [True, True]),
        ):
            change(installation, of(live), grant=grant, revoke=revoke)
            installation.work()
            assert installation.stored(live.id).state == "live"
            assert [
                enters(installation, team, INVITED, "MspEngineer")
                for team in ("engineers", "oncall")
            ] == lets_in

    def test_what_the_client_changed_is_not_written_over_but_shut_it_is(
        self, installation: Installation, live: Onboarding
    ) -> None:
        """The client let our engineers in from one address only."""
        own = self.narrowed(installation, "MspEngineer")
        change(installation, of(live), grant=(("oncall", "MspEngineer"),))
        installation.work()
        stopped = installation.stored(live.id)
        assert stopped.waiting is not None
        assert "MspEngineer was changed by the client: its trust is" in stopped.waiting.reason
        assert self.trust(installation, "MspEngineer") == own

        change(installation, of(live), revoke=(("oncall", ""), ("engineers", "")))
        installation.work()
        assert installation.stored(live.id).state == "live"
        assert self.trust(installation, "MspEngineer") == TRUST_NOBODY

    def trust(self, installation: Installation, role: str) -> Any:
        iam = installation.aws.client("iam", INVITED)
        return iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]

    def narrowed(self, installation: Installation, role: str) -> Any:
        """By somebody the guard lets through, such as the payer's administrator who lifted it."""
        organization = installation.aws.account(INVITED).organization
        assert organization is not None
        guards, document = organization.attached[INVITED], self.trust(installation, role)
        document["Statement"][0]["Condition"]["IpAddress"] = {"aws:SourceIp": "192.0.2.1"}
        organization.attached[INVITED] = ["p-FullAWSAccess"]
        installation.aws.client("iam", INVITED).update_assume_role_policy(
            RoleName=role, PolicyDocument=json.dumps(document)
        )
        organization.attached[INVITED] = guards
        return document


@pytest.mark.parametrize(
    ("where", "grant", "words"),
    [
        (Where(client="acme"), (("cooks", "MspAdmin"),), "no team is called 'cooks'; there are ad"),
        (Where(client="acme"), (("admins", "Root"),), "no role for people is called 'Root' in "),
        (Where(client="acme"), (("admins", "MspAutomation"),), "no role for people is called 'M"),
        (Where(client="globex"), (("admins", "MspAdmin"),), "client 'globex' has no onboarded"),
        (Where(account_id="999999999999"), (), "999999999999 has no onboarded account"),
        (Where(account_id="99"), (), "'99' is no AWS account id; it is twelve digits"),
        (Where(), (), "say either the account or the client"),
    ],
)
def test_nonsense_is_one_line_and_changes_nothing(
    installation: Installation,
    live: Onboarding,
    where: Where,
    grant: tuple[TeamRole, ...],
    words: str,
) -> None:
    calls, events = len(installation.aws.log), installation.events(live.id)

    with pytest.raises(RebillError, match=words):
        change(installation, where, grant=grant)

    installation.work()
    assert (len(installation.aws.log), installation.events(live.id)) == (calls, events)


def test_an_account_that_leaves_is_left_to_its_handover(
    installation: Installation, live: Onboarding
) -> None:
    with installation.database.transaction() as session:
        request_handover(
            session,
            live.id,
            WantedHandover(exit=HandoverKind.CLOSE),
            actor="ada",
            now=installation.now(),
        )
    installation.work(until=installation.now())

    with pytest.raises(NotLive, match="roles are granted and revoked in live accounts only"):
        change(installation, of(live), revoke=ENGINEER)
