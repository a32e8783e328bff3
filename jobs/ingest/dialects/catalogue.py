"""Owns which dialect an export speaks, what to read of it, and how that becomes charges."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

import numpy as np
import polars as pl

from invoices.charges import MONEY, TEXT_KEYS, currencies
from invoices.inputs import ExportLimits
from invoices.kinds import Kind
from jobs.ingest.dialects import cur2, focus, legacy, line_items
from jobs.ingest.dialects.sufficiency import limits_of
from jobs.ingest.dialects.vocabulary import IS_RETURN, TAGS, Vocabulary
from jobs.ingest.reduction.noticed import Watch
from jobs.ingest.reduction.reducer import LAST_DAY, FromMap, Reading
from jobs.ingest.reduction.sums import Amounts, Reduced, Texts, merge
from jobs.ingest.reduction.units import to_units
from kernel.errors import IngestError


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


INVOICE = "invoice_id"
TEXT_KEYS_BUT_INVOICE = tuple(key for key in TEXT_KEYS if key != INVOICE)


class RowMeaning(Protocol):
    """What a dialect's module says of its rows."""

    def keys(self, table: pl.DataFrame) -> pl.DataFrame: ...

    def measures(self) -> Iterable[pl.Expr]: ...


@dataclass(frozen=True, slots=True)
class ReadingPlan:
    """How one file is read."""

    dialect: Dialect
    reading: Reading
    names: tuple[tuple[str, str], ...]
    """(our name of a column, its name in the reading)."""
    tags: tuple[tuple[str, str], ...]
    """(tag key, its name in the reading)."""
    absent: frozenset[str]
    """What of ours the file has not, and should for some cost basis or rule."""


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


def plan(dialect: Dialect, columns: Sequence[str], tags: Sequence[str], where: str) -> ReadingPlan:
    """What to read of a file with these columns.

    Raises IngestError `missing_column`, `duplicate_column`.
    """
    twice = [name for name, times in Counter(columns).items() if times > 1]
    if twice:
        raise IngestError("duplicate_column", where, f"it has column {twice[0]} more than once")
    names, maps = _names(dialect, columns)
    missing = [name for name in VOCABULARIES[dialect].required if name not in names]
    if missing:
        raise IngestError("missing_column", where, f"it has no column {', '.join(missing)}")
    vocabulary = VOCABULARIES[dialect]
    spelled_as_ours = [legacy.athena_name(column) for column in columns]
    missing = [name for name in vocabulary.drop if name not in names]
    if missing and vocabulary.repeats:
        for column in spelled_as_ours:
            if column.startswith(vocabulary.repeats):
                words = f"{column} tells of rows that repeat a cost; {missing[0]} tells them apart"
                raise IngestError("missing_column", where, f"{words}, and is not there")
    tagged = {tag: _tag(dialect, columns, tag) for tag in sorted(set(tags))}
    found = {tag: at for tag, at in tagged.items() if at is not None}
    spelled = {tag: at if isinstance(at, str) else f"tag {tag}" for tag, at in found.items()}
    maps |= {spelled[tag]: at for tag, at in found.items() if isinstance(at, FromMap)}
    return ReadingPlan(
        dialect=dialect,
        reading=_reading(vocabulary, names, maps, tuple(spelled.values())),
        names=tuple(names.items()),
        tags=tuple(spelled.items()),
        absent=vocabulary.absent(names, spelled_as_ours),
    )


def named(reduced: Reduced, plan: ReadingPlan) -> Reduced:
    """The sums under our names of the columns, the chosen tags as one key."""
    ours = {theirs: name for name, theirs in plan.names}
    renamed = replace(
        reduced,
        keys={ours.get(name, name): texts for name, texts in reduced.keys.items()},
        amounts={ours[name]: amounts for name, amounts in reduced.amounts.items()},
        noticed=replace(reduced.noticed, absent=plan.absent),
    )
    return renamed.with_keys(_with_tags(renamed.key_table(), plan.tags)) if plan.tags else renamed


def charged(dialect: Dialect, sums: Reduced) -> Reduced:
    """Named sums as sums of charges: under their text keys (and days), of their measures.

    The invoice id is left out where the file has no column for it.
    """
    vocabulary, meaning = VOCABULARIES[dialect], _meaning(dialect)
    table = meaning.keys(vocabulary.complete_keys(sums.key_table()))
    named = TEXT_KEYS if vocabulary.invoice in sums.keys else TEXT_KEYS_BUT_INVOICE
    # A number loses its leading zeros; an account id has twelve digits (but a blank is none).
    accounts = pl.col("payer_account_id", "account_id")
    table = table.with_columns(
        pl.when(accounts != "")
        .then(accounts.str.strip_chars().str.replace(r"^(\d+)\.0+$", "${1}").str.zfill(12))
        .otherwise(pl.lit("")),
        pl.col("currency").str.strip_chars().str.to_uppercase(),
    )
    table = table.with_columns(sums.keys[LAST_DAY].series(LAST_DAY))
    keys = {column.name: Texts.of(column) for column in table.select(named)}
    complete = replace(vocabulary.complete_amounts(sums), keys=keys)
    looked_at = {
        "kind": keys["kind"].series("kind", sums.key, pl.Enum(Kind)),
        IS_RETURN: table[IS_RETURN].gather(sums.key),
    }
    measures = [_measured(complete, looked_at, each) for each in meaning.measures()]
    ours = replace(complete, amounts=dict(measures))
    raw, conserved = vocabulary.conserved
    read, kept = sums.total(raw), ours.total(conserved)
    # A dialect's cases are many; whatever they say of kinds, no cent of the file may get lost.
    assert read == kept, f"{raw} is {read} in the file, {conserved} is {kept}"
    return ours


