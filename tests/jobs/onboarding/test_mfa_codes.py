"""A code of an MFA device is good once: one that was used says nothing of any role."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from accounts.aws.error_policy import is_denied, is_final
from accounts.model.decision import Refusal
from jobs.aws.calls import CODE_REFUSED, AwsRefused, Caller, Reply, Sent, SignedBy
from jobs.aws.signers import Signers
from jobs.onboarding.checking import CodeRefused, check
from service.actions.access.check_access import check_access
from service.store.database import Database
from tests.support.onboarding import CREATE, Office, kept_clients, onboard, opened

PERSON = "msp-probe-oncall"


@pytest.fixture
def office(database: Database) -> Iterator[Office]:
    with opened(database) as office:
        yield office


def with_codes(office: Office, codes: Iterator[str]) -> Caller:
    """Another worker, in whose hands this person's device shows these codes."""
    signer = replace(office.signers.named[PERSON], mfa_code=lambda: next(codes))
    return Caller(Signers({**office.signers.named, PERSON: signer}), kept_clients(), office.now)


def a_code(office: Office) -> str:
    code = office.signers.named[PERSON].mfa_code
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


def test_a_used_code_is_not_taken_for_a_role_that_refuses(office: Office) -> None:
    live, code = onboard(office, CREATE), a_code(office)

    first, second = (
        enter(with_codes(office, iter([code])), live.account_id) for _ in ("one", "the other")
    )

    assert not isinstance(first, AwsRefused)
    assert isinstance(second, AwsRefused) and second.code == CODE_REFUSED
    assert "invalid MFA one time pass code" in second.message
    refusal = Refusal(code=second.code, message=second.message)
    assert not is_denied(refusal) and not is_final(refusal)


def test_a_check_is_made_again_with_the_next_code(office: Office) -> None:
    live, used = onboard(office, CREATE), a_code(office)
    enter(with_codes(office, iter([used])), live.account_id)
    with office.database.transaction() as session:
        asked = check_access(session, live.account_id, actor="ada", now=office.now())

    stale = with_codes(office, iter([used] * 9))
    with pytest.raises(CodeRefused):
        check(replace(office.environment, caller=stale), asked.id, codes_left=1)
    fresh = with_codes(office, (a_code(office) for _ in range(9)))
    done = check(replace(office.environment, caller=fresh), asked.id)

    assert done.finished_at is not None
    assert all(result.is_as_expected for result in done.results)
