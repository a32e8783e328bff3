"""Bad input, by command line and over HTTP: one clear error, nothing recorded, no call to AWS."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from accounts.iam.client_templates import artefact
from accounts.model.observed import ObservedAccount
from invoices.clients import AccountId
from sandbox.aws import PAYER
from service.cli import opening
from service.cli.access import grants
from service.cli.accounts import onboard
from service.store.accounts import members, onboardings, resellers
from service.store.billing import assignments, sellers
from service.store.database import Database
from service.store.tables import METADATA
from tests.api.test_onboardings import ONBOARDER, ask, caller
from tests.scenarios.conftest import Rebill
from tests.support import onboarding
from tests.support.accounts_reseller import ACCESS
from tests.support.onboarding import CREATE as MADE
from tests.support.onboarding import INVITE, INVITED, Installation, accept_and_deploy, opened

ELSEWHERE, OTHER_PAYER = "888888888888", "999999999999"
TAKEN, INTERNAL = "121212121212", "131313131313"
LONG = "a-very-long-mailbox-name-that-leaves-no-room-for-a-token@msp.example"
ROLE = {
    "name": "MspBackup", "purpose": "Backups", "stage": "run", "trust": "human_mfa",
    "team": "backup",
}  # fmt: skip
FOR_ALL = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "backup:StartRestoreJob", "Resource": "*"}
    ],
}
TO_THE_TOP = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "iam:PutRolePolicy", "Resource": "*"}],
}


@dataclass(frozen=True)
class Bad:
    """The same by both doors; `{…}` is filled with what the installation has."""

    command: str
    body: Mapping[str, Any]
    status: int
    words: str
    path: str = "/v1/onboardings"
    file: Mapping[str, Any] = field(default_factory=dict)
    """A configuration for `rebill apply FILE`."""


ANY: dict[str, Any] = {"client": "acme", "external_ref": "T-9", "payer_account_id": PAYER}
CREATE = ANY | {"kind": "create", "name": "prod"}
CLI = f"onboard create --client acme --ref T-9 --payer {PAYER} --name prod"
INVITATION = ANY | {"kind": "invite", "name": "main"}
INVITES = f"onboard invite --client acme --ref T-9 --payer {PAYER} --name main"
ADOPTION = ANY | {"kind": "adopt", "name": ""}
ADOPTS = f"onboard adopt --client acme --ref T-9 --payer {PAYER}"
ALLOWED = {"consents": ["adoption"], "consented_by": "Jane"}
CONSENTED = "--consent adoption --consented-by Jane"

BAD = {
    "e-mail too long": Bad(
        f"{CLI} --email {LONG}", CREATE | {"email": LONG}, 400, "it has 68 characters, not 6 to 64"
    ),
    "e-mail not ASCII": Bad(
        f"{CLI} --email büro@msp.example", CREATE | {"email": "büro@msp.example"}, 400,
        "it may hold 7-bit ASCII characters only",
    ),
    "e-mail taken": Bad(
        f"{INVITES} --email {{taken}}", INVITATION | {"email": "{taken}"}, 409,
        "{taken} is reserved: see onboarding onb-",
    ),
    "name not ASCII": Bad(
        f"{CLI} --name büro", CREATE | {"name": "büro"}, 400,
        "not 'büro': ask for 'buro' instead",
    ),
    "name in another script": Bad(
        f"{CLI} --name 本番", CREATE | {"name": "本番"}, 400,
        "not '本番': give it in Latin letters",
    ),
    "name too long": Bad(
        f"{CLI} --name {'x' * 60}", CREATE | {"name": "x" * 60}, 400,
        "use 1 to 50 printable ASCII characters",
    ),
    "policy for everybody": Bad(
        "apply reseller.json", ROLE | {"policy": FOR_ALL}, 400,
        "policy of MspBackup, statement 1: may not have Principal", "/v1/roles",
        {"policy": FOR_ALL},
    ),
    "policy to the top": Bad(
        "apply reseller.json", ROLE | {"policy": TO_THE_TOP}, 400,
        "lets its holder become an administrator", "/v1/roles", {"policy": TO_THE_TOP},
    ),
    "role unknown": Bad(
        f"{CLI} --role Root", CREATE | {"roles": ["Root"]}, 400,
        "no role is called 'Root'; there are MspAdmin",
    ),
    "role unknown, granted": Bad(
        "grants grant --team oncall --role Root --client globex",
        {"client": "globex", "grant": [{"team": "oncall", "role": "Root"}]}, 400,
        "no role for people is called 'Root'", "/v1/grants:change",
    ),
    "account of another organization": Bad(
        f"{INVITES} --account {ELSEWHERE}", INVITATION | {"account_id": ELSEWHERE}, 409,
        f"{ELSEWHERE} is a member of the organization of payer 999999999999: hand it over from",
    ),
    "organization that is not ours": Bad(
        f"{INVITES} --account 777777777777 --payer 666666666666",
        INVITATION | {"account_id": "777777777777", "payer_account_id": "666666666666"}, 404,
        "the organization of payer account 666666666666 is not described",
    ),
    "our own payer": Bad(
        f"{INVITES} --account {PAYER} --payer {PAYER}",
        INVITATION | {"account_id": PAYER, "payer_account_id": PAYER}, 400,
        "is our own payer account; give the client's",
    ),
    "account onboarded already": Bad(
        f"{INVITES} --account {INVITED}", INVITATION | {"account_id": INVITED}, 409,
        f"{INVITED} is onboarded already: see onboarding onb-",
    ),
    "account of another client": Bad(
        f"{INVITES} --account {TAKEN}", INVITATION | {"account_id": TAKEN}, 409,
        f"account {TAKEN} is globex's",
    ),
    "our own access account": Bad(
        f"{INVITES} --account {ACCESS}", INVITATION | {"account_id": ACCESS}, 400,
        f"{ACCESS} is our own access account; give the client's",
    ),
    "our own internal account": Bad(
        f"{INVITES} --account {INTERNAL}", INVITATION | {"account_id": INTERNAL}, 400,
        f"{INTERNAL} is our own account (a payer, or among internal_accounts)",
    ),
    "another payer of ours": Bad(
        f"{INVITES} --account {OTHER_PAYER}", INVITATION | {"account_id": OTHER_PAYER}, 400,
        f"{OTHER_PAYER} is our own account (a payer, or among internal_accounts)",
    ),
    "our own account, adopted": Bad(
        f"{ADOPTS} --account {INTERNAL} {CONSENTED}",
        ADOPTION | ALLOWED | {"account_id": INTERNAL}, 400, f"{INTERNAL} is our own account (",
    ),
    "our own account, its bill": Bad(
        f"onboard billing-transfer --client acme --ref T-9 --payer {PAYER} --account {ACCESS} "
        "--starts 2026-12 --role MspBilling",
        ANY | {
            "kind": "billing_transfer", "name": "", "account_id": ACCESS, "roles": ["MspBilling"],
            "transfer_starts_at": "2026-12-01T00:00:00Z",
        }, 400, f"{ACCESS} is our own access account",
    ),
    "adopted without a consent": Bad(
        f"{ADOPTS} --account 777777777777", ADOPTION | {"account_id": "777777777777"}, 400,
        "an account is adopted with its client's consent 'adoption' only",
    ),
    "adopted by nobody's consent": Bad(
        f"{ADOPTS} --account 777777777777 --consent adoption",
        ADOPTION | {"account_id": "777777777777", "consents": ["adoption"]}, 400,
        "say who of the client consented to the adoption: consented_by",
    ),
    "adopted by another client's consent": Bad(
        f"{ADOPTS} --account {TAKEN} {CONSENTED}", ADOPTION | ALLOWED | {"account_id": TAKEN},
        409, f"account {TAKEN} is globex's",
    ),
    "adopted from another organization": Bad(
        f"{ADOPTS} --account {ELSEWHERE} {CONSENTED}",
        ADOPTION | ALLOWED | {"account_id": ELSEWHERE}, 409,
        f"{ELSEWHERE} is a member of the organization of payer 999999999999: hand it over from",
    ),
    "adopted again": Bad(
        f"{ADOPTS} --account {INVITED} {CONSENTED}", ADOPTION | ALLOWED | {"account_id": INVITED},
        409, f"{INVITED} is onboarded already: see onboarding onb-",
    ),
    "artefact of another name": Bad(
        "onboard artifact T-2 ../../etc/passwd", {}, 404, "here are cloudformation.json, terraform",
        "GET /v1/onboardings/{onboarding}/artifacts/passwd",
    ),
}  # fmt: skip


@pytest.fixture
def installation(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    """Two accounts are onboarded; a second organization of ours has a member of its own."""
    with opened(database, enforced=True) as installation:
        for module in (onboard, grants):
            monkeypatch.setattr(module, "opened", partial(opening.opened, installation.now))
        monkeypatch.chdir(tmp_path)
        assert {onboarding.onboard(installation, wanted).state for wanted in (MADE, INVITE)} == {
            "live"
        }
        seen = ObservedAccount(
            account_id=ELSEWHERE, name="Theirs", email="it@theirs.example", state="ACTIVE",
            joined_at=installation.now(),
        )  # fmt: skip
        other = replace(installation.reseller, payer_account_id=OTHER_PAYER)
        with database.transaction() as session:
            sellers.note_payer_account(session, AccountId(OTHER_PAYER))
            resellers.put_reseller(session, other)
            members.note_seen(session, OTHER_PAYER, [seen], installation.now())
            list(assignments.assign(session, TAKEN, "globex", installation.now().date()))
            payer = sellers.payer_account(session, PAYER)
            internal = frozenset({AccountId(INTERNAL)})
            sellers.put_payer_account(session, replace(payer, internal_accounts=internal))
        yield installation


def recorded(database: Database) -> dict[str, int]:
    """How many rows each table has: ours and the queue's."""
    names = [table.name for table in METADATA.sorted_tables]
    with database.transaction() as session:
        return {
            name: session.scalar(sa.text(f'SELECT count(*) FROM "{name}"')) or 0
            for name in (*names, "procrastinate_jobs")
        }


