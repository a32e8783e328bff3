"""Credit notes by hand: proposed, approved, issued and exported as any draft.

Three lines of 10.03 at 19 %: 30.09, tax 5.7171, so 35.81. By itself each line's tax would be 1.91,
and three of them 5.73; parts take what makes the tax on the rest right, so 1.91, 1.90 and 1.91.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import PERIOD, client, exported, seller, written
from tests.support.bills.ingest_builders import PAYER, Row, line
from tests.support.pdf_files import pages

ACME, BELL = "111111111111", "222222222222"
MONTH = ("--period", PERIOD)
GERMAN = {"category": "standard", "rate_percent": "19"}
EC2, RDS, S3 = (f"{ACME}/{service}/usage" for service in ("AmazonEC2", "AmazonRDS", "AmazonS3"))


def rows(amount: str = "10.03") -> list[Row]:
    return [
        line(amount, line_item_usage_account_id=ACME, line_item_product_code=each.split("/")[1])
        for each in (EC2, RDS, S3)
    ]


def issued_month(rebill: Rebill, folder: Path, **by: Any) -> None:
    said = {"clients": [client("acme", ACME, tax=GERMAN), client("bell", BELL)]} | by
    assert rebill("apply", written(folder, **said)).status == 0
    bill = [*rows(), line("5", line_item_usage_account_id=BELL)]
    assert rebill("ingest", exported(folder / "e", bill), "--payer", PAYER, *MONTH).status == 0
    for command in ("bill", "approve", "issue"):
        assert rebill(command, *MONTH).status == 0


@pytest.fixture
def issued(rebill: Rebill, tmp_path: Path) -> Rebill:
    issued_month(rebill, tmp_path)
    return rebill


def proposed(rebill: Rebill, *arguments: object) -> dict[str, Any]:
    answer = rebill("credit", *arguments, "--json")
    assert answer.status == 0, answer.err
    (record,) = answer.json["proposed"]
    assert isinstance(record, dict)
    return record


def written_out(rebill: Rebill, folder: Path, *, client: str = "acme") -> dict[str, Any]:
    """By number, the JSON documents of a client."""
    assert rebill("export", *MONTH, "--out", folder / "out").status == 0
    found = (folder / "out" / PERIOD / client).glob("*.json")
    return {path.stem: json.loads(path.read_text()) for path in found}


def figures(document: dict[str, Any]) -> tuple[Any, ...]:
    amounts = {each["key"]: each["amount"] for each in document["lines"]}
    return amounts, document["subtotal"], document["tax"], document["total"]


def test_a_whole_credit_note_undoes_its_invoice(issued: Rebill, tmp_path: Path) -> None:
    record = proposed(issued, "SE-000001", "--reason", "cancellation", "--text", "Ended in May")
    assert (record["state"], record["document_type"]) == ("draft", "credit_note")
    assert (record["corrects"], record["total"]) == (["SE-000001"], "35.81")
    for command in ("approve", "issue"):
        assert issued(command, *MONTH).status == 0

    found = written_out(issued, tmp_path)
    invoice, note = found["SE-000001"], found["CN-SE-000001"]
    assert figures(note) == figures(invoice)
    assert figures(note) == ({EC2: "10.03", RDS: "10.03", S3: "10.03"}, "30.09", "5.72", "35.81")
    assert (invoice["document_type"], invoice["corrects"]) == ("invoice", [])
    assert (note["document_type"], note["corrects"]) == ("credit_note", ["SE-000001"])
    assert note["reason"] == {"code": "cancellation", "text": "Ended in May"}
    assert note["due_on"] is None
    assert issued("reconcile", *MONTH).status == 0
    assert issued("bill", *MONTH, "--json").json["findings"] == []
    assert issued("verify").status == 0


def test_it_says_so_in_every_format(issued: Rebill, tmp_path: Path) -> None:
    proposed(issued, "SE-000001", "--lines", EC2, "--reason", "goodwill", "--text", "With thanks")
    for command in ("approve", "issue"):
        assert issued(command, *MONTH).status == 0
    written_out(issued, tmp_path)
    files = {each.suffix: each for each in (tmp_path / "out" / PERIOD / "acme").glob("CN-*")}

    assert set(files) == {".csv", ".json", ".pdf", ".xlsx"}
    text = " ".join(pages(files[".pdf"].read_bytes()))
    for words in ("Credit note CN-SE-000001", "Corrects SE-000001", "Goodwill", "With thanks"):
        assert words in text
    assert "Total credited USD 11.94" in text and "Due" not in text and "Payment" not in text
    head, row = files[".csv"].read_text("utf-8-sig").splitlines()
    assert head.endswith(",document_type,corrects,reason,reason_text")
    assert row.endswith(",credit_note,SE-000001,goodwill,With thanks")


def test_parts_take_off_together_what_the_whole_does(issued: Rebill, tmp_path: Path) -> None:
    for key in (EC2, RDS):
        proposed(issued, "SE-000001", "--lines", key, "--reason", "billing_error")
    proposed(issued, "SE-000001", "--reason", "billing_error")  # Of all that is left.
    for command in ("approve", "issue"):
        assert issued(command, *MONTH).status == 0

    found = written_out(issued, tmp_path)
    parts = [found[f"CN-SE-00000{n}"] for n in (1, 2, 3)]
    assert [figures(each) for each in parts] == [
        ({EC2: "10.03"}, "10.03", "1.91", "11.94"),
        ({RDS: "10.03"}, "10.03", "1.90", "11.93"),
        ({S3: "10.03"}, "10.03", "1.91", "11.94"),
    ]
    assert sum(Decimal(each["total"]) for each in parts) == Decimal("35.81")
    nothing = issued("credit", "SE-000001", "--reason", "goodwill")
    assert nothing.status == 2 and "nothing is left of SE-000001" in nothing.err


def test_an_amount_of_a_line_is_at_most_what_is_left_of_it(issued: Rebill) -> None:
    part = proposed(issued, "SE-000001", f"--lines={EC2}=4.00", "--reason", "service_level")
    # 26.09 are left, whose tax is 4.9571: 5.72 less 4.96.
    assert part["total"] == "4.76"

    for asked, words in {
        f"{EC2}=6.04": "6.04 USD cannot be credited, 6.03 is left",
        f"{EC2}=-1": "-1 USD cannot be credited",
        f"{EC2}=0": "0 USD cannot be credited",
        f"{EC2}=0.001": "0.001 is finer than the smallest unit of USD",
        f"{EC2}=much": "'much' is no amount",
        "nothing": "has no line 'nothing'",
    }.items():
        refused = issued("credit", "SE-000001", "--lines", asked, "--reason", "goodwill")
        assert refused.status == 2 and words in refused.err, asked
    rest = proposed(issued, "SE-000001", "--lines", EC2, RDS, "--reason", "goodwill")
    # 10.03 are left, whose tax is 1.91: 16.06 and 4.96 less 1.91.
    assert rest["total"] == "19.11"


def test_what_cannot_be_credited_says_why(issued: Rebill) -> None:
    for arguments, words in (
        (("SE-000009", "--reason", "goodwill"), "there is no invoice SE-000009"),
        (("SE-000001",), "say why; one of billing_error"),
        (("SE-000001", "--reason", "greed"), "there is no reason 'greed'"),
        (("SE-000001", "--reason", "restatement"), "there is no reason 'restatement'"),
        (("SE-000001", "--reason", "other"), "needs a text"),
        (("SE-000001", "--discard"), "no credit note about SE-000001 waits"),
    ):
        refused = issued("credit", *arguments)
        assert refused.status == 2 and words in refused.err, arguments
        assert refused.err.count("\n") == 1


def test_a_proposal_is_taken_back_and_burns_no_number(issued: Rebill, tmp_path: Path) -> None:
    proposed(issued, "SE-000001", "--reason", "dispute")
    gone = issued("credit", "SE-000001", "--discard", "--json").json["discarded"]
    assert [each["total"] for each in gone] == ["35.81"]
    assert issued("approve", *MONTH, "--json").json["approved"] == []

    note = proposed(issued, "SE-000001", "--reason", "dispute")
    assert issued("approve", *MONTH).status == issued("issue", *MONTH).status == 0
    assert set(written_out(issued, tmp_path)) == {"SE-000001", "CN-SE-000001"}
    assert issued("credit", str(note["id"]), "--reason", "dispute").status == 2  # A credit note.


def test_it_has_the_parties_and_the_rate_of_its_invoice(rebill: Rebill, tmp_path: Path) -> None:
    rate = {"period": PERIOD, "from": "USD", "to": "EUR", "source": "ECB"}
    tax = {"category": "reverse_charge", "vat_id": "DE136695976"}
    acme = client("acme", ACME, currency="EUR", tax=tax)
    said = {"clients": [acme, client("bell", BELL)], "exchange_rates": [rate | {"rate": "0.8"}]}
    issued_month(rebill, tmp_path, **said)
    later: dict[str, Any] = {
        "seller": seller(phone="+1 555", name="Newly"),
        "clients": [acme | {"name": "Acme Holding"}, client("bell", BELL)],
        "exchange_rates": [rate | {"rate": "0.9"}],
    }
    assert rebill("apply", written(tmp_path, **later)).status == 0

    proposed(rebill, "SE-000001", "--lines", RDS, "--reason", "goodwill")
    assert rebill("approve", *MONTH).status == rebill("issue", *MONTH).status == 0

    found = written_out(rebill, tmp_path)
    invoice, note = found["SE-000001"], found["CN-SE-000001"]
    for what in ("seller", "client", "exchange", "currency"):
        assert note[what] == invoice[what], what
    (taxed,) = note["tax_lines"]
    assert (taxed["category"], taxed["tax"]) == ("reverse_charge", "0.00")
    # 3 x 10.03 x 0.8 = 24.072, in cents 24.07: two lines of 8.02 and one of 8.03, the first key.
    assert taxed["base"] == note["total"] == "8.02"


def test_numbers_of_credit_notes_are_as_the_seller_says(rebill: Rebill, tmp_path: Path) -> None:
    numbering = {"prefix": "R-", "credit_notes": {"prefix": "G{year}-", "start": 41}}
    issued_month(rebill, tmp_path, seller=seller(numbering=numbering))
    for key in (EC2, RDS):
        proposed(rebill, "R-000001", "--lines", key, "--reason", "goodwill")
    assert rebill("approve", *MONTH).status == 0
    assert rebill("issue", *MONTH, "--on", "2026-11-05").status == 0

    assert set(written_out(rebill, tmp_path)) == {"R-000001", "G2026-000041", "G2026-000042"}


def test_it_is_issued_though_the_month_was_delivered_anew(issued: Rebill, tmp_path: Path) -> None:
    proposed(issued, "SE-000001", "--reason", "goodwill")
    assert issued("approve", *MONTH).status == 0
    again = exported(tmp_path / "again", rows("11"))
    assert issued("ingest", again, "--payer", PAYER, *MONTH).status == 0

    assert issued("issue", *MONTH).status == 0
    assert "CN-SE-000001" in written_out(issued, tmp_path)
