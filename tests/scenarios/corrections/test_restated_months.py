"""An issued month that comes to something else: documents that correct it are proposed."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import PERIOD, client, exported, written
from tests.support.bills.ingest_builders import PAYER, Row, line
from tests.support.pdf_files import pages

ACME, BELL = "111111111111", "222222222222"
MONTH = ("--period", PERIOD)
GERMAN = {"category": "standard", "rate_percent": "19"}
EC2, S3 = f"{ACME}/AmazonEC2/usage", f"{ACME}/AmazonS3/usage"


def rows(ec2: str = "40", s3: str = "10", bell: str = "20") -> list[Row]:
    return [
        line(ec2, line_item_usage_account_id=ACME),
        line(s3, line_item_usage_account_id=ACME, line_item_product_code="AmazonS3"),
        line(bell, line_item_usage_account_id=BELL),
    ]


def clients(**acme: Any) -> list[dict[str, Any]]:
    return [client("acme", ACME, **{"tax": GERMAN} | acme), client("bell", BELL)]


def taken(rebill: Rebill, folder: Path, bill: list[Row]) -> None:
    assert rebill("ingest", exported(folder, bill), "--payer", PAYER, *MONTH).status == 0


@pytest.fixture
def issued(rebill: Rebill, tmp_path: Path) -> Rebill:
    """Acme 40.00 + 10.00 and 9.50 of tax, Bell 20.00."""
    assert rebill("apply", written(tmp_path, clients=clients())).status == 0
    taken(rebill, tmp_path / "v1", rows())
    for command in ("bill", "approve", "issue"):
        assert rebill(command, *MONTH).status == 0
    return rebill


def billed(rebill: Rebill) -> dict[str, Any]:
    answer = rebill("bill", *MONTH, "--json")
    assert answer.status == 0, answer.out
    assert isinstance(answer.json, dict)
    return answer.json


def waiting(told: dict[str, Any]) -> list[tuple[str, ...]]:
    return [
        (each["client"], each["document_type"], each["total"])
        for each in told["invoices"]
        if each["state"] in {"draft", "approved"}
    ]


def settled(rebill: Rebill, folder: Path) -> dict[str, Any]:
    """What waits is approved and issued; by number, the JSON of all documents of the month."""
    for command in ("approve", "issue", "reconcile"):
        assert rebill(command, *MONTH).status == 0, command
    assert rebill("export", *MONTH, "--out", folder / "out").status == 0
    found = (folder / "out" / PERIOD).glob("*/*.json")
    return {path.stem: json.loads(path.read_text()) for path in found}


def sums(documents: dict[str, Any], of: str) -> dict[str, Decimal]:
    """By line, and in all, what a client's documents come to."""
    found: dict[str, Decimal] = {}
    for each in documents.values():
        if each["client"]["key"] == of:
            sign = -1 if each["document_type"] == "credit_note" else 1
            amounts = {line["key"]: line["amount"] for line in each["lines"]}
            for key, amount in (amounts | {"tax": each["tax"], "total": each["total"]}).items():
                found[key] = found.get(key, Decimal(0)) + sign * Decimal(amount)
    return found


def test_less_is_proposed_as_a_credit_note_and_more_as_a_supplementary_invoice(
    issued: Rebill, tmp_path: Path
) -> None:
    taken(issued, tmp_path / "v2", rows("38", bell="25"))
    told = billed(issued)

    # 2.00 less at 19 %: 48.00 have 9.12 of tax, 0.38 less.
    assert waiting(told) == [
        ("acme", "credit_note", "2.38"),
        ("bell", "supplementary_invoice", "5.00"),
    ]
    words = [each["message"] for each in told["findings"] if each["code"] == "correction_proposed"]
    assert "SE-000001 asks: a credit note of 2.38 USD (draft" in words[0]
    proof = issued("reconcile", *MONTH)
    assert proof.status == 1 and "waits for approval" in proof.out + proof.err

    again = billed(issued)
    assert waiting(again) == waiting(told)
    assert [each["id"] for each in again["invoices"]] == [each["id"] for each in told["invoices"]]
    assert again["payers"][0]["drafted"] == []

    found = settled(issued, tmp_path)
    note, more = found["CN-SE-000001"], found["SI-SE-000001"]
    assert (note["corrects"], more["corrects"]) == (["SE-000001"], ["SE-000002"])
    assert note["reason"]["code"] == more["reason"]["code"] == "restatement"
    (taken_off,) = note["lines"]
    assert taken_off["key"] == EC2
    assert taken_off["cause"] == "40.00 is 38.00 now: charges restated by AWS"
    assert sums(found, "acme") == {
        EC2: Decimal(38), S3: Decimal(10), "tax": Decimal("9.12"), "total": Decimal("57.12")
    }  # fmt: skip
    assert sums(found, "bell")["total"] == 25
    assert waiting(billed(issued)) == []
    assert issued("verify").status == 0


