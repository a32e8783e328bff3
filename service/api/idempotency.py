"""Owns the Idempotency-Key: a request that is sent twice is performed once and answered alike."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Annotated, TypeVar

from fastapi import Depends, Header, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from service.api.access import BillerDep, NowDep, OnboarderDep, SessionDep
from service.store.access import idempotency
from service.store.access.idempotency import AskedOnce, GivenAnswer

Made = TypeVar("Made", bound=BaseModel)

KEY = re.compile(r"[\x21-\x7e]{1,200}")


IdempotencyKey = Annotated[
    str | None,
    Header(
        max_length=210,
        description="Of your choice, new for each new request; kept for good.",
        examples=["ticket-4711"],
    ),
]


class Once:
    """For one request: `answer` performs it, or repeats what was answered before."""

    def __init__(
        self,
        request: Request,
        session: SessionDep,
        now: NowDep,
        key: OnboarderDep,
        idempotency_key: IdempotencyKey = None,
    ) -> None:
        self._session, self._now, self._api_key = session, now, key
        self._operation = f"{request.method} {request.url.path}"
        self._given = (idempotency_key or "").strip('"')

    def answer(
        self,
        body: BaseModel,
        perform: Callable[[], Made],
        *,
        location: Callable[[Made], str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> JSONResponse:
        """202 with what `perform` gives. Raises KeyReused; 400 without a key."""
        if KEY.fullmatch(self._given) is None:
            raise HTTPException(
                400, "Send an Idempotency-Key of 1 to 200 printable characters, new per request."
            )
        asked = AskedOnce(
            api_key=self._api_key.holder,
            operation=self._operation,
            idempotency_key=self._given,
            sha256=_sha256(body),
        )
        before = idempotency.claim(self._session, asked, self._now)
        if before is not None:
            return _response(before, {"Idempotent-Replayed": "true"})
        idempotency.ask_alone(self._session)
        done = perform()
        given = GivenAnswer(
            status=202,
            headers={**(headers or {}), **({"Location": location(done)} if location else {})},
            body=done.model_dump(mode="json"),
        )
        idempotency.keep(self._session, asked, given)
        return _response(given, {})


class BillingOnce(Once):
    """For who may bill."""

    def __init__(
        self,
        request: Request,
        session: SessionDep,
        now: NowDep,
        key: BillerDep,
        idempotency_key: IdempotencyKey = None,
    ) -> None:
        super().__init__(request, session, now, key, idempotency_key)


OnceDep = Annotated[Once, Depends()]
BillingOnceDep = Annotated[BillingOnce, Depends()]


def _sha256(body: BaseModel) -> str:
    text = json.dumps(body.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _response(given: GivenAnswer, more: Mapping[str, str]) -> JSONResponse:
    return JSONResponse(
        dict(given.body), status_code=given.status, headers={**given.headers, **more}
    )
