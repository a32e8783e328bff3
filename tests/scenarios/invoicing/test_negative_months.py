"""Months below nothing, at the command line: parked, or carried to the client's next invoices.

The kinds are those of public trackers: zing 335 (carry over, and report what remains), invoiceninja
4732 (a credit of September, the next invoice months later), registrasion 84 (applied by itself, as
much as an invoice holds), erpnext 2512 (negative lines, no negative total), kimai 3060.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.conftest import Answer, Rebill
from tests.support.bills.front_door import book, client, exported, fee, seller, written
from tests.support.bills.ingest_builders import PAYER, line

ACME, BELL = "111111111111", "222222222222"
VAT = {"tax": {"category": "standard", "rate_percent": "19"}}
PASSING = book(credits="pass_through")
JULY, AUGUST, SEPTEMBER, OCTOBER = "2026-07", "2026-08", "2026-09", "2026-10"


class Books:
    """Acme, who carries forward, beside Bell, who always owes 20."""

    def __init__(self, rebill: Rebill, folder: Path) -> None:
        self.rebill, self.folder, self.taken = rebill, folder, 0

    def say(self, *, acme: dict[str, Any] | None = None, **configuration: Any) -> Answer:
        known = {"negative_months": "carry_forward"} | VAT | (acme or {})
        said = {"clients": [client("acme", ACME, **known), client("bell", BELL)]}
        said |= {"price_books": [PASSING]}
        return self.rebill("apply", written(self.folder, **(said | configuration)))

    def take(self, period: str, *costs: str, invoice_id: str = "1") -> None:
        """Acme's; what is below nothing is a credit."""
        month = {"bill_billing_period_start_date": f"{period}-01T00:00:00.000Z"}
        month |= {"line_item_usage_start_date": f"{period}-05T07:00:00.000Z"}
        month |= {"bill_invoice_id": invoice_id}
        rows = [line("20", line_item_usage_account_id=BELL, **month)]
        for cost in costs:
            kind = "Credit" if cost.startswith("-") else "Usage"
            rows.append(line(cost, kind, line_item_usage_account_id=ACME, **month))
        self.taken += 1
        export = exported(self.folder / str(self.taken), rows)
        assert self.rebill("ingest", export, "--payer", PAYER, "--period", period).status == 0

    def bill(self, period: str) -> dict[str, tuple[str, str]]:
        """State and total by client."""
        billed = self.rebill("bill", "--period", period, "--json").json
        return {each["client"]: (each["state"], each["total"]) for each in billed["invoices"]}

    def close(self, period: str, *costs: str) -> dict[str, tuple[str, str]]:
        self.take(period, *costs)
        self.bill(period)
        return self.issue(period)

    def issue(self, period: str) -> dict[str, tuple[str, str]]:
        assert self.rebill("approve", "--period", period).status == 0
        issued = self.rebill("issue", "--period", period, "--json").json
        return {each["client"]: (each["state"], each["total"]) for each in issued["invoices"]}

    def proof(self, period: str) -> Any:
        return self.rebill("reconcile", "--period", period, "--json").json


@pytest.fixture
def books(rebill: Rebill, tmp_path: Path) -> Books:
    books = Books(rebill, tmp_path)
    assert books.say().status == 0
    return books


def codes(proof: Any) -> list[str]:
    return [each["code"] for each in proof["findings"] if each["client"] != "bell"]


def test_a_negative_month_is_taken_off_the_next_invoices_as_far_as_they_hold_it(
    books: Books,
) -> None:
    """-60.00 of August: September's 25.00 hold 25.00, October's 100.00 the 35.00 that are left.

    August is -60.00 - 11.40 of tax. October is 65.00 + 12.35 = 77.35. In all 65.00 before tax are
    asked: -60 + 25 + 100.
    """
    assert books.close(AUGUST, "40", "-100") == {
        "acme": ("no_document", "-71.40"), "bell": ("issued", "20.00"),
    }  # fmt: skip
    august = books.proof(AUGUST)
    assert august["closes"] and "carried_forward" in codes(august)
    assert august["carried_forward"] == [
        {"client": "acme", "currency": "USD", "net": "60.00", "open": "60.00", "taken": []}
    ]

    assert books.close(SEPTEMBER, "25")["acme"] == ("issued", "0.00")
    assert books.close(OCTOBER, "100")["acme"] == ("issued", "77.35")

    (balance,) = books.proof(AUGUST)["carried_forward"]
    assert (balance["open"], [each["net"] for each in balance["taken"]]) == (
        "0.00", ["25.00", "35.00"],
    )  # fmt: skip
    october = books.proof(OCTOBER)
    assert october["closes"]
    (acme,) = (each for each in october["clients"] if each["client"] == "acme")
    assert (acme["price"], acme["carried"], acme["tax"]) == ("100", "-35.00", "12.35")
    shown = books.rebill("reconcile", "--period", AUGUST).out
    assert "25.00 by SE-000002 of 2026-09; 35.00 by SE-000004 of 2026-10" in " ".join(
        shown.replace("│", " ").split()
    )


