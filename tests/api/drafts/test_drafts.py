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


def test_a_draft_has_no_documents(caller: Caller, drafted_month: None) -> None:
    assert caller().get("/v1/invoices/1.pdf").status_code == 404
