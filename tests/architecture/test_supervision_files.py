"""What starts the API and the workers again: systemd's units and the compose file."""

from __future__ import annotations

import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml

from service.cli.application import EXIT_BAD_INPUT, EXIT_INTERRUPTED
from service.cli.catalogue import CATALOGUE
from tests.support.places import ROOT

UNITS = sorted((ROOT / "docs/systemd").glob("*.service"))
PROGRAM = "/opt/rebill/.venv/bin/rebill"


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_starts_again_what_ended_unless_the_settings_are_bad(unit: Path) -> None:
    read = ConfigParser(strict=True, interpolation=None)
    read.optionxform = str  # type: ignore[assignment, method-assign]
    read.read_string(unit.read_text(encoding="utf-8"))
    service = read["Service"]

    program, command = service["ExecStart"].split()[:2]
    assert (program, command in CATALOGUE) == (PROGRAM, True)
    assert service["Restart"] == "always"
    assert service["RestartPreventExitStatus"] == str(EXIT_BAD_INPUT)
    assert service["SuccessExitStatus"] == str(EXIT_INTERRUPTED)
    assert read["Unit"]["StartLimitIntervalSec"] == "0"


def test_systemd_understands_the_units(tmp_path: Path) -> None:
    """Where there is no systemd, the test above has read them."""
    systemd = shutil.which("systemd-analyze")
    assert [unit.name for unit in UNITS] == ["rebill-api.service", "rebill-worker.service"]
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8").replace(PROGRAM, sys.executable)
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    if systemd is not None:
        copies = map(str, sorted(tmp_path.iterdir()))
        verified = subprocess.run(
            [systemd, "verify", *copies], capture_output=True, text=True, check=False
        )
        assert (verified.returncode, verified.stderr) == (0, "")


def test_compose_starts_again_what_stays_up() -> None:
    composed = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))

    again = {name for name, each in composed["services"].items() if "restart" in each}
    assert again == {"database", "aws", "api", "worker"}