def test_each_gets_one_clear_error_by_either_door_and_changes_nothing(
    installation: Installation, rebill: Rebill
) -> None:
    with installation.database.transaction() as session:
        made, invited = (onboardings.onboarding_for(session, ref) for ref in ("T-1", "T-2"))
    assert made is not None and invited is not None
    places = {"{taken}": made.request.email, "{onboarding}": invited.id}
    with caller(installation, *ONBOARDER) as psa:
        before, calls = recorded(installation.database), len(installation.aws.log)
        for name, bad in BAD.items():
            if bad.file:
                write_reseller(installation, bad.file)
            told = rebill(*filled(bad.command, places).split(" "))
            assert (told.status, told.out) == (2, ""), (name, told)
            assert filled(bad.words, places) in told.err, (name, told.err)
            assert told.err.count("\n") == 1, (name, told.err)

            answer = sent(psa, bad, places)
            problem = answer.json()
            assert (answer.status_code, problem["status"]) == (bad.status, bad.status), name
            assert answer.headers["content-type"] == "application/problem+json", name
            assert filled(bad.words, places) in problem["detail"], (name, problem)
            assert "\n" not in problem["detail"], (name, problem)
        assert recorded(installation.database) == before
        assert len(installation.aws.log) == calls


def filled(text: str, places: Mapping[str, str]) -> str:
    for place, value in places.items():
        text = text.replace(place, value)
    return text


