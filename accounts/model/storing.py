"""Owns the JSON form of what outlives a visit, so that the store can keep it as it is.

Fields that a later version adds have defaults, so that a weeks-old record is read as it was meant.
"""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from accounts.model.handover import Handover
from accounts.model.organization import Reseller
from accounts.model.record import Record
from accounts.model.request import AccountRequest

Json = dict[str, Any]

_RECORD = TypeAdapter(Record)
_REQUEST = TypeAdapter(AccountRequest)
_HANDOVER = TypeAdapter(Handover)
_RESELLER = TypeAdapter(Reseller)


def record_to_json(record: Record) -> Json:
    document: Json = _RECORD.dump_python(record, mode="json")
    return document


def record_from_json(document: Json) -> Record:
    return _RECORD.validate_python(document, strict=False)


def request_to_json(request: AccountRequest) -> Json:
    document: Json = _REQUEST.dump_python(request, mode="json")
    return document


def request_from_json(document: Json) -> AccountRequest:
    return _REQUEST.validate_python(document, strict=False)


def handover_to_json(handover: Handover) -> Json:
    document: Json = _HANDOVER.dump_python(handover, mode="json")
    return document


def handover_from_json(document: Json) -> Handover:
    return _HANDOVER.validate_python(document, strict=False)


def reseller_to_json(reseller: Reseller) -> Json:
    """The same text for the same reseller: a set has an order of its own in each process."""
    document: Json = _RESELLER.dump_python(reseller, mode="json")
    return {**document, "probe_teams": sorted(reseller.probe_teams)}


def reseller_from_json(document: Json) -> Reseller:
    return _RESELLER.validate_python(document, strict=False)