def _measured(
    sums: Reduced, looked_at: Mapping[str, pl.Series], measure: pl.Expr
) -> tuple[str, Amounts]:
    """A sum or difference of amounts: in 64 bits where they surely hold it, as it is faster."""
    name = measure.meta.output_name()
    columns = list(looked_at.values())
    amounts = [amount for amount in measure.meta.root_names() if amount in sums.amounts]
    if all(sums.amounts[amount].is_narrow for amount in amounts):
        columns += [pl.Series(amount, sums.units(amount)) for amount in dict.fromkeys(amounts)]
        measured = pl.DataFrame(columns).select(measure.cast(pl.Int64))[name].to_numpy()
    else:
        columns += [sums.amount(amount) for amount in dict.fromkeys(amounts)]
        measured = to_units(pl.DataFrame(columns).select(measure.cast(MONEY))[name])
    return name, Amounts.of(measured)


def limits(dialect: Dialect, absent: frozenset[str], by_key: pl.DataFrame) -> ExportLimits:
    """What a bill of these charges cannot say; `absent` as its parts have it."""
    vocabulary = VOCABULARIES[dialect]
    never = {column for need in vocabulary.needs for column in need.columns} - {*vocabulary.all}
    return limits_of(absent | never, by_key, needs=vocabulary.needs, matched=vocabulary.matched)


def has_invoice_ids(sums: Reduced) -> bool:
    """Whether what was read has a column for them, be it blank."""
    return INVOICE in sums.keys


def merged(parts: Iterable[Reduced]) -> Reduced:
    """The charges of several files as one."""
    return _with_currency(merge(_with_invoice(part) for part in parts))


def _with_currency(sums: Reduced) -> Reduced:
    """A blank currency on what costs nothing is the bill's; on what costs it stays, and is told."""
    table = sums.key_table()
    is_blank = (table["currency"] == "").to_numpy()
    if not is_blank.any():
        return sums
    is_free = is_blank[sums.key]
    for name in sums.amounts.keys() - {"usage"}:
        is_free &= sums.units(name) == 0
    named = table.with_columns(pl.lit(currencies(table, pl.Series(sums.key))[0]).alias("currency"))
    both = pl.concat([table, named.select(table.columns)])
    keys = {column.name: Texts.of(column) for column in both}
    return merge(
        [replace(sums, keys=keys, key=np.where(is_free, sums.key + table.height, sums.key))]
    )


def _with_invoice(sums: Reduced) -> Reduced:
    if has_invoice_ids(sums):
        return sums
    blank = Texts.of(pl.Series([""] * sums.key_table().height, dtype=pl.String))
    return replace(sums, keys={key: sums.keys.get(key, blank) for key in TEXT_KEYS})


def _meaning(dialect: Dialect) -> RowMeaning:
    return focus if dialect is Dialect.FOCUS else line_items


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
    if dialect is Dialect.CUR2:
        return cur2.tag_entry(columns, tag)
    return focus.tag_entry(columns, tag)


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
        day_if_blank=names[vocabulary.period],
        costs=tuple(
            names[name] for name in vocabulary.required_amounts if name != vocabulary.quantity
        ),
        end=names.get(vocabulary.end, ""),
        amounts=tuple(names[amount] for amount in vocabulary.amounts if amount in names),
        fallback={
            names[net]: names[plain]
            for net, plain in vocabulary.net.items()
            if net in names and plain in names
        },
        drop={names[key]: rows for key, rows in vocabulary.drop.items() if key in names},
        maps=maps,
        currency=names.get(vocabulary.currency, ""),
        line=names.get(vocabulary.line, ""),
        watch=_watch(vocabulary, names),
    )


def _watch(vocabulary: Vocabulary, names: Mapping[str, str]) -> Watch | None:
    watch = vocabulary.watch
    if watch is None or not {watch.amount, watch.key, watch.by} <= names.keys():
        return None
    return replace(watch, amount=names[watch.amount], key=names[watch.key], by=names[watch.by])


def _with_tags(frame: pl.DataFrame, tags: Sequence[tuple[str, str]]) -> pl.DataFrame:
    """`tags` as canonical JSON of the chosen keys that a row has, '' where it has none."""
    columns = [name for _, name in tags]
    seen = frame.select(columns).unique()
    written = [
        _canonical({tag: value for (tag, _), value in zip(tags, row, strict=True) if value})
        for row in seen.iter_rows()
    ]
    texts = seen.with_columns(pl.Series(TAGS, written, pl.String))
    return frame.join(texts, on=columns, how="left", maintain_order="left").drop(columns)


def _canonical(chosen: dict[str, str]) -> str:
    return json.dumps(chosen, sort_keys=True, ensure_ascii=False, separators=(",", ":")) * bool(
        chosen
    )


__all__ = [
    "AUTO",
    "VOCABULARIES",
    "Dialect",
    "ReadingPlan",
    "charged",
    "detect",
    "merged",
    "named",
    "plan",
]
