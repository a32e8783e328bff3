"""What closes was read whole; whether it is the bill, a figure of AWS's own has to say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import PERIOD, client, exported, written
from tests.support.bills.ingest_builders import PAYER, line, put

ACME, BELL = "000000000011", "222222222222"
MONTH = ("--period", PERIOD)


@pytest.fixture
def billed(rebill: Rebill, tmp_path: Path) -> Rebill:
    """Acme uses 10.004 on invoice 1 and owes 2 of tax, Bell uses 20 on invoice 2."""
    rows = [
        line("10.004", line_item_usage_account_id=ACME, bill_invoice_id="1"),
        line("2", "Tax", line_item_usage_account_id=ACME, bill_invoice_id="1"),
        line("20", line_item_usage_account_id=BELL, bill_invoice_id="2"),
    ]
    clients = [client("acme", ACME), client("bell", BELL)]
    assert rebill("apply", written(tmp_path, clients=clients)).status == 0
    assert rebill("ingest", exported(tmp_path / "e", rows), "--payer", PAYER, *MONTH).status == 0
    assert rebill("bill", *MONTH).status == 0
    return rebill


def test_a_month_that_nobody_confirmed_says_so(billed: Rebill) -> None:
    proof = billed("reconcile", *MONTH)
    assert proof.status == 0
    assert proof.out.rstrip().endswith("It closes; not confirmed by AWS.")
    told = billed("reconcile", *MONTH, "--json").json
    assert (told["closes"], told["confirmed"]) == (True, False)


@pytest.mark.parametrize(
    ("file", "verdict", "words"),
    [
        ("invoice_id,amount\n1,12.00\n2,20.00\n", "It closes.", ""),
        ("account_id,amount\n11,12.00\n222222222222,20\n", "It closes.", ""),
        ("amount,invoice_id,note\n12.00,1,x\n20.00,2,y\n", "It closes.", ""),
        ("\ufeffinvoice_id,amount\r\n1,12.00\r\n2,20.00\r\n", "It closes.", ""),
        ("invoice_id,amount\n1,12.01\n2,20.00\n", "It closes.", ""),
        ("invoice_id,amount\n1,12.02\n2,20.00\n", "It does not close.", "invoice_id 1"),
        ("invoice_id,amount\n1,12.00\n", "It does not close.", "invoice_id 2"),
        ("invoice_id,amount\n1,12.00\n2,20\n3,5\n", "It does not close.", "invoice_id 3"),
        ("account_id,amount\n11,14\n222222222222,18\n", "It does not close.", "000000000011"),
    ],
)
def test_a_file_of_aws_s_totals_is_compared_one_by_one(
    billed: Rebill, tmp_path: Path, file: str, verdict: str, words: str
) -> None:
    proof = billed("reconcile", *MONTH, "--control", put(tmp_path / "c.csv", file.encode()))

    assert proof.out.rstrip().endswith(verdict)
    assert (proof.status == 0) is (verdict == "It closes.")
    assert words in proof.err and ("control_total_differs" in proof.err) is bool(words)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("", "its header has to be"),
        ("invoice,amount\n1,2\n", "its header has to be"),
        ("invoice_id,account_id,amount\n1,2,3\n", "its header has to be"),
        ("invoice_id,amount\n", "it has no amounts"),
        ("invoice_id,amount\n1,12,00\n1,5\n", "line 3: invoice_id '1' is written twice"),
        ("invoice_id,amount\n1,$12\n", "line 2: '$12' is no amount"),
        ("invoice_id,amount\n1,NaN\n", "line 2: 'NaN' is no amount"),
        ("invoice_id,amount\n,5\n", "line 2: invoice_id '' is blank"),
    ],
)
def test_a_file_that_says_nothing_clear_is_one_line(
    billed: Rebill, tmp_path: Path, file: str, words: str
) -> None:
    answer = billed("reconcile", *MONTH, "--control", put(tmp_path / "c.csv", file.encode()))

    assert answer.status == 2 and words in answer.err and answer.err.count("\n") == 1
