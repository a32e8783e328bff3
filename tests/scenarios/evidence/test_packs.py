"""A pack of evidence: a stranger verifies it with public tools, and any change of it is named."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from jobs.evidence.packing import with_sums
from service.store.database import Database
from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import PERIOD, book, client, exported, written
from tests.support.bills.ingest_builders import PAYER, line, put

ACME, BELL = "111111111111", "222222222222"
MONTH = ("--period", PERIOD)
OURS = "We checked with Bell by phone"


@pytest.fixture
def issued(rebill: Rebill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rebill:
    """Acme's 40 at 5 percent on top is SE-000001, of 42.00, which a checkpoint saw; Bell waits.

    Bell's 20 costs the same. A finding is waived for all, one for Acme, with their reasons.
    """
    waivers = [
        {"payer": PAYER, "period": PERIOD, "code": "cut_off", "reason": OURS},
        {
            "payer": PAYER, "period": PERIOD, "code": "rows_without_cost", "client": "acme",
            "reason": "Free tier",
        },
    ]  # fmt: skip
    configuration = written(
        tmp_path,
        clients=[client("acme", ACME), client("bell", BELL)],
        price_books=[book(rules=[{"match": {}, "markup_percent": "5"}])],
        waivers=waivers,
    )
    assert rebill("apply", configuration).status == 0
    rows = [
        line(amount, line_item_usage_account_id=account, bill_invoice_id="1")
        for amount, account in (("40", ACME), ("20", BELL))
    ]
    assert rebill("ingest", exported(tmp_path / "e", rows), "--payer", PAYER, *MONTH).status == 0
    assert rebill("checkpoint", "key", tmp_path / "key").status == 0
    monkeypatch.setenv("REBILL_CHECKPOINT_TO", str(tmp_path / "outside"))
    monkeypatch.setenv("REBILL_CHECKPOINT_KEY", str(tmp_path / "key"))
    for command in (
        ("bill",), ("approve",), ("issue", "--client", "acme"),
    ):  # fmt: skip
        assert rebill(*command, *MONTH).status == 0
    return rebill


def packed(rebill: Rebill, out: Path, *options: object) -> Path:
    """The file, and unpacked beside it the folder."""
    answer = rebill("evidence", *MONTH, "--out", out, *options)
    assert answer.status == 0, answer.err
    folder = out.with_suffix("")
    with zipfile.ZipFile(out) as pack:
        pack.extractall(folder)
    return folder


def sha256sum(folder: Path) -> tuple[int, str]:
    done = subprocess.run(
        ["sha256sum", "--check", "--quiet", "SHA256SUMS"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def verify(folder: Path, path: str | None = None) -> tuple[int, str]:
    """As a stranger runs it: nothing of ours can be imported. `path` is where programs are."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "verify.py"],
        cwd=folder, capture_output=True, text=True, check=False,
        env=None if path is None else {"PATH": path},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def read(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text(encoding="utf-8"))


def sum_anew(folder: Path) -> None:
    """As whoever changes a pack and knows how it is made."""
    files = {
        each.relative_to(folder).as_posix(): each.read_bytes()
        for each in folder.rglob("*")
        if each.is_file() and each.name != "SHA256SUMS"
    }
    (folder / "SHA256SUMS").write_bytes(with_sums(files)["SHA256SUMS"])


def test_a_stranger_verifies_both_packs(issued: Rebill, tmp_path: Path) -> None:
    assert issued("issue", *MONTH).status == 0
    for name, options, count in (("month", (), 2), ("one", ("--invoice", "SE-000001"), 1)):
        folder = packed(issued, tmp_path / f"{name}.zip", *options)

        assert sha256sum(folder) == (0, "")
        assert verify(folder) == (0, f"OK  {count} documents\n")
        assert "python3 verify.py" in (folder / "README.txt").read_text(encoding="utf-8")


