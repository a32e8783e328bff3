"""The demo, as a newcomer runs it: the real command, in a process and a folder of its own."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from invoices.kinds import Kind
from tests.support.secrets import canaries
from tests.support.servers.processes import NO_TLS

OURS = Kind.COMMITMENT_SHARE
"""No row of AWS's: a policy of ours makes it, and the demo has none."""

FORMATS = {".pdf", ".csv", ".xlsx", ".json"}


@dataclass(frozen=True)
class Demo:
    """What it wrote, what it printed, and where it goes on answering."""

    out: Path
    printed: str
    environment: dict[str, str]
    url: str
    accounts: int

    @property
    def credentials(self) -> dict[str, Any]:
        return dict(json.loads((self.out / "credentials.json").read_text(encoding="utf-8")))

    def client(self, role: str) -> httpx.Client:
        key = self.credentials["keys"][role]
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {key}"})

    def rebill(self, *arguments: str) -> dict[str, Any]:
        """Another terminal of the same machine."""
        done = subprocess.run(
            [*REBILL, *arguments], env=self.environment, capture_output=True, text=True,
            timeout=120, check=True,
        )  # fmt: skip
        return dict(json.loads(done.stdout))


KEYS = {"credentials.json", "aws-config"}


REBILL = (sys.executable, "-c", "from service.cli import main; main()")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def at_home(folder: Path) -> dict[str, str]:
    names = ("REBILL_DATABASE_URL", "AWS_ENDPOINT_URL")
    kept = {name: text for name, text in os.environ.items() if name not in names}
    return kept | {"REBILL_HOME": str(folder / "home")}


@pytest.fixture(scope="module", params=[16, pytest.param(44, marks=pytest.mark.proof)])
def demo(request: pytest.FixtureRequest) -> Iterator[Demo]:
    """`rebill demo --serve`. Not in pytest's folder, which PostgreSQL cannot enter."""
    accounts = int(request.param)
    folder = Path(tempfile.mkdtemp(prefix="rebill-demo-"))
    environment = at_home(folder)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    printed, complained = folder / "printed", folder / "complained"
    with printed.open("w") as out, complained.open("w") as err:
        process = subprocess.Popen(
            [*REBILL, "demo", "--serve", "--port", str(port), "--out", "out",
             "--accounts", str(accounts)],
            cwd=folder, env=environment, stdout=out, stderr=err,
        )  # fmt: skip
    for _ in range(560):
        if process.poll() is not None or answers(url):
            break
        time.sleep(0.5)
    assert process.poll() is None, complained.read_text()
    assert answers(url), complained.read_text()
    demo = Demo(folder / "out", printed.read_text(), environment, url, accounts)
    yield demo
    with listening(demo):
        process.terminate()
        assert process.wait(timeout=60) == 0, complained.read_text()
    assert not (folder / "home/postgres/data/postmaster.pid").exists(), "its database stopped, too"
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def listening(demo: Demo) -> Iterator[None]:
    """To an invitation that nobody accepts, whose stream is open as long as it may be."""
    asked = {
        "kind": "invite", "client": "acme", "name": "main", "account_id": "444444444444",
        "external_ref": "TICKET-2",
    }  # fmt: skip
    with demo.client("onboarding") as psa:
        answer = psa.post("/v1/onboardings", json=asked, headers={"Idempotency-Key": "two"})
        path = f"{answer.headers['Location']}/events"
        with psa.stream("GET", path, headers={"Accept": "text/event-stream"}) as stream:
            assert stream.status_code == 200
            yield


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/v1/health", verify=NO_TLS).is_success
    except httpx.TransportError:
        return False