def test_a_proposal_is_withdrawn_when_aws_restates_back(issued: Rebill, tmp_path: Path) -> None:
    taken(issued, tmp_path / "v2", rows("38"))
    assert waiting(billed(issued)) == [("acme", "credit_note", "2.38")]
    taken(issued, tmp_path / "v3", rows("35"))
    assert waiting(billed(issued)) == [("acme", "credit_note", "5.95")]
    taken(issued, tmp_path / "v4", rows())
    assert waiting(billed(issued)) == []

    assert set(settled(issued, tmp_path)) == {"SE-000001", "SE-000002"}


def test_what_was_corrected_is_corrected_again(issued: Rebill, tmp_path: Path) -> None:
    """Up by 100.00, down by 120.00, and back: never a credit note of more than its invoice."""
    taken(issued, tmp_path / "v2", rows("140"))
    assert waiting(billed(issued)) == [("acme", "supplementary_invoice", "119.00")]
    settled(issued, tmp_path)
    taken(issued, tmp_path / "v3", rows("20"))
    # 120.00 and 22.80: neither document asks for as much, so the later one is taken back first.
    assert waiting(billed(issued)) == [
        ("acme", "credit_note", "119.00"),
        ("acme", "credit_note", "23.80"),
    ]
    found = settled(issued, tmp_path)
    assert found["CN-SE-000001"]["corrects"] == ["SI-SE-000001"]
    assert found["CN-SE-000002"]["corrects"] == ["SE-000001"]
    assert sums(found, "acme")["total"] == Decimal("35.70")
    taken(issued, tmp_path / "v4", rows())
    assert waiting(billed(issued)) == [("acme", "supplementary_invoice", "23.80")]
    assert sums(settled(issued, tmp_path), "acme")["total"] == Decimal("59.50")


def test_an_account_that_was_anothers_all_along_is_credited_and_billed(
    issued: Rebill, tmp_path: Path
) -> None:
    moved = [client("acme", tax=GERMAN), client("bell", BELL)]
    for each in (moved[0],):
        each["accounts"] = [{"id": ACME, "from": "2018-01-01", "to": "2026-10-01"}]
    moved[1]["accounts"].append({"id": ACME, "from": "2026-10-01"})
    assert issued("apply", written(tmp_path, clients=moved)).status == 0

    assert waiting(billed(issued)) == [
        ("acme", "credit_note", "59.50"),
        ("bell", "supplementary_invoice", "50.00"),
    ]
    found = settled(issued, tmp_path)
    assert sums(found, "acme")["total"] == 0
    assert sums(found, "bell")["total"] == 70
    assert found["SI-SE-000001"]["reason"]["code"] == "terms_changed"
    causes = {each["cause"] for each in found["SI-SE-000001"]["lines"]}
    assert causes == {"new: accounts assigned otherwise"}


def test_another_tax_takes_the_invoice_back_and_asks_anew(issued: Rebill, tmp_path: Path) -> None:
    said = clients(tax=GERMAN | {"rate_percent": "20"})
    assert issued("apply", written(tmp_path, clients=said)).status == 0

    assert waiting(billed(issued)) == [
        ("acme", "credit_note", "59.50"),
        ("acme", "supplementary_invoice", "60.00"),
    ]
    found = settled(issued, tmp_path)
    assert found["SI-SE-000001"]["corrects"] == ["SE-000001", "CN-SE-000001"]
    assert found["SI-SE-000001"]["tax"] == "10.00"
    assert waiting(billed(issued)) == []


def test_void_and_a_corrected_invoice_names_both(issued: Rebill, tmp_path: Path) -> None:
    asked = ("credit", "SE-000001", "--reason", "wrong_recipient", "--bill-again")
    assert issued(*asked).status == 0
    for command in ("approve", "issue"):
        assert issued(command, *MONTH).status == 0
    assert issued("reconcile", *MONTH).status == 1  # Until it is asked for anew.

    assert waiting(billed(issued)) == [("acme", "supplementary_invoice", "59.50")]
    found = settled(issued, tmp_path)
    corrected = found["SI-SE-000001"]
    assert corrected["corrects"] == ["SE-000001", "CN-SE-000001"]
    assert corrected["reason"]["code"] == "wrong_recipient"
    assert sums(found, "acme")["total"] == Decimal("59.50")


