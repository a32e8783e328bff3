"""Owns which dialect an export speaks, what to read of it, and how that becomes charges."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import polars as pl

from jobs.ingest import cur2, focus, legacy, line_items
from jobs.ingest.errors import IngestError
from jobs.ingest.reducer import FromMap, Reading, Reduced
from jobs.ingest.vocabulary import Vocabulary


class Dialect(StrEnum):
    LEGACY = "legacy"
    CUR2 = "cur2"
    FOCUS = "focus"


AUTO = "auto"

VOCABULARIES: Mapping[Dialect, Vocabulary] = {
    Dialect.LEGACY: line_items.VOCABULARY,
    Dialect.CUR2: line_items.VOCABULARY,
    Dialect.FOCUS: focus.VOCABULARY,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How one file is read."""

    dialect: Dialect
    reading: Reading
    names: tuple[tuple[str, str], ...]
    """(our name of a column, its name in the reading)."""
    tags: tuple[tuple[str, str], ...]
    """(tag key, its name in the reading)."""


def detect(columns: Sequence[str], where: str) -> Dialect:
    """By the columns alone. Raises IngestError `unknown_dialect`."""
    here = set(columns)
    if "BilledCost" in here:
        return Dialect.FOCUS
    if "lineItem/UnblendedCost" in here:
        return Dialect.LEGACY
    if "line_item_unblended_cost" in here:
        return Dialect.CUR2 if here & cur2.MARKS else Dialect.LEGACY
    raise IngestError(
        "unknown_dialect",
        where,
        "it has none of the cost columns lineItem/UnblendedCost (legacy CUR), "
        "line_item_unblended_cost (CUR 2.0) or BilledCost (FOCUS)",
    )


def plan(dialect: Dialect, columns: Sequence[str], tags: Sequence[str], where: str) -> Plan:
    """What to read of a file with these columns. Raises IngestError `missing_column`."""
    names, maps = _names(dialect, columns)
    missing = [name for name in VOCABULARIES[dialect].required if name not in names]
    if missing:
        raise IngestError("missing_column", where, f"it has no column {', '.join(missing)}")
    tagged = {tag: _tag(dialect, columns, tag) for tag in sorted(set(tags))}
    found = {tag: at for tag, at in tagged.items() if at is not None}
    spelled = {tag: at if isinstance(at, str) else f"tag {tag}" for tag, at in found.items()}
    maps |= {spelled[tag]: at for tag, at in found.items() if isinstance(at, FromMap)}
    return Plan(
        dialect=dialect,
        reading=_reading(VOCABULARIES[dialect], names, maps, tuple(spelled.values())),
        names=tuple(names.items()),
        tags=tuple(spelled.items()),
    )


def named(reduced: Reduced, plan: Plan) -> Reduced:
    """The sums under our names of the columns, the chosen tags as one key `tags`."""
    ours = {raw: name for name, raw in plan.names if raw in reduced.frame.columns}
    frame = _with_tags(reduced.frame, plan.tags).rename(ours)
    order = frame.columns
    at = order.index("day")
    keys = [key for key in order[:at] if key != "tags"]
    rest = [column for column in order[at:] if column != "tags"]
    return replace(reduced, frame=frame.select(*keys, "tags", *rest))


def charges(dialect: Dialect, named_sums: pl.DataFrame) -> pl.DataFrame:
    """Named sums as charges: `SCHEMA`'s columns and `rows`, `raw_type`; not yet summed."""
    complete = VOCABULARIES[dialect].complete(named_sums)
    return focus.charges(complete) if dialect is Dialect.FOCUS else line_items.charges(complete)


def _names(dialect: Dialect, columns: Sequence[str]) -> tuple[dict[str, str], dict[str, FromMap]]:
    """Our name -> the reading's, and which of these stand for an entry of a map."""
    if dialect is Dialect.LEGACY:
        return legacy.names(columns), {}
    if dialect is Dialect.CUR2:
        return cur2.names(columns), cur2.maps(columns)
    return focus.names(columns), focus.maps(columns)


def _tag(dialect: Dialect, columns: Sequence[str], tag: str) -> str | FromMap | None:
    """The column or map entry of a tag, or None where this month's file has neither."""
    if dialect is Dialect.LEGACY:
        return legacy.tag_name(columns, tag)
    return (cur2 if dialect is Dialect.CUR2 else focus).tag_entry(columns, tag)


def _reading(
    vocabulary: Vocabulary,
    names: Mapping[str, str],
    maps: Mapping[str, FromMap],
    tags: tuple[str, ...],
) -> Reading:
    keys = tuple(names[key] for key in vocabulary.keys if key in names)
    return Reading(
        keys=(*keys, *tags),
        day=names[vocabulary.day],
        amounts=tuple(names[amount] for amount in vocabulary.amounts if amount in names),
        fallback={
            names[net]: names[plain]
            for net, plain in vocabulary.net.items()
            if net in names and plain in names
        },
        drop={names[key]: rows for key, rows in vocabulary.drop.items() if key in names},
        maps=maps,
    )


def _with_tags(frame: pl.DataFrame, tags: Sequence[tuple[str, str]]) -> pl.DataFrame:
    """`tags` as canonical JSON of the chosen keys that a row has, '' where it has none."""
    if not tags:
        return frame.with_columns(pl.lit("").alias("tags"))
    columns = [name for _, name in tags]
    seen = frame.select(columns).unique()
    written = [
        _canonical({tag: value for (tag, _), value in zip(tags, row, strict=True) if value})
        for row in seen.iter_rows()
    ]
    texts = seen.with_columns(pl.Series("tags", written, pl.String))
    return frame.join(texts, on=columns, how="left", maintain_order="left").drop(columns)


def _canonical(chosen: dict[str, str]) -> str:
    return json.dumps(chosen, sort_keys=True, ensure_ascii=False, separators=(",", ":")) * bool(
        chosen
    )


__all__ = ["AUTO", "VOCABULARIES", "Dialect", "Plan", "charges", "detect", "named", "plan"]