def test_it_bills_its_clients_for_two_months_to_the_last_digit(demo: Demo) -> None:
    out, printed = demo.out, demo.printed
    truth = json.loads((out / "aws/truth.json").read_text(encoding="utf-8"))["periods"]

    for period in ("2026-09", "2026-10"):
        proof = json.loads((out / period / "reconciliation.json").read_text(encoding="utf-8"))
        assert proof["closes"] is True
        assert (proof["unassigned"], proof["rounding"]) == ("0", "0")
        assert proof["payer_total"] == truth[period]["rows"]["payer_total"]
        costs = [Decimal(each["cost"]) for each in proof["clients"]]
        kept = [Decimal(amount) for amount in proof["retained"].values()]
        assert sum(costs) + sum(kept) == Decimal(proof["payer_total"])
        assert len(proof["clients"]) >= demo.accounts // 4
        assert [total["difference"] for total in proof["control_totals"]] == ["0"] * 4
    assert printed.count("It closes.") == 2


def test_every_client_has_every_document_and_the_numbers_have_no_gap(
    demo: Demo,
) -> None:
    out = demo.out
    documents = [path for path in out.glob("2026-*/*/*") if path.is_file()]
    numbers = sorted({path.stem for path in documents})

    assert {path.suffix for path in documents} == FORMATS
    assert len(documents) == 4 * len(numbers)
    assert numbers == [f"DEMO-{ordinal:06}" for ordinal in range(1, len(numbers) + 1)]


@pytest.mark.timeout(600)
@pytest.mark.proof
def test_one_that_was_killed_half_way_and_started_again_writes_the_same_bytes(demo: Demo) -> None:
    """Another folder and another home. Only the keys are drawn."""
    folder = Path(tempfile.mkdtemp(prefix="rebill-demo-"))
    command = [*REBILL, "demo", "--out", "out", "--accounts", str(demo.accounts)]
    environment = at_home(folder)
    with subprocess.Popen(
        command, cwd=folder, env=environment, text=True, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        live = (re.search(r"onboarding accounts .*: (\d+)/\d+", line) for line in process.stderr)
        seen = next(int(found[1]) for found in live if found and int(found[1]) >= 10)
        process.kill()
    again = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=280,
        check=False,
    )  # fmt: skip

    assert 10 <= seen < demo.accounts
    assert again.returncode == 0, again.stderr
    assert written(folder / "out") == written(demo.out)
    shutil.rmtree(folder, ignore_errors=True)


def written(out: Path) -> dict[str, str]:
    """The digest of each file, without the keys."""
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name not in KEYS
    }


def test_an_account_is_called_what_its_client_asked_for(demo: Demo) -> None:
    """`production`, `staging 2`: no client and no token; the client stands beside it."""
    documents = [json.loads(path.read_text("utf-8")) for path in demo.out.glob("2026-*/*/*.json")]
    names = {line["account_name"] for each in documents for line in each["lines"]} - {""}
    with demo.client("finance") as finance:
        accounts = finance.get("/v1/accounts", params={"limit": 100}).json()["items"]

    assert names >= {"production", "staging", "sandbox"}
    assert all(re.fullmatch("(production|staging|sandbox|archive)( [2-9])?", n) for n in names)
    assert names <= {account["name"] for account in accounts}
    clients = {each["client"] for each in accounts if each["name"] == "production"}
    assert len(clients) >= demo.accounts // 4


def test_every_kind_of_charge_and_account_is_in_it(demo: Demo) -> None:
    truth = json.loads((demo.out / "aws/truth.json").read_text(encoding="utf-8"))["periods"]

    assert truth, "not one month"
    for period in truth.values():
        assert set(period["rows"]["by_kind"]) == set(Kind) - {Kind.UNKNOWN, OURS}
        assert len(period["rows"]["by_account"]) >= demo.accounts - 4


