"""What closes was read whole; whether it is the bill, a figure of AWS's own has to say."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import PERIOD, client, exported, written
from tests.support.bills.ingest_builders import PAYER, line, put

ACME, BELL = "000000000011", "222222222222"
MONTH = ("--period", PERIOD)
CONFIRMED = "It closes. Confirmed by control file c.csv of 20"
RIGHT = b"invoice_id,amount\n1,12.00\n2,20.00\n"
WRONG = b"invoice_id,amount\n1,12.00\n2,21.00\n"


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
        ("invoice_id,amount\n1,12.00\n2,20.00\n", CONFIRMED, ""),
        ("account_id,amount\n11,12.00\n222222222222,20\n", CONFIRMED, ""),
        ("amount,invoice_id,note\n12.00,1,x\n20.00,2,y\n", CONFIRMED, ""),
        ("\ufeffinvoice_id,amount\r\n1,12.00\r\n2,20.00\r\n", CONFIRMED, ""),
        ("invoice_id,amount\n1,12.01\n2,20.00\n", CONFIRMED, ""),
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

    assert proof.out.splitlines()[-1].startswith(verdict)
    assert (proof.status == 0) is (verdict == CONFIRMED)
    assert words in proof.err and ("control_total_differs" in proof.err) is bool(words)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("", "its header has to be"),
        ("invoice,amount\n1,2\n", "its header has to be"),
        ("invoice_id,account_id,amount\n1,2,3\n", "its header has to be"),
        ("invoice_id,amount\n", "it has no amounts"),
        ("invoice_id,amount\n1,12\n1,5\n", "line 3: invoice_id '1' is written twice"),
        # A decimal comma: 12 of its 12.50 would be all that is compared.
        ("invoice_id,amount\n1,12,50\n", "line 2: it has more cells than the header"),
        ("invoice_id,amount\n1\n", "line 2: '' is no amount"),
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


def verdict(rebill: Rebill) -> str:
    return rebill("reconcile", *MONTH).out.splitlines()[-1]


def test_what_confirmed_a_month_stays_with_it(billed: Rebill, tmp_path: Path) -> None:
    """12.004 and 20 of ours are 12.00 and 20.00 of AWS's, on two invoices."""
    file = put(tmp_path / "c.csv", RIGHT)
    assert billed("reconcile", *MONTH, "--control", file).status == 0

    assert verdict(billed).startswith(CONFIRMED)
    told = billed("reconcile", *MONTH, "--json").json
    assert told["confirmed"] is True
    assert told["confirmed_by"][0].startswith("control file c.csv of 20")
    [kept] = told["control_files"]
    assert (kept["name"], kept["column"], kept["compared"]) == ("c.csv", "invoice_id", 2)
    assert (kept["theirs"], kept["ours"], kept["agrees"]) == ("32", "32.004", True)
    assert kept["sha256"] == hashlib.sha256(RIGHT).hexdigest()
    assert (kept["compared_by"], kept["counts"]) == ("command line", True)
    assert billed("bill", *MONTH).status == 0
    assert verdict(billed).startswith(CONFIRMED), "billed anew from the same snapshot"


def test_a_delivery_that_came_since_is_not_confirmed(billed: Rebill, tmp_path: Path) -> None:
    """AWS adds 0.001: less than a cent, and another bill all the same."""
    assert billed("reconcile", *MONTH, "--control", put(tmp_path / "c.csv", RIGHT)).status == 0
    rows = [
        line(cost, kind, line_item_usage_account_id=account, bill_invoice_id=invoice)
        for cost, kind, account, invoice in (
            ("10.005", "Usage", ACME, "1"), ("2", "Tax", ACME, "1"), ("20", "Usage", BELL, "2"),
        )
    ]  # fmt: skip
    again = exported(tmp_path / "again", rows)
    assert billed("ingest", again, "--payer", PAYER, *MONTH).status == 0

    unconfirmed = "It closes; not confirmed by AWS."
    assert verdict(billed) == "It does not close.", "before it is billed"
    assert "newer_delivery" in billed("reconcile", *MONTH).err
    assert billed("bill", *MONTH).status == 0
    proof = billed("reconcile", *MONTH)
    assert proof.out.splitlines()[-1] == unconfirmed
    assert "agreed with an earlier delivery" in proof.out
    assert billed("reconcile", *MONTH, "--control", tmp_path / "c.csv").status == 0
    assert verdict(billed).startswith(CONFIRMED)


def test_a_file_that_differs_blocks_until_one_of_its_kind_agrees(
    billed: Rebill, tmp_path: Path
) -> None:
    assert billed("approve", *MONTH).status == 0
    wrong = billed("reconcile", *MONTH, "--control", put(tmp_path / "wrong.csv", WRONG))
    assert wrong.status == 1 and wrong.err.count("control_total_differs") == 1
    by_account = put(tmp_path / "a.csv", b"account_id,amount\n11,12\n222222222222,20\n")
    assert billed("reconcile", *MONTH, "--control", by_account).status == 1, "an invoice still does"
    refused = billed("issue", *MONTH)
    assert refused.status == 1 and "invoice_id 2: the control file says 21 USD" in refused.err

    assert billed("reconcile", *MONTH, "--control", put(tmp_path / "c.csv", RIGHT)).status == 0
    assert billed("issue", *MONTH).status == 0
    told = billed("reconcile", *MONTH, "--json").json
    assert [(each["name"], each["agrees"], each["counts"]) for each in told["control_files"]] == [
        ("wrong.csv", False, False),
        ("a.csv", True, True),
        ("c.csv", True, True),
    ]
    assert [words[:19] for words in told["confirmed_by"]] == [
        "control file a.csv ",
        "control file c.csv ",
    ]


def test_a_file_compared_again_is_one_file(billed: Rebill, tmp_path: Path) -> None:
    for name in ("c.csv", "renamed\n.csv"):
        file = put(tmp_path / name, RIGHT)
        assert billed("reconcile", *MONTH, "--control", file).status == 0
    [kept] = billed("reconcile", *MONTH, "--json").json["control_files"]
    assert kept["name"] == "renamed?.csv"
