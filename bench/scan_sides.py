"""Owns the sides of the scan: the same exact sums by ours and by DuckDB, and one sample of either.

A sample is a fresh process. Its CPU is user plus system time from after the imports to the end of
the job; what starting costs is told apart, and what is looked at to prove equality costs nothing.
"""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.process import cpu_seconds, peak_kib

if TYPE_CHECKING:
    from jobs.ingest.reduction.reducer import Reading

STARTED = time.perf_counter()
THREADS = 2
TOTAL = "line_item_unblended_cost"

Write = Callable[[Path], object]
"""Writes what a job found, for its digest; not part of the job."""


@dataclass(frozen=True, slots=True)
class MapEntry:
    """A key that is one entry of a map; `where`: only in rows with this text in this column."""

    column: str
    key: str
    where: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Question:
    """Which sums are asked of which month; plain data, so that a side imports only its own."""

    folder: str
    payer: str
    day: str
    keys: tuple[str, ...]
    amounts: tuple[str, ...]
    fallback: Mapping[str, str]
    drop: Mapping[str, Sequence[str]]
    maps: Mapping[str, MapEntry]

    @property
    def files(self) -> list[str]:
        return sorted(str(path) for path in Path(self.folder).iterdir())

    def without(self, *names: str) -> Question:
        """Less some of its keys and amounts."""
        amounts = tuple(name for name in self.amounts if name not in names)
        return replace(
            self,
            keys=tuple(key for key in self.keys if key not in names),
            amounts=amounts,
            fallback={n: by for n, by in self.fallback.items() if n in amounts and by in amounts},
            drop={key: words for key, words in self.drop.items() if key not in names},
            maps={name: at for name, at in self.maps.items() if name not in names},
        )

    @classmethod
    def from_json(cls, text: str) -> Question:
        found = json.loads(text)
        maps = {name: MapEntry(**at) for name, at in found.pop("maps").items()}
        return cls(**found, maps=maps)


def ours(question: Question) -> Write:
    from jobs.ingest.reduction.reducer import reduce
    from jobs.ingest.reduction.sums import merge

    reading = _reading(question)
    with ThreadPoolExecutor(THREADS) as readers:
        reduced = merge(list(readers.map(lambda file: reduce(file, reading), question.files)))

    def write(out: Path) -> None:
        # Made here, as a wide frame is no part of the job: the product keeps sums in star form.
        reduced.frame.write_parquet(out)

    return write


def _reading(question: Question) -> Reading:
    from jobs.ingest.reduction import reducer

    return reducer.Reading(
        keys=question.keys,
        day=question.day,
        amounts=question.amounts,
        fallback=question.fallback,
        drop={key: frozenset(words) for key, words in question.drop.items()},
        maps={
            name: reducer.FromMap(at.column, at.key, at.where and (at.where[0], at.where[1]))
            for name, at in question.maps.items()
        },
    )


def ingest(question: Question) -> Write:
    """All that `rebill ingest` does before it keeps the snapshot; its total only is written."""
    import polars as pl

    from bench.sets import PERIOD
    from invoices.clients import AccountId
    from jobs.ingest.run import IngestRequest
    from jobs.ingest.run import ingest as taken_in

    request = IngestRequest(question.folder, AccountId(question.payer), PERIOD)
    with tempfile.TemporaryDirectory(prefix="bench-") as cache:
        found = taken_in(request, cache=Path(cache), progress=lambda *_: None)
    total = found.charges.daily.select(pl.col("billed_cost").sum().alias(TOTAL))
    return total.write_parquet


LARGE = 225_179
"""DuckDB's cast of a double is right below 2^51 units of 1e-10; above, its text is, and slow."""
SMALL = "CAST({x} * 1e10::DOUBLE AS BIGINT)"
GUARDED = (
    f"CASE WHEN abs({{x}}) < {LARGE} THEN CAST({{x}} AS DECIMAL(18,10))"
    " ELSE CAST(CAST({x} AS VARCHAR) AS DECIMAL(28,10)) END"
)


