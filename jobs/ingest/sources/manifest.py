"""Owns the manifest: which files are the current bill, as AWS says it, hostile until proven."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from invoices.periods import BillingPeriod
from kernel.errors import IngestError

MANIFEST_BYTES_MAX = 1 << 24
SUFFIX = "Manifest.json"
"""Refreshes are named a little differently, but all end in this."""

_PARTITION = re.compile(r"billing_period=([0-9]{4}-[0-9]{2})", re.IGNORECASE)
_RANGE = re.compile(r"([0-9]{4})([0-9]{2})01-[0-9]{8}")


@dataclass(frozen=True, slots=True)
class Manifest:
    """`names` are keys (legacy) or `s3://` URIs (Data Exports), in the manifest's order."""

    legacy: bool
    names: tuple[str, ...]
    payer_account_id: str
    """'' where the manifest does not say: only legacy does."""
    period: BillingPeriod | None


def parse(text: bytes, where: str) -> Manifest:
    """Raises IngestError `bad_manifest`."""
    try:
        content = json.loads(text.decode("utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise IngestError("bad_manifest", where, f"it is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise IngestError("bad_manifest", where, "it is no JSON object")
    if "reportKeys" in content:
        return Manifest(
            legacy=True,
            names=_names(content, "reportKeys", where),
            payer_account_id=str(content.get("account", "")),
            period=_period(content, where),
        )
    if "dataFiles" in content:
        return Manifest(
            legacy=False,
            names=_names(content, "dataFiles", where),
            payer_account_id="",
            period=None,
        )
    raise IngestError("bad_manifest", where, "it lists neither reportKeys nor dataFiles")


def period_in(key: str) -> BillingPeriod | None:
    """The period a key's folders name: `BILLING_PERIOD=2026-10`, `20261001-20261101`, or Athena's
    `year=2026/month=10`."""
    parts = key.split("/")[:-1]
    for part in reversed(parts):
        if match := _PARTITION.fullmatch(part):
            return _parsed(match[1])
        if match := _RANGE.fullmatch(part):
            return _parsed(f"{match[1]}-{match[2]}")
    values = dict(part.split("=", 1) for part in parts if part.count("=") == 1)
    if "year" in values and "month" in values:
        return _parsed(f"{values['year']}-{values['month'].zfill(2)}")
    return None


def export_folder(key: str) -> str:
    """The folder of the export a manifest belongs to: it may name files below it, and no others."""
    parts = key.split("/")[:-1]
    for at in reversed(range(len(parts))):
        if _PARTITION.fullmatch(parts[at]):
            named = at > 0 and parts[at - 1] == "metadata"
            return "/".join(parts[: at - 1 if named else at])
        if _RANGE.fullmatch(parts[at]):
            return "/".join(parts[:at])
    return "/".join(parts)


def checked_key(key: str, where: str) -> str:
    """The key, unless it plays tricks. Raises IngestError `path_trick`."""
    parts = key.split("/")
    # A manifest is a file that others may write:
    # `tests/jobs/ingest/test_locate.py::test_a_manifest_that_plays_tricks_with_paths_is_refused`.
    tricky = (
        len(key) > 1024
        or not key.isprintable()
        or "\\" in key
        or ":" in parts[0]
        or any(part in {"", ".", ".."} for part in parts)
    )
    if tricky:
        raise IngestError("path_trick", where, f"it names {key!r}, which is no plain key")
    return key


def _names(content: Mapping[str, Any], field: str, where: str) -> tuple[str, ...]:
    names = content[field]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise IngestError("bad_manifest", where, f"{field} is no list of names")
    if not names:
        raise IngestError("no_files", where, f"{field} is empty: AWS has delivered nothing yet")
    if len(set(names)) != len(names):
        raise IngestError("bad_manifest", where, f"{field} names a file twice")
    return tuple(names)


def _period(content: Mapping[str, Any], where: str) -> BillingPeriod | None:
    span = content.get("billingPeriod")
    if span is None:
        return None
    start = span.get("start") if isinstance(span, dict) else None
    match = re.match(r"([0-9]{4})([0-9]{2})01T", start) if isinstance(start, str) else None
    if match is None or (period := _parsed(f"{match[1]}-{match[2]}")) is None:
        raise IngestError("bad_manifest", where, "its billingPeriod has no start like 20261001T…")
    return period


def _parsed(text: str) -> BillingPeriod | None:
    try:
        return BillingPeriod.parse(text)
    except ValueError:
        return None


__all__ = [
    "MANIFEST_BYTES_MAX",
    "SUFFIX",
    "Manifest",
    "checked_key",
    "export_folder",
    "parse",
    "period_in",
]
