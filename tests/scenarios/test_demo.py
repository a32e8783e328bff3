"""The demo, as a newcomer runs it: the real command, in a process and a folder of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from invoices.charges import Kind

FORMATS = {".pdf", ".csv", ".xlsx", ".json"}


@pytest.fixture(scope="module")
def demo() -> Iterator[tuple[Path, str]]:
    """What it wrote, and what it printed. Not in pytest's folder, which PostgreSQL cannot enter."""
    folder = Path(tempfile.mkdtemp(prefix="rebill-demo-"))
    names = ("REBILL_DATABASE_URL", "AWS_ENDPOINT_URL")
    environment = {k: v for k, v in os.environ.items() if k not in names}
    done = subprocess.run(
        [sys.executable, "-c", "from service.cli import main; main()", "demo", "--out", "out"],
        cwd=folder,
        env=environment | {"REBILL_HOME": str(folder / "home")},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    yield folder / "out", done.stdout
    shutil.rmtree(folder, ignore_errors=True)


def test_it_bills_a_dozen_clients_for_two_months_to_the_last_digit(demo: tuple[Path, str]) -> None:
    out, printed = demo
    truth = json.loads((out / "aws/truth.json").read_text(encoding="utf-8"))["periods"]

    for period in ("2026-09", "2026-10"):
        proof = json.loads((out / period / "reconciliation.json").read_text(encoding="utf-8"))
        assert proof["closes"] is True
        assert (proof["unassigned"], proof["rounding"]) == ("0", "0")
        assert proof["payer_total"] == truth[period]["rows"]["payer_total"]
        costs = [Decimal(each["cost"]) for each in proof["clients"]]
        kept = [Decimal(amount) for amount in proof["retained"].values()]
        assert sum(costs) + sum(kept) == Decimal(proof["payer_total"])
        assert len(proof["clients"]) >= 12
        assert [total["difference"] for total in proof["control_totals"]] == ["0"] * 4
    assert printed.count("It closes.") == 2


def test_every_client_has_every_document_and_the_numbers_have_no_gap(
    demo: tuple[Path, str],
) -> None:
    out, _ = demo
    documents = [path for path in out.glob("2026-*/*/*") if path.is_file()]
    numbers = sorted({path.stem for path in documents})

    assert {path.suffix for path in documents} == FORMATS
    assert len(documents) == 4 * len(numbers)
    assert numbers == [f"DEMO-{ordinal:06}" for ordinal in range(1, len(numbers) + 1)]


def test_every_kind_of_charge_and_forty_accounts_are_in_it(demo: tuple[Path, str]) -> None:
    truth = json.loads((demo[0] / "aws/truth.json").read_text(encoding="utf-8"))["periods"]

    for period in truth.values():
        assert set(period["rows"]["by_kind"]) == set(Kind) - {Kind.UNKNOWN}
        assert len(period["rows"]["by_account"]) >= 40


def test_its_keys_are_for_the_api_and_readable_by_the_owner_only(demo: tuple[Path, str]) -> None:
    path = demo[0] / "credentials.json"
    credentials = json.loads(path.read_text(encoding="utf-8"))

    assert path.stat().st_mode & 0o777 == 0o600
    assert {"admin", "finance", "approver", "onboarding", "viewer"} < set(credentials["keys"])
    assert "client:acme" in credentials["keys"]
    assert credentials["base_url"] == "http://127.0.0.1:8000"
