"""Owns the pretend AWS over HTTP: moto's services, and costs answered from the same bills."""

from __future__ import annotations

import io
import json
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self, cast

import boto3
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.s3.models import s3_backends
from werkzeug.serving import BaseWSGIServer, make_server

from sandbox.bills import Bill, upload
from sandbox.cost_explorer import CostExplorer, CostExplorerRefusal

REGION = "us-east-1"
_JSON = "application/x-amz-json-1.1"
Operation = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(slots=True)
class Failure:
    """The next `times` billing requests fail with this."""

    code: str
    message: str
    times: int


class SandboxAWS:
    """A context manager: a server on a free local port until it is left, when its S3 is emptied.

    S3, STS and all else moto knows are moto's. `GetCostAndUsage` is answered from the bills, and
    counted in `requests`, as each costs money. Accounts are `StrictAWS`'s, while it is installed.
    """

    def __init__(self, bills: Sequence[Bill] = (), *, page_groups: int = 1000) -> None:
        self.requests: Counter[str] = Counter()
        self._failures: list[Failure] = []
        self._lock = threading.Lock()
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._operations: dict[str, Operation] = {
            "AWSInsightsIndexService.GetCostAndUsage": CostExplorer(
                bills, page_groups=page_groups
            ).get_cost_and_usage
        }
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._server = make_server(
            "127.0.0.1", 0, self._answer, threaded=True, request_handler=_QuietHandler
        )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None and self._thread is not None
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        s3_backends.reset()

    @property
    def endpoint_url(self) -> str:
        assert self._server is not None, "enter the context first"
        return f"http://127.0.0.1:{self._server.server_port}"

    def session(self) -> boto3.Session:
        """Throw-away credentials; clients still need `endpoint_url`."""
        return boto3.Session("sandbox", "sandbox", region_name=REGION)

    def client(self, service: str) -> Any:
        return cast(Any, self.session()).client(service, endpoint_url=self.endpoint_url)

    def fail_next(
        self, code: str = "ThrottlingException", message: str = "Rate exceeded", *, times: int = 1
    ) -> None:
        """Makes the next billing requests fail, as AWS does when asked too often."""
        with self._lock:
            self._failures.append(Failure(code, message, times))

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        operation = self._operations.get(target)
        if operation is None:
            passed_on: Iterable[bytes] = self._moto(environ, start_response)
            return passed_on
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        try:
            with self._lock:
                self.requests[target.partition(".")[2]] += 1
                self._raise_failure()
            status, answer = HTTPStatus.OK, operation(json.loads(body or b"{}"))
        except CostExplorerRefusal as error:
            status, answer = HTTPStatus.BAD_REQUEST, {"__type": error.code, "message": str(error)}
        payload = json.dumps(answer, ensure_ascii=False).encode()
        headers = [
            ("Content-Type", _JSON),
            ("Content-Length", str(len(payload))),
            ("x-amzn-RequestId", str(uuid.uuid4())),
        ]
        start_response(f"{status.value} {status.phrase}", headers)
        return io.BytesIO(payload)

    def _raise_failure(self) -> None:
        if not self._failures:
            return
        failure = self._failures[0]
        failure.times -= 1
        if failure.times <= 0:
            self._failures.pop(0)
        raise CostExplorerRefusal(failure.code, failure.message)


class _QuietHandler(MotoRequestHandler):
    def log_request(self, *_: object) -> None:
        """Requests are counted, not printed."""


__all__ = ["REGION", "SandboxAWS", "upload"]