def test_a_changed_byte_of_any_file_is_named(issued: Rebill, tmp_path: Path) -> None:
    folder = packed(issued, tmp_path / "month.zip")
    files = sorted(each for each in folder.rglob("*") if each.is_file())
    assert len(files) > 15

    for file in files:
        name, before = file.relative_to(folder).as_posix(), file.read_bytes()
        if name in {"SHA256SUMS", "verify.py", "evidence.json"}:
            continue
        file.write_bytes(before[:40] + bytes([before[40] ^ 1]) + before[41:])
        status, said = verify(folder)
        assert status == 1 and f"WRONG  {name}: it was changed" in said, name
        assert sha256sum(folder) == (1, f"{name}: FAILED\n")
        file.write_bytes(before)
    (folder / "more.txt").write_text("put in later")
    assert "WRONG  more.txt: it is not in SHA256SUMS" in verify(folder)[1]


def test_who_sums_anew_is_found_out_by_the_chain(issued: Rebill, tmp_path: Path) -> None:
    """Each changes one thing and writes SHA256SUMS anew, which then proves nothing."""
    folder = packed(issued, tmp_path / "month.zip")
    invoice, proof = "documents/acme/SE-000001.json", f"months/{PAYER}/reconciliation.json"
    (inputs,) = read(folder, "evidence.json")["inputs"]
    for name, old, new, words in (
        (invoice, b'"42.00"', b'"41.00"', "it is not the document that the chain has"),
        ("documents/acme/SE-000001.csv", b"42.00", b"41.00", "not the file that the chain has"),
        (proof, b'"cost":"40"', b'"cost":"39"', "are not the payer's total"),
        (inputs, b'"Acme"', b'"Acmi"', "it is not what its name says"),
        ("chains/seller.json", b"SE-000001", b"SE-000007", "what it says is not what was hashed"),
    ):
        file, before = folder / name, (folder / name).read_bytes()
        assert old in before, name
        file.write_bytes(before.replace(old, new))
        sum_anew(folder)
        assert sha256sum(folder)[0] == 0
        status, said = verify(folder)
        assert status == 1 and words in said, (name, said)
        file.write_bytes(before)


def test_who_hashes_the_chain_anew_too_is_found_out_by_the_checkpoint(
    issued: Rebill, tmp_path: Path
) -> None:
    """The invoice asks for 41.00 in every place, and all hashes fit; but something was signed."""
    folder = packed(issued, tmp_path / "month.zip")
    name = "documents/acme/SE-000001.json"
    (folder / name).write_bytes((folder / name).read_bytes().replace(b'"42.00"', b'"41.00"'))
    content = (folder / name).read_bytes()
    chain = read(folder, "chains/seller.json")
    before = chain["follows"]
    for link in chain["links"]:
        said = link["said"]
        if "LinkedDocument" in said:
            said["LinkedDocument"]["body_sha256"] = hashlib.sha256(content[:-1]).hexdigest()
        elif said["LinkedFile"]["format"] == "json":
            said["LinkedFile"]["bytes_sha256"] = hashlib.sha256(content).hexdigest()
        text = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        link["said_sha256"] = hashlib.sha256(text.encode()).hexdigest()
        before = hashlib.sha256(f"{before}{link['said_sha256']}".encode()).hexdigest()
        link["chain_sha256"] = before
    (folder / "chains/seller.json").write_text(json.dumps(chain), encoding="utf-8")
    sum_anew(folder)

    status, said = verify(folder)
    assert status == 1
    (words,) = [each for each in said.splitlines() if each.startswith("WRONG")]
    assert words.endswith("it saw another link 5 of seller"), words


