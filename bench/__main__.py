"""Owns the benchmark's command: `python -m bench [pricing|load|scan|scan-groups] [--rows N]`."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bench import load, pricing, scan
from bench.sets import (
    MonthSet,
    digest,
    redelivered_file,
    shuffled_month,
    with_files_reordered,
    with_large_amounts,
)
from sandbox.bills.exports.files import Encoding

ROWS = 5_000_000
REPS = 5
SCANS = ("scan", "scan-groups")
CPU_OF_PEER_MAX = 0.9
PEAK_MIB_MAX = 1024.0
REDELIVERY_OF_FULL_MAX = 0.25
SMALL_SHARE = 20
"""The proofs of equality run on a set so many times smaller."""


@dataclass(frozen=True, slots=True)
class Sample:
    cpu_seconds: float
    wall_seconds: float
    peak_mib: float
    digest: str


def main() -> int:
    options = _options()
    if options.what == "pricing":
        return pricing.main(options.rows or ROWS)
    if options.what == "load":
        return load.main(load.REQUESTS, options.reps or load.REPS)
    if options.what in SCANS:
        rows, reps = options.rows or scan.ROWS, options.reps or scan.REPS
        return scan.main(rows, reps, groups=options.what == "scan-groups")
    rows, reps = options.rows or ROWS, options.reps or REPS
    month = shuffled_month(rows)
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        missed = [*_speed(month, reps, Path(scratch))]
        missed += _equality(shuffled_month(rows // SMALL_SHARE), Path(scratch))
    for words in missed:
        print(f"MISSED: {words}")
    return 1 if missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "what", nargs="?", choices=["summary", "pricing", "load", *SCANS], default="summary"
    )
    parser.add_argument("--rows", type=int)
    parser.add_argument("--reps", type=int)
    return parser.parse_args()


def _speed(month: MonthSet, reps: int, scratch: Path) -> Iterator[str]:
    """Interleaved, so that a busy neighbour slows all of them; yields the targets missed."""
    again = redelivered_file(month)
    delivered = replace(month, folder=scratch / "delivered")
    shutil.copytree(month.folder, delivered.folder)
    samples: dict[str, list[Sample]] = {"ours": [], "ours, redelivery": [], "DuckDB": []}
    for _ in range(reps):
        cache = scratch / "cache"
        shutil.rmtree(cache, ignore_errors=True)
        shutil.copy(month.files[0], delivered.folder)
        samples["DuckDB"].append(_run("peer", delivered, cache, scratch))
        samples["ours"].append(_run("ours", delivered, cache, scratch))
        shutil.copy(again, delivered.folder)
        samples["ours, redelivery"].append(_run("ours", delivered, cache, scratch))
    _print_table(samples)
    cpu = {who: statistics.median(s.cpu_seconds for s in found) for who, found in samples.items()}
    peak = max(sample.peak_mib for sample in samples["ours"])
    if len({sample.digest for who in ("ours", "DuckDB") for sample in samples[who]}) > 1:
        yield "ours and DuckDB do not price the same lines"
    if cpu["ours"] > CPU_OF_PEER_MAX * cpu["DuckDB"]:
        yield f"CPU is {cpu['ours'] / cpu['DuckDB']:.2f} of DuckDB's, over {CPU_OF_PEER_MAX}"
    if peak > PEAK_MIB_MAX:
        yield f"peak memory is {peak:.0f} MiB, over {PEAK_MIB_MAX:.0f}"
    if cpu["ours, redelivery"] > REDELIVERY_OF_FULL_MAX * cpu["ours"]:
        share = cpu["ours, redelivery"] / cpu["ours"]
        yield f"a redelivery costs {share:.2f} of the whole, over {REDELIVERY_OF_FULL_MAX}"


def _print_table(samples: dict[str, list[Sample]]) -> None:
    peer = statistics.median(sample.cpu_seconds for sample in samples["DuckDB"])
    print(f"{'median of':20} {'CPU s':>7} {'of DuckDB':>9} {'wall s':>7} {'peak MiB':>8}  digest")
    for who, found in samples.items():
        cpu = statistics.median(sample.cpu_seconds for sample in found)
        wall = statistics.median(sample.wall_seconds for sample in found)
        peak = max(sample.peak_mib for sample in found)
        digests = ", ".join(sorted({sample.digest for sample in found}))
        row = f"{cpu:7.2f} {cpu / peer:9.2f} {wall:7.2f} {peak:8.0f}  {digests}"
        print(f"{who:20} {row}", flush=True)


def _equality(month: MonthSet, scratch: Path) -> list[str]:
    """Equal digests whatever the threads, the order of files, and the encoding."""
    rows = int(month.roster_path.stem.removeprefix("month-"))
    text = shuffled_month(rows, encoding=Encoding.CSV)
    large = with_large_amounts(month)
    groups = {
        "": [
            ("1 thread", "ours", month, 1),
            ("2 threads", "ours", month, 2),
            ("other file order", "ours", with_files_reordered(month), 2),
            ("CSV", "ours", text, 2),
            ("DuckDB", "peer", month, 2),
        ],
        "large amounts, ": [
            ("1 thread", "ours", large, 1),
            ("2 threads", "ours", large, 2),
            ("DuckDB", "peer", large, 2),
        ],
    }
    missed = []
    for group, runs in groups.items():
        digests = set()
        for words, side, each, threads in runs:
            cache = Path(tempfile.mkdtemp(dir=scratch))
            sample = _run(side, each, cache, scratch, threads=threads)
            print(f"{group + words:36} {sample.digest}", flush=True)
            digests.add(sample.digest)
        if len(digests) > 1:
            missed.append(f"{group or 'threads, file order and encoding: '}digests differ")
    return missed


def _run(side: str, month: MonthSet, cache: Path, scratch: Path, *, threads: int = 2) -> Sample:
    out = scratch / "lines.parquet"
    places = (month.folder, month.roster_path, cache, out)
    command = [sys.executable, "-m", "bench.process", side, *map(str, places)]
    limits = {name: str(threads) for name in ("POLARS_MAX_THREADS", "OMP_NUM_THREADS")}
    done = subprocess.run(
        command, env=os.environ | limits, stdout=subprocess.PIPE, text=True, check=True
    )
    return Sample(**json.loads(done.stdout), digest=digest(out))


if __name__ == "__main__":
    sys.exit(main())
