"""Owns `python -m bench scan`, `scan-groups`: the reduction alone beside DuckDB's same aggregation.

It sets no target: it tells where our own kernel pays and where it does not.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from bench.plain_month import AMOUNTS, KEYS
from bench.scan_sides import THREADS, TOTAL, MapEntry, Question
from bench.sets import MonthSet, digest, plain_month, shuffled_month, with_rows_shuffled
from jobs.ingest.dialects import catalogue

ROWS = 1_500_000
REPS = 3

ARNS = ("reservation_reservation_a_r_n", "savings_plan_savings_plan_a_r_n")
DESCRIPTION = ("line_item_line_item_description",)
MAPPED = ("product_product_name",)
NAMES_OF_LINES = ("line_item_usage_type", "line_item_operation", "product_region_code")


@dataclass(frozen=True, slots=True)
class ScanSample:
    cpu_seconds: float
    wall_seconds: float
    peak_mib: float
    start_cpu_seconds: float
    start_wall_seconds: float
    digest: str
    total: str


def main(rows: int, reps: int, *, groups: bool) -> int:
    months = {"shuffled": shuffled_month(rows), "plain": plain_month(rows)}
    if groups:
        months["plain, rows shuffled"] = with_rows_shuffled(months["plain"])
    questions = {name: question_of(month) for name, month in months.items()}
    asked = list(_less(questions) if groups else _whole(questions))
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        differing = [
            name
            for name, question, sides in asked
            if not _compared(name, question, sides, reps, Path(scratch))
        ]
    for name in differing:
        print(f"DIFFERENT: the sides do not find the same sums of {name}")
    return 1 if differing else 0


Asked = tuple[str, Question, Sequence[str]]
"""What it is called, what is asked, and of whom."""


def _whole(questions: dict[str, Question]) -> Iterator[Asked]:
    for name, question in questions.items():
        yield name, question, ("duckdb", "ours", "ingest")


def _less(questions: dict[str, Question]) -> Iterator[Asked]:
    sides = ("duckdb", "ours")
    for name, question in questions.items():
        yield name, question, sides
        if name == "plain, rows shuffled":
            continue
        for words, left_out in groups_left_out(question):
            yield f"{name}, {words}", question.without(*left_out), sides


def groups_left_out(question: Question) -> Iterator[tuple[str, Sequence[str]]]:
    """What is left out, where the month has it."""
    keys, amounts = question.keys, question.amounts
    if question.maps:
        yield "no map", tuple(question.maps)
    if set(ARNS) & set(keys):
        yield "no ARNs", ARNS
    yield "no description", DESCRIPTION
    yield "no names of lines", NAMES_OF_LINES
    yield (
        "account and product only",
        [
            key
            for key in keys
            if key not in {"line_item_usage_account_id", "line_item_product_code"}
        ],
    )
    sparse = [n for n in amounts if n.startswith(("reservation_", "savings_plan_"))]
    yield f"no commitments' amounts ({len(sparse)})", sparse
    yield "unblended cost only", [name for name in amounts if name != TOTAL]
    rest = [name for name in (*keys, *amounts) if name not in {*KEYS, *AMOUNTS}]
    if rest:
        yield "the plain month's keys and amounts", rest


def question_of(month: MonthSet) -> Question:
    """Everything that ingest reads of the month's files."""
    columns = pq.read_schema(month.files[0]).names
    where = month.folder.name
    reading = catalogue.plan(catalogue.detect(columns, where), columns, (), where).reading
    return Question(
        folder=str(month.folder),
        payer=month.payer,
        day=reading.day,
        keys=reading.keys,
        amounts=reading.amounts,
        fallback=dict(reading.fallback),
        drop={key: sorted(words) for key, words in reading.drop.items()},
        maps={n: MapEntry(at.column, at.key or "", at.where) for n, at in reading.maps.items()},
    )


def _compared(
    name: str, question: Question, sides: Sequence[str], reps: int, scratch: Path
) -> bool:
    """Prints a table; the sides take turns. Whether all of them found the same."""
    samples: dict[str, list[ScanSample]] = {side: [] for side in sides}
    for _ in range(reps):
        for side in sides:
            samples[side].append(sampled(side, question, scratch))
    print(f"\n{name}: {len(question.keys)} keys and the day, {len(question.amounts)} amounts")
    print(
        f"{'median of':10} {'CPU s':>7} {'ratio':>6} {'wall s':>7} {'ratio':>6} {'peak MiB':>8}"
        f" {'start-up CPU, wall s':>22}  digest"
    )
    for side, found in samples.items():
        print(_row(side, found, samples["duckdb"]), flush=True)
    every = [sample for found in samples.values() for sample in found]
    digests = {sample.digest for sample in every if sample.digest}
    return len(digests) == 1 and len({sample.total for sample in every}) == 1


def _row(side: str, found: Sequence[ScanSample], peer: Sequence[ScanSample]) -> str:
    def median(of: Sequence[ScanSample], field: str) -> float:
        return float(statistics.median(getattr(sample, field) for sample in of))

    cpu, wall = median(found, "cpu_seconds"), median(found, "wall_seconds")
    start = median(found, "start_cpu_seconds"), median(found, "start_wall_seconds")
    by_cpu, by_wall = cpu / median(peer, "cpu_seconds"), wall / median(peer, "wall_seconds")
    peak = max(sample.peak_mib for sample in found)
    digests = ", ".join(sorted({sample.digest or "the same total" for sample in found}))
    return (
        f"{side:10} {cpu:7.2f} {by_cpu:6.2f} {wall:7.2f} {by_wall:6.2f} {peak:8.0f}"
        f" {start[0]:14.2f}, {start[1]:6.2f}  {digests}"
    )


def sampled(side: str, question: Question, scratch: Path) -> ScanSample:
    out = scratch / "sums.parquet"
    asked = json.dumps(asdict(question))
    limits = {name: str(THREADS) for name in ("POLARS_MAX_THREADS", "OMP_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-m", "bench.scan_sides", side, asked, str(out)],
        env=os.environ | limits,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    total = pl.read_parquet(out, columns=[TOTAL])[TOTAL].sum()
    # Charges have other keys and measures than the raw sums: of them, the total is compared.
    found = "" if side == "ingest" else digest(out)
    return ScanSample(**json.loads(done.stdout), digest=found, total=str(total))
