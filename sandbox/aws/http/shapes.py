"""Owns the fit between calls and botocore's service models, inputs and answers both."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.model import OperationModel
from botocore.validate import ParamValidator

from sandbox.aws.core.errors import AwsError, Undescribed, invalid

CODES = {"account": "ValidationException", "sts": "ValidationError", "iam": "ValidationError"}
"""What each service calls an input it refuses; organizations has reasons besides."""


REASONS = {
    "PolicyType": "INVALID_ENUM_POLICY_TYPE",
    "EffectivePolicyType": "INVALID_ENUM_POLICY_TYPE",
    "PolicyTargetId": "INVALID_PATTERN_TARGET_ID",
}
"""Of shapes for which Organizations has a reason of its own (API reference,
`InvalidInputException`)."""


def check_input(service: str, operation: OperationModel, params: Mapping[str, Any]) -> None:
    """Lengths, ranges, patterns and enumerations, which boto3 leaves to the service."""
    if operation.input_shape is None:
        return
    for path, reason in _breaches(operation.input_shape, params, ""):
        if service == "organizations":
            raise invalid(reason, f"You specified an invalid value for {path}: {reason}.")
        code = CODES.get(service, "ValidationException")
        raise AwsError(code, f"1 validation error detected: Value at '{path}' {reason}")


def check_answer(name: str, operation: OperationModel, answer: Mapping[str, Any]) -> None:
    shape = operation.output_shape
    if shape is None:
        if answer:
            raise Undescribed(f"{name} answers nothing, yet was given {sorted(answer)}")
        return
    report = ParamValidator().validate(answer, shape)
    if report.has_errors():
        raise Undescribed(f"{name} cannot answer this: {report.generate_report()}")


def _breaches(shape: Any, value: Any, path: str) -> Iterator[tuple[str, str]]:
    match shape.type_name:
        case "structure" if isinstance(value, Mapping):
            yield from _member_breaches(shape, value, path)
        case "list" if isinstance(value, list):
            yield from _size_breaches(shape, len(value), path)
            for index, item in enumerate(value):
                yield from _breaches(shape.member, item, f"{path}[{index}]")
        case "string" if isinstance(value, str):
            yield from _text_breaches(shape, value, path)
        case "integer" | "long":
            yield from _value_breaches(shape, int(value), path)


def _member_breaches(shape: Any, value: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    for name in shape.required_members:
        if name not in value:
            yield f"{path}.{name}".lstrip("."), "INPUT_REQUIRED"
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from _breaches(member, value[name], f"{path}.{name}".lstrip("."))


def _value_breaches(shape: Any, value: int, path: str) -> Iterator[tuple[str, str]]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and value < low:
        yield path, "MIN_VALUE_EXCEEDED"
    if high is not None and value > high:
        yield path, "MAX_VALUE_EXCEEDED"


def _text_breaches(shape: Any, value: str, path: str) -> Iterator[tuple[str, str]]:
    yield from _size_breaches(shape, len(value), path)
    if shape.enum and value not in shape.enum:
        yield path, REASONS.get(shape.name, "INVALID_ENUM")
    pattern = shape.metadata.get("pattern")
    if pattern and not _compiled(pattern).fullmatch(value):
        yield path, REASONS.get(shape.name, "INVALID_PATTERN")


def _size_breaches(shape: Any, size: int, path: str) -> Iterator[tuple[str, str]]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and size < low:
        yield path, "MIN_LENGTH_EXCEEDED"
    if high is not None and size > high:
        yield path, "MAX_LENGTH_EXCEEDED"


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Java's letter, number and space classes are spelled the Python way.

    Its `\\w` and `\\d` are ASCII: the API reference says "alphanumeric characters" of such names.
    """
    spelled = pattern.replace("\\p{L}", "\\w").replace("\\p{N}", "0-9").replace("\\p{Z}", "\\s")
    return re.compile(spelled, re.UNICODE if "\\p{" in pattern else re.ASCII)