def test_billed_again_a_month_takes_the_same_once(books: Books) -> None:
    books.close(AUGUST, "-30")
    books.take(SEPTEMBER, "10")
    books.take(OCTOBER, "100")

    for _ in range(2):
        # Whoever is billed first takes it; a draft holds it as an invoice does.
        assert books.bill(SEPTEMBER)["acme"] == ("draft", "0.00")
        assert books.bill(OCTOBER)["acme"] == ("draft", "95.20")  # 80.00 and 15.20 of tax
    assert books.issue(SEPTEMBER)["acme"] == ("issued", "0.00")
    assert books.issue(OCTOBER)["acme"] == ("issued", "95.20")
    for period, total in ((SEPTEMBER, "0.00"), (OCTOBER, "95.20")):
        assert books.bill(period)["acme"] == ("issued", total)
        assert "issued_invoice_differs" not in codes(books.proof(period))


def test_a_month_without_charges_between_takes_nothing(books: Books) -> None:
    """A credit of July, and the next invoice in October."""
    books.close(JULY, "-30")
    assert "acme" not in books.close(AUGUST)
    assert "acme" not in books.close(SEPTEMBER)
    assert books.close(OCTOBER, "50")["acme"] == ("issued", "23.80")  # 20.00 + 3.80


def test_two_negative_months_are_taken_the_older_first(books: Books) -> None:
    books.close(JULY, "-10")
    books.close(AUGUST, "-20")
    assert books.close(OCTOBER, "15")["acme"] == ("issued", "0.00")

    opened = [books.proof(each)["carried_forward"][0]["open"] for each in (JULY, AUGUST)]
    assert opened == ["0.00", "15.00"]


def test_a_custom_credit_above_the_month_is_carried_too(books: Books) -> None:
    """100.00 and a goodwill of 500.00: of the 400.00, September's 100.00 take 100.00."""
    goodwill = fee("acme", "500.00", "Goodwill", kind="credit")
    goodwill |= {"from": "2026-08", "to": "2026-09"}
    assert books.say(custom_line_items=[goodwill]).status == 0
    assert books.close(AUGUST, "100")["acme"] == ("no_document", "-476.00")
    assert books.close(SEPTEMBER, "100")["acme"] == ("issued", "0.00")
    assert books.proof(AUGUST)["carried_forward"][0]["open"] == "300.00"


def test_the_rate_of_its_own_month_stays(books: Books) -> None:
    """-30.00 at 19 %, then 100.00 at 21 %: 70.00 + 21.00 - 5.70."""
    books.close(AUGUST, "-30")
    assert books.say(acme={"tax": {"category": "standard", "rate_percent": "21"}}).status == 0
    assert books.close(SEPTEMBER, "100")["acme"] == ("issued", "85.30")


def test_what_changes_after_it_was_taken_is_told_and_not_taken_twice(books: Books) -> None:
    books.close(AUGUST, "-30")
    books.close(SEPTEMBER, "100")
    books.take(AUGUST, "-50")

    assert books.bill(AUGUST)["acme"] == ("no_document", "-35.70")
    (told,) = (e for e in books.proof(AUGUST)["findings"] if e["client"] == "acme"
               and e["severity"] == "critical")  # fmt: skip
    assert told["code"] == "carried_month_differs"
    assert "of -35.70 USD would now be -59.50 (-23.80)" in told["message"]
    assert books.bill(SEPTEMBER)["acme"] == ("issued", "83.30")
    assert "issued_invoice_differs" not in codes(books.proof(SEPTEMBER))


def test_a_draft_is_not_issued_on_a_balance_that_changed(books: Books) -> None:
    books.close(AUGUST, "-30")
    books.take(SEPTEMBER, "100")
    books.bill(SEPTEMBER)
    books.take(AUGUST, "-5")
    books.bill(AUGUST)

    assert books.issue(SEPTEMBER)["acme"] == ("approved", "83.30")
    assert books.rebill("withdraw", "--period", SEPTEMBER, "--client", "acme").status == 0
    # 95.00 and 18.05 of tax.
    assert books.bill(SEPTEMBER)["acme"] == ("draft", "113.05")
    assert books.issue(SEPTEMBER)["acme"] == ("issued", "113.05")


def test_a_month_that_may_not_be_issued_leaves_no_balance_that_may(books: Books) -> None:
    books.take(AUGUST, "-30", invoice_id="")
    assert books.bill(AUGUST)["acme"] == ("no_document", "-35.70")
    books.take(SEPTEMBER, "100")
    books.bill(SEPTEMBER)
    books.rebill("approve", "--period", SEPTEMBER)

    refused = books.rebill("issue", "--period", SEPTEMBER)
    assert refused.status == 1
    assert "the balance of acme from 2026-08: AWS has not put an invoice id" in refused.err
    assert books.proof(AUGUST)["carried_forward"][0]["open"] == "0.00"  # The draft still holds it.