def test_goodwill_stays_off_whatever_aws_restates(issued: Rebill, tmp_path: Path) -> None:
    """10.00 of S3 for goodwill; 40.00 become 30.00, and S3 12.00: what is above it is asked for."""
    assert issued("credit", "SE-000001", "--lines", S3, "--reason", "goodwill").status == 0
    settled(issued, tmp_path)
    assert waiting(billed(issued)) == []
    taken(issued, tmp_path / "v2", rows("30", "12"))

    # 10.00 less and 2.00 more: 32.00 of 42.00, tax 6.08; 47.60 were left of 59.50.
    assert waiting(billed(issued)) == [("acme", "credit_note", "9.52")]
    found = settled(issued, tmp_path)
    assert sums(found, "acme") == {
        EC2: Decimal(30), S3: Decimal(2), "tax": Decimal("6.08"), "total": Decimal("38.08")
    }  # fmt: skip

    taken(issued, tmp_path / "v3", rows("30", "4"))
    # 4.00 of S3 are less than was credited: nothing of it is asked for, and no more given back.
    assert waiting(billed(issued)) == [("acme", "credit_note", "2.38")]


def test_an_approved_correction_that_is_none_any_more_is_not_issued(
    issued: Rebill, tmp_path: Path
) -> None:
    taken(issued, tmp_path / "v2", rows("38"))
    billed(issued)
    assert issued("approve", *MONTH).status == 0
    taken(issued, tmp_path / "v3", rows("35"))

    told = issued("bill", *MONTH, "--json")
    assert told.status == 1
    assert "approved_correction_differs" in {each["code"] for each in told.json["findings"]}
    assert issued("issue", *MONTH).status == 1
    assert issued("withdraw", *MONTH).status == 0
    assert waiting(billed(issued)) == [("acme", "credit_note", "5.95")]
    assert sums(settled(issued, tmp_path), "acme")["total"] == Decimal("53.55")


def test_what_was_agreed_since_the_approval_stops_it(issued: Rebill, tmp_path: Path) -> None:
    taken(issued, tmp_path / "v2", rows("38"))
    billed(issued)
    assert issued("approve", *MONTH).status == 0
    book: dict[str, Any] = {"key": "standard", "from": "2018-01", "cost_basis": "billed"}
    book |= {"rules": [{"match": {"service": "AmazonS3"}, "markup_percent": "10"}]}
    said = written(tmp_path, clients=clients(), price_books=[book])
    assert issued("apply", said).status == 0

    refused = issued("issue", *MONTH)
    assert refused.status == 1 and "approved, and would be" in refused.err + refused.out
    assert issued("withdraw", *MONTH).status == 0
    # 38.00 + 11.00 and 9.31 of tax: 1.19 less than 59.50.
    assert waiting(billed(issued)) == [("acme", "credit_note", "1.19")]


@pytest.mark.parametrize(
    ("policy", "code"), [("park", "total_negative"), ("credit_note", "issued_invoice_differs")]
)
def test_a_month_that_would_be_below_nothing_is_for_a_person(
    issued: Rebill, tmp_path: Path, policy: str, code: str
) -> None:
    said = written(tmp_path, clients=clients(negative_months=policy))
    assert issued("apply", said).status == 0
    taken(issued, tmp_path / "v2", rows("-60"))
    told = issued("bill", *MONTH, "--json")
    assert told.status == 1 and waiting(told.json) == []
    found = {(each["code"], each["client"]) for each in told.json["findings"]}
    assert (code, "acme") in found
    assert issued("reconcile", *MONTH).status == 1


def test_its_pdf_says_line_by_line_why(issued: Rebill, tmp_path: Path) -> None:
    taken(issued, tmp_path / "v2", rows("38", "0"))
    billed(issued)
    settled(issued, tmp_path)
    text = " ".join(pages((tmp_path / "out" / PERIOD / "acme" / "CN-SE-000001.pdf").read_bytes()))

    for words in (
        "Credit note CN-SE-000001",
        "Charges restated by AWS",
        "40.00 is 38.00 now: charges restated by AWS",
        "no more: charges restated by AWS",
    ):
        assert words in text
