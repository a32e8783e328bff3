"""Owns asking every route of the API: as who may, as who may not, and with secrets misplaced."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response

from jobs.root_access import run_root_task
from service.api.edge import Pace
from service.app import create_app
from service.cli.system.serve import explaining
from tests.scenarios.onboarding.conftest import PHONE, ROOT_EMAIL, Walk
from tests.support.onboarding import INVITED

CODE = "c0deofcl1ent"
"""What a client reads out, in the form of one."""
CONTACT = {
    "FullName": "Acme GmbH", "AddressLine1": "Hauptstr. 1", "City": "Berlin",
    "PostalCode": "10115", "CountryCode": "DE", "StateOrRegion": "Berlin", "PhoneNumber": PHONE,
}  # fmt: skip
ADMIN = {"team": "oncall", "role": "MspAdmin"}
ROLE = {
    "name": "OurOps", "purpose": "Looks", "stage": "run", "trust": "human_mfa", "team": "ops",
    "managed": ["ReadOnlyAccess"],
}  # fmt: skip
WANTED = {"kind": "create", "client": "acme", "name": "staging"}
REASON = "T-10: nobody can sign in"


class Caller:
    """Asks, and remembers of each route what was answered."""

    def __init__(self, walk: Walk, client: TestClient, keys: tuple[str, str]) -> None:
        self.walk, self.client, self.keys = walk, client, keys
        self.operations = {
            (method.upper(), path): operation
            for path, methods in client.get("/v1/openapi.json").json()["paths"].items()
            for method, operation in methods.items()
        }
        self.reached: set[tuple[str, str]] = set()
        self.answered: list[tuple[str, str]] = []
        self.made: list[str] = []
        """Keys that an answer shows, which it may this once."""
        self._numbers = itertools.count(1)

    def asks(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        by: int = 0,
        query: str = "",
        **parts: object,
    ) -> Any:
        assert (method, path) in self.operations, f"{method} {path} is no route"
        answer = self._sent(method, path.format(**parts) + query, body, f"Bearer {self.keys[by]}")
        assert answer.status_code < 300, (method, path, answer.text)
        self.reached.add((method, path))
        told = answer.text
        found: Any = {}
        if answer.headers.get("content-type") == "application/json":
            found = answer.json()
        if isinstance(found, dict) and "key" in found:
            self.made.append(found["key"])
            told = told.replace(found["key"], "")
        self.answered.append((f"{method} {path}", told))
        return found

    def is_refused(self, secret: str) -> None:
        """By every route: the secret as a key, in the query, and as a field of the body."""
        good = f"Bearer {self.keys[0]}"
        for method, path in sorted(self.operations):
            asked = path.format_map(Anything())
            body = {"code": secret, "item": secret} if method in ("POST", "PUT") else None
            for answer in (
                self._sent(method, asked, body, f"Bearer rb_{secret}"),
                self._sent(method, asked, body, f"Basic {secret}"),
                self._sent(method, f"{asked}?api_key={secret}", body, good),
                self._sent(method, asked, body, good),
            ):
                assert answer.status_code < 500, (method, path, answer.text)
                self.answered.append((f"{method} {path}, refused", _told(answer)))

    def _sent(self, method: str, path: str, body: Any, authorization: str) -> Response:
        headers = {"Authorization": authorization}
        if method == "POST":
            headers["Idempotency-Key"] = f"secrets-{next(self._numbers)}"
        return self.client.request(method, path, json=body, headers=headers)

    def asks_everything(self) -> None:
        for path in (
            "/v1/health", "/v1/periods", "/v1/onboardings", "/v1/accounts", "/v1/accounts/findings",
            "/v1/grants", "/v1/roles", "/v1/root-tasks", "/v1/api-keys",
        ):  # fmt: skip
            self.asks("GET", path)
        self._asks_for_keys()
        self._asks_for_invoices()
        self._asks_for_onboardings()
        self._asks_for_accounts()
        self._hands_over()
        self._enters_root()

    def _asks_for_keys(self) -> None:
        self.asks("POST", "/v1/api-keys", {"name": "vendor", "scopes": ["read"]})
        prefix = self.made[-1].split("_")[1]
        self.asks("POST", "/v1/api-keys/{prefix}/rotate", {}, prefix=prefix)
        self.asks("DELETE", "/v1/api-keys/{prefix}", prefix=prefix)

    def _asks_for_invoices(self) -> None:
        (first, *_) = self.asks("GET", "/v1/invoices")["items"]
        shown = self.asks("GET", "/v1/invoices/{invoice_id}", invoice_id=first["id"])
        self.asks(
            "GET",
            "/v1/invoices/{invoice_id}/explain/{line_key}",
            invoice_id=first["id"],
            line_key=shown["document"]["lines"][0]["key"],
        )
        self.asks(
            "POST",
            "/v1/invoices/{invoice_id}/credit-notes",
            {"reason": "goodwill"},
            invoice_id=first["id"],
        )
        document = "/v1/invoices/{invoice_id}.{extension}"
        self.asks("GET", document, invoice_id=first["id"], extension="json")
        self.asks("GET", "/v1/periods/{period}/differences", period=first["period"])

    def _asks_for_onboardings(self) -> None:
        one = "/v1/onboardings/{onboarding_id}"
        globex = self.walk.stored("HALO-2").id
        self.asks("GET", one, onboarding_id=globex)
        self.asks("GET", f"{one}/events", onboarding_id=globex)
        self.asks(
            "GET", f"{one}/artifacts/{{name}}", onboarding_id=globex, name="cloudformation.json"
        )
        asked = self.asks("POST", "/v1/onboardings", WANTED | {"external_ref": "S-10"})
        self.asks("POST", f"{one}/cancel", onboarding_id=asked["id"])
        batch = {"items": [WANTED | {"name": "third", "external_ref": "S-11"}]}
        self.asks("POST", "/v1/onboardings:batch", batch)
        self.asks("POST", f"{one}/retry", {}, onboarding_id=self.walk.stored("HALO-4").id)

    def _asks_for_accounts(self) -> None:
        one = "/v1/accounts/{account_id}"
        self.asks("GET", one, account_id=INVITED)
        self.asks("GET", f"{one}/assignments", account_id=INVITED)
        moved = {"client": "globex", "from": "2027-01-01"}
        self.asks("POST", f"{one}/assignments", moved, account_id=INVITED)
        check = self.asks("POST", f"{one}/access:check", account_id=INVITED)["id"]
        self.asks("GET", f"{one}/access-checks/{{check_id}}", account_id=INVITED, check_id=check)
        self.asks("GET", "/v1/links", query="?format=bitwarden-json")
        self.asks("POST", "/v1/grants:change", {"client": "globex", "grant": [ADMIN]})
        self.asks("GET", "/v1/grants/approvals")
        self.asks("POST", "/v1/grants/approvals", {"account_id": INVITED, "grants": [ADMIN]}, by=1)
        self.asks("PUT", f"{one}/grants", {"grants": []}, account_id=INVITED)
        self.asks("POST", "/v1/roles", ROLE)

    def _hands_over(self) -> None:
        of: dict[str, Any] = {"onboarding_id": self.walk.stored("HALO-5").id}
        one = "/v1/onboardings/{onboarding_id}/handover"
        wanted = {"exit": "standalone", "client_email": ROOT_EMAIL, "client_contact": CONTACT}
        self.asks("POST", one, wanted, **of)
        self.asks("GET", one, **of)
        self.asks("POST", f"{one}/approvals", {"item": "root_email"}, by=1, **of)
        seen = {"item": "dependencies", "words": "none: T-10"}
        self.asks("POST", f"{one}/attestations", seen, **of)
        self.asks("POST", f"{one}/codes", {"item": "root_email", "code": CODE}, **of)
        self.asks("GET", one, **of)
        self.asks("GET", "/v1/onboardings/{onboarding_id}/events", **of)
        self.asks("POST", f"{one}/abort", **of)

    def _enters_root(self) -> None:
        """The account's tag of before still stands, so that root's guard comes off."""
        asked = {"task": "recover_root", "reason": REASON}
        asked["account_id"] = str(self.walk.stored("HALO-4").account_id)
        one, environment = "/v1/root-tasks/{task_id}", self.walk.installation.environment
        task_id = self.asks("POST", "/v1/root-tasks", asked)["id"]
        self.asks("POST", f"{one}/approve", by=1, task_id=task_id)
        run_root_task(environment, task_id)
        self.asks("POST", f"{one}/perform", task_id=task_id)
        run_root_task(environment, task_id)
        self.asks("POST", f"{one}/end", task_id=task_id)
        run_root_task(environment, task_id)
        self.asks("GET", one, task_id=task_id)
        other = self.asks("POST", "/v1/root-tasks", asked)["id"]
        self.asks("POST", f"{one}/withdraw", task_id=other)


class Anything(dict[str, str]):
    """A part of a path that nothing has."""

    def __missing__(self, name: str) -> str:
        return "json" if name == "extension" else "0"


def _told(answer: Response) -> str:
    return answer.text + json.dumps(dict(answer.headers))


@contextmanager
def api(walk: Walk, keys: tuple[str, str]) -> Iterator[Caller]:
    """Nobody's guesses are slowed down, and nobody's crash is more than an answer."""
    database, clock = walk.installation.database, walk.installation.now
    explain = explaining(database, walk.here / "home/snapshots")
    app = create_app(database, clock, Pace(burst=10_000), explain)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Caller(walk, client, keys)
