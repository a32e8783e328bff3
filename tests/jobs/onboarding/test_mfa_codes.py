"""A code of an MFA device is good once: one that was used says nothing of any role."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from accounts.aws.error_policy import is_denied, is_final
from accounts.model.decision import Refusal
from jobs.aws.calls import CODE_REFUSED, AwsRefused, Caller, Reply, Sent, SignedBy
from jobs.aws.signers import Signers
from jobs.onboarding.checking import CodeRefused, run_access_check
from service.actions.access.check_access import check_access
from service.store.database import Database
from tests.support.moments.live import onboarded
from tests.support.onboarding import CREATE, Installation, kept_clients, opened

PERSON = "msp-probe-oncall"


@pytest.fixture
def installation(database: Database) -> Iterator[Installation]:
    with opened(database) as installation:
        yield installation


def with_codes(installation: Installation, codes: Iterator[str]) -> Caller:
    """Another worker, in whose hands this person's device shows these codes."""
    signer = replace(installation.signers.named[PERSON], mfa_code=lambda: next(codes))
    return Caller(
        Signers({**installation.signers.named, PERSON: signer}), kept_clients(), installation.now
    )


def a_code(installation: Installation) -> str:
    code = installation.signers.named[PERSON].mfa_code
    assert code is not None
    return code()


def enter(caller: Caller, account_id: str) -> Reply:
    role = f"arn:aws:iam::{account_id}:role/msp/MspOnCall"
    return caller.send(
        Sent(
            service="sts",
            operation="AssumeRole",
            arguments={"RoleArn": role, "RoleSessionName": PERSON},
            signed_by=SignedBy(signer=PERSON, with_mfa=True),
            once=False,
        )
    )


def test_a_used_code_is_not_taken_for_a_role_that_refuses(installation: Installation) -> None:
    live, code = onboarded(installation, CREATE), a_code(installation)

    first, second = (
        enter(with_codes(installation, iter([code])), live.account_id) for _ in ("one", "the other")
    )

    assert not isinstance(first, AwsRefused)
    assert isinstance(second, AwsRefused) and second.code == CODE_REFUSED
    assert "invalid MFA one time pass code" in second.message
    refusal = Refusal(code=second.code, message=second.message)
    assert not is_denied(refusal) and not is_final(refusal)


def test_a_check_is_made_again_with_the_next_code(installation: Installation) -> None:
    live, used = onboarded(installation, CREATE), a_code(installation)
    enter(with_codes(installation, iter([used])), live.account_id)
    with installation.database.transaction() as session:
        asked = check_access(session, live.account_id, actor="ada", now=installation.now())

    stale = with_codes(installation, iter([used] * 9))
    with pytest.raises(CodeRefused):
        run_access_check(replace(installation.environment, caller=stale), asked.id, codes_left=1)
    fresh = with_codes(installation, (a_code(installation) for _ in range(9)))
    done = run_access_check(replace(installation.environment, caller=fresh), asked.id)

    assert done.finished_at is not None
    assert [result.is_as_expected for result in done.results] == [True] * 11