def duckdb(question: Question) -> Write:
    """One aggregation over all files; texts and times are grouped as they stand in the files.

    Tried: decimals in place of integers of 1e-10 (a tenth slower), a guard where the statistics in
    the files show that no amount is large (a tenth), texts completed before they are grouped (two
    fifths), and the map read apart, for the rows that need it (no difference).
    """
    import duckdb as engine

    database = engine.connect()
    database.execute(f"SET threads = {THREADS}")
    database.execute("SET preserve_insertion_order = false")
    database.execute("SET enable_progress_bar = false")
    small = _small_amounts(database, question)
    keys = [f"{_key(question, key)} AS k{n}" for n, key in enumerate(question.keys)]
    sums = [
        f"sum({_exact(question, name, small)}) AS a{n}" for n, name in enumerate(question.amounts)
    ]
    kept = " AND ".join(
        f"coalesce({key}, '') NOT IN ({', '.join(map(repr, sorted(words)))})"
        for key, words in question.drop.items()
    )
    database.execute(
        f"""CREATE TEMP TABLE summary AS
        SELECT {", ".join(keys)}, CAST({question.day} AS DATE) AS day, {", ".join(sums)},
          count(*) AS counted
        FROM read_parquet($files) WHERE {kept or "true"} GROUP BY ALL""",
        {"files": question.files},
    )
    return lambda out: _write_sums(database, question, out)


def _small_amounts(database: Any, question: Question) -> set[str]:
    """The amounts that are small in every row, by the statistics of every row group."""
    found = database.execute(
        f"""SELECT path_in_schema FROM parquet_metadata($files) GROUP BY ALL
        HAVING bool_and(coalesce(greatest(abs(TRY_CAST(stats_min_value AS DOUBLE)),
          abs(TRY_CAST(stats_max_value AS DOUBLE))) < {LARGE}, stats_null_count = num_values))""",
        {"files": question.files},
    ).fetchall()
    return {name for (name,) in found}


def _exact(question: Question, name: str, small: set[str]) -> str:
    plain = question.fallback.get(name)
    cell = f"coalesce({name}, {plain})" if plain else name
    is_small = small.issuperset({name, plain or name})
    return (SMALL if is_small else GUARDED).format(x=cell)


def _key(question: Question, name: str) -> str:
    at = question.maps.get(name)
    if at is None:
        return name
    entry = f"{at.column}['{at.key}']"
    if at.where is None:
        return entry
    column, text = at.where
    return f"CASE WHEN {column} = '{text}' THEN {entry} ELSE '' END"


def _write_sums(database: Any, question: Question, out: Path) -> None:
    """As ours are written: null is '', an instant its text."""
    types = {name: kind for name, kind, *_ in database.execute("DESCRIBE summary").fetchall()}
    keys = [
        f"strftime(k{n}, '%Y-%m-%dT%H:%M:%SZ') AS {name}"
        if types[f"k{n}"].startswith("TIMESTAMP")
        else f"coalesce(k{n}, '') AS {name}"
        for n, name in enumerate(question.keys)
    ]
    unit = "CAST(0.0000000001 AS DECIMAL(10,10))"
    sums = [
        f"coalesce(CAST(sum(CAST(a{n} AS DECIMAL(28,0)) * {unit}) AS DECIMAL(38,10)), 0) AS {name}"
        if types[f"a{n}"] == "HUGEINT"
        else f"CAST(coalesce(sum(a{n}), 0) AS DECIMAL(38,10)) AS {name}"
        for n, name in enumerate(question.amounts)
    ]
    database.execute(
        f"""COPY (SELECT {", ".join(keys)}, day, {", ".join(sums)},
          CAST(sum(counted) AS BIGINT) AS rows FROM summary GROUP BY ALL)
        TO '{out}' (FORMAT parquet)"""
    )


SIDES: Mapping[str, tuple[Callable[[Question], Write], tuple[str, ...]]] = {
    "ours": (ours, ("jobs.ingest.reduction.reducer",)),
    "ingest": (ingest, ("bench.sets", "jobs.ingest.run")),
    "duckdb": (duckdb, ("duckdb",)),
}
"""The job, and what it imports: what starting a side costs."""


def main(side: str, asked: str, out: str) -> None:
    job, modules = SIDES[side]
    for module in modules:
        importlib.import_module(module)
    question = Question.from_json(asked)
    start_cpu, start = cpu_seconds(), time.perf_counter()
    write = job(question)
    sample = {
        "cpu_seconds": cpu_seconds() - start_cpu,
        "wall_seconds": time.perf_counter() - start,
        "peak_mib": peak_kib() / 1024,
        "start_cpu_seconds": start_cpu,
        "start_wall_seconds": start - STARTED,
    }
    write(Path(out))
    print(json.dumps(sample))


if __name__ == "__main__":
    main(*sys.argv[1:])
