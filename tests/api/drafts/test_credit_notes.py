"""Credit notes over HTTP: proposed once, by who may, seen by their client once issued."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jobs.environment import Environment
from service.store.access.keys import Scope
from service.store.embedded import EmbeddedServer
from tests.api.conftest import Caller
from tests.conftest import NOW, MonthOf, fresh_database
from tests.support import months


@pytest.fixture(scope="module")
def environment(
    server: EmbeddedServer, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Environment]:
    """One of its own, which is written to: two clients' invoices of 100.00 and 101.00."""
    with fresh_database(server, template) as database:
        made = Environment.under(tmp_path_factory.mktemp("home"), database, lambda: NOW)
        MonthOf(made)(2)
        months.bill(made)
        months.approve_all(made)
        months.issue(made)
        yield made


CREDIT = "/v1/invoices/1/credit-notes"


def test_one_is_proposed_issued_and_its_clients_alone(
    caller: Caller, environment: Environment
) -> None:
    biller = caller(scopes=[Scope.READ, Scope.BILL])
    (line,) = biller.get("/v1/invoices/1").json()["document"]["lines"]
    asked = {"reason": "goodwill", "lines": [{"key": line["key"], "amount": "30.00"}]}
    sent = [
        biller.post(CREDIT, json=asked, headers={"Idempotency-Key": "ticket-1"}) for _ in range(2)
    ]
    assert [each.status_code for each in sent] == [202, 202]
    assert sent[0].json() == sent[1].json()
    made = sent[0].json()
    assert (made["document_type"], made["corrects"]) == ("credit_note", ["INV-000001"])
    assert (made["state"], made["total"]["amount"]) == ("draft", "30.00")
    assert sent[0].headers["Location"] == f"/v1/invoices/{made['id']}"

    theirs, others = caller(client="c00"), caller(client="c01")
    assert theirs.get(f"/v1/invoices/{made['id']}").status_code == 404  # Not issued yet.
    months.approve_all(environment)
    months.issue(environment)
    note = theirs.get(f"/v1/invoices/{made['id']}").json()
    assert (note["number"], note["document"]["corrects"]) == ("CN-000001", ["INV-000001"])
    assert theirs.get(f"/v1/invoices/{made['id']}.pdf").content.startswith(b"%PDF")
    assert others.get(f"/v1/invoices/{made['id']}").status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "answered"),
    [
        (CREDIT, {"reason": "goodwill", "lines": [{"key": "none"}]}, (400, "credit_refused")),
        (CREDIT, {"reason": "other"}, (400, "credit_refused")),
        (CREDIT, {"reason": "restatement"}, (422, "validation")),
        ("/v1/invoices/99/credit-notes", {"reason": "goodwill"}, (404, "not_found")),
        (
            "/v1/invoices/2/credit-notes",
            {"reason": "goodwill", "lines": [{"key": "a"}, {"key": "a"}]},
            (400, "credit_refused"),
        ),
    ],
)
def test_what_cannot_be_is_refused(
    caller: Caller, path: str, body: dict[str, object], answered: tuple[int, str]
) -> None:
    biller = caller(scopes=[Scope.BILL])
    answer = biller.post(
        path, json=body, headers={"Idempotency-Key": f"ticket-{abs(hash(path + str(body)))}"}
    )
    assert (answer.status_code, answer.json()["code"]) == answered


def test_only_who_bills_may_and_never_a_client(caller: Caller) -> None:
    body, headers = {"reason": "goodwill"}, {"Idempotency-Key": "ticket-2"}
    for scopes in ([Scope.READ], [Scope.APPROVE], [Scope.ONBOARD]):
        answer = caller(scopes=scopes).post(CREDIT, json=body, headers=headers)
        assert answer.status_code == 403
    own = caller(client="c00").post(CREDIT, json=body, headers=headers)
    assert own.status_code == 404
    assert caller(scopes=[Scope.BILL]).post(CREDIT, json=body).status_code == 400  # No key.
