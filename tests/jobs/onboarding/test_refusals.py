"""What is wrong with a request is said in one line, and AWS hears nothing of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from accounts.model.organization import OnboardingKind
from accounts.model.role_spec import RoleSpec, RoleStage, TrustKind
from invoices.clients import AccountId, ClientKey
from kernel.errors import RebillError
from sandbox.aws import PAYER
from service.actions.onboarding.put_role import put_role
from service.actions.onboarding.request_onboarding import Wanted
from service.store.accounts import onboardings
from service.store.accounts.onboardings import AlreadyOnboarded
from service.store.billing.assignments import assign
from service.store.database import Database
from tests.support.moments.live import onboarded
from tests.support.onboarding import CREATE, INVITE, INVITED, NOON, Installation, opened

MAILBOX = "a-very-long-mailbox-name-that-leaves-no-room-for-a-token@msp.example"
FIRST_OF_DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
OWN = RoleSpec(
    name="MspBackup",
    stage=RoleStage.RUN,
    purpose="Restores backups",
    trust=TrustKind.HUMAN_MFA,
    team="backup",
    custom={
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "backup:StartRestoreJob", "Resource": "*"}],
    },
)
ADMINISTRATOR = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "iam:PutRolePolicy", "Resource": "*"}],
}


@pytest.fixture
def installation(database: Database) -> Iterator[Installation]:
    with opened(database) as installation:
        yield installation


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (replace(CREATE, client="nobody"), "there is no client 'nobody'"),
        (replace(CREATE, email=MAILBOX), "it has 68 characters, not 6 to 64"),
        (replace(CREATE, email="büro@msp.example"), "it may hold 7-bit ASCII characters only"),
        (replace(CREATE, email="a+b@msp.example"), "has a + already; give the plain address"),
        (replace(CREATE, name="x" * 60), "use 1 to 50 printable ASCII characters"),
        (replace(CREATE, account_id="444444444444"), "has no account_id yet; leave it out"),
        (replace(CREATE, roles=("MspKing",)), "no role is called 'MspKing'; there are MspAdmin"),
        (replace(CREATE, budget="lots"), "budget 'lots' is no positive amount of US dollars"),
        (replace(CREATE, budget="-1"), "budget '-1' is no positive amount of US dollars"),
        (replace(CREATE, external_ref=""), "external_ref has 1 to 200 printable characters"),
        (replace(CREATE, external_ref="HALO-1 "), "external_ref 'HALO-1 ' begins or ends with a"),
        (replace(CREATE, external_ref=" "), "external_ref ' ' begins or ends with a blank"),
        (replace(CREATE, name=" prod"), "name ' prod' begins or ends with a blank"),
        (replace(CREATE, name="\u00a0"), "begins or ends with a blank"),
        (replace(CREATE, payer_account_id="999999999999"), "payer account 999999999999 is not"),
        (replace(INVITE, account_id="44"), "'44' is no AWS account id; it is twelve digits"),
        (replace(INVITE, account_id=PAYER), "is our own payer account; give the client's"),
        (replace(INVITE, account_id=""), "it has 0 characters, not 6 to 64"),
        (
            Wanted(kind=OnboardingKind.BILLING_TRANSFER, client="acme", account_id=INVITED),
            "a billing transfer needs transfer_starts_at, an instant in UTC",
        ),
        (
            Wanted(
                kind=OnboardingKind.BILLING_TRANSFER,
                client="acme",
                account_id=INVITED,
                transfer_starts_at=FIRST_OF_DECEMBER.replace(day=2),
            ),
            "a billing transfer starts on the first of a month at 00:00 UTC",
        ),
    ],
    ids=lambda given: given[:20] if isinstance(given, str) else given.kind,
)
def test_one_line_says_what_to_mend(installation: Installation, wanted: Wanted, words: str) -> None:
    with pytest.raises(RebillError) as refused:
        installation.ask(wanted)

    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    with installation.database.transaction() as session:
        assert onboardings.onboardings(session) == ()
    assert installation.aws.log == []


def test_an_account_is_onboarded_once(installation: Installation) -> None:
    live = onboarded(installation, INVITE)
    again = replace(INVITE, external_ref="T-9")

    with pytest.raises(
        AlreadyOnboarded, match=f"{INVITED} is onboarded already: see onboarding {live.id}"
    ):
        installation.ask(again)


def test_the_account_of_another_client_is_refused(installation: Installation) -> None:
    onboarded(installation, INVITE)
    taken = replace(INVITE, client="acme", external_ref="T-9")

    with pytest.raises(AlreadyOnboarded, match=f"{INVITED} is onboarded already"):
        installation.ask(taken)


def test_the_last_of_many_accounts_is_known_to_be_another_client_s(
    installation: Installation,
) -> None:
    """However many there are: how many a page shows decides nobody's right."""
    with installation.database.transaction() as session:
        for number in range(110):
            assign(session, AccountId(f"{number:012}"), ClientKey("acme"), date(2026, 1, 1))
        assign(session, AccountId(INVITED), ClientKey("initech"), date(2026, 1, 1))

    with pytest.raises(AlreadyOnboarded, match=f"account {INVITED} is initech's"):
        installation.ask(INVITE)


def test_a_role_of_one_s_own_is_judged_and_then_placed(installation: Installation) -> None:
    with installation.database.transaction() as session:
        put_role(session, OWN, actor="ada", now=NOON)
    asked = installation.ask(replace(CREATE, roles=("MspBackup",)))
    installation.work()

    live = installation.stored(asked.id)
    roles = installation.aws.client("iam", live.account_id).list_roles()["Roles"]
    assert live.state == "live"
    assert {role["RoleName"] for role in roles} == {"MspBootstrap", "MspBackup", "MspAutomation"}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (replace(OWN, custom=ADMINISTRATOR), "lets its holder become an administrator"),
        (replace(OWN, custom={"Version": "2012-10-17"}), "has no statement"),
        (replace(OWN, name="MspAdmin"), "MspAdmin is our own role"),
        (replace(OWN, team=""), "a role for people needs a team"),
        (replace(OWN, session_seconds=60), "a session lasts 1 to 12 hours, not 60 s"),
    ],
    ids=lambda given: given[:20] if isinstance(given, str) else given.name,
)
def test_a_role_that_may_not_be_written_is_refused(
    installation: Installation, spec: RoleSpec, words: str
) -> None:
    with installation.database.transaction() as session, pytest.raises(RebillError, match=words):
        put_role(session, spec, actor="ada", now=NOON)