def test_what_is_signed_by_somebody_else_is_named(issued: Rebill, tmp_path: Path) -> None:
    folder = packed(issued, tmp_path / "month.zip")
    assert issued("checkpoint", "key", tmp_path / "theirs").status == 0
    (folder / "checkpoints/key.pub").write_bytes((tmp_path / "theirs.pub").read_bytes())
    sum_anew(folder)

    assert "it is not signed by checkpoints/key.pub" in verify(folder)[1]


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_the_same_is_the_same_bytes_whenever_and_wherever(
    issued: Rebill, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Of an invoice also after more was issued: its pack ends with the first checkpoint."""
    one = ("--invoice", "SE-000001")
    packed(issued, tmp_path / "first.zip", *one)
    packed(issued, tmp_path / "month.zip")
    request.getfixturevalue("zone")
    packed(issued, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == (tmp_path / "month.zip").read_bytes()

    assert issued("issue", *MONTH).status == 0
    packed(issued, tmp_path / "second.zip", *one)
    assert (tmp_path / "second.zip").read_bytes() == (tmp_path / "first.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "first.zip") as pack:
        entries = pack.infolist()
    assert {each.date_time for each in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert [each.filename for each in entries] == sorted(each.filename for each in entries)


def test_an_invoices_pack_has_nothing_of_others_and_no_costs(
    issued: Rebill, tmp_path: Path
) -> None:
    """Acme's cost of 40 and the rule of 5 percent, Bell, its account and number are not in it."""
    assert issued("issue", *MONTH).status == 0
    folder = packed(issued, tmp_path / "one.zip", "--invoice", "SE-000001")
    texts = {
        each.relative_to(folder).as_posix(): each.read_bytes().decode("utf-8", "replace")
        for each in folder.rglob("*")
        if each.is_file() and each.suffix not in {".pdf", ".xlsx", ".sig"}
    }

    secrets = (
        "Bell",
        "bell",
        BELL,
        '"40"',
        "everything: +5",
        "markup",
        "SE-000002",
        OURS,
        "margin",
    )
    found = {
        (name, each)
        for name, text in texts.items()
        if name not in {"README.txt", "verify.py"} and not name.startswith("checkpoints/")
        for each in secrets
        if each in text
    }
    assert found == set()
    document, *_ = read(folder, "evidence.json")["documents"]
    assert (document["number"], document["client"]) == ("SE-000001", "acme")
    assert [*document["price_book"]] == ["version"] and len(document["inputs_id"]) == 64
    (links,) = (read(folder, name)["links"] for name in read(folder, "evidence.json")["chains"])
    assert [("said" in each) for each in links] == [True] * 5


def test_a_months_pack_names_who_answered_for_what(issued: Rebill, tmp_path: Path) -> None:
    folder = packed(issued, tmp_path / "month.zip")

    told = read(folder, f"months/{PAYER}/overrides.json")
    assert [(each["code"], each["client"], each["reason"]) for each in told["waivers"]] == [
        ("cut_off", "", OURS),
        ("rows_without_cost", "acme", "Free tier"),
    ]
    assert all(each["said"][0]["by"] == "command line" for each in told["waivers"])
    assert [each["numbers"] for each in told["runs"]] == [["SE-000001"]]
    (document,) = read(folder, "evidence.json")["documents"]
    assert [each["did"] for each in document["history"]] == ["approve_draft", "issue_invoice"]
    assert document["price_book"]["key"] == "standard"
    (source,) = read(folder, f"months/{PAYER}/sources.json")
    assert [each["rows"] for each in source["files"]] == [2]
    proof = read(folder, f"months/{PAYER}/reconciliation.json")
    assert (proof["payer_total"], proof["closes"]) == ("60", True)


def test_without_a_checkpoint_it_says_what_that_means(
    issued: Rebill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REBILL_CHECKPOINT_TO")
    monkeypatch.delenv("REBILL_CHECKPOINT_KEY")
    answer = issued("evidence", *MONTH, "--out", tmp_path / "m.zip", "--json")

    assert (answer.status, answer.json["checkpoint"]) == (0, False)
    assert "no checkpoint saw these documents" in answer.err
    folder = packed(issued, tmp_path / "m.zip")
    assert verify(folder) == (0, "OK  1 documents\n")


def test_what_cannot_be_packed_is_one_line(issued: Rebill, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "x.zip")
    for arguments, words in (
        ((*MONTH, "--invoice", "SE-000009", *out), "there is no invoice SE-000009"),
        (("--period", "2026-09", *out), "2026-09 is not billed yet"),
        (("--period", "2026-09", "--invoice", "SE-000001", *out), "2026-09 is not billed yet"),
        ((*MONTH, "--out", put(tmp_path / "file", b"") / "x.zip"), "cannot be written"),
    ):
        answer = issued("evidence", *arguments)
        assert (answer.status, answer.err.count("\n")) == (2, 1), answer.err
        assert words in answer.err
    assert not (tmp_path / "x.zip").exists()


def test_an_invoice_comes_with_what_corrects_it(issued: Rebill, tmp_path: Path) -> None:
    credit = ("credit", "SE-000001", "--reason", "goodwill", "--text", "Sorry")
    assert issued(*credit).status == 0
    for command in ("approve", "issue"):
        assert issued(command, *MONTH, "--client", "acme").status == 0
    folder = packed(issued, tmp_path / "one.zip", "--invoice", "SE-000001")

    told = read(folder, "evidence.json")["documents"]
    assert [(each["document_type"], each["corrects"]) for each in told] == [
        ("invoice", []),
        ("credit_note", ["SE-000001"]),
    ]
    assert verify(folder) == (0, "OK  2 documents\n")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            "UPDATE document_file SET content = set_byte(content, 9, 0) WHERE format = 'pdf'",
            "SE-000001, pdf: its bytes are not what their hash says",
        ),
        (
            "UPDATE document SET body = jsonb_set(body, '{total}', '\"1.00\"')",
            "SE-000001: its body is not what its hash says",
        ),
        (
            "UPDATE document SET issued_at = issued_at + interval '1 second'",
            "SE-000001: its row, or link 1 of seller, was changed",
        ),
        ("DELETE FROM chain_link WHERE position = 3", "link 3 of seller is gone"),
    ],
)
def test_no_evidence_is_given_of_damaged_documents(
    issued: Rebill, database: Database, tmp_path: Path, change: str, words: str
) -> None:
    with psycopg.connect(database.conninfo) as connection:
        for table in ("document", "document_file", "chain_link"):
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        connection.execute(change)

    answer = issued("evidence", *MONTH, "--out", tmp_path / "x.zip")

    assert (answer.status, answer.err.count("\n")) == (1, 1)
    assert words in answer.err
    assert not (tmp_path / "x.zip").exists()


