"""The API does what its OpenAPI document says, whatever is sent: Schemathesis, all its checks."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation, BaseSchema

from jobs.environment import Environment
from jobs.runs import engine
from service.actions.access.create_api_key import create_api_key
from service.api.edge import Pace
from service.app import create_app
from service.cli.system.serve import explaining
from service.store.access.keys import Scope
from service.store.embedded import EmbeddedServer
from tests.conftest import NOW, MonthOf, fresh_database
from tests.support import months
from tests.support.moments.live import onboarded
from tests.support.onboarding import CREATE, opened

load_all_checks()
RULES = frozenset(
    {"bad_input", "bad_cursor", "batch_refused", "credit_refused", "idempotency_key_reused"}
)
"""What a document cannot say, in the words of docs/manual.md: who is a client, what a cursor is."""
TEXT_RULE = "value_error"
"""Of a field: characters that no text may have, which a JSON Schema cannot name."""


@dataclass
class Contract:
    """An account is live, a month is issued; its key may everything, and nobody is too fast."""

    schema: BaseSchema
    headers: dict[str, str]
    known: dict[str, str]
    cases: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    faults: set[str] = field(default_factory=set)

    def check(self, case: Case[Any], mode: GenerationMode) -> None:
        self.cases += 1
        if mode.is_positive and isinstance(case.body, dict) and self.cases % 2:
            case.body.update({name: each for name, each in KNOWN.items() if name in case.body})
        answer = case.call(headers=self.headers)
        self.statuses[answer.status_code] += 1
        try:
            case.validate_response(answer, headers=self.headers, excluded_checks=_left_out(case))
        except FailureGroup as group:
            self.faults |= {f"{case.operation.label}: {each}"[:400] for each in group.exceptions}
        if mode.is_positive and answer.status_code in {400, 406, 413, 422}:
            fault = _refused_without_a_rule(answer.json())
            self.faults |= (
                {f"{case.operation.label}: {fault}, sent {case.body!r}"[:400]} if fault else set()
            )


KNOWN: dict[str, Any] = {
    "client": "acme",
    "email": "",
    "payer_account_id": "",
    "roles": [],
    "budget": "",
}


def _left_out(case: Case[Any]) -> Any:
    """Ours says more of what is refused; and an empty list in a query is not there at all."""
    names = {"positive_data_acceptance"}
    if any(each == [] for each in (case.query or {}).values()):
        names.add("negative_data_rejection")
    return [each for each in CHECKS.get_all() if each.__name__ in names]


def _refused_without_a_rule(problem: dict[str, Any]) -> str:
    """'' where what is refused is no matter of form."""
    if problem["code"] in RULES:
        return ""
    broken = [each for each in problem["errors"] if each["code"] != TEXT_RULE]
    return "" if problem["errors"] and not broken else f"refused: {problem['detail']}"


@pytest.fixture
def contract(server: EmbeddedServer, template: str, tmp_path: Path) -> Iterator[Contract]:
    with fresh_database(server, template) as database, opened(database) as installation:
        live = onboarded(installation, CREATE)
        issue_a_month(Environment.under(tmp_path, database, lambda: NOW))
        with database.transaction() as session:
            key, other = (
                create_api_key(
                    session, name, scopes=Scope, client=None, actor="test", now=installation.now()
                )
                for name in ("any", "other")
            )
        explain = explaining(database, tmp_path / "snapshots")
        app = create_app(database, installation.now, Pace(burst=math.inf), explain)
        yield Contract(
            schemathesis.openapi.from_asgi("/v1/openapi.json", app),
            headers={"Authorization": f"Bearer {key}"},
            known={"onboarding_id": live.id, "account_id": live.account_id}
            | {"invoice_id": "1", "extension": "pdf", "prefix": other.split("_")[1]},
        )


def issue_a_month(environment: Environment) -> None:
    MonthOf(environment)(2)
    months.bill(environment)
    months.approve_all(environment)
    engine.follow(environment, months.ask_to_issue(environment, issued_on=date(2026, 11, 6)))


def try_all(contract: Contract, examples: int) -> None:
    for found in contract.schema.get_all_operations():
        assert isinstance(found, Ok)
        for mode in GenerationMode:
            _try(contract, found.ok(), mode, examples)


def _try(
    contract: Contract,
    operation: APIOperation[Any, Any, Any, Any],
    mode: GenerationMode,
    examples: int,
) -> None:
    """Half of the cases are of what is there."""
    names = {each.name for each in operation.path_parameters}
    there = {name: each for name, each in contract.known.items() if name in names}
    cases = operation.as_strategy(generation_mode=mode)
    if there:
        cases |= operation.as_strategy(generation_mode=mode, path_parameters=there)

    @settings(
        max_examples=examples, deadline=None, database=None, derandomize=True,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate],
    )  # fmt: skip
    @given(case=cases)
    def check(case: Case[Any]) -> None:
        contract.check(case, mode)

    try:
        check()
    except Unsatisfiable:
        assert (operation.label, mode) == ("GET /v1/health", GenerationMode.NEGATIVE)


def test_hundreds_of_requests_are_answered_as_documented(contract: Contract) -> None:
    try_all(contract, examples=4)

    assert contract.faults == set()
    assert contract.cases >= 200
    assert {200, 201, 202, 400, 404, 422} <= set(contract.statuses)


@pytest.mark.proof
def test_ten_thousand_requests_are_answered_as_documented(contract: Contract) -> None:
    try_all(contract, examples=120)

    assert contract.faults == set()
    assert contract.cases >= 10_000
