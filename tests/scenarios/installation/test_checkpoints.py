"""Whoever sets where checkpoints go has each issue remembered, and `verify` compares them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import PERIOD, client, exported, written
from tests.support.bills.ingest_builders import PAYER, line, put

ACME = "111111111111"
MONTH = ("--period", PERIOD)


@pytest.fixture
def approved(rebill: Rebill, tmp_path: Path) -> Rebill:
    """Acme is to pay 40 for October, all of it on AWS's invoice 1."""
    assert rebill("apply", written(tmp_path, clients=[client("acme", ACME)])).status == 0
    rows = [line("40", line_item_usage_account_id=ACME, bill_invoice_id="1")]
    assert rebill("ingest", exported(tmp_path / "e", rows), "--payer", PAYER, *MONTH).status == 0
    for command in ("bill", "approve"):
        assert rebill(command, *MONTH).status == 0
    return rebill


def test_an_issue_is_remembered_and_compared_by_the_settings_alone(
    approved: Rebill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, place = tmp_path / "key", tmp_path / "outside"
    assert approved("checkpoint", "key", key).status == 0
    monkeypatch.setenv("REBILL_CHECKPOINT_TO", str(place))
    alone = approved("issue", *MONTH)
    assert (alone.status, alone.err.count("\n")) == (2, 1)
    assert "REBILL_CHECKPOINT_TO and REBILL_CHECKPOINT_KEY belong together" in alone.err

    monkeypatch.setenv("REBILL_CHECKPOINT_KEY", str(key))
    assert approved("issue", *MONTH).status == 0
    assert len(list(place.glob("*.checkpoint.json"))) == 1
    proven = approved("verify", "--json")
    assert (proven.status, "checkpoint" in proven.err) == (0, False)
    assert proven.json["checkpoints"] == 1
    assert proven.json["series_ahead_of_checkpoints"] == []

    assert "1 series" in approved("checkpoint", "write").out
    assert approved("verify", "--json").json["checkpoints"] == 2


def test_what_could_not_be_written_is_told_by_issue_and_by_verify(
    approved: Rebill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is on no disk while it issues; an older checkpoint is of nothing issued here."""
    key, place = tmp_path / "key", tmp_path / "outside"
    assert approved("checkpoint", "key", key).status == 0
    monkeypatch.setenv("REBILL_CHECKPOINT_TO", str(place))
    monkeypatch.setenv("REBILL_CHECKPOINT_KEY", str(key))
    assert approved("checkpoint", "write").status == 0
    key.rename(tmp_path / "away")

    issued = approved("issue", *MONTH)
    assert issued.status == 0
    assert "checkpoint_not_written" in issued.err and "no private key" in issued.err

    proven = approved("verify")
    assert proven.status == 0
    assert "seller: its newest documents are in no checkpoint yet" in proven.err
    (tmp_path / "away").rename(key)
    assert approved("issue", *MONTH).status == 0
    assert "checkpoint" not in approved("verify").err


def test_a_lock_is_asked_of_buckets_only_and_in_its_form(approved: Rebill, tmp_path: Path) -> None:
    key = tmp_path / "key"
    assert approved("checkpoint", "key", key).status == 0
    write = ("checkpoint", "write", "--to", tmp_path / "outside", "--key", key, "--lock")

    assert "write it as governance:DAYS" in approved(*write, "for ever").err
    kept = approved(*write, "compliance:30")
    assert (kept.status, kept.err.count("\n")) == (0, 1)
    assert "not locked, who may delete it can: a folder locks nothing" in kept.err
    alone = approved("checkpoint", "write", "--to", tmp_path / "outside")
    assert (alone.status, alone.err.count("\n")) == (2, 1)


def test_verify_says_what_aws_states_otherwise_of_an_issued_month(
    approved: Rebill, tmp_path: Path
) -> None:
    """AWS's own invoice of 40.00 confirms it; 41.00, compared later, is one apart."""
    right, wrong = (
        put(tmp_path / f"{amount}.csv", f"invoice_id,amount\n1,{amount}\n".encode())
        for amount in ("40.00", "41.00")
    )
    assert approved("reconcile", *MONTH, "--control", right).status == 0
    assert approved("issue", *MONTH).status == 0
    assert "1 months (1 confirmed by AWS's own totals)" in approved("verify").out

    assert approved("reconcile", *MONTH, "--control", wrong).status == 1
    proven = approved("verify", "--json")
    assert proven.status == 1
    assert (proven.json["verified"], proven.json["months_confirmed"]) == (True, 0)
    (words,) = proven.json["differing_from_aws"]
    assert words.startswith(f"{PERIOD} of {PAYER}: invoice_id 1: the control file says 41")
