"""Items of a spreadsheet: planned and applied as a configuration file is, row by row."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.conftest import Answer, Rebill
from tests.scenarios.items.conftest import Contract, amounts, item
from tests.support.bills.front_door import PERIOD

HEAD = "key,client,kind,description,amount,from,once\n"
TICKETS = HEAD + (
    'a-1,acme,fee,"Ticket 1, on site",120.50,2026-10,true\n'
    "\n"
    "a-2,acme,credit,Goodwill,20,2026-10,TRUE\n"
)


def imported(contract: Contract, text: str | bytes, *options: str, verb: str = "apply") -> Answer:
    file = contract.folder / "items.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return contract.rebill(verb, file, *options)


def test_rows_become_items_and_the_same_file_changes_nothing(contract: Contract) -> None:
    """A fee of 120.50 and a goodwill of 20, beside 100 of usage and what was there: 7 more."""
    contract.agree(item("care", amount="7"))

    assert imported(contract, TICKETS).status == 0
    again = imported(contract, TICKETS)
    assert "nothing changes" in again.out
    assert "custom line item care: not in the file, stays" in again.out
    corrected = imported(contract, TICKETS.replace("120.50", "99"))
    assert "custom line item a-1: changed flat_amount" in corrected.out

    document = contract.close(PERIOD)
    assert amounts(document) == {"a-1": "99.00", "a-2": "-20.00", "care": "7.00"}
    words = {each["key"]: each["description"] for each in document["lines"]}
    assert words["custom/a-1"] == "Ticket 1, on site"


def test_a_dry_run_and_a_plan_change_nothing(contract: Contract) -> None:
    contract.agree()
    contract.take(PERIOD)
    assert contract.bill(PERIOD) == ("draft", "100.00")

    tried = imported(contract, TICKETS, "--dry-run")
    assert "custom line item a-1: added" in tried.out and "2 changes would be made" in tried.out
    planned = imported(contract, TICKETS, "--json", verb="plan").json
    (acme,) = planned["months"][0]["clients"]
    assert (acme["before"]["total"], acme["after"]["total"]) == ("100.00", "200.50")

    assert contract.bill(PERIOD) == ("draft", "100.00")


def test_every_column_is_what_the_setting_is(contract: Contract) -> None:
    """100 of boxes: 10 % of them but at least 30 and 5 % tax; 2 x 3.5; of 40 ahead all."""
    head = (
        "key,client,kind,description,quantity,unit_price,percent_of,percent,minimum,services,"
        "accounts,tax_category,tax_rate_percent,tax_note,prepaid,from,counts,every_months,prorate\n"
    )
    rows = (
        "seats,acme,fee,Seats,2,3.5,,,,,,,,,,2026-10,,1,false\n"
        "share,acme,fee,Share,,,price,10,30,AmazonEC2 *RDS,111111111111,standard,5,Books,,,,,\n"
        "ahead,acme,credit,Ahead,,,,,,,,,,,40,2026-10,charges,,\n"
    )
    contract.agree()
    assert imported(contract, head + rows).status == 0

    document = contract.close(PERIOD)
    assert amounts(document) == {"ahead": "-40.00", "seats": "7.00", "share": "30.00"}
    assert [(e["base"], e["note"]) for e in document["tax_lines"]] == [
        ("67.00", ""), ("30.00", "Books"),
    ]  # fmt: skip


GOOD = "a,acme,fee,A,1,2026-10,\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD + GOOD + "b,zed,fee,B,1,,\n", "items.csv: row 3, column client: 'B' is for an unkn"),
        (HEAD + GOOD + GOOD, "row 3, column key: a is written twice"),
        (HEAD + "a,acme,fee,A,\"1.234,50\",,\n", "row 2, column amount: '1.234,50' is no number"),
        (HEAD + "a,acme,fee,A,-5,,\n", "row 2, column amount: Input should be greater than"),
        (HEAD + "a,acme,fee,A,1,Oct-26,\n", "row 2, column from: write a month or a day"),
        (HEAD + "a,acme,fee,A,1,,maybe\n", "row 2, column once: "),
        (HEAD + "a,acme,fee,A,1,,true\n", "row 2: `once` needs `from`"),
        (HEAD + ",acme,fee,A,1,,\n", "row 2, column key: is required"),
        (HEAD + "a,,fee,A,1,,\n", "row 2, column client: is required"),
        (HEAD + "a,acme,fee,=1+1,1,,\n", "row 2, column description: '=1+1' looks like a formula"),
        (HEAD + "a,acme,fee,A\u202eB,1,,\n", "row 2, column description: "),
        (HEAD + "a,acme,fee,A,1,\n", "row 2 has 6 cells, and there are 7 columns"),
        (HEAD.replace(",", ";") + "a;acme\n", "row 1: separate columns by commas"),
        ("key,colour\n", "row 1, column 2: 'colour' is no column"),
        ("key,key\n", "row 1, column 2: key is there twice"),
        ("", "is empty"),
        (HEAD, "it has 0 items"),
        (HEAD.encode() + b"a,acme,fee,\xe9,1,,\n", "row 2 is not UTF-8"),
        (HEAD + 'a,acme,fee,"A,1,,\n', "row 2 is no CSV"),
        (HEAD + GOOD * 90_000, "a file of items has at most 1,000,000 bytes"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_file_row_and_column(
    rebill: Rebill, tmp_path: Path, text: str | bytes, words: str
) -> None:
    contract = Contract(rebill, tmp_path)
    contract.agree()

    answer = imported(contract, text)

    assert answer.status == 2 and "Traceback" not in answer.err
    assert words in answer.err.replace("\n", " ")
    assert contract.rebill("apply", contract.file(), "--json").json["changes"] == []


def test_every_wrong_row_is_told(contract: Contract) -> None:
    contract.agree()

    answer = imported(contract, HEAD + "a,acme,fee,A,x,,\nb,acme,gift,B,1,,\n")

    assert "row 2, column amount" in answer.err and "row 3, column kind" in answer.err
