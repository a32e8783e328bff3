"""The daily look: what changed outside Rebill is told, and who pays from which day follows."""

import json
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
    compare_membership,
    role_drift,
    role_findings,
)
from kernel.findings import Finding
from tests.support.accounts_reseller import CREATE, MEMBER, PAYER, RESELLER
from tests.support.core_worker import Worker

TODAY = date(2026, 11, 23)
KNOWN = KnownAccount(account_id=MEMBER, name="Acme", client_key="acme", stage=Stage.LIVE)
SEEN = ObservedAccount(
    account_id=MEMBER, name="Acme", email="a@msp.example", state="ACTIVE",
    joined_at=datetime(2026, 11, 20, 23, 30, tzinfo=UTC),
)  # fmt: skip


def look(
    *seen: ObservedAccount, known: tuple[KnownAccount, ...] = (KNOWN,), tags: str = ""
) -> Membership:
    return compare_membership(
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


def roles_now(worker: Worker) -> Observed:
    observed = Observed()
    for call in (read_roles(worker.member), read_session_lengths(worker.member)):
        observed = observe(observed, call, worker.perform(call))
    return observed


def found_now(worker: Worker) -> tuple[Finding, ...]:
    return role_findings(worker.reseller, CREATE, roles_now(worker), MEMBER, Session())


def test_roles_as_placed_show_no_drift(worker: Worker) -> None:
    worker.run()

    assert role_drift(worker.reseller, CREATE, roles_now(worker), MEMBER, Session()) == ()


def test_a_changed_trust_a_longer_session_and_a_missing_role_are_told(worker: Worker) -> None:
    worker.run()
    trust = worker.role("MspAdmin")["AssumeRolePolicyDocument"]
    trust["Statement"][0]["Condition"] = {}
    worker.change("UpdateAssumeRolePolicy", RoleName="MspAdmin", PolicyDocument=json.dumps(trust))
    worker.change("UpdateRole", RoleName="MspOnCall", MaxSessionDuration=43_200)
    worker.change("DeleteRolePolicy", RoleName="MspBilling", PolicyName="msp")
    worker.change("DeleteRole", RoleName="MspBilling")

    assert [(finding.where, finding.message) for finding in found_now(worker)] == [
        ("333333333333 MspAdmin", "its trust is another"),
        ("333333333333 MspBilling", "the role is missing"),
        ("333333333333 MspOnCall", "its sessions last 43200 s, not 28800 s"),
    ]


def test_a_role_nobody_asked_for_and_one_that_lost_our_tag_are_told(worker: Worker) -> None:
    worker.run()
    admin = worker.role("MspAdmin")
    worker.change(
        "CreateRole",
        RoleName="MspOld",
        Path=admin["Path"],
        AssumeRolePolicyDocument=json.dumps(admin["AssumeRolePolicyDocument"]),
        Tags=admin["Tags"],
    )
    tags = [tag["Key"] for tag in worker.role("MspOnCall")["Tags"]]
    worker.change("UntagRole", RoleName="MspOnCall", TagKeys=tags)

    assert sorted(finding.code for finding in found_now(worker)) == [
        "role_disowned", "role_drift", "role_unasked",
    ]  # fmt: skip


def test_a_rewritten_boundary_and_an_unbounded_workload_are_told(worker: Worker) -> None:
    worker.run()
    admin = worker.role("MspAdmin")
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    worker.change(
        "CreatePolicyVersion",
        PolicyArn=f"arn:aws:iam::{MEMBER}:policy/msp/MspBoundary",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        SetAsDefault=True,
    )
    # Of a client that joined with it: the guard would not have it made.
    worker.aws.client("organizations").detach_policy(
        PolicyId=worker.reseller.membership_scp_id, TargetId=MEMBER
    )
    for name, path in (("App", "/workload/"), ("Other", "/")):
        worker.change(
            "CreateRole",
            RoleName=name,
            Path=path,
            AssumeRolePolicyDocument=json.dumps(admin["AssumeRolePolicyDocument"]),
        )

    assert [(finding.code, finding.where) for finding in found_now(worker)] == [
        ("boundary_drift", "333333333333 MspBoundary"),
        ("workload_unbounded", "333333333333 App"),
    ]


def test_a_live_invited_clients_role_is_repaired_with_consent_only(worker: Worker) -> None:
    worker.run()
    worker.change("DeleteRolePolicy", RoleName="MspOnCall", PolicyName="msp")
    (difference,) = role_drift(worker.reseller, CREATE, roles_now(worker), MEMBER, Session())
    invited = replace(CREATE, kind=OnboardingKind.INVITE, account_id=MEMBER)

    assert is_repairable(CREATE, Stage.LIVE, difference)
    assert not is_repairable(invited, Stage.LIVE, difference)
    assert is_repairable(invited, Stage.IN_OU, difference)
