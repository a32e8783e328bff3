"""Owns one client's contract at the command line: items said, months taken in, billed, issued."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.conftest import Answer, Rebill
from tests.support.bills.front_door import book, client, exported, written
from tests.support.bills.ingest_builders import PAYER, line

ACME, BELL = "111111111111", "222222222222"


def item(key: str, **more: Any) -> dict[str, Any]:
    """`start` and `end` stand for `from` and `to`."""
    known: dict[str, Any] = {"client": "acme", "kind": "fee", "key": key}
    said = known | {"description": key.title()} | more
    return {{"start": "from", "end": "to"}.get(name, name): v for name, v in said.items()}


class Contract:
    """Acme's, at cost, beside Bell, who has none."""

    def __init__(self, rebill: Rebill, folder: Path) -> None:
        self.rebill, self.folder, self.taken = rebill, folder, 0

    def file(self, *items: dict[str, Any], **acme: Any) -> Path:
        return written(
            self.folder,
            clients=[client("acme", ACME, **acme), client("bell", BELL)],
            price_books=[book(credits="pass_through")],
            custom_line_items=list(items),
        )

    def say(self, *items: dict[str, Any], **acme: Any) -> Answer:
        return self.rebill("apply", self.file(*items, **acme))

    def agree(self, *items: dict[str, Any], **acme: Any) -> None:
        answer = self.say(*items, **acme)
        assert answer.status == 0, answer.err

    def take(self, period: str, cost: str = "100", *, account: str = ACME, **used: str) -> None:
        """What is used, by service; what is below nothing is a credit."""
        month = {"bill_billing_period_start_date": f"{period}-01T00:00:00.000Z"}
        month |= {"line_item_usage_start_date": f"{period}-05T07:00:00.000Z"}
        costs = used or {"AmazonEC2": cost}
        rows = [
            line(
                each,
                "Credit" if each.startswith("-") else "Usage",
                line_item_usage_account_id=account,
                line_item_product_code=service,
                **month,
            )
            for service, each in costs.items()
        ]
        self.taken += 1
        export = exported(self.folder / str(self.taken), rows)
        assert self.rebill("ingest", export, "--payer", PAYER, "--period", period).status == 0

    def bill(self, period: str) -> tuple[str, str]:
        """State and total."""
        (billed,) = self.rebill("bill", "--period", period, "--json").json["invoices"]
        return billed["state"], billed["total"]

    def issue(self, period: str) -> Answer:
        assert self.rebill("approve", "--period", period).status == 0
        return self.rebill("issue", "--period", period)

    def close(self, period: str, cost: str = "100", **used: str) -> dict[str, Any]:
        """The issued document, of a month from its export on."""
        self.take(period, cost, **used)
        self.bill(period)
        answer = self.issue(period)
        assert answer.status == 0, answer.err
        return self.document(period)

    def document(self, period: str) -> dict[str, Any]:
        documents = self.folder / "documents" / period
        made = self.rebill("export", "--period", period, "--format", "json", "--out", documents)
        assert made.status == 0, made.err
        (file,) = documents.rglob("*.json")
        found: dict[str, Any] = json.loads(file.read_text())
        return found

    def findings(self, period: str) -> dict[str, str]:
        """Words by code."""
        proof = self.rebill("reconcile", "--period", period, "--json").json
        return {each["code"]: each["message"] for each in proof["findings"]}


@pytest.fixture
def contract(rebill: Rebill, tmp_path: Path) -> Contract:
    return Contract(rebill, tmp_path)


def amounts(document: Mapping[str, Any]) -> dict[str, str]:
    """By key of an item."""
    lines = document["lines"]
    return {
        each["key"].removeprefix("custom/"): each["amount"]
        for each in lines
        if each["key"].startswith("custom/")
    }
