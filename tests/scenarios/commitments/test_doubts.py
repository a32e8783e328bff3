"""What an export leaves open about a commitment is told by name, and nothing is guessed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.scenarios.commitments.rows import account, reservation_fee, reserved, reserved_usage
from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import PERIOD, book, client, exported, payer, written
from tests.support.bills.ingest_builders import PAYER, line

MONTH = ("--period", PERIOD)
EUROS = {"line_item_currency_code": "EUR"}


def parked(billed: Any, code: str) -> dict[str, str]:
    return {each["client"]: each["message"] for each in billed["findings"] if each["code"] == code}


def test_what_covered_usage_costs_on_demand_is_not_guessed(rebill: Rebill, tmp_path: Path) -> None:
    """Of 1, B's usage of 40 is beside another of a blank cost on the same day, and 40 is their sum:
    who pays by it is parked, and who has the benefit. Of 2, it is charged in euros as well. Of 3,
    all is well, and of 4 the blank is A's, whom nobody else's invoice hangs on.
    """
    rows = [
        *(reserved_usage("a-1", "60", "20"), reserved_usage("b-1", "40", "30")),
        *(reserved_usage("b-1", "", "30"), reservation_fee(1, "80")),
        *(reserved_usage("a-2", "60", "20"), reserved_usage("b-2", "40", "30", **EUROS)),
        *(reservation_fee(2, "20"), reservation_fee(2, "30", **EUROS)),
        *(reserved_usage("a-3", "60", "20"), reserved_usage("b-3", "40", "30")),
        reservation_fee(3, "50"),
        *(reserved_usage("a-4", "", "20"), reservation_fee(4, "20")),
    ]
    clients = [client(f"{each}-{n}", account(f"{each}-{n}")) for n in (1, 2, 3) for each in "ab"]
    clients.append(client("a-4", account("a-4")))
    said = book(basis="amortized", commitments={"default": "owner_client"})
    rate = {"period": PERIOD, "from": "EUR", "to": "USD", "rate": "2", "source": "ECB"}
    configuration = written(tmp_path, clients=clients, price_books=[said], exchange_rates=[rate])
    assert rebill("apply", configuration).status == 0
    taken = rebill("ingest", exported(tmp_path / "e", rows), "--payer", PAYER, *MONTH, "--json")
    assert taken.json["on_demand_unknown"] == {reserved(1): 1, reserved(4): 1}

    billed = rebill("bill", *MONTH, "--json")
    assert billed.status == 1
    told = parked(billed.json, "commitment_unanswerable")
    assert sorted(told) == ["a-1", "a-2", "a-4", "b-1", "b-2"]
    for key in ("a-1", "b-1"):
        assert f"for {reserved(1)} by owner_client" in told[key]
        assert "(rows without it: 1)" in told[key]
    for key in ("a-2", "b-2"):
        assert f"for {reserved(2)} by owner_client, and it is charged in EUR and USD" in told[key]
    totals = {each["client"]: each["total"] for each in billed.json["invoices"]}
    assert totals == {"a-3": "10.00", "b-3": "40.00"}


def test_a_policy_for_what_another_payer_has_is_no_slip_of_the_pen(
    rebill: Rebill, tmp_path: Path
) -> None:
    """Of 13, the first payer has the reservation; 14 is misspelt, of the same account; of 99 nobody
    knows the account, and each payer says that it is not its own.
    """
    other = "999999999999"
    clients = [client("acme", account("a-13"), account("b-13"))]
    misspelt = reserved(13) + "-x"
    of = {reserved(13): "owner_client", misspelt: "owner_client", reserved(99): "retained"}
    books = [book(basis="amortized", commitments={"arns": of})]
    payers = [payer(PAYER), payer(other)]
    configuration = written(tmp_path, clients=clients, payers=payers, price_books=books)
    assert rebill("apply", configuration).status == 0
    rows = {
        PAYER: [reservation_fee(13, "50"), reserved_usage("a-13", "60", "50")],
        other: [line("7", line_item_usage_account_id=account("b-13"), bill_payer_account_id=other)],
    }
    for whose, of_payer in rows.items():
        export = exported(tmp_path / whose, of_payer)
        assert rebill("ingest", export, "--payer", whose, *MONTH).status == 0

    billed = rebill("bill", *MONTH, "--json")
    assert billed.status == 0
    told = [
        each["message"]
        for each in billed.json["findings"]
        if each["code"] == "commitment_not_in_month"
    ]
    said = (
        "Price book standard has a policy for {}, which has no charge of payer account {} in "
        "2026-10: nothing is billed by it, unless another payer has it. Mend the ARN or leave it "
        "out."
    )
    assert sorted(told) == sorted(
        [
            said.format(misspelt, PAYER),
            said.format(reserved(99), PAYER),
            said.format(reserved(99), other),
        ]
    )
