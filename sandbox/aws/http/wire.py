"""Owns the crossing between HTTP and calls: which operation a request asks for, and replies."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from moto.core.model import OperationModel, ServiceModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.exceptions import NotFound

from sandbox.aws.core.errors import STATUS, AwsError

SCOPE = re.compile(r"Credential=(?P<key>[^/]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/")
SERVICES = {
    "access-analyzer": "accessanalyzer",
    "servicequotas": "service-quotas",
    "sso": "sso-admin",
    "tax": "taxsettings",
    "aws-cur": "cur",
}
"""Signing name -> botocore's name, where they differ."""
OPAQUE = frozenset({"s3"})
"""Services whose bodies are data: never read here, only passed on."""

Reply = tuple[int, dict[str, str], str | bytes]


@dataclass(frozen=True)
class SignedScope:
    """What the signature tells of a request before its body is read."""

    access_key_id: str
    region: str
    service: str


def scope_of(headers: Mapping[str, str], url: str) -> SignedScope:
    found = SCOPE.search(_text(headers.get("Authorization", "")))
    if found is None:
        host = urlsplit(url).hostname or ""
        return SignedScope("", "us-east-1", host.split(".")[0])
    service = SERVICES.get(found["service"], found["service"])
    return SignedScope(found["key"], found["region"], service)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def operation_of(service: str, request: Request) -> tuple[OperationModel, dict[str, Any]] | None:
    """The operation and its parameters; None for what botocore's model does not describe."""
    try:
        operation, path_params = get_service_router(service).match(request)
    except (NotFound, NotImplementedError):
        return None
    parser = PROTOCOL_PARSERS[_protocol(operation.service_model, request)](operation)
    parsed = parser.parse(
        {
            "method": request.method,
            "values": request.values,
            "headers": request.headers,
            "body": request.data,
            "url_path": request.path,
            "url_params": path_params,
        }
    )
    return operation, _plain(parsed)


def _protocol(model: ServiceModel, request: Request) -> str:
    return determine_request_protocol(model, request.content_type)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def success(operation: OperationModel, answer: dict[str, Any], request_id: str) -> Reply:
    model = operation.service_model
    protocol = str(model.protocol)
    serializer = get_serializer_class(model.service_name, protocol)(operation_model=operation)
    serializer.context.request_id = request_id
    reply = serializer.serialize(answer)
    headers = dict(reply["headers"]) | {"x-amzn-RequestId": request_id}
    return reply["status_code"], headers, reply["body"]


def failure(service: str, error: AwsError, request_id: str) -> Reply:
    """moto's serializer warns about codes that are not in the model; AWS has many of those."""
    model = get_service_model(service)
    status = _status(model, error.code)
    headers = {"x-amzn-RequestId": request_id, "x-amzn-ErrorType": error.code}
    if model.protocol == "rest-xml":
        words = f"<Code>{error.code}</Code><Message>{escape(error.message)}</Message>"
        body = f"<Error>{words}<RequestId>{request_id}</RequestId></Error>"
        return status, headers | {"Content-Type": "application/xml"}, body
    if model.protocol == "query":
        kind = "Sender" if status < 500 else "Receiver"
        inner = "".join(
            f"<{key}>{escape(str(value))}</{key}>"
            for key, value in {
                "Type": kind,
                "Code": error.code,
                "Message": error.message,
                **error.fields,
            }.items()
        )
        body = f"<Error>{inner}</Error><RequestId>{request_id}</RequestId>"
        body = f"<ErrorResponse>{body}</ErrorResponse>"
        return status, headers | {"Content-Type": "text/xml"}, body
    fields = {"__type": error.code, "message": error.message, "Message": error.message}
    return status, headers | {"Content-Type": "application/json"}, json.dumps(fields | error.fields)


def _status(model: ServiceModel, code: str) -> int:
    described_errors: Any = model.error_shapes
    shapes = (s for s in described_errors if s.name == code or s.error_code == code)
    described = next((s.metadata.get("error", {}).get("httpStatusCode") for s in shapes), None)
    return int(described or STATUS.get(code, 500 if code == "InternalFailure" else 400))


def outage(request_id: str) -> Reply:
    """A 500 that says nothing: the caller cannot know whether the call took effect."""
    return 500, {"x-amzn-RequestId": request_id, "Content-Type": "text/plain"}, "Internal failure"


def throttling_code(service: str) -> str:
    return _known(service, "TooManyRequestsException", "ThrottlingException", "Throttling")


def concurrency_code(service: str) -> str:
    return _known(
        service, "ConcurrentModificationException", "ConcurrentModification", "ConflictException"
    )


def _known(service: str, *codes: str) -> str:
    """The first of these codes that the service's model describes, or else the last."""
    described: Any = get_service_model(service).error_shapes
    names = {shape.error_code for shape in described} | {
        shape.name for shape in described if not shape.metadata.get("error", {}).get("code")
    }
    return next((code for code in codes if code in names), codes[-1])
