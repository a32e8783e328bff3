"""A grant with an end: AWS refuses from that second on, and a worker then takes it away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from accounts.links.link_files import Grant
from accounts.model.handover import HandoverKind
from jobs.environment import Environment
from jobs.onboarding import tasks
from jobs.onboarding.advance import end_grants
from jobs.onboarding.watching import watch
from kernel.errors import BadInput
from sandbox.aws import PAYER
from service.actions.access.compare_grants import TeamRole
from service.actions.access.set_grants import (
    GrantsChanged,
    Where,
    approve_grants,
    change_grants,
    link_grants,
    set_grants,
)
from service.actions.handover.request_handover import WantedHandover, request_handover
from service.actions.onboarding.request_onboarding import Wanted
from service.cli.access.grants import read_end
from service.store.database import Database
from tests.jobs.onboarding.test_grants import enters
from tests.jobs.onboarding.test_tasks import woken
from tests.support.moments.live import onboarded
from tests.support.onboarding import CREATE, INVITE, Installation, opened

ON_CALL_BILLING, ADMIN = ("oncall", "MspBilling"), ("oncall", "MspAdmin")


@pytest.fixture
def installation(database: Database) -> Iterator[Installation]:
    with opened(database, enforced=True) as installation:
        yield installation


def change(
    installation: Installation, account_id: str, pair: TeamRole, end: datetime | None
) -> GrantsChanged:
    with installation.database.transaction() as session:
        return change_grants(
            session,
            Where(account_id=account_id),
            grant=(pair,),
            ends={pair: end} if end else {},
            actor="ada",
            now=installation.now(),
        )


def held(installation: Installation) -> dict[TeamRole, datetime | None]:
    with installation.database.transaction() as session:
        found: tuple[Grant, ...] = link_grants(session)
    return {(each.team, each.role_path.removeprefix("msp/")): each.until for each in found}


def in_hours(installation: Installation, hours: int) -> datetime:
    return (installation.now() + timedelta(hours=hours)).replace(microsecond=0)


@pytest.mark.parametrize("wanted", [CREATE, INVITE], ids=["created", "invited"])
def test_what_ends_is_refused_by_aws_at_once_and_taken_away_by_the_worker(
    installation: Installation, wanted: Wanted
) -> None:
    live = onboarded(installation, wanted)
    end = in_hours(installation, 8)
    change(installation, live.account_id, ON_CALL_BILLING, end)
    installation.work()
    assert enters(installation, "oncall", live.account_id, "MspBilling")
    assert enters(installation, "finance", live.account_id, "MspBilling")
    assert held(installation)[ON_CALL_BILLING] == end

    end_grants(installation.environment)
    assert ON_CALL_BILLING in held(installation), "it is not over"
    installation.aws.clock.advance(hours=8)
    assert not enters(installation, "oncall", live.account_id, "MspBilling"), "by AWS itself"
    assert enters(installation, "finance", live.account_id, "MspBilling")

    end_grants(installation.environment)
    installation.work()
    assert ON_CALL_BILLING not in held(installation)
    assert "CurrentTime" not in trust(installation, live.account_id, "MspBilling")
    assert enters(installation, "finance", live.account_id, "MspBilling")
    stored = installation.stored(live.id)
    assert stored.state == "live"
    assert "prove_refusal:MspBilling shut to oncall" in stored.record.proofs
    (event,) = [each for each in installation.events(live.id) if each.step == "end_grants"]
    assert (event.actor, "oncall: MspBilling" in event.words) == (f"onboarding {live.id}", False)
    assert "role_drift" not in {each.code for each in watch(installation.environment, PAYER)}


def trust(installation: Installation, account_id: str, role: str) -> str:
    iam = installation.aws.client("iam", account_id)
    return str(iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"])


def test_an_end_is_put_off_taken_off_and_ends_of_one_time_share_a_statement(
    installation: Installation,
) -> None:
    live = onboarded(installation, CREATE)
    sooner, later = in_hours(installation, 1), in_hours(installation, 2)
    for end in (sooner, later):
        change(installation, live.account_id, ON_CALL_BILLING, end)
    change(installation, live.account_id, ("engineers", "MspBilling"), later)
    installation.work()
    text = trust(installation, live.account_id, "MspBilling")
    assert text.count("aws:CurrentTime") == 1
    assert later.strftime("%Y-%m-%dT%H:%M:%SZ") in text

    change(installation, live.account_id, ON_CALL_BILLING, None)
    installation.aws.clock.advance(hours=3)
    end_grants(installation.environment)
    installation.work()
    assert held(installation)[ON_CALL_BILLING] is None
    assert ("engineers", "MspBilling") not in held(installation)
    assert enters(installation, "oncall", live.account_id, "MspBilling")
    assert not enters(installation, "engineers", live.account_id, "MspBilling")


def test_an_administrators_end_is_put_off_by_two_persons_and_brought_forward_by_one(
    installation: Installation,
) -> None:
    live = onboarded(installation, CREATE)
    where, hours = Where(account_id=live.account_id), [in_hours(installation, h) for h in range(5)]

    def approve() -> None:
        with installation.database.transaction() as session:
            approve_grants(session, where, [ADMIN], actor="grace", now=installation.now())

    change(installation, live.account_id, ADMIN, hours[2])
    change(installation, live.account_id, ADMIN, hours[3])
    assert ADMIN not in held(installation)
    approve()
    assert held(installation)[ADMIN] == hours[3], "what was asked for last"

    asked = change(installation, live.account_id, ADMIN, hours[4])
    assert [each.until for each in asked.proposed] == [hours[4]]
    assert held(installation)[ADMIN] == hours[3], "it holds as it did"
    asked = change(installation, live.account_id, ADMIN, hours[1])
    assert (asked.proposed, held(installation)[ADMIN]) == ((), hours[1])

    installation.aws.clock.advance(hours=5)
    with pytest.raises(BadInput, match="that is over"):
        approve()
    end_grants(installation.environment)
    assert ADMIN not in held(installation)


def test_exactly_these_have_ends_too(installation: Installation) -> None:
    live, pair = onboarded(installation, CREATE), ("oncall", "MspOnCall")
    end = in_hours(installation, 1)
    with installation.database.transaction() as session:
        now = installation.now()
        set_grants(session, live.account_id, [pair], ends={pair: end}, actor="ada", now=now)

    assert held(installation) == {pair: end}
    installation.aws.clock.advance(hours=2)
    end_grants(installation.environment)
    installation.work()
    assert held(installation) == {}
    assert not enters(installation, "oncall", live.account_id, "MspOnCall")


def test_an_end_that_cannot_be_is_refused_and_nothing_changes(installation: Installation) -> None:
    live = onboarded(installation, CREATE)
    before, now = held(installation), installation.now()

    for end, words in (
        (now, "that is over"),
        (datetime(2027, 1, 1), "say in which zone, such as 2027-01-01T00:00:00Z"),  # noqa: DTZ001
    ):
        with pytest.raises(BadInput, match=words):
            change(installation, live.account_id, ON_CALL_BILLING, end)
    ends = [now.astimezone(UTC) + timedelta(days=days) for days in range(1, 5)]
    pairs = [(team, "MspBilling") for team in ("admins", "engineers", "oncall", "finance")]
    where, ends_of = Where(client="acme"), dict(zip(pairs, ends, strict=True))
    with (
        pytest.raises(BadInput, match=r"its trust would have 2\d{3} characters, and AWS takes 2"),
        installation.database.transaction() as session,
    ):
        change_grants(session, where, grant=pairs, ends=ends_of, actor="ada", now=now)
    assert held(installation) == before


def test_an_account_that_leaves_is_left_to_its_handover(installation: Installation) -> None:
    live = onboarded(installation, CREATE)
    change(installation, live.account_id, ON_CALL_BILLING, in_hours(installation, 1))
    installation.work()
    wanted = WantedHandover(exit=HandoverKind.CLOSE)
    with installation.database.transaction() as session:
        request_handover(session, live.id, wanted, actor="ada", now=installation.now())
    installation.work(until=installation.now())
    installation.aws.clock.advance(hours=2)
    events = installation.events(live.id)

    end_grants(installation.environment)
    assert installation.events(live.id) == events


def test_the_queue_wakes_what_is_over(installation: Installation, environment: Environment) -> None:
    """By the worker's own task, which is due every five seconds."""
    live = onboarded(installation, CREATE)
    change(installation, live.account_id, ON_CALL_BILLING, in_hours(installation, 1))
    installation.work()
    awake = woken(replace(environment, database=installation.database, now=installation.now))

    tasks.wake_onboardings(awake, 0)
    assert ON_CALL_BILLING in held(installation)
    installation.aws.clock.advance(hours=1)
    tasks.wake_onboardings(awake, 0)
    assert ON_CALL_BILLING not in held(installation)
    assert installation.stored(live.id).next_at == installation.now()


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("2026-12-01", datetime(2026, 12, 1, tzinfo=UTC)),
        ("2026-12-01T18:00", datetime(2026, 12, 1, 18, tzinfo=UTC)),
        ("2026-12-01T18:00Z", datetime(2026, 12, 1, 18, tzinfo=UTC)),
        ("2026-12-01T18:00+02:00", datetime(2026, 12, 1, 16, tzinfo=UTC)),
    ],
)
def test_on_the_command_line_a_time_is_of_utc_unless_it_says_so(text: str, end: datetime) -> None:
    assert read_end(text) == end
    with pytest.raises(BadInput, match="--until: 'tomorrow' is no time; write 2026-12-01 or"):
        read_end("tomorrow")
