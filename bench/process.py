"""Owns one sample: a side's job in this fresh process, its cost printed as JSON.

CPU is user plus system time of this process and its children, from after the imports to the end of
the job; peak memory is the process's own, imports included.
"""

from __future__ import annotations

import importlib
import json
import re
import resource
import sys
import time
from pathlib import Path


def cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def main(side: str, folder: str, roster: str, cache: str, out: str) -> None:
    # Whoever only wants to know what it has used imports no data frames for it.
    from bench.sets import MonthSet

    job = importlib.import_module(f"bench.{side}").priced_lines
    month = MonthSet(Path(folder), Path(roster))
    cpu, wall = cpu_seconds(), time.perf_counter()
    job(month, Path(cache), Path(out))
    sample = {
        "cpu_seconds": cpu_seconds() - cpu,
        "wall_seconds": time.perf_counter() - wall,
        "peak_mib": peak_kib() / 1024,
    }
    print(json.dumps(sample))


def peak_kib() -> int:
    """Of this program alone: `ru_maxrss` begins with the peak of the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    assert found is not None, "the kernel does not tell the peak"
    return int(found[1])


if __name__ == "__main__":
    main(*sys.argv[1:])
