"""A month of five million lines is made in little memory, in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.places import ROOT

GIB = 1 << 30
PROGRAM = """
import json, re, sys
from pathlib import Path
from sandbox.bills import Simulation, simulate

simulation = Simulation(accounts=int(sys.argv[1]), rows=int(sys.argv[2]), files=10)
(written,) = simulate(simulation, Path(sys.argv[3]))
# Not getrusage: its peak starts from that of the process which forked this one.
peak_kib = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]
print(json.dumps({"rows": written.rows, "peak_bytes": int(peak_kib) * 1024}))
"""


def measured(accounts: int, rows: int, out: Path) -> dict[str, float]:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(accounts), str(rows), str(out)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    figures: dict[str, float] = json.loads(run.stdout)
    return figures


def test_two_hundred_thousand_lines_stay_under_half_a_gibibyte(tmp_path: Path) -> None:
    figures = measured(100, 200_000, tmp_path)

    assert 190_000 < figures["rows"] < 210_000
    assert figures["peak_bytes"] < GIB // 2


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_five_million_lines_of_a_thousand_accounts_stay_under_two_gibibytes(tmp_path: Path) -> None:
    figures = measured(1_000, 5_000_000, tmp_path)

    assert 4_800_000 < figures["rows"] < 5_200_000
    assert figures["peak_bytes"] < 2 * GIB
