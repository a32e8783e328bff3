"""Owns a part on disk: exact sums as an Arrow file that is mapped, not unpacked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from jobs.ingest.reduction.lines import LineMarks
from jobs.ingest.reduction.noticed import Noticed
from jobs.ingest.reduction.sums import Amounts, Reduced, Texts
from jobs.ingest.reduction.units import Units, to_decimals, to_units

_FORMAT = "10"


class UnreadablePart(ValueError):
    """A saved part that is cut short, or was written by another version."""


def save(part: Reduced, path: Path) -> None:
    """An Arrow file of one row, whose cells are the arrays of `part`."""
    cells: dict[str, pa.Array] = {
        "key": pa.array(part.key),
        "day": pa.array(part.day),
        "counts": pa.array(part.counts),
        "sketch": pa.array(part.lines.sketch),
    }
    for name, texts in part.keys.items():
        cells[f"words {name}"] = texts.words
        cells[f"codes {name}"] = pa.array(texts.codes.astype(np.int32))
    for name, found in part.amounts.items():
        wide = found.units.dtype == object
        units = to_decimals(name, found.units).to_arrow() if wide else pa.array(found.units)
        cells[f"units {name}"] = units
        if found.at is not None:
            cells[f"at {name}"] = pa.array(found.at)
    counts = {"format": _FORMAT, "rows": str(part.rows), "dropped": str(part.dropped)}
    counts["repeated"] = str(part.lines.repeated)
    counts["noticed"] = part.noticed.to_json()
    one_cell = {
        name: pa.LargeListArray.from_arrays(pa.array([0, len(values)], pa.int64()), values)
        for name, values in cells.items()
    }
    table = pa.table(one_cell, metadata=counts)
    with pa.ipc.new_file(str(path), table.schema) as file:
        file.write_table(table)


def load(path: Path) -> Reduced:
    """Raises UnreadablePart."""
    try:
        with pa.memory_map(str(path)) as file:
            table = pa.ipc.open_file(file).read_all()
        counts = {name.decode(): text.decode() for name, text in table.schema.metadata.items()}
        if counts["format"] != _FORMAT:
            raise UnreadablePart(f"{path}: written by another version")
        cells = {name: table[name].chunk(0).values for name in table.column_names}
    except (pa.ArrowException, OSError, KeyError, AttributeError) as error:
        raise UnreadablePart(f"{path}: not a whole saved part ({error})") from error
    return Reduced(
        keys={
            name: Texts(words, cells[f"codes {name}"].to_numpy())
            for name, words in _named("words ", cells)
        },
        key=cells["key"].to_numpy(),
        day=cells["day"].to_numpy(),
        counts=cells["counts"].to_numpy(),
        amounts={
            name: Amounts(
                cells[f"at {name}"].to_numpy() if f"at {name}" in cells else None,
                _loaded_units(units),
            )
            for name, units in _named("units ", cells)
        },
        rows=int(counts["rows"]),
        dropped=int(counts["dropped"]),
        noticed=Noticed.from_json(counts["noticed"]),
        lines=LineMarks(cells["sketch"].to_numpy(), int(counts["repeated"])),
    )


def _named(prefix: str, cells: Mapping[str, pa.Array]) -> Iterator[tuple[str, pa.Array]]:
    for name, cell in cells.items():
        if name.startswith(prefix):
            yield name.removeprefix(prefix), cell


def _loaded_units(column: pa.Array) -> Units:
    if pa.types.is_decimal(column.type):
        return to_units(pl.Series(column))
    return np.asarray(column.to_numpy())
