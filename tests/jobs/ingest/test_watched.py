"""Row shapes: whatever AWS may quote is whole, and one cell more or less is found with its row."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.ingest.files.watched import RowShape
from kernel.errors import IngestError

cells = st.text(st.sampled_from('ab,"\n ü{}:'), max_size=6)
tables = st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=8)


def seen(text: bytes, block: int) -> None:
    shape = RowShape(3, ",", '"', "bill.csv")
    for start in range(0, len(text), block):
        shape.see(text[start : start + block])
    shape.end()


def written(rows: list[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


@given(tables, st.integers(1, 40))
def test_every_whole_table_passes_whatever_the_blocks(rows: list[list[str]], block: int) -> None:
    seen(written(rows), block)
    seen(written(rows).rstrip(b"\n") if rows[-1][-1] else written(rows), block)


@given(tables, st.integers(1, 40), st.data())
def test_one_cell_more_or_less_is_found_in_its_row(
    rows: list[list[str]], block: int, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(rows) - 1))
    rows[at] = data.draw(st.sampled_from([rows[at][:2], [*rows[at], "x"]]))

    with pytest.raises(IngestError, match=f"row {at} has {len(rows[at])} cells"):
        seen(written(rows), block)
