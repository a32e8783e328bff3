"""Owns what an IAM policy says about one request: Allow, Deny, or nothing."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Verdict = Literal["Allow", "Deny", None]
Values = list[str]
VARIABLE = re.compile(r"\$\{([^}]+)\}")


@dataclass(frozen=True)
class AuthorizationRequest:
    """One action on one resource. Context keys are lower case; values are lists of text."""

    action: str
    resource: str
    context: Mapping[str, Values] = field(default_factory=dict)


class Unsupported(AssertionError):
    """A condition operator this evaluator does not know: better a failed test than a wrong yes."""


def verdict(
    documents: list[str],
    ask: AuthorizationRequest,
    *,
    principal: Callable[[Any], bool] | None = None,
) -> Verdict:
    """A Deny anywhere wins. With `principal`, only statements whose Principal it accepts count."""
    allowed = False
    for document in documents:
        for statement in statements(document):
            if principal is not None and not principal(statement.get("Principal")):
                continue
            if not _applies(statement, ask):
                continue
            if statement["Effect"] == "Deny":
                return "Deny"
            allowed = True
    return "Allow" if allowed else None


@functools.cache
def _read(document: str) -> tuple[dict[str, Any], ...]:
    return tuple(as_list(json.loads(document)["Statement"]))


def statements(document: str) -> tuple[dict[str, Any], ...]:
    return _read(document)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _applies(statement: Mapping[str, Any], ask: AuthorizationRequest) -> bool:
    return (
        _named(statement, "Action", ask, ask.action.lower(), str.lower)
        and _named(statement, "Resource", ask, ask.resource, str)
        and all(
            _holds(operator, key, as_list(wanted), ask)
            for operator, tests in statement.get("Condition", {}).items()
            for key, wanted in tests.items()
        )
    )


def _named(
    statement: Mapping[str, Any],
    element: str,
    ask: AuthorizationRequest,
    value: str,
    spelled: Callable[[str], str],
) -> bool:
    """Trust policies have no Resource: there the statement is about the role it stands on."""
    if f"Not{element}" in statement:
        return not any(
            glob(spelled(_filled(p, ask)), value) for p in as_list(statement[f"Not{element}"])
        )
    if element not in statement:
        return element == "Resource"
    return any(glob(spelled(_filled(p, ask)), value) for p in as_list(statement[element]))


def glob(pattern: str, value: str) -> bool:
    """`*` and `?` only; brackets are letters like any other."""
    return _compiled(pattern).fullmatch(value) is not None


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.compile("".join(parts), re.DOTALL)


def _filled(text: str, ask: AuthorizationRequest) -> str:
    """Policy variables; one without a value matches nothing."""

    def value_of(found: re.Match[str]) -> str:
        values = ask.context.get(found[1].lower(), [])
        return values[0] if values else "\0"

    return VARIABLE.sub(value_of, text)


# Conditions. ---------------------------------------------------------------------------


def _holds(operator: str, key: str, wanted: Values, ask: AuthorizationRequest) -> bool:
    have = ask.context.get(key.lower())
    for prefix, judge in (("ForAllValues:", all), ("ForAnyValue:", any)):
        if operator.startswith(prefix):
            test = _test(operator.removeprefix(prefix).removesuffix("IfExists"))
            return judge(test(value, _all_filled(wanted, ask)) for value in have or [])
    if operator == "Null":
        return (not have) == (str(wanted[0]).lower() == "true")
    name = operator.removesuffix("IfExists")
    test = _test(name)
    if not have:
        return operator.endswith("IfExists") or "Not" in name
    return any(test(value, _all_filled(wanted, ask)) for value in have)


def _all_filled(wanted: Values, ask: AuthorizationRequest) -> Values:
    return [_filled(str(value), ask) for value in wanted]


Test = Callable[[str, Values], bool]


def _test(operator: str) -> Test:
    if operator not in TESTS:
        raise Unsupported(f"the sandbox does not know the condition operator {operator}")
    return TESTS[operator]


def _arn_like(value: str, wanted: Values) -> bool:
    """Each of the six parts of an ARN is matched by itself."""
    have = value.split(":", 5)
    return any(
        len(parts := pattern.split(":", 5)) == len(have)
        and all(glob(part, given) for part, given in zip(parts, have, strict=True))
        for pattern in wanted
    )


def _equal(value: str, wanted: Values) -> bool:
    return value in wanted


def _equal_whatever_case(value: str, wanted: Values) -> bool:
    return value.lower() in {w.lower() for w in wanted}


def _like(value: str, wanted: Values) -> bool:
    return any(glob(w, value) for w in wanted)


def _ordered(read: Callable[[str], Any], compare: Callable[[Any, Any], bool]) -> Test:
    return lambda value, wanted: any(compare(read(value), read(w)) for w in wanted)


def _not(test: Test) -> Test:
    return lambda value, wanted: not test(value, wanted)


def _when(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _tests() -> Iterator[tuple[str, Test]]:
    plain: dict[str, Test] = {
        "StringEquals": _equal,
        "StringEqualsIgnoreCase": _equal_whatever_case,
        "StringLike": _like,
        "ArnLike": _arn_like,
        "ArnEquals": _arn_like,
    }
    for name, test in plain.items():
        kind = "Arn" if name.startswith("Arn") else "String"
        yield name, test
        yield f"{kind}Not{name.removeprefix(kind)}", _not(test)
    yield "Bool", _equal_whatever_case
    orders: dict[str, Callable[[Any, Any], bool]] = {
        "Equals": lambda a, b: a == b,
        "LessThan": lambda a, b: a < b,
        "LessThanEquals": lambda a, b: a <= b,
        "GreaterThan": lambda a, b: a > b,
        "GreaterThanEquals": lambda a, b: a >= b,
    }
    for name, compare in orders.items():
        yield f"Numeric{name}", _ordered(float, compare)
        yield f"Date{name}", _ordered(_when, compare)


TESTS: dict[str, Test] = dict(_tests())
