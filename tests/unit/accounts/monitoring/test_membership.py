"""The daily look: what changed outside Rebill is told, and who pays from which day follows."""

from dataclasses import replace
from datetime import UTC, date, datetime

from accounts.aws.reads import read_roles, read_session_lengths
from accounts.aws.responses import observe
from accounts.checks.role_drift import is_repairable
from accounts.model.decision import Session
from accounts.model.lifecycle import Stage
from accounts.model.observed import Observed, ObservedAccount
from accounts.model.organization import OnboardingKind
from accounts.monitoring.membership import (
    KnownAccount,
    Membership,
    RosterChange,
    membership,
    role_drift,
    role_findings,
)
from tests.support.accounts_aws import Aws, Worker
from tests.support.accounts_reseller import CREATE, MEMBER, PAYER, RESELLER

TODAY = date(2026, 11, 23)
KNOWN = KnownAccount(account_id=MEMBER, name="Acme", client_key="acme", stage=Stage.LIVE)
SEEN = ObservedAccount(
    account_id=MEMBER, name="Acme", email="a@msp.example", state="ACTIVE",
    joined_at=datetime(2026, 11, 20, 23, 30, tzinfo=UTC),
)  # fmt: skip


def look(
    *seen: ObservedAccount, known: tuple[KnownAccount, ...] = (KNOWN,), tags: str = ""
) -> Membership:
    return membership(
        RESELLER,
        known,
        seen,
        tags={"999999999999": {"msp:client": tags}},
        clients=frozenset({"acme", "globex"}),
        today=TODAY,
    )


def words_of(found: Membership) -> list[tuple[str, str]]:
    return [(finding.code, finding.where) for finding in found.findings]


def test_a_quiet_day_says_nothing() -> None:
    assert look(SEEN, replace(SEEN, account_id=PAYER)) == Membership(
        findings=(), changes=(), departed=()
    )


def test_a_suspended_and_renamed_account_is_told() -> None:
    found = look(replace(SEEN, state="SUSPENDED", name="Acme SE"))

    assert words_of(found) == [("account_state_changed", MEMBER), ("account_renamed", MEMBER)]
    assert found.findings[0].message == "AWS says SUSPENDED, it was ACTIVE"


def test_an_account_that_left_is_its_clients_until_the_day_after() -> None:
    found = look()

    assert words_of(found) == [("account_left", MEMBER)]
    assert found.departed == (MEMBER,)
    assert found.changes == (
        RosterChange(account_id=MEMBER, client_key="acme", until_on=date(2026, 11, 24)),
    )


def test_an_account_we_saw_leave_is_not_told_again() -> None:
    known = replace(KNOWN, stage=Stage.AWAITING_FINAL_INVOICE)

    assert look(known=(known,)).findings == ()
    assert words_of(look(SEEN, known=(known,))) == [("account_returned", MEMBER)]


def test_an_account_still_being_created_has_not_left() -> None:
    assert look(known=(replace(KNOWN, stage=Stage.CREATING),)).findings == ()


def test_a_tagged_newcomer_is_its_clients_from_the_day_it_joined() -> None:
    found = look(SEEN, replace(SEEN, account_id="999999999999"), tags="globex")

    assert words_of(found) == [("account_appeared", "999999999999")]
    assert found.changes == (
        RosterChange(account_id="999999999999", client_key="globex", from_on=date(2026, 11, 20)),
    )


def test_a_newcomer_without_a_client_we_know_is_unassigned() -> None:
    found = look(SEEN, replace(SEEN, account_id="999999999999"), tags="nobody")

    assert words_of(found) == [("account_unassigned", "999999999999")]
    assert found.changes == ()


def roles_now(aws: Aws) -> Observed:
    session = Session(account_id=MEMBER)
    observed = Observed()
    for call in (read_roles(session), read_session_lengths(session)):
        observed = observe(observed, call, aws.perform(call))
    return observed


def test_roles_as_placed_show_no_drift() -> None:
    worker = Worker(Aws(), CREATE)
    worker.run()

    assert role_drift(RESELLER, CREATE, roles_now(worker.aws), MEMBER, Session()) == ()


def test_a_changed_trust_a_longer_session_and_a_missing_role_are_told() -> None:
    worker = Worker(Aws(), CREATE)
    worker.run()
    roles = worker.aws.accounts[MEMBER]["roles"]
    roles["MspAdmin"]["AssumeRolePolicyDocument"]["Statement"][0]["Condition"] = {}
    roles["MspOnCall"]["MaxSessionDuration"] = 43_200
    del roles["MspBilling"]

    found = role_findings(RESELLER, CREATE, roles_now(worker.aws), MEMBER, Session())

    assert [(finding.where, finding.message) for finding in found] == [
        ("333333333333 MspAdmin", "its trust is another"),
        ("333333333333 MspBilling", "the role is missing"),
        ("333333333333 MspOnCall", "its sessions last 43200 s, not 28800 s"),
    ]


def test_a_role_nobody_asked_for_and_one_that_lost_our_tag_are_told() -> None:
    worker = Worker(Aws(), CREATE)
    worker.run()
    roles = worker.aws.accounts[MEMBER]["roles"]
    roles["MspOld"] = {**roles["MspAdmin"], "RoleName": "MspOld"}
    roles["MspOnCall"]["Tags"] = []

    found = role_findings(RESELLER, CREATE, roles_now(worker.aws), MEMBER, Session())

    assert sorted(finding.code for finding in found) == [
        "role_disowned", "role_drift", "role_unasked",
    ]  # fmt: skip


def test_a_live_invited_clients_role_is_repaired_with_consent_only() -> None:
    worker = Worker(Aws(), CREATE)
    worker.run()
    worker.aws.accounts[MEMBER]["roles"]["MspOnCall"]["RolePolicyList"] = []
    (difference,) = role_drift(RESELLER, CREATE, roles_now(worker.aws), MEMBER, Session())
    invited = replace(CREATE, kind=OnboardingKind.INVITE, account_id=MEMBER)

    assert is_repairable(CREATE, Stage.LIVE, difference)
    assert not is_repairable(invited, Stage.LIVE, difference)
    assert is_repairable(invited, Stage.IN_OU, difference)
