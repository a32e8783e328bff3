"""Two billings of a month over HTTP: for our own people, client by client, and all of it."""

from __future__ import annotations

import pytest

from jobs.environment import Environment
from service.actions.billing.apply_configuration import apply_configuration
from service.configuration.reading import read_configuration
from tests.api.conftest import Caller
from tests.conftest import MonthOf
from tests.support import months

PATH = "/v1/periods/2018-10/differences"
FEES = """
custom_line_items:
  - {key: desk, client: c00, kind: fee, description: Desk, amount: "5", from: 2018-10}
  - {key: desk1, client: c01, kind: fee, description: Desk, amount: "7", from: 2018-10}
"""


@pytest.fixture(scope="module")
def billed_twice(environment: Environment) -> None:
    """100.00 and 101.00 at first; then there are fees of 5 and of 7."""
    MonthOf(environment)(2)
    months.bill(environment)
    fees = read_configuration(FEES)
    with environment.database.transaction() as session:
        apply_configuration(session, fees, actor="test", now=environment.now())
    months.bill(environment)


def test_who_asks_for_what_else_on_which_line_and_why(caller: Caller, billed_twice: None) -> None:
    found = caller().get(PATH).json()

    assert (found["before"], found["has_more"]) == ("standing", False)
    assert found["totals"] == [
        {"currency": "USD", "before": "201.00", "after": "213.00", "difference": "12.00"}
    ]
    first, second = found["items"]
    assert (second["client"], second["difference"]) == ("c01", "7.00")
    assert first == {
        "client": "c00",
        "external_refs": {},
        "before": {"amount": "100.00", "currency": "USD"},
        "after": {"amount": "105.00", "currency": "USD"},
        "difference": "5.00",
        "tax_before": "0.00",
        "tax_after": "0.00",
        "causes": ["custom_item"],
        "lines": [
            {
                "key": "custom/desk",
                "account_id": "",
                "service": "",
                "description": "Desk",
                "before": None,
                "after": "5.00",
                "difference": "5.00",
                "causes": ["custom_item"],
                "rules_before": [],
                "rules_after": [],
            }
        ],
    }


def test_runs_are_named_and_pages_are_of_clients(caller: Caller, billed_twice: None) -> None:
    client = caller()
    last, first = (each["run"] for each in client.get(PATH).json()["billings"])

    back = client.get(PATH, params={"before": last, "after": first, "limit": 1}).json()
    assert [each["difference"] for each in back["items"]] == ["-5.00"]
    assert back["has_more"]
    asked = {"before": last, "after": first, "limit": 1, "cursor": back["next_cursor"]}
    rest = client.get(PATH, params=asked).json()
    assert [(each["client"], each["difference"]) for each in rest["items"]] == [("c01", "-7.00")]
    assert not rest["has_more"]
    assert client.get(PATH, params={"client": "c01"}).json()["items"] == [
        each for each in client.get(PATH).json()["items"] if each["client"] == "c01"
    ]
    other = client.get(PATH, params={"cursor": back["next_cursor"]})
    assert (other.status_code, other.json()["code"]) == (400, "bad_cursor")


def test_a_client_sees_nothing_of_it(caller: Caller, billed_twice: None) -> None:
    """As of what is not there: neither drafts nor rules are a client's to know."""
    assert caller("c00").get(PATH).status_code == 404


def test_what_is_not_there_is_said(caller: Caller, billed_twice: None) -> None:
    client = caller()
    assert client.get("/v1/periods/2018-09/differences").status_code == 404
    assert client.get(PATH, params={"payer": "999999999999"}).status_code == 404
    assert client.get(PATH, params={"before": 999}).status_code == 404
    assert client.get("/v1/periods/2018-13/differences").status_code == 422
