"""Owns how trouble looks over HTTP: RFC 9457 problem details for every error, and their table."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from kernel.errors import BadInput, NotFound, RebillError, Refused, Unavailable
from service.actions.onboarding.request_onboarding import OtherRequest
from service.actions.onboarding.request_onboardings import BatchRefused
from service.store.access.idempotency import KeyReused
from service.store.accounts.onboardings import AlreadyOnboarded

MEDIA_TYPE = "application/problem+json"

# The nearest class up an error's tree says its status; a test walks the tree.
STATUS_OF: Mapping[type[RebillError], HTTPStatus] = {
    RebillError: HTTPStatus.INTERNAL_SERVER_ERROR,
    BadInput: HTTPStatus.BAD_REQUEST,
    NotFound: HTTPStatus.NOT_FOUND,
    Refused: HTTPStatus.CONFLICT,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    KeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
}


class FieldProblem(BaseModel):
    """What is wrong with one field of a request."""

    pointer: str = Field(max_length=1000, examples=["/query/limit"])
    code: str = Field(max_length=100, examples=["int_parsing"])
    detail: str = Field(max_length=1000, examples=["Input should be a valid integer"])


class Problem(BaseModel):
    """RFC 9457 problem details; `code` is stable, `detail` is for a person."""

    type: str = Field(max_length=200, examples=["about:blank"])
    title: str = Field(max_length=200, examples=["Not Found"])
    status: int = Field(ge=400, le=599, examples=[404])
    detail: str = Field(max_length=2000, examples=["There is no such invoice."])
    instance: str = Field(max_length=2000, examples=["/v1/invoices/0"])
    code: str = Field(max_length=100, examples=["not_found"])
    request_id: str = Field(max_length=200)
    retryable: bool
    errors: list[FieldProblem] = Field(default_factory=list, max_length=100)


def problem_response(
    request: Request,
    status: HTTPStatus,
    *,
    code: str,
    detail: str,
    errors: list[FieldProblem] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """One problem, as every handler below answers."""
    problem = Problem(
        type="about:blank",
        title=status.phrase,
        status=status.value,
        detail=detail[:2000],
        instance=request.url.path[:2000],
        code=code,
        request_id=getattr(request.state, "request_id", ""),
        retryable=status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS},
        errors=errors or [],
    )
    return JSONResponse(
        problem.model_dump(mode="json"),
        status_code=status.value,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def install(app: FastAPI) -> None:
    """Every expected error of `app` becomes a problem; see `crash` for the others."""
    app.add_exception_handler(RebillError, _ours)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)


def status_of(error: type[RebillError]) -> HTTPStatus:
    return next(STATUS_OF[cls] for cls in error.__mro__ if cls in STATUS_OF)


def _ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RebillError)
    return problem_response(
        request,
        status_of(type(error)),
        code=error.code,
        detail=str(error),
        errors=_items(error),
        headers=_location(error),
    )


def _items(error: RebillError) -> list[FieldProblem]:
    """What is wrong with which item of a batch."""
    if not isinstance(error, BatchRefused):
        return []
    return [
        FieldProblem(pointer=f"/body/items/{number}", code=error.code, detail=problem[:1000])
        for number, problem in error.problems[:100]
    ]


def _location(error: RebillError) -> dict[str, str]:
    """Of the onboarding that stands in the way."""
    if isinstance(error, AlreadyOnboarded | OtherRequest) and error.onboarding_id != "none":
        return {"Location": f"/v1/onboardings/{error.onboarding_id}"}
    return {}


def _validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    fields = [_field_problem(each) for each in error.errors()[:100]]
    return problem_response(
        request,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        code="validation",
        detail="; ".join(f"{f.pointer}: {f.detail}" for f in fields),
        errors=fields,
    )


def _field_problem(error: Mapping[str, Any]) -> FieldProblem:
    pointer = "/" + "/".join(str(part) for part in error["loc"])
    return FieldProblem(
        pointer=pointer[:1000], code=str(error["type"])[:100], detail=str(error["msg"])[:1000]
    )


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    return problem_response(
        request,
        status,
        code=status.name.lower(),
        detail=str(error.detail),
        headers=error.headers,
    )


def crash(request: Request, _: Exception) -> JSONResponse:
    """What a defect looks like from outside: nothing of it, but how to ask about it."""
    return problem_response(
        request,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        code="internal_error",
        detail="Something broke on our side; it is logged under this request_id.",
    )


def schemas() -> dict[str, Any]:
    """The components that `RESPONSES` refers to."""
    whole = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**whole.pop("$defs"), "Problem": whole}


RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status in (400, 401, 403, 404, 405, 406, 409, 412, 413, 422, 429, 500, 503)
}
