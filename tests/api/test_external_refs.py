"""A client's ids in other systems come out wherever the client does, so that a PSA can match."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from invoices.clients import Client
from jobs.environment import Environment
from jobs.runs import engine
from service.actions.billing.apply_configuration import apply_configuration
from service.configuration.reading import read_configuration
from service.store.access.keys import Scope
from service.store.billing import clients
from service.store.database import Database
from tests.api.conftest import Caller
from tests.api.test_onboardings import CREATE, ask, caller
from tests.conftest import MonthOf, configured
from tests.support import months
from tests.support.moments.live import onboarded
from tests.support.onboarding import CREATE as WANTED
from tests.support.onboarding import Installation, opened

AS_DRAFTED, AT_ISSUE, NOW_IT_IS = (
    {"halopsa": ref, "ninja": "N-7"} for ref in ("4710", "4711", "4712")
)


def apply_refs(environment: Environment, refs: dict[str, str]) -> None:
    """Of c00; c01 has none."""
    form = configured(2)
    form["clients"][0]["external_refs"] = refs
    with environment.database.transaction() as session:
        apply_configuration(
            session, read_configuration(json.dumps(form)), actor="test", now=environment.now()
        )


@pytest.fixture(scope="module")
def matched_month(environment: Environment) -> None:
    """Invoices 1 (c00) and 2 (c01); c00's refs are others when drafted, at issue, and now."""
    MonthOf(environment)(2)
    apply_refs(environment, AS_DRAFTED)
    months.bill(environment)
    months.approve_all(environment)
    apply_refs(environment, AT_ISSUE)
    engine.follow(environment, months.ask_to_issue(environment, issued_on=date(2026, 11, 6)))
    apply_refs(environment, NOW_IT_IS)


def test_an_invoice_shows_its_client_s_refs_and_its_document_those_of_its_issue(
    caller: Caller, matched_month: None
) -> None:
    """The list is what a PSA matches by today; a document stays what it was."""
    psa = caller()
    listed = psa.get("/v1/invoices").json()["items"]
    first, second = (psa.get(f"/v1/invoices/{number}").json() for number in (1, 2))

    assert [each["external_refs"] for each in listed] == [NOW_IT_IS, {}]
    assert [each["external_refs"] for each in (first, second)] == [NOW_IT_IS, {}]
    assert first["document"]["client"]["external_refs"] == AT_ISSUE
    assert "external_refs" not in second["document"]["client"]
    assert psa.get("/v1/invoices/1.json").json() == first["document"]


def test_the_csv_has_a_column_for_each_system_and_none_without(
    caller: Caller, matched_month: None
) -> None:
    psa = caller()
    mine, other = (
        next(
            csv.DictReader(io.StringIO(psa.get(f"/v1/invoices/{number}.csv").text.lstrip("\ufeff")))
        )
        for number in (1, 2)
    )

    assert list(mine)[-3:] == ["currency", "client_ref_halopsa", "client_ref_ninja"]
    assert (mine["client_ref_halopsa"], mine["client_ref_ninja"]) == ("4711", "N-7")
    assert list(other)[-1] == "currency"


def test_a_client_s_key_sees_its_own_refs_only(caller: Caller, matched_month: None) -> None:
    theirs, others = (caller(client=client) for client in ("c00", "c01"))

    assert [each["external_refs"] for each in theirs.get("/v1/invoices").json()["items"]] == [
        NOW_IT_IS
    ]
    for path in ("/v1/invoices", "/v1/accounts", "/v1/invoices/2", "/v1/invoices/2.json"):
        answer = others.get(path)
        assert answer.status_code == 200
        assert not any(ref in answer.text for ref in ("halopsa", "4710", "4711", "4712", "N-7"))
    assert others.get("/v1/invoices/1").status_code == 404


def test_a_list_asks_no_question_for_each_client(
    caller: Caller, environment: Environment, matched_month: None
) -> None:
    client = caller()
    assert client.get("/v1/periods").status_code == 200  # That a key was used is noted once.
    asked: list[str] = []

    def note(*args: Any) -> None:
        asked.append(args[2])

    with environment.database.transaction() as session:
        engine_of = session.get_bind()
    sa.event.listen(engine_of, "before_cursor_execute", note)
    for path in ("/v1/invoices", "/v1/accounts"):
        counts = []
        for limit in (1, 2):
            asked.clear()
            assert len(client.get(path, params={"limit": limit}).json()["items"]) == limit
            counts.append(len(asked))
        assert counts[0] == counts[1] > 0
    sa.event.remove(engine_of, "before_cursor_execute", note)


@pytest.fixture
def installation(database: Database) -> Iterator[Installation]:
    with opened(database) as installation:
        with database.transaction() as session:
            known = clients.client(session, "acme")
            assert known is not None
            clients.put_client(session, with_refs(known))
        yield installation


def with_refs(client: Client) -> Client:
    return replace(client, external_refs=tuple(AT_ISSUE.items()))


def test_accounts_and_whatever_is_told_of_them_show_the_refs(installation: Installation) -> None:
    live = onboarded(installation, WANTED)
    of_account = f"/v1/accounts/{live.account_id}"
    with caller(installation, *Scope) as psa:
        asked = CREATE | {"name": "test"}
        plan = ask(psa, asked, path="/v1/onboardings?validate_only=true").json()
        added = ask(psa, asked).json()
        batch = ask(psa, {"items": [asked | {"name": "b", "external_ref": "B"}]}, "key-2",
                    "/v1/onboardings:batch").json()  # fmt: skip
        events = psa.get(f"/v1/onboardings/{live.id}/events").json()["items"]
        stream = psa.get(
            f"/v1/onboardings/{live.id}/events", headers={"Accept": "text/event-stream"}
        ).text
        key = psa.post(
            "/v1/api-keys", json={"name": "theirs", "scopes": ["read"], "client": "acme"}
        ).json()
        shown = [
            plan, added, *batch["items"], *events, key,
            psa.get(of_account).json(),
            psa.get(f"/v1/onboardings/{live.id}").json(),
            *psa.get("/v1/accounts", params={"client": "acme"}).json()["items"],
            *psa.get("/v1/onboardings", params={"client": "acme"}).json()["items"],
            *psa.get("/v1/grants").json()["items"],
            psa.get(of_account + "/assignments").json()["items"][-1],
        ]  # fmt: skip

    assert len(events) > 10
    assert [each["external_refs"] for each in shown] == [AT_ISSUE] * len(shown)
    assert {each["client"] for each in shown} == {"acme"}
    assert {each["onboarding_id"] for each in events} == {live.id}
    told = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: ")]
    assert told == events
    assert [e["external_refs"] for e in _keys(installation) if e["client"] is None] == [{}, {}]


def _keys(installation: Installation) -> list[dict[str, Any]]:
    with caller(installation, *Scope) as admin:
        items: list[dict[str, Any]] = admin.get("/v1/api-keys").json()["items"]
        return items


def test_every_answer_that_names_a_client_has_its_refs(nobody: TestClient) -> None:
    """An answer of tomorrow as well."""
    schemas = nobody.get("/v1/openapi.json").json()["components"]["schemas"]
    named = {name for name, each in schemas.items() if "client" in each.get("properties", {})}
    asked = {name for name in named if name.endswith(("Request", "Change", "Approval"))}
    with_refs = {name for name in named if "external_refs" in schemas[name]["properties"]}

    assert asked == {
        "AssignmentRequest", "GrantsApproval", "GrantsChange", "KeyRequest", "OnboardingRequest",
    }  # fmt: skip
    assert named - asked == with_refs >= {"InvoiceItem", "AccountItem", "OnboardingItem"}
