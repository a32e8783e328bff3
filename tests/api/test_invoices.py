"""Invoices over HTTP: pages, one, and documents that prove themselves."""

from __future__ import annotations

import base64
import hashlib

import pytest

from service.api import cursors
from tests.api.conftest import Caller


def test_an_issued_invoice_has_its_number_total_and_formats(
    caller: Caller, issued_month: None
) -> None:
    items = caller().get("/v1/invoices", params={"client": "c00"}).json()["items"]

    assert items == [
        {
            "id": "1",
            "state": "issued",
            "number": "INV-000001",
            "document_type": "invoice",
            "corrects": [],
            "client": "c00",
            "external_refs": {},
            "period": "2018-10",
            "payer_account_id": "836060457634",
            "total": {"amount": "100.00", "currency": "USD"},
            "issued_on": "2026-11-06",
            "formats": ["pdf", "csv", "xlsx", "json"],
        }
    ]


def test_one_invoice_carries_its_document(caller: Caller, issued_month: None) -> None:
    document = caller().get("/v1/invoices/2").json()["document"]

    assert document["number"] == "INV-000002"
    assert document["client"]["key"] == "c01"
    assert [line["amount"] for line in document["lines"]] == ["101.00"]
    assert (document["subtotal"], document["tax"], document["total"]) == (
        "101.00",
        "0.00",
        "101.00",
    )


def test_pages_follow_each_other_without_gap_or_repeat(caller: Caller, issued_month: None) -> None:
    client = caller()
    first = client.get("/v1/invoices", params={"limit": 1}).json()
    second = client.get("/v1/invoices", params={"limit": 1, "cursor": first["next_cursor"]}).json()

    assert [item["number"] for item in first["items"]] == ["INV-000001"]
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert [item["number"] for item in second["items"]] == ["INV-000002"]
    assert second["next_cursor"] is None


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "p8O6h8JFr9IYgYr-WyIzIl0", "é"])
def test_a_damaged_cursor_is_a_bad_request(caller: Caller, cursor: str) -> None:
    answer = caller().get("/v1/invoices", params={"cursor": cursor})

    assert answer.status_code == (200 if not cursor else 400)


def test_a_cursor_belongs_to_its_list(caller: Caller, issued_month: None) -> None:
    client = caller()
    cursor = client.get("/v1/invoices", params={"limit": 1}).json()["next_cursor"]

    answer = client.get("/v1/invoices", params={"cursor": cursor, "period": "2018-10"})

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")


@pytest.mark.parametrize("position", [("x",), (), ("1", "2"), ("99999999999999999999",)])
def test_a_forged_cursor_is_a_bad_request(caller: Caller, position: tuple[str, ...]) -> None:
    nothing = {"period": None, "client": None, "state": None, "key": None}
    forged = cursors.encode(position, nothing)

    assert caller().get("/v1/invoices", params={"cursor": forged}).status_code == 400


def test_a_huge_limit_is_coerced(caller: Caller, issued_month: None) -> None:
    assert len(caller().get("/v1/invoices", params={"limit": 10**9}).json()["items"]) == 2


@pytest.mark.parametrize(
    ("extension", "media_type", "magic"),
    [
        ("pdf", "application/pdf", b"%PDF-"),
        ("csv", "text/csv; charset=utf-8", b"\xef\xbb\xbfinvoice_number"),
        ("json", "application/json", b"{"),
        (
            "xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            b"PK\x03\x04",
        ),
    ],
)
def test_documents_come_with_proof_of_their_bytes(
    caller: Caller, issued_month: None, extension: str, media_type: str, magic: bytes
) -> None:
    client = caller("c00")
    answer = client.get(f"/v1/invoices/1.{extension}")
    digest = hashlib.sha256(answer.content)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert answer.content.startswith(magic)
    assert answer.headers["etag"] == f'"{digest.hexdigest()}"'
    expected = base64.b64encode(digest.digest()).decode()
    assert answer.headers["repr-digest"] == f"sha-256=:{expected}:"
    assert answer.headers["cache-control"] == "private, no-cache"
    disposition = f'attachment; filename="INV-000001.{extension}"'
    assert answer.headers["content-disposition"] == disposition
    again = client.get(
        f"/v1/invoices/1.{extension}", headers={"If-None-Match": answer.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    etag = answer.headers["etag"]
    for said, status in (
        (etag, 200), (f'"another", {etag}', 200), ("*", 200),
        (f"W/{etag}", 412), ('"another"', 412),
    ):  # fmt: skip
        meant = client.get(f"/v1/invoices/1.{extension}", headers={"If-Match": said})
        assert meant.status_code == status, said


def test_an_unknown_format_names_those_there_are(caller: Caller, issued_month: None) -> None:
    answer = caller().get("/v1/invoices/1.doc")

    assert answer.status_code == 406
    assert answer.json()["detail"] == "There is no 'doc'; there are pdf, csv, xlsx, json."


@pytest.mark.parametrize("wrong", ["0", "99999999999999999999", "abc", "-1", "1%2F..", "1'"])
def test_an_id_that_is_none_is_not_found_or_refused(
    caller: Caller, issued_month: None, wrong: str
) -> None:
    answer = caller().get(f"/v1/invoices/{wrong}")

    assert answer.status_code in {404, 422}
    assert answer.headers["content-type"] == "application/problem+json"


def test_periods_say_whether_they_close(caller: Caller, issued_month: None) -> None:
    items = caller().get("/v1/periods").json()["items"]

    assert items == [
        {
            "period": "2018-10",
            "payer_account_id": "836060457634",
            "payer_total": {"amount": "201", "currency": "USD"},
            "closes": True,
            "confirmed": False,
            "confirmed_by": [],
            "control_files": [],
            "unassigned": {"amount": "0", "currency": "USD"},
            "invoices": {"issued": 2},
            "other_currencies": [],
            "carried_forward": [],
        }
    ]


@pytest.mark.parametrize(
    ("after", "shown"),
    [
        (("2018-11", "836060457634"), ["2018-10"]),
        (("2018-10", "836060457633"), ["2018-10"]),
        (("2018-10", "836060457634"), []),
        (("2018-09", "000000000000"), []),
    ],
)
def test_periods_go_on_behind_the_last_one_seen(
    caller: Caller, issued_month: None, after: tuple[str, str], shown: list[str]
) -> None:
    rest = caller().get("/v1/periods", params={"cursor": cursors.encode(after, {})}).json()

    assert [each["period"] for each in rest["items"]] == shown
    assert rest["has_more"] is False


@pytest.mark.parametrize("position", [("2018-13", "836060457634"), ("2018-10",)])
def test_a_cursor_that_names_no_month_is_refused(caller: Caller, position: tuple[str, ...]) -> None:
    answer = caller().get("/v1/periods", params={"cursor": cursors.encode(position, {})})

    assert answer.status_code == 400
