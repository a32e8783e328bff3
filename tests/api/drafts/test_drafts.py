"""What is only planned is for our own people."""

from __future__ import annotations

from tests.api.conftest import Caller


def test_a_client_does_not_see_what_is_only_planned(caller: Caller, drafted_month: None) -> None:
    ours = caller().get("/v1/invoices").json()["items"]

    assert [(item["client"], item["state"]) for item in ours] == [
        ("c00", "draft"),
        ("c01", "draft"),
    ]
    assert caller("c00").get("/v1/invoices").json()["items"] == []
    assert caller("c00").get("/v1/invoices/1").status_code == 404
    assert caller().get("/v1/invoices/1").json()["state"] == "draft"


def test_a_draft_is_had_in_every_format_and_says_so(caller: Caller, drafted_month: None) -> None:
    ours = caller()
    assert ours.get("/v1/invoices/1").json()["formats"] == ["pdf", "csv", "xlsx", "json"]

    pdf = ours.get("/v1/invoices/1.pdf")
    assert pdf.content.startswith(b"%PDF-")
    assert 'filename="draft-1.pdf"' in pdf.headers["Content-Disposition"]
    same = ours.get("/v1/invoices/1.pdf", headers={"If-None-Match": pdf.headers["ETag"]})
    assert same.status_code == 304, "the same bytes while it is the same"
    assert ours.get("/v1/invoices/1.csv").text.splitlines()[1].startswith("DRAFT,c00,")
    shown = ours.get("/v1/invoices/1.json").json()
    assert (shown["draft"], shown["number"], shown["total"]) == (True, "", "100.00")
    assert ours.get("/v1/invoices/1.xlsx").content.startswith(b"PK")


def test_a_client_has_no_draft_in_any_format(caller: Caller, drafted_month: None) -> None:
    for extension in ("pdf", "csv", "xlsx", "json"):
        assert caller("c00").get(f"/v1/invoices/1.{extension}").status_code == 404