def sent(psa: TestClient, bad: Bad, places: Mapping[str, str]) -> Any:
    path = filled(bad.path, places)
    if path.startswith("GET "):
        return psa.get(path.removeprefix("GET "))
    return ask(psa, json.loads(filled(json.dumps(bad.body), places)), path=path)


def write_reseller(installation: Installation, role: Mapping[str, Any]) -> None:
    written = {"onboarding": {"roles": [{**ROLE, **role}]}}
    Path("reseller.json").write_text(json.dumps(written), encoding="utf-8")


def for_everybody(text: str) -> str:
    template = json.loads(text)
    (role,) = template["Resources"].values()
    trust = role["Properties"]["AssumeRolePolicyDocument"]
    trust["Statement"].append({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"})
    return json.dumps(template)


FORGED: dict[str, tuple[Callable[[str], str], str, int]] = {
    "trusts everybody": (
        for_everybody, "the client's role MspBootstrap has another trust than our template", 1,
    ),
    "has another ExternalId": (
        lambda text: text.replace('"sts:ExternalId": "msp-', '"sts:ExternalId": "xyz-'),
        "the client has to deploy the role MspBootstrap with the template we gave", 0,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("forge", "words", "status"), FORGED.values(), ids=FORGED)
def test_behind_a_door_that_is_not_our_template_s_nothing_is_put(
    database: Database,
    rebill: Rebill,
    monkeypatch: pytest.MonkeyPatch,
    forge: Callable[[str], str],
    words: str,
    status: int,
) -> None:
    """What the client deployed was forged on its way."""
    monkeypatch.setattr(onboarding, "artefact", lambda *given: forge(artefact(*given)))
    with opened(database, enforced=True) as installation:
        monkeypatch.setattr(onboard, "opened", partial(opening.opened, installation.now))
        installation.aws.add_standalone(INVITED, email="it@globex.example", name="Globex")
        asked = installation.ask(INVITE)
        installation.work(
            client=lambda: accept_and_deploy(installation, asked.id),
            until=installation.now() + timedelta(days=2),
        )

        inside = {entry.name for entry in installation.aws.log if entry.account_id == INVITED}
        assert inside <= {"iam:GetAccountAuthorizationDetails"}
        told = rebill("onboard", "status", "T-2")
        assert (told.status, words in told.out) == (status, True), told.out
        with caller(installation, *ONBOARDER) as psa:
            shown = psa.get(f"/v1/onboardings/{asked.id}").json()
        assert shown["waiting"]["reason"] == words
        assert shown["waiting"]["what_to_do"] or shown["waiting"]["aws_words"]
