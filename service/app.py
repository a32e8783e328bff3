"""Builds the HTTP application: a composition root."""

import logging
import re
import secrets
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi

from service.api import health, keys, problems
from service.api.access import SECURITY_SCHEMES
from service.api.accounts import accounts, grants, handovers, onboardings, roles, root_tasks
from service.api.billing import credit_notes, differences, explanations, invoices, periods
from service.api.billing.explanations import Explain
from service.api.edge import Edge, Pace, Paths
from service.clock import Clock, system_clock
from service.store.database import Database

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

log = logging.getLogger("rebill.http")


def create_app(
    database: Database,
    clock: Clock = system_clock,
    pace: Pace | None = None,
    explain: Explain | None = None,
) -> FastAPI:
    """The API over an open database; it never calls AWS and never runs a month.

    `explain` reads the snapshots, which are files: an API without them says so.
    """
    app = FastAPI(
        title="Rebill",
        version="1",
        description="Exact per-client invoices from one AWS payer bill.",
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses=problems.RESPONSES,
        redirect_slashes=False,
    )
    app.state.database, app.state.clock, app.state.explain = database, clock, explain
    problems.install(app)
    for resource in (
        health,
        keys,
        periods,
        credit_notes,
        differences,
        invoices,
        explanations,
        onboardings,
        handovers,
        accounts,
        grants,
        roles,
        root_tasks,
    ):
        app.include_router(resource.router, prefix="/v1")
    app.add_middleware(Edge, paths=cache(lambda: Paths.of(app.openapi())), pace=pace or Pace())
    app.middleware("http")(_accompany)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


async def _accompany(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    """Every answer has a request id, theirs if it is a decent one, and safe headers.

    What an endpoint says itself stands.
    """
    theirs = request.headers.get("X-Request-ID", "")
    request.state.request_id = theirs if REQUEST_ID.fullmatch(theirs) else secrets.token_hex(8)
    try:
        response = await call_next(request)
    except Exception as error:  # the last resort: a crash is a problem, too
        log.exception("request %s crashed", request.state.request_id)
        response = problems.crash(request, error)
    response.headers["X-Request-ID"] = request.state.request_id
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _openapi(app: FastAPI) -> dict[str, object]:
    """FastAPI's own, with our problems instead of its validation errors."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        components = schema.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        for theirs in ("HTTPValidationError", "ValidationError"):
            schemas.pop(theirs, None)
        schemas.update(problems.schemas())
        components["securitySchemes"] = SECURITY_SCHEMES
        _declare_idempotency_keys(schema)
        app.openapi_schema = schema
    return app.openapi_schema


def _declare_idempotency_keys(schema: dict[str, Any]) -> None:
    """Required, and 400 without, not FastAPI's 422: so it is optional to FastAPI."""
    for methods in schema["paths"].values():
        for operation in methods.values():
            for each in operation.get("parameters", ()):
                if each["name"].lower() == "idempotency-key":
                    each["required"] = True
                    each["schema"] = {"type": "string", "pattern": "^[!-~]{1,200}$"}
