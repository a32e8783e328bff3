"""A month that AWS, or a contract, restates in twelve ways at once, and then back.

All clients are issued together, corrected together, and corrected again when everything is as it
was. The ways, with their arithmetic, are in `restatements.py`.
"""

from __future__ import annotations

import io
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from service.cli import commands
from service.store.billing import documents
from service.store.embedded import EmbeddedServer
from tests.conftest import NOW, fresh_database
from tests.scenarios.conftest import Answer
from tests.scenarios.corrections.restatements import LESS, MOVED, MOVED_ON, SAID, WAYS, Restated
from tests.support.bills.front_door import PERIOD, book, client, exported, written
from tests.support.bills.ingest_builders import PAYER

MONTH = ("--period", PERIOD)


def configuration(folder: Path, moved_on: str) -> Path:
    clients, books = [], []
    for each in WAYS.values():
        own = client(each.client, each.account, **each.terms | {"price_book": each.client})
        clients.append(own)
        books.append(book(each.client) | each.agreed)
    left, joined = (
        next(each for each in clients if each["key"] == key)["accounts"]
        for key in ("account_left", "account_joined")
    )
    left.append({"id": MOVED, "from": "2018-01-01", "to": moved_on})
    joined.append({"id": MOVED, "from": moved_on})
    euros = {"period": PERIOD, "from": "USD", "to": "EUR", "rate": "0.87065", "source": "ECB"}
    return written(folder, clients=clients, price_books=books, exchange_rates=[euros])


def deliver(folder: Path, which: str) -> None:
    rows = [
        row if row["line_item_usage_account_id"] == MOVED
        else row | {"line_item_usage_account_id": each.account}
        for each in WAYS.values()
        for row in getattr(each, which)
    ]  # fmt: skip
    assert run("ingest", exported(folder, rows), "--payer", PAYER, *MONTH).status == 0


@dataclass(frozen=True)
class Told:
    """What waited at first, after the restatement and again; and what documents came to."""

    first: list[dict[str, Any]]
    proposed: list[dict[str, Any]]
    again: list[dict[str, Any]]
    restated: dict[str, dict[str, Decimal]]
    """By client, what its documents came to, by line and tax."""
    back: dict[str, dict[str, Decimal]]
    finally_proposed: list[dict[str, Any]]


@pytest.fixture(scope="module")
def told(
    server: EmbeddedServer, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("restated")
    with fresh_database(server, template) as database, pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "database_now", lambda _session: NOW)
        patch.setenv("REBILL_HOME", str(folder / "home"))
        patch.setenv("REBILL_DATABASE_URL", database.conninfo)
        assert run("apply", configuration(folder, SAID)).status == 0
        deliver(folder / "v1", "first")
        first = waiting()
        settle()

        assert run("apply", configuration(folder, MOVED_ON)).status == 0
        deliver(folder / "v2", "later")
        proposed, again = waiting(), waiting()
        settle()
        restated = sums(folder / "v2")

        assert run("apply", configuration(folder, SAID)).status == 0
        deliver(folder / "v3", "first")
        waiting()
        settle()
        told = Told(first, proposed, again, restated, sums(folder / "v3"), waiting())
        assert run("verify").status == 0
        yield told


def run(*arguments: object) -> Answer:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = commands.run([str(argument) for argument in arguments])
    return Answer(status, out.getvalue(), err.getvalue())


def waiting() -> list[dict[str, Any]]:
    answer = run("bill", *MONTH, "--json")
    assert answer.status == 0, answer.out
    return [each for each in answer.json["invoices"] if each["state"] == "draft"]


def settle() -> None:
    for command in ("approve", "issue", "reconcile"):
        answer = run(command, *MONTH)
        assert answer.status == 0, answer.out + answer.err


def sums(folder: Path) -> dict[str, dict[str, Decimal]]:
    """Of each client, by line and tax, what is asked for less what is taken back."""
    assert run("export", *MONTH, "--format", "json", "--out", folder).status == 0
    found: dict[str, defaultdict[str, Decimal]] = {}
    for path in (folder / PERIOD).glob("*/*.json"):
        document = json.loads(path.read_text())
        sign = -1 if document["document_type"] == LESS else 1
        own = found.setdefault(document["client"]["key"], defaultdict(Decimal))
        for each in document["lines"]:
            own[_short(each["key"])] += sign * Decimal(each["amount"])
        own["tax"] += sign * Decimal(document["tax"])
    return {key: {k: v for k, v in own.items() if v or k == "tax"} for key, own in found.items()}


def _short(key: str) -> str:
    """Without the client's own account, and without the hash of AWS's words."""
    account, _, rest = key.partition("/")
    return re.sub(r"-[0-9a-f]{10}$", "", key if account == MOVED else rest)


@pytest.mark.parametrize("each", WAYS.values(), ids=WAYS)
def test_what_is_issued_comes_to_the_restated_month(told: Told, each: Restated) -> None:
    (first,) = (e["total"] for e in told.first if e["client"] == each.client)
    assert first == each.was
    own = [(e["document_type"], e["total"]) for e in told.proposed if e["client"] == each.client]
    assert own == ([each.proposed] if each.proposed else [])

    found = told.restated[each.client]
    assert found == {key: Decimal(amount) for key, amount in each.is_now.items()}


@pytest.mark.parametrize("each", WAYS.values(), ids=WAYS)
def test_restated_back_it_comes_to_what_it_was(told: Told, each: Restated) -> None:
    assert sum(told.back[each.client].values()) == Decimal(each.was)


def test_the_second_billing_proposes_nothing(told: Told) -> None:
    assert told.again == told.proposed and len(told.again) == len(WAYS) - 1
    assert told.finally_proposed == []
