"""No secret stands where it may not, whatever is run or asked, and whether it works or fails."""

from __future__ import annotations

import logging
import os
import shlex
from collections.abc import Iterator
from functools import partial

import pytest
from psycopg.conninfo import make_conninfo

from jobs.onboarding import tasks
from sandbox.aws.reseller import SignIn
from service.cli.access import root_tasks
from service.cli.accounts import findings, following, setup
from service.store.embedded import EmbeddedServer
from tests.conftest import fresh_database
from tests.scenarios.onboarding.conftest import Walk
from tests.scenarios.onboarding.every_command import ELSEWHERE, Desk, commands, name_of
from tests.scenarios.onboarding.every_route import CODE, api
from tests.support.mail_servers import PASSWORD
from tests.support.secrets import canaries

SECRETS = {
    "the database's password": "canary-Of-The-Database",
    "the environment's secret key": "canaryOfTheEnvironmentsSecretKey",
    "the environment's token": "canaryOfTheEnvironmentsSessionToken",
    "a profile's secret key": "canaryOfAProfilesSecretAccessKey",
    "a seed of MFA codes": "CANARYJBSWY3DPEHPK3PXP",
    "a code of MFA": "271828",
    "a key that opens nothing": "canaryOfAKeyThatOpensNothing",
    "the client's one-time code": CODE,
    "the mailbox's password": PASSWORD,
}
PROFILES = """
[profile msp-offboard]
aws_access_key_id = AKIACANARYOFFBOARD00
aws_secret_access_key = {secret}
[profile msp-probe-oncall]
aws_access_key_id = AKIACANARYPROBE00000
aws_secret_access_key = {secret}
mfa_serial = arn:aws:iam::222222222222:mfa/msp-probe-oncall
mfa_process = sh -c 'echo {code}; echo {seed} >&2; exit 1' {seed}
"""