def test_what_a_system_leaves_in_a_folder_is_no_change(issued: Rebill, tmp_path: Path) -> None:
    """Whoever looked at the pack on macOS or Windows has one of these in it."""
    folder = packed(issued, tmp_path / "month.zip")
    (folder / ".DS_Store").write_bytes(b"Bud1")
    (folder / "documents/Thumbs.db").write_bytes(b"")

    status, said = verify(folder)
    assert (status, said.count("NOTE"), said.count("WRONG")) == (0, 2, 0)
    assert said.endswith("OK  1 documents\n")


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("echo 'pkeyutl: Option unknown option -rawin' >&2; exit 1", "unknown option -rawin"),
        (None, "there is no openssl"),
    ],
)
def test_a_signature_that_cannot_be_checked_is_not_called_wrong(
    issued: Rebill, tmp_path: Path, program: str | None, words: str
) -> None:
    """As LibreSSL answers, which macOS calls openssl; and where there is none."""
    folder = packed(issued, tmp_path / "month.zip")
    programs = tmp_path / "bin"
    programs.mkdir()
    if program is not None:
        (programs / "openssl").write_text(f"#!/bin/sh\n{program}\n")
        (programs / "openssl").chmod(0o755)

    status, said = verify(folder, str(programs))
    assert (status, said.count("NOTE"), said.count("WRONG")) == (0, 1, 0)
    assert "its signature is not checked" in said and words in said
