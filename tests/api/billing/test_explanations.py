"""A line explained over HTTP: to our own people, and to nobody else."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from jobs.environment import Environment
from service.app import create_app
from tests.api.conftest import Caller


def key_of_the_line(caller: Caller) -> str:
    document = caller().get("/v1/invoices/1").json()["document"]
    (line,) = document["lines"]
    return str(line["key"])


def test_a_line_is_explained_from_its_charges_to_its_amount(
    caller: Caller, issued_month: None
) -> None:
    key = key_of_the_line(caller)
    answer = caller().get(f"/v1/invoices/1/explain/{key}")
    found = answer.json()

    assert answer.status_code == 200
    assert "/" in key
    assert found["invoice"] == caller().get("/v1/invoices").json()["items"][0]
    assert found["line"]["key"] == key
    (charge,) = found["charges"]
    assert (charge["cost"], charge["price"], charge["currency"]) == ("100", "100", "USD")
    assert found["steps"] and len(found["snapshot"]) == 64


def test_a_slash_of_the_key_may_be_escaped(caller: Caller, issued_month: None) -> None:
    key = key_of_the_line(caller)

    plain = caller().get(f"/v1/invoices/1/explain/{key}")
    assert caller().get(f"/v1/invoices/1/explain/{key.replace('/', '%2F')}").json() == plain.json()
    assert caller().get(f"/v1/invoices/1/explain/{key}", params={"x": "1"}).status_code == 422
    assert caller().delete(f"/v1/invoices/1/explain/{key}").headers["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("path", ["1/explain/no/such/line", "99/explain/x", "1/explain/custom/x"])
def test_what_there_is_not_is_not_found(caller: Caller, issued_month: None, path: str) -> None:
    answer = caller().get(f"/v1/invoices/{path}")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_client_s_key_is_told_nothing_even_of_its_own_invoice(
    caller: Caller, issued_month: None
) -> None:
    answer = caller(client="c00").get(f"/v1/invoices/1/explain/{key_of_the_line(caller)}")

    assert (answer.status_code, answer.json()["detail"]) == (404, "There is nothing here.")


def test_an_api_without_snapshots_says_so(
    caller: Caller, environment: Environment, issued_month: None
) -> None:
    key = caller().headers["Authorization"]
    with TestClient(create_app(environment.database), headers={"Authorization": key}) as client:
        answer = client.get("/v1/invoices/1/explain/x")

    assert (answer.status_code, answer.json()["code"]) == (503, "no_snapshots")
