"""No room to write is one line with the cause first, and leaves nothing half-written."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kernel.errors import BadInput
from kernel.file_names import file_name
from service.cli import commands
from service.cli.folders import write_inside

LIMITED = """
import resource, sys
from pathlib import Path
from kernel.file_names import file_name
from service.cli.folders import write_inside
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
write_inside(Path(sys.argv[1]), file_name("small.csv"), content=b"x" * 1000)
try:
    write_inside(Path(sys.argv[1]), file_name("big.pdf"), content=b"x" * 1001)
except OSError as error:
    print(error.errno, error.filename)
"""


class Full:
    def __init__(self, error: OSError) -> None:
        self._error = error

    def main(self, *_: Any, **__: Any) -> int:
        raise self._error


def test_a_document_that_does_not_fit_is_not_there_and_what_was_before_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_bytes

    def half(path: Path, content: bytes) -> int:
        write(path, content[:2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    write_inside(tmp_path, file_name("there.pdf"), content=b"%PDF-1")
    monkeypatch.setattr(Path, "write_bytes", half)
    for name in ("there.pdf", "new.pdf"):
        with pytest.raises(OSError, match="No space left") as caught:
            write_inside(tmp_path, file_name(name), content=b"%PDF-2")
        assert caught.value.filename == str(tmp_path / name)

    assert [each.name for each in tmp_path.iterdir()] == ["there.pdf"]
    assert (tmp_path / "there.pdf").read_bytes() == b"%PDF-1"


def test_the_system_s_own_limit_is_met(tmp_path: Path) -> None:
    """In a process of its own, as a limit is for good."""
    out = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, check=True
    )

    assert out.stdout.split() == [str(errno.EFBIG), str(tmp_path / "big.pdf")]
    assert [each.name for each in tmp_path.iterdir()] == ["small.csv"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "no space left on device for /d/x: make room and run it again; "),
        (errno.EDQUOT, "disk quota exceeded for /d/x: make room and run it again; "),
        (errno.EFBIG, "file too large for /d/x: make room and run it again; "),
    ],
)
def test_no_room_is_one_line_with_the_cause_first(
    code: int, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    full = Full(OSError(code, os.strerror(code), "/d/x"))
    monkeypatch.setattr(commands, "application", lambda: full)

    assert commands.run(["export"]) == 75
    told = capsys.readouterr().err
    assert words in told
    assert told.count("\n") == 1


def test_what_is_wrong_with_a_file_but_its_room_is_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("no folder")
    with pytest.raises(BadInput, match="cannot be written"):
        write_inside(tmp_path, file_name("a"), file_name("x.pdf"), content=b"")
    monkeypatch.setattr(commands, "application", lambda: Full(OSError(errno.EIO, "I/O error")))
    with pytest.raises(OSError, match="I/O error"):
        commands.run(["export"])
