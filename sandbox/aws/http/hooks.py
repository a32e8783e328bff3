"""Owns the places where moto is bent towards the door, in process and as a server."""

from __future__ import annotations

import functools
import io
import json
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from moto.budgets.models import budgets_backends
from moto.core.base_backend import BackendDict
from moto.core.botocore_stubber import BotocoreStubber, MockRawResponse
from moto.core.model_instances import reset_model_data
from moto.core.models import botocore_stubber
from moto.core.request import Request, normalize_request
from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, IAMBackend, iam_backends
from moto.moto_server.werkzeug_app import BackendRequest, DomainDispatcherApplication
from werkzeug.test import run_wsgi_app

from sandbox.aws.core.faults import Crash, Fault
from sandbox.aws.core.guard import is_loopback
from sandbox.aws.http.door import Door, Lost
from sandbox.aws.http.wire import OPAQUE, Reply, scope_of

ACCOUNT_HEADER = "x-moto-account-id"
MANAGED_POLICIES = (
    "AdministratorAccess",
    "AWSBillingReadOnlyAccess",
    "AWSSupportAccess",
    "Billing",
    "CloudWatchReadOnlyAccess",
    "IAMFullAccess",
    "IAMReadOnlyAccess",
    "IAMUserChangePassword",
    "PowerUserAccess",
    "ReadOnlyAccess",
    "SecurityAudit",
    "ViewOnlyAccess",
)
"""All of AWS's would cost four seconds per account."""


@contextmanager
def bent(door: Door) -> Iterator[None]:
    """While it lasts, every request moto gets passes the door first.

    A new world begins with nobody in it, so what moto remembers of identities is forgotten.
    """
    iam_backends.clear()
    budgets_backends.clear()
    server = _in_server(door, DomainDispatcherApplication.__call__)
    with (
        patch.object(BotocoreStubber, "__call__", _in_process(door)),
        patch.object(DomainDispatcherApplication, "__call__", server),
        patch.object(IAMBackend, "_init_aws_policies", _light_policies),
    ):
        yield


@contextmanager
def in_process() -> Iterator[None]:
    """What `mock_aws` does for botocore, without its net for `requests`, which takes longer."""
    BackendDict.reset()
    with patch.object(botocore_stubber, "enabled", new=True):
        yield
    BackendDict.reset()
    reset_model_data()


def _light_policies(backend: Any) -> list[Any]:
    return [
        AWSManagedPolicy.from_data(name, backend.account_id, backend.region_name, data)
        for name, data in _managed_policies().items()
    ]


@functools.cache
def _managed_policies() -> dict[str, Any]:
    every = json.loads(aws_managed_policies_data)
    return {name: every[name] for name in MANAGED_POLICIES if name in every}


def _in_process(door: Door) -> Any:
    def call(self: Any, request: Any, **_: Any) -> AWSResponse | None:
        if not self.enabled or is_loopback(request.url):
            return None
        scope = scope_of(request.headers, request.url)

        def delegate(account_id: str) -> Reply | None:
            request.headers[ACCOUNT_HEADER] = account_id
            return self.process_request(request)  # type: ignore[no-any-return]

        try:
            reply = door.handle(
                scope,
                functools.cache(lambda: normalize_request(request)),
                host=urlsplit(request.url).hostname or "",
                delegate=delegate,
            )
        except Lost as lost:
            if lost.fault is Fault.TIMEOUT_BEFORE:
                raise ConnectTimeoutError(endpoint_url=request.url) from None
            raise ReadTimeoutError(endpoint_url=request.url) from None
        if reply is None:
            return None
        status, headers, body = reply
        return AWSResponse(
            request.url, status, HTTPHeaders.from_dict(headers), MockRawResponse(body)
        )

    return call


def _in_server(door: Door, dispatcher: Any) -> Any:
    def application(self: Any, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ.get("PATH_INFO", "").startswith("/moto-api"):
            return dispatcher(self, environ, start_response)  # type: ignore[no-any-return]
        headers = {"Authorization": environ.get("HTTP_AUTHORIZATION", "")}
        scope = scope_of(headers, f"http://{environ.get('HTTP_HOST', '')}")

        def delegate(account_id: str) -> Reply:
            environ["HTTP_X_MOTO_ACCOUNT_ID"] = account_id
            answered = run_wsgi_app(functools.partial(dispatcher, self), environ, buffered=True)
            body, status, sent = answered
            return int(status.split()[0]), dict(sent), b"".join(body)

        try:
            if scope.service not in OPAQUE:
                _hold_body(environ)
            reply = door.handle(
                scope,
                lambda: _request(environ),
                host=environ.get("HTTP_HOST", ""),
                delegate=delegate,
            )
        except (Lost, Crash):
            return _hang_up(environ)
        except AssertionError as wrong:
            reply = 501, {"Content-Type": "text/plain"}, str(wrong)
        assert reply is not None
        return _respond(reply, start_response)

    return application


def _hold_body(environ: dict[str, Any]) -> None:
    """Read the body once, so that both we and moto can."""
    size = int(environ.get("CONTENT_LENGTH") or 0)
    environ["sandbox.body"] = environ["wsgi.input"].read(size) if size else b""
    environ["wsgi.input"] = io.BytesIO(environ["sandbox.body"])


def _request(environ: dict[str, Any]) -> Request:
    own = dict(environ)
    own["wsgi.input"] = io.BytesIO(environ.get("sandbox.body", b""))
    return BackendRequest(own)


def _hang_up(environ: dict[str, Any]) -> Iterable[bytes]:
    """Close the connection without an answer: the client cannot tell what became of its call."""
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError("the sandbox hung up")


def _respond(reply: Reply, start_response: Any) -> Iterable[bytes]:
    status, headers, body = reply
    content = body.encode() if isinstance(body, str) else body
    sent = {key.lower(): value for key, value in headers.items()}
    if content or "content-length" not in sent:  # The answer to a HEAD says how long a GET's is.
        sent["content-length"] = str(len(content))
    start_response(f"{status} {'OK' if status < 400 else 'Error'}", list(sent.items()))
    return [content]
