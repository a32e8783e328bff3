"""A batch by the command line: all rows of a file or none, and one line for what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from service.cli import opening
from service.cli.accounts import following, onboard_batch
from service.store.database import Database
from tests.scenarios.conftest import Rebill
from tests.support.onboarding import Installation, opened

HEADER = "kind,client,name,external_ref,budget,roles"


@pytest.fixture
def installation(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    with opened(database) as installation:
        monkeypatch.setattr(onboard_batch, "opened", partial(opening.opened, installation.now))
        monkeypatch.setattr(
            following, "onboarding_environment", lambda *_: installation.environment
        )
        sleep = lambda seconds: installation.aws.clock.advance(seconds=seconds)  # noqa: E731
        monkeypatch.setattr(following, "time", SimpleNamespace(sleep=sleep))
        monkeypatch.chdir(tmp_path)
        yield installation


def batch(rebill: Rebill, text: str | bytes, *options: str) -> Any:
    file = Path("accounts.csv")
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return rebill("onboard", "batch", file, "--by", "ada", *options)


def test_every_row_becomes_a_live_account(installation: Installation, rebill: Rebill) -> None:
    rows = "create,acme,prod,T-1,1000,MspAdmin MspBilling\r\n\r\ncreate,globex,test,T-2,,\r\n"
    answer = batch(rebill, f"\ufeff{HEADER}\r\n{rows}", "--json")

    assert answer.status == 0, answer.err
    shown = answer.json["items"]
    assert [(each["external_ref"], each["state"]) for each in shown] == [
        ("T-1", "live"), ("T-2", "live"),
    ]  # fmt: skip
    assert answer.json["ends_at"] > "2026-11-23T12:0"
    roles = [role.name for role in installation.stored(shown[0]["id"]).request.roles]
    assert roles == ["MspAdmin", "MspBilling", "MspAutomation"]

    again = batch(rebill, f"{HEADER}\n{rows}", "--json").json["items"]
    assert [each["id"] for each in again] == [each["id"] for each in shown]
    assert len(installation.aws.calls("organizations:CreateAccount")) == 2


def test_validate_only_shows_the_plan_and_its_end_and_records_nothing(
    installation: Installation, rebill: Rebill
) -> None:
    item = {"kind": "create", "client": "acme", "name": "prod", "external_ref": "T-1"}
    for text in (json.dumps({"items": [item]}), json.dumps([item])):
        answer = batch(rebill, text, "--validate-only")

        assert (answer.status, answer.err) == (0, "")
        assert "1 would be asked for" in answer.out and " prod " in answer.out
        assert "estimated end, but for what clients take: 2026-11-23 12:" in answer.out
    assert rebill("onboard", "status", "--json").json == {"onboardings": []}
    assert installation.aws.log == []


def csv_of(*rows: str) -> str:
    return "\n".join((HEADER, *rows)) + "\n"


GOOD = "create,acme,prod,T-1,1000,"
HOSTILE: dict[str, tuple[str | bytes, str]] = {
    "nothing": ("", "is empty; row 1 names the columns: kind, client"),
    "header alone": (csv_of(), "a batch has 1 to 200 onboardings, not 0"),
    "too many": (csv_of(*[GOOD] * 201), "a batch has 1 to 200 onboardings, not 201"),
    "unknown column": ("kind,password\n", "row 1, column 2: 'password' is no column; there are"),
    "a column twice": ("kind,client,kind\n", "row 1, column 3: kind is there twice"),
    "too few cells": (csv_of(GOOD, "create,acme"), "row 3 has 2 cells, and there are 6 columns"),
    "too many cells": (csv_of(GOOD + ",,,"), "row 2 has 9 cells, and there are 6 columns"),
    "a column missing": ("kind,client,name\ncreate,acme,x\n", "row 2, column external_ref: Field"),
    "formula": (
        csv_of(GOOD, "create,acme,=cmd|' /C calc'!A0,T-2,,"),
        "row 3, column name: \"=cmd|' /C calc'!A0\" looks like a formula",
    ),
    "not a kind": (csv_of("steal,acme,x,T-1,,"), "row 2, column kind: Input should be 'create'"),
    "nul": (csv_of("create,ac\0me,x,T-1,,"), "row 2, column client: 'ac\\x00me' has characters"),
    "two lines in a cell": (csv_of('create,acme,"a\nb",T-1,,'), "row 2, column name: 'a\\nb' has"),
    "an open quote": (csv_of('create,acme,"x,T-1,,'), "row 2 is no CSV: unexpected end of data"),
    "an endless field": (csv_of("create,acme," + "x" * 200_000), "row 2 is no CSV: field larger"),
    "latin-1": (csv_of(GOOD, "create,acme,büro,T-2,,").encode("latin-1"), "row 3 is not UTF-8"),
    "a million bytes": (csv_of(*[GOOD] * 50_000), "a batch has at most 1,000,000 bytes"),
    "broken json": ('{"items": [', "is no JSON: "),
    "json of another kind": ('{"accounts": []}', 'give {"items": […]}, a list of onboardings'),
    "deep json": ("[" * 100_000, "is no JSON: "),
    "json with a number": ('[{"kind": "create", "client": 7}]', "item 0, column client: Input sho"),
    "unknown client": (csv_of(GOOD, "create,nobody,x,T-2,,"), "row 3: there is no client 'nobody'"),
    "two wrong": (
        csv_of("create,acme,büro,T-1,,", GOOD, "create,acme,x,T-2,much,"),
        "not 'büro': ask for 'buro' instead; row 4: budget 'much' is no positive amount",
    ),
    "the same ticket": (csv_of(GOOD, "create,acme,other,T-1,,"), "row 3: external_ref 'T-1' asked"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "words"), HOSTILE.values(), ids=HOSTILE)
def test_what_is_wrong_is_one_line_with_its_row_and_nothing_is_asked_for(
    installation: Installation, rebill: Rebill, text: str | bytes, words: str
) -> None:
    answer = batch(rebill, text)

    assert (answer.status, answer.out) == (2, "")
    assert words in answer.err and answer.err.count("\n") == 1, answer.err
    assert rebill("onboard", "status", "--json").json == {"onboardings": []}
    assert installation.aws.log == []


def test_a_file_that_is_none_is_said_to_be(installation: Installation, rebill: Rebill) -> None:
    for path in ("nowhere.csv", "/", "/dev/zero"):
        answer = rebill("onboard", "batch", path)
        assert (answer.status, answer.err) == (2, f"rebill: {path} is no file\n")
    assert installation.aws.log == []