def test_another_currency_waits_for_an_invoice_in_its_own(books: Books) -> None:
    books.close(AUGUST, "-30")
    euros = {"exchange_rates": [
        {"period": SEPTEMBER, "from": "USD", "to": "EUR", "rate": "0.5", "source": "T"}
    ]}  # fmt: skip
    assert books.say(acme={"currency": "EUR"}, **euros).status == 0
    assert books.close(SEPTEMBER, "100")["acme"] == ("issued", "59.50")
    assert "balance_waits" in codes(books.proof(SEPTEMBER))
    assert books.say().status == 0
    assert books.close(OCTOBER, "100")["acme"] == ("issued", "83.30")


def test_parked_is_what_nobody_chose_otherwise(books: Books) -> None:
    assert books.say(acme={"negative_months": "park"}).status == 0
    books.take(AUGUST, "-30")

    assert "acme" not in books.bill(AUGUST)
    assert not books.proof(AUGUST)["closes"]
    # The seller's word counts for whoever says nothing.
    from_seller = {"seller": {**SELLER, "negative_months": "carry_forward"}}
    assert books.say(acme={"negative_months": None}, **from_seller).status == 0
    assert books.bill(AUGUST)["acme"] == ("no_document", "-35.70")


SELLER = {
    "key": "seller", "name": "Seller", "tax_id": "USseller", "numbering": {"prefix": "SE-"},
    "address": {"street": "1 Lane", "city": "Dallas", "postcode": "75001", "country": "US"},
}  # fmt: skip


def exported_note(books: Books, period: str, number: str) -> Any:
    out = books.folder / "out"
    assert books.rebill("export", "--period", period, "--out", out).status == 0
    return json.loads((out / period / "acme" / f"{number}.json").read_text())


def test_a_negative_month_is_a_credit_note_where_its_client_says_so(books: Books) -> None:
    """July's 100.00; August is 40.00 - 100.00 = -60.00 and -11.40 of tax: a note of 71.40."""
    assert books.say(acme={"negative_months": "credit_note"}).status == 0
    assert books.close(JULY, "100")["acme"] == ("issued", "119.00")
    books.take(AUGUST, "40", "-100")
    assert books.bill(AUGUST)["acme"] == ("draft", "71.40")
    assert "credited_month" in codes(books.proof(AUGUST))
    assert books.issue(AUGUST)["acme"] == ("issued", "71.40")

    note = exported_note(books, AUGUST, "CN-SE-000001")
    assert (note["document_type"], note["corrects"]) == ("credit_note", ["SE-000001"])
    assert (note["subtotal"], note["tax"], note["total"]) == ("60.00", "11.40", "71.40")
    assert [each["amount"] for each in note["lines"]] == ["-40.00", "100.00"]
    assert note["reason"] == {"code": "negative_month", "text": ""}
    august = books.proof(AUGUST)
    assert august["closes"] and august["carried_forward"] == []
    assert books.bill(AUGUST)["acme"] == ("issued", "71.40")
    assert "issued_invoice_differs" not in codes(books.proof(AUGUST))
    assert books.close(SEPTEMBER, "25")["acme"] == ("issued", "29.75")
    assert books.rebill("verify").status == 0

    # It is set against July's 119.00, of which 47.60 are left.
    rest = books.rebill("credit", "SE-000001", "--reason", "goodwill", "--json").json["proposed"]
    assert [each["total"] for each in rest] == ["47.60"]


def test_a_credit_note_of_more_than_any_invoice_stands_by_itself(books: Books) -> None:
    assert books.say(acme={"negative_months": "credit_note"}).status == 0
    books.close(JULY, "50")
    books.close(AUGUST, "-60")

    assert exported_note(books, AUGUST, "CN-SE-000001")["corrects"] == []


def test_what_one_seller_owes_no_other_takes_off(books: Books) -> None:
    """August's -30.00 are the first company's. Sold by a second one, September is 119.00 whole;
    sold by the first again, October is 100.00 - 30.00 and 13.30 of tax."""
    books.close(AUGUST, "-30")
    assert books.say(seller=seller("oslo")).status == 0
    assert books.close(SEPTEMBER, "100")["acme"] == ("issued", "119.00")
    (told,) = (e for e in books.proof(SEPTEMBER)["findings"] if e["code"] == "balance_waits")
    assert told["message"].endswith(
        "0 USD is taken off this month's invoice and 30 is carried on: it is owed by seller "
        "seller, and waits for an invoice of that one."
    )
    assert books.say().status == 0
    assert books.close(OCTOBER, "100")["acme"] == ("issued", "83.30")


def test_a_carried_balance_on_an_invoice_is_explained(books: Books) -> None:
    books.close(AUGUST, "-30")
    books.close(SEPTEMBER, "100")
    told = books.rebill("explain", "SE-000002", "carried/2026-08", "--json").json

    assert told["steps"] == [
        "what 2026-08 left in the client's favour, before tax", "on the document: -30.00 USD",
    ]  # fmt: skip
