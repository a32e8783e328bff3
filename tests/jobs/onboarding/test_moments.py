"""An account that tests share is each one's own: what one does to it, the next does not see."""

from __future__ import annotations

from dataclasses import replace

from accounts.iam.policy_documents import to_text
from accounts.iam.trust_policies import TRUST_NOBODY
from sandbox.aws import Fault
from service.store.accounts.onboardings import Onboarding
from service.store.database import Database
from service.store.embedded import EmbeddedServer
from tests.conftest import fresh_database
from tests.support.moments.live import onboarded
from tests.support.onboarding import CREATE, Installation, live_once, onboard, opened, quietly
from tests.support.workflows import CLOSING, ask_to_leave

SEED = 4_711
"""No other test's, so that the first account here is onboarded here."""


def seen(installation: Installation, live: Onboarding) -> tuple[object, ...]:
    """What the store, Organizations and IAM say of it."""
    roles: list[object] = []
    iam = installation.aws.client("iam", live.account_id)
    quietly(installation, lambda: roles.extend(iam.list_roles()["Roles"]))
    account = installation.aws.account(live.account_id)
    return (
        installation.stored(live.id), installation.events(live.id), roles, account.tags,
        account.name, installation.now(), installation.visits, list(installation.aws.log),
    )  # fmt: skip


def spoil(installation: Installation, live: Onboarding) -> None:
    """In the store, in Organizations, in IAM, in the clock and in the faults to come."""
    ask_to_leave(installation, live, CLOSING)
    installation.aws.account(live.account_id).name = "Rosebud"
    installation.aws.account(live.account_id).tags.clear()
    iam = installation.aws.client("iam", live.account_id)
    iam.create_role(RoleName="Intruder", AssumeRolePolicyDocument=to_text(TRUST_NOBODY))
    installation.aws.clock.advance(days=40)
    installation.aws.faults.on("*", Fault.THROTTLE)


def test_what_one_does_to_it_the_next_does_not_see(server: EmbeddedServer, template: str) -> None:
    found = []
    for _ in range(3):
        with (
            fresh_database(server, template) as database,
            opened(database, seed=SEED) as installation,
        ):
            live = onboarded(installation, CREATE)
            live_once(installation, live.id)
            found.append(seen(installation, live))
            spoil(installation, live)
            assert seen(installation, live) != found[0]

    assert found[0] == found[1] == found[2]


def test_it_is_as_if_it_had_been_onboarded_here(server: EmbeddedServer, template: str) -> None:
    """By ids and keys that moto and the store draw by chance, no two onboardings are the same."""
    calls = []
    for by in (onboard, onboarded, onboarded):
        with (
            fresh_database(server, template) as database,
            opened(database, seed=SEED) as installation,
        ):
            live = live_once(installation, by(installation, CREATE).id)
            steps = [(event.step, event.at) for event in installation.events(live.id)]
            names = [entry.name for entry in installation.aws.log]
            calls.append((steps, names, installation.now(), installation.aws.faults.calls))

    assert calls[0] == calls[1] == calls[2]


def test_where_anything_happened_before_it_is_onboarded_there(database: Database) -> None:
    with opened(database, seed=SEED) as installation:
        assert installation.is_as_opened()
        first = onboarded(installation, CREATE)
        assert not installation.is_as_opened()

        second = onboarded(installation, replace(CREATE, name="test", external_ref="T-9"))

        assert first.account_id != second.account_id
        assert {live_once(installation, each.id).state for each in (first, second)} == {"live"}