@pytest.fixture
def desk(walk: Walk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Desk:
    """Every secret's place has one: settings, AWS configuration, environment, mailbox."""
    caplog.set_level(logging.WARNING, "httpx2")  # The test client's own, which tells whole URLs.
    caplog.set_level(logging.INFO)
    monkeypatch.setenv("REBILL_DATABASE_URL", with_password(walk.installation.database.conninfo))
    file = walk.here.parent / f"{walk.here.name}-aws-config"
    file.write_text(
        PROFILES.format(
            secret=SECRETS["a profile's secret key"],
            seed=SECRETS["a seed of MFA codes"],
            code=SECRETS["a code of MFA"],
        )
    )
    for name, value in {
        "AWS_CONFIG_FILE": str(file),
        "AWS_ACCESS_KEY_ID": "AKIACANARYENVIRONMENT",
        "AWS_SECRET_ACCESS_KEY": SECRETS["the environment's secret key"],
        "AWS_SESSION_TOKEN": SECRETS["the environment's token"],
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    return Desk(walk)


@pytest.fixture
def others(server: EmbeddedServer, template: str) -> Iterator[tuple[str, str]]:
    """An empty database, which a backup is restored into, and one for another reseller's month."""
    with fresh_database(server, "template1") as empty, fresh_database(server, template) as fresh:
        yield empty.conninfo, fresh.conninfo


def with_password(conninfo: str) -> str:
    """The tests' server asks for none, and so takes any."""
    return make_conninfo(conninfo, password=SECRETS["the database's password"])


def test_no_secret_is_printed_logged_stored_written_or_answered(
    desk: Desk, others: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    walk = desk.walk
    desk.walks()
    desk.does_the_rest_of_accounts()
    desk.does_the_rest_of_bills()
    desk.does_the_rest_of_the_system()
    keys = makes_keys(desk)
    with api(walk, (keys[0], keys[1])) as caller:
        caller.asks_everything()
        caller.is_refused(SECRETS["a key that opens nothing"])
        caller.is_refused(CODE)
        assert caller.reached == set(caller.operations), "routes that nobody asked here"
    restores_and_estimates(desk, *others)
    assert set(desk.done) | set(ELSEWHERE) == commands(), "commands that nobody ran here"
    everything_fails(desk)

    secrets = SECRETS | handed_out(walk)
    secrets |= {f"key {number}": key for number, key in enumerate((*keys, *caller.made))}
    places = {
        "printed": desk.printed,
        "answered": caller.answered,
        "log": [("", caplog.text)],
        "files": list(canaries.files_below(walk.here)),
        "database": list(canaries.rows_of(walk.installation.database.conninfo)),
        "what was restored": list(canaries.rows_of(others[0])),
    }
    for place, texts in places.items():
        known = "botocore" if place == "log" else "globex"
        assert canaries.found({"what is no secret": known}, texts), f"nothing is read: {place}"
        assert canaries.found(secrets, texts) == set(), place


def makes_keys(desk: Desk) -> list[str]:
    """The first is in a file, which only its owner reads; the others are printed, this once."""
    path = desk.walk.here / "home/first-api-key"
    made = [path.read_text(encoding="utf-8").strip()]
    path.unlink()
    scopes = "read,approve,onboard,root,admin"
    for command in (f"key create grace --scopes {scopes}", "key create spare --days 30"):
        made.append(desk.runs(command).strip())
        desk.printed.pop()
    made.append(desk.runs(f"key rotate {made[2].split('_')[1]}").strip())
    desk.printed.pop()
    desk.runs("key list")
    desk.runs(f"key revoke {made[3].split('_')[1]}")
    return made


def restores_and_estimates(desk: Desk, empty: str, fresh: str) -> None:
    set_in = desk.walk.monkeypatch.setenv
    kept = {name: os.environ[name] for name in ("REBILL_DATABASE_URL", "REBILL_HOME")}
    set_in("REBILL_DATABASE_URL", with_password(empty))
    set_in("REBILL_HOME", str(desk.walk.here / "restored"))
    desk.runs(f"restore --from {desk.walk.here / 'backups'}")
    set_in("REBILL_DATABASE_URL", with_password(fresh))
    desk.estimates()
    for name, value in kept.items():
        set_in(name, value)


WITHOUT_DATABASE = {"simulate": 0, "checkpoint key": 2}
"""These need none; a key is never written over."""


def everything_fails(desk: Desk) -> None:
    """First AWS refuses, or no code comes; then the database does not answer."""
    patch = desk.walk.monkeypatch
    for module in (following, findings, root_tasks, setup):
        patch.setattr(module, "onboarding_environment", tasks.onboarding_environment)
    for command in (
        "onboard setup --check",
        "onboard findings --look",
        "onboard canary",
        "onboard create --client acme --name broken --ref S-90",
        "onboard follow HALO-2",
        "onboard retry HALO-4",
    ):
        desk.fails(tuple(shlex.split(command)))
    secret = SECRETS["the database's password"]
    patch.setenv("REBILL_DATABASE_URL", f"postgresql://rebill:{secret}@127.0.0.1:1/nobody")
    for arguments in desk.done.values():
        status = desk.fails(arguments)
        assert status == WITHOUT_DATABASE.get(name_of(arguments), 75), arguments


def handed_out(walk: Walk) -> dict[str, str]:
    """What the sandbox's AWS gave to whoever signed in, and the seeds of their devices."""
    found: dict[str, str] = {}
    for number, each in enumerate(walk.installation.aws.world.sessions.values()):
        if not each.unrestricted:
            found[f"secret key {number} of {each.arn}"] = each.secret_access_key
            found[f"token {number} of {each.arn}"] = each.session_token
    for name, signer in walk.installation.signers.named.items():
        found[f"secret key of {name}"] = signer.session.get_credentials().secret_key
        if isinstance(signer.mfa_code, partial):
            sign_in = getattr(signer.mfa_code.func, "__self__", None)
            assert isinstance(sign_in, SignIn)
            found[f"seed of {name}"] = sign_in.mfa_seed
    return {name: secret for name, secret in found.items() if secret}
