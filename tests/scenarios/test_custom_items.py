"""Custom line items: on one document, once, whatever is configured later, and they can end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import PERIOD, client, exported, fee, payer, seller, written
from tests.support.bills.ingest_builders import PAYER, line

OTHER = "100000000002"
ACME, BELL = "111111111111", "222222222222"
MONTH = ("--period", PERIOD)


def row(cost: str, account: str, of: str = PAYER) -> dict[str, str]:
    return line(cost, line_item_usage_account_id=account, bill_payer_account_id=of)


def billed(rebill: Rebill, of: str = PAYER) -> dict[str, str]:
    """Totals, by client, of one payer's month."""
    listed = rebill("bill", *MONTH, "--payer", of, "--json").json["invoices"]
    return {each["client"]: each["total"] for each in listed}


@pytest.fixture
def one_payer(rebill: Rebill, tmp_path: Path) -> dict[str, Any]:
    """Acme pays a fee of 950, of no payer in particular, and uses 10."""
    said: dict[str, Any] = {
        "clients": [client("acme", ACME)],
        "custom_line_items": [fee("acme", "950.00")],
    }
    assert rebill("apply", written(tmp_path, **said)).status == 0
    export = exported(tmp_path / "one", [row("10", ACME)])
    assert rebill("ingest", export, "--payer", PAYER, *MONTH).status == 0
    return said


def test_another_payer_takes_no_item_that_was_there(
    rebill: Rebill, tmp_path: Path, one_payer: dict[str, Any]
) -> None:
    assert billed(rebill) == {"acme": "960.00"}
    second: dict[str, Any] = {
        "seller": seller("second"), "payers": [payer(OTHER)], "clients": [client("bell", BELL)],
    }  # fmt: skip
    assert rebill("apply", written(tmp_path, **second)).status == 0
    export = exported(tmp_path / "two", [row("20", BELL, OTHER)])
    assert rebill("ingest", export, "--payer", OTHER, *MONTH).status == 0

    assert billed(rebill) == {"acme": "960.00"}
    assert billed(rebill, OTHER) == {"bell": "20.00"}
    again = rebill("apply", written(tmp_path, **one_payer), "--json")
    assert again.json["changes"] == [], "the file that names no payer still says what it said"


def test_items_of_a_file_with_two_payers_name_theirs(rebill: Rebill, tmp_path: Path) -> None:
    said: dict[str, Any] = {"payers": [payer(), payer(OTHER)], "clients": [client("acme", ACME)]}
    refused = rebill("apply", written(tmp_path, **said, custom_line_items=[fee("acme", "5")]))

    assert refused.status == 2 and "say with `payer`" in refused.err


def test_a_corrected_description_is_not_a_second_fee(
    rebill: Rebill, tmp_path: Path, one_payer: dict[str, Any]
) -> None:
    said = one_payer | {"custom_line_items": [fee("acme", "950.00", "Managed services (Gold)")]}
    file = written(tmp_path, **said)

    refused = rebill("apply", file)
    assert refused.status == 2 and "both would be billed" in refused.err
    tried = rebill("apply", file, "--prune", "--dry-run")
    assert "custom line item acme:fee:Managed services: removed" in tried.out
    assert "2 changes would be made" in tried.out
    assert billed(rebill) == {"acme": "960.00"}
    assert rebill("apply", file, "--prune").status == 0
    assert billed(rebill) == {"acme": "960.00"}


def test_with_a_key_of_its_own_an_item_keeps_it_under_any_words(
    rebill: Rebill, tmp_path: Path, one_payer: dict[str, Any]
) -> None:
    for words in ("Support", "Support (Gold)"):
        items = [fee("acme", "950.00"), fee("acme", "50", words, key="support")]
        assert (
            rebill("apply", written(tmp_path, **one_payer | {"custom_line_items": items})).status
            == 0
        )
        assert billed(rebill) == {"acme": "1010.00"}


def test_what_the_file_leaves_out_is_named_and_stays(
    rebill: Rebill, tmp_path: Path, one_payer: dict[str, Any]
) -> None:
    without = rebill("apply", written(tmp_path, **one_payer | {"custom_line_items": []}))

    assert "acme:fee:Managed services: not in the file, stays (--prune ends it)" in without.out
    assert billed(rebill) == {"acme": "960.00"}


def test_pruned_after_its_month_was_issued_it_ends_with_that_month(
    rebill: Rebill, tmp_path: Path, one_payer: dict[str, Any]
) -> None:
    assert billed(rebill) == {"acme": "960.00"}
    assert rebill("approve", *MONTH).status == 0
    assert rebill("issue", *MONTH).status == 0
    file = written(tmp_path, **one_payer | {"custom_line_items": []})
    assert "changed end_period" in rebill("apply", file, "--prune").out

    assert rebill("bill", *MONTH).status == 0, "the issued month is as it was"
    november = row("10", ACME) | {"bill_billing_period_start_date": "2026-11-01T00:00:00Z"}
    november |= {"line_item_usage_start_date": "2026-11-05T07:00:00Z"}
    export = exported(tmp_path / "november", [november])
    assert rebill("ingest", export, "--payer", PAYER, "--period", "2026-11").status == 0
    billed_then = rebill("bill", "--period", "2026-11", "--json").json["invoices"]
    assert [each["total"] for each in billed_then] == ["10.00"]


def test_a_client_of_another_payer_only_is_told(
    rebill: Rebill, tmp_path: Path, one_payer: dict[str, Any]
) -> None:
    said = one_payer | {"clients": [client("acme", ACME), client("bell")]}
    items = [fee("acme", "950.00"), fee("bell", "5")]
    assert rebill("apply", written(tmp_path, **said | {"custom_line_items": items})).status == 0

    told = rebill("bill", *MONTH)
    assert "bell has no charges of payer" in told.out + told.err
