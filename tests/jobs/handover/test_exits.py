"""Each way out, from the request to the proof: recovery first, and no access of ours after."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from accounts.model.handover import HandoverKind
from jobs.onboarding.watching import watch
from sandbox.aws import PAYER, Rules
from service.actions.access.export_links import export_links
from service.actions.handover.abort_handover import abort_handover
from service.actions.handover.give_code import give_code
from service.actions.handover.request_handover import request_handover
from service.actions.onboarding.retry_onboarding import retry_onboarding
from service.store.accounts import grants, handovers
from service.store.accounts.onboardings import Onboarding
from service.store.database import Database
from tests.support.moments.live import onboarded
from tests.support.onboarding import (
    CREATE,
    INVITE,
    ROLES,
    Installation,
    live_once,
    opened,
    quietly,
)
from tests.support.workflows import (
    CLOSING,
    ENDING,
    PAYING,
    ROOT,
    STANDALONE,
    another_organization_takes,
    approve_all,
    ask_to_leave,
    client_does_its_part,
    client_reads_its_codes_out,
    remove_roles,
    transferred,
)

BY_TRANSFER = replace(STANDALONE, exit=HandoverKind.TRANSFER)


@pytest.fixture
def installation(database: Database) -> Iterator[Installation]:
    with opened(database, enforced=True) as installation:
        yield installation


def soon(installation: Installation, **span: float) -> datetime:
    return installation.now() + timedelta(**(span or {"minutes": 10}))


def gone_for_good(installation: Installation, live: Onboarding) -> Onboarding:
    """It waits for its final invoice, and nobody of us gets in or has a link."""
    left = installation.stored(live.id)
    assert (left.stage, left.state) == ("awaiting_final_invoice", "waiting_aws"), left.waiting
    with installation.database.transaction() as session:
        registered = grants.registered_roles(session, live.account_id)
        assert grants.living_grants(session, account_id=live.account_id) == ()
    refused = {key for key in left.record.proofs if key.startswith("prove_no_access:")}
    assert refused == {f"prove_no_access:{arn}" for arn in registered} != set()
    assert all(left.record.proofs[key].words.startswith("AccessDenied") for key in refused)
    return left


def order_of(installation: Installation, *operations: str) -> list[str]:
    """The first of each, as they were sent."""
    seen = [entry.name.partition(":")[2] for entry in installation.aws.log]
    return [name for name in dict.fromkeys(seen) if name in operations]


def test_straight_into_the_client_s_organization_recovery_comes_first(
    installation: Installation,
) -> None:
    live = onboarded(installation, CREATE)
    installation.aws.log.clear()
    ask_to_leave(installation, live, BY_TRANSFER)
    approve_all(installation, live, BY_TRANSFER)
    client_does_its_part(installation, live)

    waits = installation.stored(live.id)
    assert waits.state == "waiting_client" and waits.waiting is not None
    assert waits.waiting.reason == "the client's organization has to invite the account"
    account = installation.aws.account(live.account_id)
    assert (account.email, account.alternate_contacts) == (ROOT, {})
    quietly(installation, lambda: another_organization_takes(installation, live.account_id))
    installation.work(until=soon(installation, hours=2))

    left = gone_for_good(installation, live)
    assert account.organization is not None
    assert account.organization.payer_id == "666666666666"
    assert left.record.stage == "awaiting_final_invoice"
    assert order_of(
        installation, "AcceptPrimaryEmailUpdate", "CreateLoginProfile", "DeleteAlternateContact",
        "DeleteRole", "DetachPolicy", "UpdateAssumeRolePolicy", "RemoveAccountFromOrganization",
    ) == [
        "DetachPolicy", "AcceptPrimaryEmailUpdate", "CreateLoginProfile",
        "DeleteAlternateContact", "DeleteRole", "UpdateAssumeRolePolicy",
    ]  # fmt: skip


@pytest.mark.proof  # Five days, looked at every quarter of an hour.
def test_an_account_too_young_to_be_taken_waits_with_the_client_told_why(
    database: Database,
) -> None:
    """AWS keeps it for four days: the one who accepts is told, and tries again."""
    with opened(database, rules=Rules(wait_days=9), enforced=True) as installation:
        live = onboarded(installation, CREATE)
        ask_to_leave(installation, live, BY_TRANSFER)
        approve_all(installation, live, BY_TRANSFER)
        client_does_its_part(installation, live)
        with pytest.raises(ClientError, match="ConstraintViolation") as early:
            quietly(installation, lambda: another_organization_takes(installation, live.account_id))
        assert early.value.response["Reason"] == "WAIT_PERIOD_ACTIVE"  # type: ignore[typeddict-item]  # AWS's own
        installation.work(until=soon(installation, hours=2))

        waits = installation.stored(live.id).waiting
        assert waits is not None and waits.reason == (
            "somebody in the account has to accept the invitation of the client's organization; "
            "refused as WAIT_PERIOD_ACTIVE, they try again the next day"
        )
        assert waits.aws_words.endswith(" OPEN")
        assert waits.expires_at is not None and waits.expires_at > soon(installation, days=14)
        installation.work(until=soon(installation, days=5))
        (open_one,) = (h for h in installation.aws.world.handshakes.values() if not h.settled)
        member = installation.aws.client("organizations", live.account_id)
        quietly(installation, lambda: member.accept_handshake(HandshakeId=open_one.id))
        installation.work(until=soon(installation, hours=2))
        gone_for_good(installation, live)


def test_too_young_to_stand_alone_it_waits_with_aws_s_words(database: Database) -> None:
    with opened(database, rules=Rules(wait_days=9), enforced=True) as installation:
        live = onboarded(installation, CREATE)
        ask_to_leave(installation, live, STANDALONE)
        approve_all(installation, live, STANDALONE)
        client_does_its_part(installation, live)

        waits = installation.stored(live.id)
        assert waits.state == "waiting_aws" and waits.waiting is not None
        assert waits.waiting.reason == "wait; AWS keeps new accounts for some days"
        assert "WAIT_PERIOD_ACTIVE" in waits.waiting.aws_words
        installation.work(until=soon(installation, days=6))
        gone_for_good(installation, live)


@pytest.mark.parametrize(
    ("rules", "reason", "state"),
    [
        (Rules(closures_floor=0), "CLOSE_ACCOUNT_QUOTA_EXCEEDED", "blocked"),
        # AWS's queue of closures in flight: it moves within the hour, and needs nobody.
        (Rules(closures_in_flight=0), "CLOSE_ACCOUNT_REQUESTS_LIMIT_EXCEEDED", "waiting_aws"),
    ],
)
def test_closing_waits_for_aws_s_quotas_and_goes_on_by_itself(
    database: Database, rules: Rules, reason: str, state: str
) -> None:
    with opened(database, rules=rules, enforced=True) as installation:
        live = onboarded(installation, CREATE)
        ask_to_leave(installation, live, CLOSING)
        approve_all(installation, live, CLOSING)
        installation.work(until=soon(installation, hours=2))

        waits = installation.stored(live.id)
        assert waits.state == state and waits.waiting is not None
        assert reason in waits.waiting.aws_words
        installation.aws.world.rules = Rules(closing_seconds=3_000)
        installation.work(until=soon(installation, hours=30))
        gone_for_good(installation, live)


def test_a_closed_account_is_pending_then_suspended_and_lets_nobody_in(database: Database) -> None:
    with opened(database, rules=Rules(closing_seconds=3_000), enforced=True) as installation:
        live = onboarded(installation, CREATE)
        installation.aws.log.clear()
        ask_to_leave(installation, live, CLOSING)
        approve_all(installation, live, CLOSING)
        installation.work(until=soon(installation))

        closing = installation.stored(live.id)
        assert closing.stage == "closing" and closing.waiting is not None
        assert closing.waiting.aws_words == "PENDING_CLOSURE"
        installation.work(until=soon(installation, hours=2))
        gone_for_good(installation, live)
        assert len(installation.aws.calls("organizations:CloseAccount")) == 1
        assert order_of(installation, "DeleteRole", "CloseAccount") == [
            "DeleteRole",
            "CloseAccount",
        ]
        iam = installation.aws.client("iam", live.account_id)
        roles: list[Any] = []
        quietly(installation, lambda: roles.extend(iam.list_roles()["Roles"]))
        assert [role["RoleName"] for role in roles] == ["MspBootstrap"]


def test_a_billing_transfer_ends_with_its_month_and_not_before(installation: Installation) -> None:
    live = transferred(installation)
    ask_to_leave(installation, live, ENDING)
    approve_all(installation, live, ENDING)
    installation.work(until=soon(installation))

    waits = installation.stored(live.id)
    assert (waits.stage, waits.state) == ("handing_over", "waiting_aws")
    assert waits.waiting is not None
    assert waits.waiting.reason == "the billing transfer ends on 2026-12-31"
    assert waits.next_at == datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
    installation.work(until=datetime(2027, 1, 1, 1, tzinfo=UTC))
    inside = installation.stored(live.id)
    assert inside.state == "needs_human" and inside.waiting is not None
    assert inside.waiting.reason.endswith(" still lets us in")

    quietly(installation, lambda: remove_roles(installation, PAYING))
    with installation.database.transaction() as session:
        retry_onboarding(session, live.id, actor="ada", now=installation.now())
    installation.work(until=soon(installation))
    gone_for_good(installation, live)


def test_the_watch_leaves_an_account_that_only_pays_through_us_alone(
    installation: Installation,
) -> None:
    live = transferred(installation)

    assert [each.code for each in watch(installation.environment, PAYER)] == []
    assert installation.stored(live.id).stage == "live"
    assert installation.client_on(PAYING, soon(installation, days=40)) == "initech"


def test_the_watch_leaves_a_hand_over_its_account(installation: Installation) -> None:
    """Seen gone by the watch first, it is still the hand-over that proves our loss of access."""
    live = onboarded(installation, CREATE)
    ask_to_leave(installation, live, BY_TRANSFER)
    approve_all(installation, live, BY_TRANSFER)
    client_does_its_part(installation, live)
    quietly(installation, lambda: another_organization_takes(installation, live.account_id))

    found = [each.code for each in watch(installation.environment, PAYER)]
    assert "account_left" not in found
    installation.work(until=soon(installation, hours=2))
    gone_for_good(installation, live)
    assert installation.client_on(live.account_id, soon(installation, days=20)) == "acme"


def test_links_are_issued_anew_without_the_client(installation: Installation) -> None:
    live = onboarded(installation, CREATE)
    other = onboarded(installation, INVITE)
    ask_to_leave(installation, live, STANDALONE)
    approve_all(installation, live, STANDALONE)
    client_does_its_part(installation, live)

    with installation.database.transaction() as session:
        files = export_links(session, "switch-role")
    words = "".join(str(each) for each in files)
    assert live.account_id not in words and other.account_id in words


def test_a_wrong_code_is_refused_and_another_one_is_sent(installation: Installation) -> None:
    live = onboarded(installation, CREATE)
    ask_to_leave(installation, live, STANDALONE)
    approve_all(installation, live, STANDALONE)
    installation.work(until=soon(installation))
    first = installation.aws.mail.code_for(ROOT)
    wrong = "000000" if first != "000000" else "111111"
    with installation.database.transaction() as session:
        give_code(session, live.id, "root_email", wrong, actor="ada", now=installation.now())
    installation.work(until=soon(installation))

    waits = installation.stored(live.id)
    assert waits.state == "waiting_client" and waits.waiting is not None
    assert "The one-time password is not correct" in waits.waiting.aws_words
    assert len(installation.aws.mail.to(ROOT)) == 2
    client_does_its_part(installation, live)
    gone_for_good(installation, live)


def test_a_stack_set_that_would_delete_holds_the_account_back(installation: Installation) -> None:
    live = onboarded(installation, CREATE)
    retains = {"Enabled": True, "RetainStacksOnAccountRemoval": False}
    sets = [{"StackSetName": "baseline", "Status": "ACTIVE", "AutoDeployment": retains}]
    there = [{"Account": live.account_id, "Region": "eu-west-1"}]
    installation.aws.stub("cloudformation", "ListStackSets", lambda _: {"Summaries": sets})
    installation.aws.stub("cloudformation", "ListStackInstances", lambda _: {"Summaries": there})
    plans = [{"savingsPlanId": "sp-1", "state": "active"}]
    installation.aws.stub("savingsplans", "DescribeSavingsPlans", lambda _: {"savingsPlans": plans})
    ask_to_leave(installation, live, STANDALONE)
    installation.work(until=soon(installation))

    held = installation.stored(live.id)
    assert held.state == "needs_human" and held.waiting is not None
    assert held.waiting.reason == (
        "AWS deletes the stacks of baseline in the account when it leaves"
    )
    retains["RetainStacksOnAccountRemoval"] = True
    with installation.database.transaction() as session:
        retry_onboarding(session, live.id, actor="ada", now=installation.now())
    approve_all(installation, live, STANDALONE)
    client_does_its_part(installation, live)
    left = gone_for_good(installation, live)
    assert {code: each.message for code, each in left.record.findings.items()} == {
        "leaving_stack_sets": "is managed by the StackSet baseline; nobody updates its stacks then",
        "leaving_savings_plans": "has bought sp-1; they go with it, for nobody else",
    }


@pytest.mark.parametrize("wanted", [CREATE, INVITE], ids=lambda wanted: wanted.kind)
def test_aborted_it_is_as_it_was_and_may_leave_another_day(
    installation: Installation, wanted: Any
) -> None:
    """All that was taken away is back, and proved; an old approval or word counts no more."""
    live = onboarded(installation, wanted)
    installation.aws.account(live.account_id).payment_instrument = False
    ask_to_leave(installation, live, STANDALONE)
    approve_all(installation, live, STANDALONE)
    client_reads_its_codes_out(installation, live)
    installation.work(until=soon(installation, hours=2))
    assert ROLES.isdisjoint(_role_names(installation, live)), "the roles are gone"

    with installation.database.transaction() as session:
        abort_handover(session, live.id, actor="ada", now=installation.now())
    installation.work(until=soon(installation, hours=1))
    back = live_once(installation, live.id)
    assert installation.aws.account(live.account_id).root.password == (wanted is INVITE)
    tried = [e for e in installation.events(live.id) if e.step.startswith("prove_access:MspAdmin")]
    assert len(tried) >= 2, "it was proved on the way in, and again"

    with installation.database.transaction() as session:
        request_handover(session, back.id, STANDALONE, actor="ada", now=installation.now())
    installation.work(until=soon(installation))
    stopped = installation.stored(live.id).waiting
    assert stopped is not None and "a second person" in stopped.what_to_do
    approve_all(installation, live, STANDALONE)
    client_does_its_part(installation, live)
    gone_for_good(installation, live)
    with installation.database.transaction() as session:
        assert len(handovers.handovers(session, installation.stored(live.id))) == 2


def _role_names(installation: Installation, live: Onboarding) -> set[str]:
    iam, found = installation.aws.client("iam", live.account_id), set[str]()
    quietly(installation, lambda: found.update(r["RoleName"] for r in iam.list_roles()["Roles"]))
    return found
