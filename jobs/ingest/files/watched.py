"""Owns watching text on its way to the parser: no bomb, no NUL, no UTF-16, no broken row."""

from __future__ import annotations

import io
from typing import BinaryIO

import numpy as np

from kernel.errors import IngestError

LINE_BYTES_MAX = 1 << 23
EXPANSION_FREE_BYTES = 1 << 22
EXPANSION_MAX = 250
"""AWS's own CSV shrinks 10 to 30 times; what grows 250 times past 4 MiB is a bomb."""


def refuse_bomb(unpacked_bytes: int, packed_bytes: int, where: str) -> None:
    if unpacked_bytes > EXPANSION_FREE_BYTES and unpacked_bytes > packed_bytes * EXPANSION_MAX:
        raise IngestError(
            "bomb",
            where,
            f"{packed_bytes} bytes unpack to more than {EXPANSION_MAX} times as much: "
            "a decompression bomb",
        )


class RowShape:
    """That every row of a delimited text has as many cells as its header."""

    def __init__(self, cells: int, separator: str, quote: str | None, where: str) -> None:
        self._cells, self._where = cells, where
        self._separator, self._quote = ord(separator), ord(quote) if quote else None
        self._row, self._separators, self._quoted = 1, 0, False

    def see(self, block: bytes) -> None:
        """Raises IngestError `ragged_row`; an open quote at the end is `end`'s to find."""
        text = np.frombuffer(block, np.uint8)
        outside = np.ones(len(text), np.bool_)
        if self._quote is not None:
            marks = np.cumsum(text == self._quote) + int(self._quoted)
            outside = marks % 2 == 0
            self._quoted = bool(len(marks)) and bool(marks[-1] % 2)
        separators = np.cumsum((text == self._separator) & outside)
        ends = np.flatnonzero((text == ord("\n")) & outside)
        at_ends = separators[ends]
        by_row = np.diff(at_ends, prepend=0)
        by_row[:1] += self._separators
        wrong = np.flatnonzero(by_row != self._cells - 1)
        if len(wrong):
            self._refuse(self._row + int(wrong[0]), int(by_row[wrong[0]]) + 1)
        self._row += len(ends)
        last = int(separators[-1]) if len(separators) else 0
        self._separators = last - int(at_ends[-1]) if len(ends) else self._separators + last

    def end(self) -> None:
        if self._quoted:
            raise IngestError("ragged_row", self._where, "a quote is opened and never closed")
        if 0 < self._separators != self._cells - 1:
            self._refuse(self._row, self._separators + 1)

    def _refuse(self, row: int, cells: int) -> None:
        # The header is row 0, as the reducer counts.
        words = f"row {row - 1} has {cells} cells where the header has {self._cells}"
        raise IngestError("ragged_row", self._where, words)


class Watched(io.RawIOBase):
    """Decompressed text, without a byte order mark; raises IngestError as it is read.

    `packed` is the file below it: how far it was read tells how much the text has grown.
    """

    def __init__(
        self, stream: BinaryIO, packed: BinaryIO, where: str, shape: RowShape | None
    ) -> None:
        self._stream, self._packed, self._where = stream, packed, where
        self._shape = shape
        self._bytes = self._rows = self._line_bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        block = self._stream.read(len(buffer))
        if self._bytes == 0:
            block = self._without_mark(block)
        self._watch(block)
        buffer[: len(block)] = block
        return len(block)

    def _without_mark(self, block: bytes) -> bytes:
        if block.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise IngestError("not_utf8", self._where, "row 0 is UTF-16; AWS writes UTF-8")
        return block.removeprefix(b"\xef\xbb\xbf")

    def _watch(self, block: bytes) -> None:
        if (at := block.find(b"\0")) >= 0:
            row = self._rows + block.count(b"\n", 0, at)
            raise IngestError("nul_byte", self._where, f"row {row} holds a NUL byte")
        self._bytes += len(block)
        refuse_bomb(self._bytes, self._packed.tell(), self._where)
        last = block.rfind(b"\n")
        self._rows += block.count(b"\n")
        self._line_bytes = len(block) - last - 1 + (self._line_bytes if last < 0 else 0)
        if self._line_bytes > LINE_BYTES_MAX:
            raise IngestError(
                "endless_line", self._where, f"row {self._rows} has no end within 8 MiB"
            )
        if self._shape is not None:
            self._shape.see(block) if block else self._shape.end()


__all__ = ["RowShape", "Watched", "refuse_bomb"]
