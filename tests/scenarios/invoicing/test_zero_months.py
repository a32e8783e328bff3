"""Months of nothing, at the command line: an invoice of 0.00, or none, by seller and client.

Kinds of public trackers: Lago's `finalize_zero_amount_invoice` (lago-openapi 268: by organization
and by customer), woocommerce-pdf-invoices 35 (no number is used up), AyeCode invoicing 705,
gringotts 78 (still to be seen), killbill 361 (lines of 0 beside others).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import PERIOD, book, client, exported, fee, seller, written
from tests.support.bills.ingest_builders import PAYER, line

ACME, BELL, COLT = "111111111111", "222222222222", "333333333333"
MONTH = ("--period", PERIOD)
NONE = {"zero_months": "no_document"}


def billed(
    rebill: Rebill, tmp_path: Path, *, acme: dict[str, Any], of_seller: dict[str, Any]
) -> dict[str, str]:
    """State by client: Acme's charges and its credit are 0 together, Bell's is 0, Colt owes 5."""
    rows = [
        line("40", line_item_usage_account_id=ACME),
        line("-40", "Credit", line_item_usage_account_id=ACME),
        line("0", line_item_usage_account_id=BELL),
        line("5", line_item_usage_account_id=COLT),
    ]
    clients = [client("acme", ACME, **acme), client("bell", BELL), client("colt", COLT)]
    said = written(
        tmp_path,
        seller=seller(**of_seller),
        clients=clients,
        price_books=[book(credits="pass_through")],
    )
    assert rebill("apply", said).status == 0
    assert rebill("ingest", exported(tmp_path / "e", rows), "--payer", PAYER, *MONTH).status == 0
    assert rebill("bill", *MONTH).status == 0
    for command in ("approve", "issue"):
        assert rebill(command, *MONTH).status == 0
    issued = rebill("issue", *MONTH, "--json").json["invoices"]
    numbers = [each["number"] for each in issued if each["state"] == "issued"]
    assert numbers == [f"SE-{at:06}" for at in range(1, len(numbers) + 1)]
    return {each["client"]: each["state"] for each in issued}


ISSUED, NOT = "issued", "no_document"


@pytest.mark.parametrize(
    ("of_seller", "acme", "states"),
    [
        ({}, {}, (ISSUED, ISSUED, ISSUED)),
        ({}, NONE, (NOT, ISSUED, ISSUED)),
        (NONE, {}, (NOT, NOT, ISSUED)),
        (NONE, {"zero_months": "invoice"}, (ISSUED, NOT, ISSUED)),
    ],
)
def test_a_zero_month_gets_a_document_by_the_clients_word_else_the_sellers(
    rebill: Rebill,
    tmp_path: Path,
    of_seller: dict[str, Any],
    acme: dict[str, Any],
    states: tuple[str, ...],
) -> None:
    found = billed(rebill, tmp_path, acme=acme, of_seller=of_seller)

    assert tuple(found[each] for each in ("acme", "bell", "colt")) == states
    proof = rebill("reconcile", *MONTH, "--json").json
    assert proof["closes"]
    told = {each["client"] or each["where"] for each in proof["findings"]
            if each["code"] == "no_document"}  # fmt: skip
    assert told == {name for name, state in found.items() if state == NOT}


def test_the_month_says_by_name_who_gets_none_and_its_draft_is_there_to_see(
    rebill: Rebill, tmp_path: Path
) -> None:
    billed(rebill, tmp_path, acme=NONE, of_seller={})

    proof = rebill("reconcile", *MONTH)
    assert proof.status == 0
    assert "acme owes nothing for 2026-10 and gets no document" in proof.err
    assert "no_document" in rebill("bill", *MONTH).out
    # Exported is what was issued.
    assert rebill("export", *MONTH, "--out", tmp_path / "out").status == 0
    assert sorted(each.name for each in (tmp_path / "out" / PERIOD).iterdir()) == ["bell", "colt"]


def test_a_fee_that_comes_later_makes_a_document_of_it(rebill: Rebill, tmp_path: Path) -> None:
    billed(rebill, tmp_path, acme=NONE, of_seller={})
    late = written(tmp_path, price_books=[book(credits="pass_through")],
                   custom_line_items=[fee("acme", "10.00")])  # fmt: skip
    assert rebill("apply", late).status == 0

    invoices = rebill("bill", *MONTH, "--json").json["invoices"]
    assert {each["client"]: each["state"] for each in invoices}["acme"] == "draft"


def test_an_approved_zero_invoice_is_not_dropped_in_silence(rebill: Rebill, tmp_path: Path) -> None:
    rows = [line("0", line_item_usage_account_id=ACME)]
    assert rebill("apply", written(tmp_path, clients=[client("acme", ACME)])).status == 0
    assert rebill("ingest", exported(tmp_path / "e", rows), "--payer", PAYER, *MONTH).status == 0
    for command in ("bill", "approve"):
        assert rebill(command, *MONTH).status == 0
    assert rebill("apply", written(tmp_path, clients=[client("acme", ACME, **NONE)])).status == 0

    told = rebill("bill", *MONTH, "--json").json["findings"]
    (differs,) = (each for each in told if each["code"] == "approved_invoice_differs")
    assert "of 0.00 USD would now be no document: withdraw the approval" in differs["message"]
    assert rebill("withdraw", *MONTH).status == 0
    invoices = rebill("bill", *MONTH, "--json").json["invoices"]
    assert [each["state"] for each in invoices] == ["no_document"]


def test_another_word_is_refused(rebill: Rebill, tmp_path: Path) -> None:
    said = written(tmp_path, clients=[client("acme", ACME, zero_months="maybe")])
    refused = rebill("apply", said)
    assert refused.status == 2 and "clients[0].zero_months" in refused.err