def test_every_account_was_onboarded_and_is_its_clients_from_then_on(demo: Demo) -> None:
    """One in eleven is invited; one joined in September, one changed hands in October."""
    listed = demo.rebill("onboard", "status", "--json")["onboardings"]
    ours = [each for each in listed if each["external_ref"].startswith("DEMO-")]
    assert Counter(each["kind"] for each in ours) == {
        "create": demo.accounts - demo.accounts // 11,
        "invite": demo.accounts // 11,
    }
    assert {each["state"] for each in ours} == {"live"}

    roster = json.loads((demo.out / "aws/roster.json").read_text(encoding="utf-8"))
    spans = {
        (span["id"], client["key"], span["from"])
        for client in roster["clients"]
        for span in client["accounts"]
    }
    with demo.client("finance") as finance:
        for account, client, start in spans:
            told = finance.get(f"/v1/accounts/{account}/assignments").json()["items"]
            begins = {each["client"]: each["from"] for each in told}
            assert begins[client] == ("2026-08-18" if start == "2015-01-01" else start)
            assert len(told) == sum(span[0] == account for span in spans)
    assert len(list((demo.out / "links").glob("engineers*"))) == 4


def test_a_ticketing_system_onboards_one_more(demo: Demo) -> None:
    asked = {"kind": "create", "client": "acme", "name": "dev", "external_ref": "TICKET-1"}
    with demo.client("onboarding") as psa:
        answer = psa.post("/v1/onboardings", json=asked, headers={"Idempotency-Key": "one"})
        assert answer.status_code == 202
        for _ in range(240):
            found = psa.get(answer.headers["Location"]).json()
            if found["state"] == "live":
                break
            time.sleep(0.5)
        assert (found["state"], found["waiting"]) == ("live", None)
        account = psa.get(f"/v1/accounts/{found['account_id']}").json()
    assert (account["client"], account["state"]) == ("acme", "live")


@pytest.mark.proof  # It waits for a minute: a device shows a new code every thirty seconds.
def test_two_checks_of_access_at_once_share_what_the_mfa_devices_show(demo: Demo) -> None:
    """A code is good once; the worker's onboarding may have used the current one, too."""
    with demo.client("onboarding") as psa:
        found = psa.get("/v1/onboardings", params={"limit": 100}).json()["items"]
        account = next(e["account_id"] for e in found if e["external_ref"] == "TICKET-1")
        path = f"/v1/accounts/{account}/access:check"
        places = [psa.post(path).headers["Location"] for _ in range(2)]
        for _ in range(300):
            checks = [psa.get(place).json() for place in places]
            if {check["state"] for check in checks} == {"done"}:
                break
            time.sleep(0.5)
    assert [check["is_as_expected"] for check in checks] == [True, True], checks


def test_its_keys_are_for_the_api_and_readable_by_the_owner_only(demo: Demo) -> None:
    for name in ("credentials.json", "aws-config"):
        assert (demo.out / name).stat().st_mode & 0o777 == 0o600
    keys = demo.credentials["keys"]
    assert {"admin", "finance", "approver", "onboarding", "viewer", "client:acme"} < set(keys)
    assert demo.credentials["base_url"] == demo.url
    with demo.client("client:acme") as acme:
        seen = acme.get("/v1/invoices").json()["items"]
    assert {each["client"] for each in seen} == {"acme"}


def test_its_keys_are_in_their_two_files_and_nowhere_else(demo: Demo) -> None:
    """The terminal says which files to read; what is written for clients has none."""
    aws = (demo.out / "aws-config").read_text(encoding="utf-8")
    secrets = dict(demo.credentials["keys"])
    secrets |= dict(
        enumerate(re.findall(r"^aws_(?:secret|session)\w+ = (\S+)$", aws, re.MULTILINE))
    )
    secrets |= {f"seed {n}": s for n, s in enumerate(re.findall(r"sandbox code (\S+)$", aws, re.M))}
    files = [(name, text) for name, text in canaries.files_below(demo.out) if name not in KEYS]

    assert len(secrets) > 12 and len(files) > 12
    # The sandbox's own administrator has a secret that is a word.
    named = {str(name): secret for name, secret in secrets.items() if secret != "sandbox"}
    assert canaries.found(named, [("the terminal", demo.printed), *files]) == set()
