"""The command that prints MFA codes may fail or hang: it is asked again, and tells no seed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from accounts.aws.error_policy import is_final
from accounts.model.decision import Refusal
from jobs.aws import signers
from jobs.aws.calls import CODE_REFUSED, AwsRefused, Caller, Sent, SignedBy
from jobs.aws.signers import NoCode, Signers, _code_from
from service.store.database import Database
from tests.support.onboarding import CREATE, Installation, kept_clients, opened

SEED = "JBSWY3DPEHPK3PXP"
PERSON = "msp-probe-oncall"
PYTHON = sys.executable
HELPERS = {
    "fails": (f"{PYTHON} -c 'import sys; sys.exit(\"{SEED}\")'", "ended with status 1"),
    "hangs": (f"{PYTHON} -c 'import time; time.sleep(60)' {SEED}", "did not end within 0.5 s"),
    "is not there": (f"/nowhere/oathtool {SEED}", "cannot be started: No such file or directory"),
    "is misquoted": (f"oathtool '{SEED}", "cannot be read: its quotes do not match"),
    "prints no code": (f"{PYTHON} -c 'print(\"{SEED}\")'", "printed no code of six digits"),
    "prints other digits": (
        f"{PYTHON} -c 'print(chr(0x661) * 6)' {SEED}", "printed no code of six digits",
    ),
}  # fmt: skip


@pytest.fixture
def installation(database: Database) -> Iterator[Installation]:
    with opened(database) as installation:
        yield installation


@pytest.mark.parametrize(("command", "words"), HELPERS.values(), ids=HELPERS.keys())
def test_a_helper_that_fails_tells_nothing_of_its_seed(
    monkeypatch: pytest.MonkeyPatch, command: str, words: str
) -> None:
    if "sleep" in command:
        monkeypatch.setattr(signers, "CODE_SECONDS_MAX", 0.5)
    with pytest.raises(NoCode) as trouble:
        _code_from(command)()

    assert str(trouble.value) == words
    assert trouble.value.__suppress_context__ or trouble.value.__context__ is None


def test_a_helper_that_works_is_read() -> None:
    assert _code_from(f"{PYTHON} -c 'print(123456)' {SEED}")() == "123456"


def with_helper(installation: Installation, command: str) -> Caller:
    signer = replace(installation.signers.named[PERSON], mfa_code=_code_from(command))
    named = {**installation.signers.named, PERSON: signer}
    return Caller(Signers(named), kept_clients(), installation.now)


def test_a_call_without_a_code_is_tried_again_later(installation: Installation) -> None:
    reply = with_helper(installation, f"/nowhere/oathtool {SEED}").send(
        Sent(
            service="sts",
            operation="AssumeRole",
            arguments={"RoleArn": "arn:aws:iam::444444444444:role/msp/X", "RoleSessionName": "x"},
            signed_by=SignedBy(signer=PERSON, with_mfa=True),
            once=False,
        )
    )
    assert reply == AwsRefused(
        code=CODE_REFUSED,
        message=f"the mfa_process of {PERSON} cannot be started: No such file or directory",
    )
    assert not is_final(Refusal(code=reply.code, reason="", message=reply.message))


def test_an_onboarding_waits_for_the_helper_and_goes_on(
    installation: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    """Its organization's job lives, and neither store nor log has the seed."""
    works = installation.environment
    broken = with_helper(installation, f"/nowhere/oathtool {SEED}")
    installation.environment = replace(works, caller=broken)
    asked = installation.ask(CREATE)
    installation.work(until=installation.now(), steps_max=200)
    for _ in range(40):
        installation.aws.clock.advance(seconds=20)
        installation.work(until=installation.now(), steps_max=200)
    waiting = installation.stored(asked.id)

    assert waiting.state not in {"live", "needs_human"}
    told = [repr(waiting), *map(repr, installation.events(asked.id)), caplog.text]
    assert any("mfa_process of msp-probe-oncall" in each for each in told)
    assert not any(SEED in each for each in told)
    installation.environment = works
    installation.work()
    assert installation.stored(asked.id).state == "live"
