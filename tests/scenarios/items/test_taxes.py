"""An item that is taxed otherwise than the rest: each category and rate has its own line."""

from __future__ import annotations

from tests.scenarios.items.conftest import Contract, item

OCTOBER = "2026-10"
VAT = {"category": "standard", "rate_percent": "20"}


def tax_lines(document: dict[str, object]) -> list[tuple[str, ...]]:
    lines = document["tax_lines"]
    assert isinstance(lines, list)
    return [(e["category"], e["rate_percent"], e["base"], e["tax"]) for e in lines]


def test_each_rate_is_of_its_own_lines(contract: Contract) -> None:
    """100 of usage and a fee of 50 at 20 %; a book of 10.10 at 5 %; a permit of 7 without tax.

    150 x 20 % = 30; 10.10 x 5 % = 0.505, which is 0.51; 167.10 + 30.51 = 197.61.
    """
    contract.agree(
        item("care", amount="50"),
        item("book", amount="10.10", tax={"category": "standard", "rate_percent": "5"}),
        item("permit", amount="7", tax={"category": "exempt", "note": "Official fee."}),
        tax=VAT,
    )

    document = contract.close(OCTOBER)

    assert tax_lines(document) == [
        ("standard", "20", "150.00", "30.00"),
        ("exempt", "0", "7.00", "0.00"),
        ("standard", "5", "10.10", "0.51"),
    ]
    assert (document["subtotal"], document["tax"], document["total"]) == (
        "167.10", "30.51", "197.61",
    )  # fmt: skip
    taxed = {each["key"]: each["tax"] for each in document["lines"] if "tax" in each}
    assert taxed == {
        "custom/book": {"category": "standard", "rate_percent": "5"},
        "custom/permit": {"category": "exempt", "rate_percent": "0"},
    }
    assert document["tax_lines"][1]["note"] == "Official fee."


def test_an_item_under_reverse_charge_needs_the_clients_number(contract: Contract) -> None:
    contract.agree(item("care", amount="50", tax={"category": "reverse_charge"}))
    contract.take(OCTOBER)

    assert contract.rebill("bill", "--period", OCTOBER, "--json").json["invoices"] == []
    assert "VAT id" in contract.findings(OCTOBER)["client_tax_id_missing"]


def test_less_than_nothing_in_two_rates_is_no_balance(contract: Contract) -> None:
    """100 at 20 % and a credit of 300 at 5 %: nobody could say which tax comes back."""
    goodwill = item("goodwill", kind="credit", amount="300", tax=VAT | {"rate_percent": "5"})
    contract.agree(goodwill, tax=VAT, negative_months="carry_forward")
    contract.take(OCTOBER)

    assert contract.rebill("bill", "--period", OCTOBER, "--json").json["invoices"] == []
    assert "taxed in 2 ways" in contract.findings(OCTOBER)["negative_in_several_taxes"]


def test_a_percentage_of_cost_shows_neither_cost_nor_percent(contract: Contract) -> None:
    """12.5 % of a cost of 100: the document says 12.50, and nothing it is a part of."""
    contract.agree(item("management", percent_of="cost", percent="12.5"))

    document = contract.close(OCTOBER)

    (line,) = (each for each in document["lines"] if each["key"] == "custom/management")
    assert line == {
        "key": "custom/management",
        "account_id": "", "account_name": "", "service": "", "service_name": "",
        "description": "Management", "quantity": "1", "unit": "",
        "price": "12.5", "amount": "12.50",
    }  # fmt: skip
