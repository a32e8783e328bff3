"""Owns the values of a form: numbers, texts, days and words as written, and their rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from invoices.money import is_currency, plain
from invoices.periods import BillingPeriod


def _exact(given: object) -> Decimal:
    """YAML's own floats are refused: 7.5 is read in binary, "7.5" is what was written."""
    match given:
        case bool():
            pass
        case int():
            return Decimal(given)
        case str() if given.isascii():  # Python takes other digits for numbers, too.
            try:
                number = Decimal(given)
            except InvalidOperation:
                number = Decimal("NaN")
            if number.is_finite():
                return number
        case Decimal():
            return given
    raise ValueError('write a number in quotes, like "7.5"')


def _text(given: object) -> object:
    if not isinstance(given, str):
        raise ValueError("write it in quotes, so that YAML leaves it as it is")
    return given


def _account_id(given: object) -> object:
    if not (isinstance(given, str) and re.fullmatch("[0-9]{12}", given)):
        raise ValueError('an account id is twelve digits in quotes, like "011254002932"')
    return given


def _period(given: object) -> object:
    """A day stands for its period, so that `from: 2018-10-01` and `from: 2018-10` both read."""
    if isinstance(given, date) and given.day == 1:
        return BillingPeriod.of(given)
    if isinstance(given, str):
        return BillingPeriod.parse(given)
    raise ValueError("write a billing period as YYYY-MM, like 2018-10")


def _day(given: object) -> object:
    return date.fromisoformat(given) if isinstance(given, str) else given


def _day_or_month(given: object) -> object:
    """A month stands for its first day: `from: 2018-10` and `from: 2018-10-15` both read."""
    if isinstance(given, str) and re.fullmatch("[0-9]{4}-[0-9]{2}", given):
        return BillingPeriod.parse(given).start
    try:
        return _day(given)
    except ValueError as error:
        raise ValueError("write a month or a day, like 2026-10 or 2026-10-15") from error


def one_of(words: Iterable[str]) -> Callable[[str], str]:
    """The words that the core knows, told where another is given."""
    known = sorted(words)

    def check(given: str) -> str:
        if given not in known:
            raise ValueError(f"write one of {', '.join(known)}")
        return given

    return check


def _currency(given: object) -> object:
    if isinstance(given, str) and not is_currency(given):
        raise ValueError(f"{given!r} is no currency; write its code of ISO 4217, such as EUR")
    return given


def _whole(given: Any) -> Any:
    is_whole = isinstance(given, float) and given.is_integer()
    return int(given) if is_whole else given


AS_WHOLE = BeforeValidator(_whole)
"""Behind a strict int's bounds: 24 or, as JSON Schema counts, 24.0; neither text nor true."""
AS_TEXT = BeforeValidator(_text)
"""Behind a text's constraints, although it is asked first: in front of them it would hide their
pattern from the OpenAPI document: `tests/api/contract`."""
Text = Annotated[str, AS_TEXT]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200), AS_TEXT]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$"), AS_TEXT]
Currency = Annotated[Text, BeforeValidator(_currency)]
Country = Annotated[str, StringConstraints(pattern="^[A-Z]{2}$"), AS_TEXT]
AccountNumber = Annotated[
    str, StringConstraints(pattern="^[0-9]{12}$"), BeforeValidator(_account_id)
]
Exact = Annotated[Decimal, BeforeValidator(_exact)]
Positive = Annotated[Exact, Field(gt=0)]
NotNegative = Annotated[Exact, Field(ge=0)]
Share = Annotated[Exact, Field(ge=0, le=100)]
Month = Annotated[BillingPeriod, BeforeValidator(_period)]
Day = Annotated[date, BeforeValidator(_day)]
DayOrMonth = Annotated[date, BeforeValidator(_day_or_month)]


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)


def tidy(given: Decimal) -> Decimal:
    """5.0 and 5 are one figure, and give one content id."""
    return Decimal(plain(given))
