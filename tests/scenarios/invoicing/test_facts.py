"""Who a client and a seller are on a day: what a document prints, and when that is decided.

Kinds of public trackers: an issued invoice that shows a later address (invoiceninja 1117,
PrestaShop 12394 and 42462, odoo 43608), a client that moves and registers for VAT elsewhere
(pnlcs 7), tax that no longer fits the address (polar 8702), facts by date (OCA partner-contact
2030), the seller's own move (InvoicePlane-v2 382).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.conftest import Answer, Rebill
from tests.support.bills.front_door import ADDRESS, PERIOD, client, exported, seller, written
from tests.support.bills.ingest_builders import PAYER, line

ACME = "111111111111"
MONTH = ("--period", PERIOD)
PARIS = {"street": "2 Rue", "city": "Paris", "postcode": "75002", "country": "FR"}
GERMAN = {"category": "standard", "rate_percent": "19", "vat_id": "DE1"}
FRENCH = {"category": "reverse_charge", "vat_id": "FR9"}


class Desk:
    """October of one client, who used 40."""

    def __init__(self, rebill: Rebill, folder: Path) -> None:
        self.rebill, self.folder = rebill, folder

    def say(self, *, of_seller: dict[str, Any] | None = None, **acme: Any) -> Answer:
        known = {"tax": GERMAN, "buyer_reference": "PO 2026"} | acme
        said: dict[str, Any] = {"clients": [client("acme", ACME, **known)]}
        said |= {"seller": seller(**(of_seller or {}))}
        return self.rebill("apply", written(self.folder, **said))

    def take(self) -> None:
        rows = [line("40", line_item_usage_account_id=ACME)]
        export = exported(self.folder / "e", rows)
        assert self.rebill("ingest", export, "--payer", PAYER, *MONTH).status == 0

    def approve(self) -> None:
        for command in ("bill", "approve"):
            assert self.rebill(command, *MONTH).status == 0

    def issued(self, on: str = "2026-11-20") -> Any:
        """The document, as its JSON says."""
        assert self.rebill("issue", *MONTH, "--on", on).status == 0
        out = self.folder / "out"
        assert self.rebill("export", *MONTH, "--format", "json", "--out", out).status == 0
        (file,) = (out / PERIOD / "acme").iterdir()
        return json.loads(file.read_bytes())


@pytest.fixture
def desk(rebill: Rebill, tmp_path: Path) -> Desk:
    desk = Desk(rebill, tmp_path)
    assert desk.say().status == 0
    desk.take()
    return desk


@pytest.mark.parametrize(
    ("facts", "on", "printed"),
    [
        # To whom it is addressed: on the day of issue.
        ({"from": "2026-11-15", "name": "Acme SA"}, "2026-11-14", {"name": "Acme"}),
        ({"from": "2026-11-15", "name": "Acme SA"}, "2026-11-15", {"name": "Acme SA"}),
        ({"from": "2026-11-15", "address": PARIS}, "2026-11-14", {"city": "Dallas"}),
        ({"from": "2026-11-15", "address": PARIS}, "2026-11-20", {"city": "Paris"}),
        # How the supply was taxed, and what it was ordered by: on the last day of its month.
        ({"from": "2026-11-01", "tax": FRENCH}, "2026-11-20", {"vat_id": "DE1", "total": "47.60"}),
        ({"from": "2026-10-31", "tax": FRENCH}, "2026-11-20", {"vat_id": "FR9", "total": "40.00"}),
        (
            {"from": "2026-11-01", "buyer_reference": "PO 2027"},
            "2026-11-20",
            {"buyer_reference": "PO 2026"},
        ),
        (
            {"from": "2026-10-31", "buyer_reference": "PO 2027"},
            "2026-11-20",
            {"buyer_reference": "PO 2027"},
        ),
        # A move on 1 November, taxed where it was in October: pnlcs 7, polar 8702.
        (
            {"from": "2026-11-01", "name": "Acme SA", "address": PARIS, "tax": FRENCH},
            "2026-11-20",
            {"name": "Acme SA", "city": "Paris", "vat_id": "DE1", "total": "47.60"},
        ),
    ],
)
def test_a_document_takes_each_fact_on_its_own_day(
    desk: Desk, facts: dict[str, Any], on: str, printed: dict[str, str]
) -> None:
    assert desk.say(facts=[facts]).status == 0
    desk.approve()

    document = desk.issued(on)
    shown = {**document["client"], **document["client"]["address"], "total": document["total"]}
    assert {name: shown[name] for name in printed} == printed


def test_what_an_entry_leaves_out_is_as_it_was(desk: Desk) -> None:
    earlier = {"from": "2026-02-01", "name": "Acme SA", "buyer_reference": "PO 1"}
    later = {"from": "2026-10-01", "address": PARIS}
    assert desk.say(facts=[later, earlier]).status == 0
    desk.approve()

    of = desk.issued()["client"]
    assert (of["name"], of["address"]["city"], of["vat_id"]) == ("Acme SA", "Paris", "DE1")
    assert of["buyer_reference"] == "PO 1"


@pytest.mark.parametrize(
    "change", [{"name": "Acme SA"}, {"facts": [{"from": "2026-11-15", "name": "Acme SA"}]}]
)
def test_an_approved_draft_keeps_its_approval_and_is_issued_to_whom_it_is_then(
    desk: Desk, change: dict[str, Any]
) -> None:
    """A change without `from` is a correction: it was so on every day."""
    desk.approve()
    assert desk.say(**change).status == 0

    billed = desk.rebill("bill", *MONTH, "--json").json
    assert [each["state"] for each in billed["invoices"]] == ["approved"]
    assert billed["findings"] == []
    assert desk.issued()["client"]["name"] == "Acme SA"


def test_other_terms_are_no_matter_of_names(desk: Desk) -> None:
    desk.approve()
    assert desk.say(payment_terms_days=60).status == 0

    codes = [each["code"] for each in desk.rebill("bill", *MONTH, "--json").json["findings"]]
    assert codes == ["approved_invoice_differs"]


def test_what_was_issued_stays_whoever_the_client_becomes(desk: Desk) -> None:
    """Also where the facts are said to have been so before: invoiceninja 1117."""
    desk.approve()
    before = desk.issued()
    moved = {"from": "2026-11-01", "name": "Acme SA", "address": PARIS, "tax": FRENCH}
    assert desk.say(name="Acme AG", facts=[moved]).status == 0

    billed = desk.rebill("bill", *MONTH, "--json").json
    assert (billed["findings"], billed["invoices"][0]["total"]) == ([], "47.60")
    assert desk.issued() == before
    assert desk.rebill("reconcile", *MONTH).status == 0


def test_tax_that_was_another_on_the_last_day_is_another_figure(desk: Desk) -> None:
    """19 % of 40 is 7.60; by another tax all is taken back, and 40.00 asked anew."""
    desk.approve()
    desk.issued()
    assert desk.say(facts=[{"from": "2026-10-15", "tax": FRENCH}]).status == 0

    billed = desk.rebill("bill", *MONTH, "--json").json
    assert [each["code"] for each in billed["findings"]] == ["correction_proposed"] * 2
    assert [(each["document_type"], each["total"]) for each in billed["invoices"]] == [
        ("invoice", "47.60"), ("credit_note", "47.60"), ("supplementary_invoice", "40.00"),
    ]  # fmt: skip


def test_a_document_that_could_not_say_who_gets_it_is_not_issued(desk: Desk) -> None:
    desk.approve()
    nowhere = {"from": "2026-11-10", "address": {**ADDRESS, "city": ""}}
    assert desk.say(facts=[nowhere]).status == 0

    stopped = desk.rebill("issue", *MONTH, "--on", "2026-11-20")
    assert "acme lacks a name, street, city or country as of 2026-11-20" in stopped.err
    assert desk.issued("2026-11-09")["client"]["address"]["city"] == "Dallas"


def test_facts_that_are_left_out_stay_and_an_empty_list_takes_them_away(desk: Desk) -> None:
    moved = [{"from": "2026-11-15", "name": "Acme SA"}]
    assert "client acme from 2026-11-15: added" in desk.say(facts=moved).out
    assert "nothing changes" in desk.say(facts=moved).out
    assert "nothing changes" in desk.say().out
    assert "client acme from 2026-11-15: removed" in desk.say(facts=[]).out


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ([{"from": "2026-11-15"}], "clients[0].facts[0]: say what is another from that day on"),
        ([{"name": "Acme SA"}], "clients[0].facts[0].from: is required"),
        ([{"from": "2026-11-15", "currency": "EUR"}], "facts[0].currency: there is no such"),
        (
            [{"from": "2026-11-15", "name": "A"}, {"from": "2026-11-15", "name": "B"}],
            "clients.facts: acme from 2026-11-15 is written twice",
        ),
    ],
)
def test_what_is_no_fact_is_refused(desk: Desk, facts: list[dict[str, Any]], words: str) -> None:
    refused = desk.say(facts=facts)
    assert refused.status == 2 and words in refused.err


@pytest.mark.parametrize(
    ("on", "city", "details"),
    [("2026-11-14", "Dallas", [["IBAN", "DE1"]]), ("2026-11-15", "Paris", [["IBAN", "FR2"]])],
)
def test_the_seller_is_as_on_the_day_of_issue(
    desk: Desk, on: str, city: str, details: list[list[str]]
) -> None:
    bank = {"payment_details": {"IBAN": "DE1"}}
    moved = {"from": "2026-11-15", "address": PARIS, "payment_details": {"IBAN": "FR2"}}
    assert desk.say(of_seller=bank | {"facts": [moved]}).status == 0
    desk.approve()

    of = desk.issued(on)["seller"]
    assert (of["address"]["city"], of["payment_details"]) == (city, details)
