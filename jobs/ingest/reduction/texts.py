"""Owns delimited text on its way to sums: pieces of whole records, parsed a span at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import polars as pl

from jobs.ingest.reduction.refusals import BadFile, require

TEXT_SPAN_ROWS = 130_000
PIECE_BYTES = 1 << 24
"""Rows and bytes in memory at a time."""


@dataclass(frozen=True, slots=True)
class TextFormat:
    """How a delimited text file is written; the default is AWS's CSV."""

    separator: str = ","
    quote: str | None = '"'
    null: str = ""
    """Absent, beside the empty text: Athena writes `\\N`."""
    columns: tuple[str, ...] = ()
    """Their names, where the file has no header row."""


AWS_CSV = TextFormat()


@dataclass(frozen=True, slots=True)
class TextSpan:
    frame: pl.DataFrame
    first_row: int

    @property
    def rows(self) -> int:
        return self.frame.height

    def column(self, name: str) -> pl.Series:
        return self.frame[name]

    def scan(self, *names: str) -> pl.LazyFrame:
        return self.frame.lazy().select(names)


def text_spans(
    stream: BinaryIO, columns: Sequence[str], name: str, text: TextFormat
) -> Iterator[TextSpan]:
    """The rows of decompressed text, of these columns only. At least one span."""
    waiting: list[pl.DataFrame] = []
    first, rows = 1, 0
    for frame in _frames(stream, columns, name, text):
        waiting.append(frame)
        rows += frame.height
        if rows >= TEXT_SPAN_ROWS:
            yield TextSpan(pl.concat(waiting), first)
            waiting, first, rows = [], first + rows, 0
    if waiting:
        yield TextSpan(pl.concat(waiting), first)


def _frames(
    stream: BinaryIO, columns: Sequence[str], name: str, text: TextFormat
) -> Iterator[pl.DataFrame]:
    def parsed(piece: bytes, **options: Any) -> pl.DataFrame:
        return pl.read_csv(
            piece,
            separator=text.separator,
            quote_char=text.quote,
            null_values=[text.null] if text.null else None,
            # Guessed types would be doubles, and an account id would lose its leading zeros.
            infer_schema=False,
            **options,
        )

    header = list(text.columns)
    has_header = not header
    chosen: list[int] = []
    for piece in _whole_records(stream, text.quote, name):
        if not chosen:
            header = header or parsed(piece, n_rows=0).columns
            require(columns, header, name)
            chosen = sorted(header.index(column) for column in columns)
        frame = parsed(piece, columns=chosen, has_header=has_header)
        frame.columns = [header[n] for n in chosen]
        has_header = False
        yield frame
    if not chosen:
        raise BadFile(name, "empty: not even a header row")


def _whole_records(stream: BinaryIO, quote: str | None, name: str) -> Iterator[bytes]:
    """The text in pieces that end where a record ends: at a line break outside quotes."""
    mark = quote.encode() if quote else b""
    rest = b""
    while block := stream.read(PIECE_BYTES):
        piece = rest + block
        end = _last_record_end(piece, mark)
        if end:
            yield piece[:end]
        rest = piece[end:]
        if len(rest) > 4 * PIECE_BYTES:
            raise BadFile(name, "a quoted cell has no end within 64 MiB")
    if rest:
        yield rest


def _last_record_end(piece: bytes, mark: bytes) -> int:
    # A quoted cell may hold line breaks (RFC 4180, section 2, rule 6):
    # `tests/unit/reduction/test_reducer.py`,
    # `test_line_breaks_and_separators_inside_quotes_belong_to_the_cell`.
    quotes = piece.count(mark) if mark else 0
    after = len(piece)
    while (end := piece.rfind(b"\n", 0, after)) >= 0:
        quotes -= piece.count(mark, end, after) if mark else 0
        if quotes % 2 == 0:
            return end + 1
        after = end
    return 0


__all__ = ["AWS_CSV", "TextFormat", "TextSpan", "text_spans"]
