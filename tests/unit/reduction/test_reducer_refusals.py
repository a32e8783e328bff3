"""What a file is refused for: its text, row and column are named."""

import io

import pyarrow as pa
import pytest

from jobs.ingest.reduction import reducer, texts
from jobs.ingest.reduction.reducer import AWS_CSV, FromMap, Reading, reduce
from jobs.ingest.reduction.refusals import BadText
from jobs.ingest.reduction.units import SumTooLarge
from tests.unit.reduction.test_reducer import READING, csv_rows, parquet, rows_of


@pytest.mark.parametrize("text", ["NaN", "inf", "1,5", "x", " 1.5", "1e28", "--1"])
def test_what_is_no_amount_is_named_by_file_row_and_column(text: str) -> None:
    cells = "".join(f'a,2026-10-01,"{cost}"\n' for cost in ("1", "", text))

    with pytest.raises(reducer.BadAmount, match=r"^file: row 3, column cost: '.*' is not an amo"):
        csv_rows(f"account,start,cost\n{cells}")


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf"), 1e300])
def test_a_double_that_is_no_amount_is_refused_in_parquet_too(bad: float) -> None:
    costs = [None, 1.0, bad]
    file = parquet({"account": ["a"] * 3, "start": ["2026-10-01"] * 3, "cost": costs})

    with pytest.raises(reducer.BadAmount, match=r"^file: row 3, column cost: "):
        rows_of(file)


def test_a_bad_row_is_counted_from_the_start_of_the_file_not_of_the_row_group() -> None:
    columns = {
        "account": ["EKSPod", *"aaaaa"],
        "start": ["2026-10-01"] * 6,
        "cost": [""] * 5 + ["x"],
    }
    reading = Reading(("account",), "start", ("cost",), drop={"account": frozenset({"EKSPod"})})

    with pytest.raises(reducer.BadAmount, match="row 6, column cost: 'x'"):
        rows_of(parquet(columns, row_group_size=2), reading)


@pytest.mark.parametrize("bad", [2, 6])
def test_a_bad_row_is_counted_from_the_start_of_the_file_not_of_its_span(
    bad: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs = ["1" if row != bad else "x" for row in range(1, 7)]
    file = parquet(
        {"account": ["a"] * 6, "start": ["2026-10-01"] * 6, "cost": costs}, row_group_size=2
    )
    cells = "\n".join(["account,start,cost", *(f"a,2026-10-01,{cost}" for cost in costs), ""])
    monkeypatch.setattr(reducer, "PARQUET_SPAN_ROWS", 3)
    monkeypatch.setattr(texts, "TEXT_SPAN_ROWS", 1)
    monkeypatch.setattr(texts, "PIECE_BYTES", 40)

    with pytest.raises(reducer.BadAmount, match=f"^file: row {bad}, column cost: 'x'"):
        rows_of(file)
    with pytest.raises(reducer.BadAmount, match=f"^file: row {bad}, column cost: 'x'"):
        csv_rows(cells)


@pytest.mark.parametrize("column", ["account", "start", "cost"])
@pytest.mark.parametrize("kind", [pa.string(), pa.binary()])
@pytest.mark.parametrize("encoded", [True, False])
def test_a_text_that_is_not_utf_8_is_refused_with_its_row(
    column: str, kind: pa.DataType, encoded: bool
) -> None:
    """As a flipped byte leaves it; Arrow reads it from Parquet without a word."""
    cells = {"account": [b"a"] * 3, "start": [b"2026-10-01"] * 3, "cost": [b"1"] * 3}
    cells[column] = [*cells[column][:2], b"caf\xe5"]
    columns = {name: written_as(kind, each) for name, each in cells.items()}

    with pytest.raises(BadText) as refused:
        rows_of(parquet(columns, use_dictionary=encoded))
    words = f"file: row 3, column {column}: 'caf\N{REPLACEMENT CHARACTER}' is not UTF-8"
    assert str(refused.value) == f"{words}: the file is damaged"


def written_as(kind: pa.DataType, cells: list[bytes]) -> pa.Array:
    """Unchecked: as texts even where they are none."""
    raw = pa.array(cells, pa.binary())
    return pa.Array.from_buffers(kind, len(raw), raw.buffers())


def test_a_sum_of_more_than_28_digits_is_refused_not_wrapped() -> None:
    rows = "".join(f"a,2026-10-01,{'9' * 28}\n" for _ in range(20))
    part = reduce(io.BytesIO(f"account,start,cost\n{rows}".encode()), READING, text=AWS_CSV)

    with pytest.raises(SumTooLarge, match="cost: a sum has more than 28 digits"):
        _ = part.frame


@pytest.mark.parametrize("start", ["", "soon", "2026-13-01", "2026-10-1"])
def test_what_is_no_time_is_named_by_row(start: str) -> None:
    with pytest.raises(reducer.BadDay, match=r"row 2, column start: .* is not a time"):
        csv_rows(f"account,start,cost\na,2026-10-01,1\na,{start},1\n")


def test_a_cell_that_should_be_json_and_is_not_is_named_by_row() -> None:
    reading = Reading(("tag",), "start", (), maps={"tag": FromMap("tags", "user:project")})
    with pytest.raises(reducer.BadMap, match=r"row 2, column tags: '\{oops' is not a JSON"):
        csv_rows("tags,start\n{},2026-10-01\n{oops,2026-10-01\n", reading)


def test_a_quote_without_an_end_is_refused_before_it_fills_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(texts, "PIECE_BYTES", 16)
    with pytest.raises(reducer.BadFile, match="a quoted cell has no end"):
        csv_rows('account,start,cost\n"' + "a\n" * 100)


@pytest.mark.parametrize("text", ["", "account,start\n"])
def test_a_file_without_its_columns_is_refused(text: str) -> None:
    with pytest.raises(reducer.BadFile, match=r"empty|no column cost"):
        csv_rows(text)


def test_a_cut_parquet_file_is_refused() -> None:
    whole = parquet({"account": ["a"], "start": ["2026-10-01"], "cost": [1.0]}).getvalue()
    with pytest.raises(reducer.BadFile, match=r"cut\.parquet: not a whole Parquet file"):
        reduce(io.BytesIO(whole[:-9]), READING, name="cut.parquet")
