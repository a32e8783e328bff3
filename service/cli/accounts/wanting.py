"""Owns how words of the command line become what an account is asked to be."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta

from accounts.model.request import Consent
from invoices.periods import BillingPeriod
from kernel.errors import BadInput


def first_of_month(text: str) -> datetime:
    """`2026-12` -> 1 December 2026, 00:00 UTC. Raises BadInput."""
    return datetime.combine(_month(text).start, time(), UTC)


def last_second_of_month(text: str) -> datetime:
    return first_of_month(str(_month(text).next)) - timedelta(seconds=1)


def _month(text: str) -> BillingPeriod:
    try:
        return BillingPeriod.parse(text)
    except ValueError as error:
        raise BadInput(str(error)) from error


def consents_of(words: Iterable[str] | None) -> frozenset[Consent]:
    try:
        return frozenset(Consent(word) for word in words or ())
    except ValueError as error:
        raise BadInput(f"--consent: {error}; there are {', '.join(Consent)}") from error


def contact_of(words: Iterable[str] | None) -> dict[str, str]:
    """`FullName=Acme GmbH` and so on, as AWS's ContactInformation. Raises BadInput."""
    contact = {}
    for word in words or ():
        key, equals, value = word.partition("=")
        if not (key and equals and value):
            raise BadInput(f"--contact {word!r}: write it as FullName=Acme GmbH")
        contact[key] = value
    return contact
