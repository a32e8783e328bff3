"""Cells become amounts and texts, or are named; and what is noticed beside the sums adds up."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from invoices.kinds import Kind
from jobs.ingest.dialects.catalogue import Dialect, detect, plan
from jobs.ingest.dialects.sufficiency import Need, limits_of
from jobs.ingest.reduction.cells import FromMap, Rows, amounts_of, filled
from jobs.ingest.reduction.cells import texts_of as texts_in
from jobs.ingest.reduction.lines import LineMarks, marks_of, most_shared
from jobs.ingest.reduction.noticed import CutOff, Noticed
from jobs.ingest.reduction.refusals import BadAmount, BadMap
from jobs.ingest.reduction.sums import Amounts
from jobs.ingest.reduction.texts import TextSpan
from jobs.ingest.reduction.units import SumTooLarge, to_decimals, to_units
from kernel.errors import IngestError

E10 = 10**10


def rows_of(*cells: Any, dtype: Any = pl.String) -> Rows:
    """Of one column `c`; the span begins with the fifth row of its file."""
    return Rows(TextSpan(pl.DataFrame({"c": pl.Series(cells, dtype=dtype)}), 5), "file")


def cut(rows: int, rest: str, most: str) -> CutOff:
    return CutOff(rows, Decimal(rest), Decimal(most))


def amounts(
    *cells: Any, dtype: Any = pl.String
) -> tuple[list[int] | None, list[int], dict[int, CutOff]]:
    found = amounts_of(rows_of(*cells, dtype=dtype), "c", None)
    return (
        None if found.at is None else found.at.tolist(),
        found.units.tolist(),
        dict(found.cut_off),
    )


def test_each_way_to_write_nothing_is_no_amount_and_the_others_keep_their_rows() -> None:
    at, units, cut_off = amounts("1", "", "null", "2.5", "-", None, "NULL", "\\N", "-3")

    assert (at, units, cut_off) == ([0, 3, 8], [E10, 25 * 10**9, -3 * E10], {})
    assert amounts("1", "-")[:2] == ([0], [E10])
    assert amounts("1", "2")[:2] == (None, [E10, 2 * E10])
    assert amounts("1", "")[:2] == ([0], [E10])


@pytest.mark.parametrize(
    ("cells", "row"), [(["1", "x"], 6), (["", "x"], 6), (["-", "1", "x"], 7), (["", "-", "x"], 7)]
)
def test_a_bad_amount_is_named_with_its_row_whatever_is_absent_before_it(
    cells: list[str], row: int
) -> None:
    with pytest.raises(BadAmount) as refused:
        amounts(*cells)
    assert str(refused.value) == f"file: row {row}, column c: 'x' is not an amount"


def test_what_lies_beyond_the_tenth_place_is_added_up() -> None:
    """0.00000000014 is one unit and four tenths; 0.00000000026 three less four."""
    _, units, cut_off = amounts("0.00000000014", "0.00000000026", "5", "4E-11", "-2e-11")

    assert units == [1, 3, 5 * E10, 0, 0]
    # 4 - 4 + 4 - 2 tenths of a unit; without signs 14.
    assert cut_off == {0: cut(4, "2E-11", "1.4E-10")}


def test_doubles_are_units_and_their_rest_is_told() -> None:
    assert amounts(1.5, None, 2.0, dtype=pl.Float64)[:2] == ([0, 2], [15 * 10**9, 2 * E10])
    assert amounts(4e-11, 4e-11, dtype=pl.Float64)[:2] == (None, [0, 0])
    assert amounts(4e-11, -4e-11, dtype=pl.Float64)[2] == {0: cut(2, "0", "8E-11")}
    assert amounts(0.1, 0.7, 1e-10, 3e-10, 1234.5678901234, dtype=pl.Float64)[2] == {}
    assert amounts(*[4e-11] * 3, dtype=pl.Float64)[2] == {0: cut(3, "1.2E-10", "1.2E-10")}
    assert amounts(*[-4e-11] * 3, dtype=pl.Float64)[2] == {0: cut(3, "-1.2E-10", "1.2E-10")}


@pytest.mark.parametrize(
    ("own_at", "own", "other_at", "other", "expected"),
    [
        (None, [1, 2, 3], None, [7, 8, 9], [1, 2, 3]),
        ([1], [2], None, [7, 8, 9], [7, 2, 9]),
        ([0, 2], [1, 3], [1, 2], [8, 9], [1, 8, 3]),
        ([0], [1], [0], [7], [1, 0, 0]),
    ],
)
def test_a_row_without_an_amount_has_the_other_s(
    own_at: list[int] | None,
    own: list[int],
    other_at: list[int] | None,
    other: list[int],
    expected: list[int],
) -> None:
    def made(at: list[int] | None, units: list[int]) -> Amounts:
        return Amounts(None if at is None else np.array(at), np.array(units))

    assert filled(made(own_at, own), made(other_at, other), 3).dense(3).tolist() == expected


def entries(cells: list[str | None], key: str | None) -> Any:
    at = FromMap("c", key)
    return texts_in(rows_of(*cells), "c", at) if key else amounts_of(rows_of(*cells), "c", at)


def test_an_entry_of_json_is_its_text_digit_by_digit() -> None:
    cells = ['{"a": "x", "b": 1}', '{"b": "y"}', "", None, '{"a": 12345678901234567890.10}']

    assert entries(cells, "a").series("a").to_list() == ["x", "", "", "", "12345678901234567890.10"]
    assert entries(cells, "b").series("b").to_list() == ["1", "y", "", "", ""]


def test_numbers_that_stand_for_texts_are_whole_where_all_of_them_are() -> None:
    @dataclass
    class Column:
        cells: pa.Array
        first_row: int = 1
        rows: int = 2

        def column(self, name: str) -> pa.Array:
            return self.cells

        def scan(self, *names: str) -> pl.LazyFrame:
            raise NotImplementedError

    def texts(*cells: float | None) -> list[str]:
        column = Column(pa.array(cells, pa.float64()))
        found: list[str] = texts_in(Rows(column, "file"), "c", None).series("c").to_list()
        return found

    assert texts(11254002932.0, None) == ["11254002932", ""]
    assert texts(1.5, 2.0) == ["1.5", "2"]


def test_all_entries_of_json_are_added_up_by_row() -> None:
    found = entries(['{"a": 1.5, "b": -0.5}', "", "{}", '{"c:d": 2, "e": null}'], None)

    assert found.dense(4).tolist() == [E10, 0, 0, 2 * E10]


@pytest.mark.parametrize("bad", ["{", "[1]", "1"])
def test_a_cell_that_is_no_object_is_named_with_its_first_row(bad: str) -> None:
    with pytest.raises(BadMap) as refused:
        entries(['{"a": "x"}', bad, bad], "a")
    words = "is not a JSON object of amounts or texts"
    assert str(refused.value) == f"file: row 6, column c: {bad!r} {words}"


def test_units_are_decimals_and_back_below_and_above_64_bits() -> None:
    small = np.array([0, 1, -1, 25 * 10**9], np.int64)
    large = np.array([10**38 - 1, -(10**38) + 1, 1 << 64, -1], dtype=object)

    assert to_decimals("a", small).to_list() == [
        Decimal(0), Decimal("1E-10"), Decimal("-1E-10"), Decimal("2.5"),
    ]  # fmt: skip
    assert to_units(to_decimals("a", large)).tolist() == large.tolist()
    assert to_decimals("a", large).dtype == pl.Decimal(38, 10)
    for beyond in (10**38, -(10**38)):
        with pytest.raises(SumTooLarge) as refused:
            to_decimals("a", np.array([1, beyond], dtype=object))
        assert str(refused.value) == "a: a sum has more than 28 digits before the point"


def marks(*numbers: int) -> LineMarks:
    return LineMarks.of([np.array(numbers, np.uint64)])


def test_lines_of_a_file_are_counted_once_and_repeats_beside_them() -> None:
    found = LineMarks.of([np.array([3, 1], np.uint64), np.array([3, 3, 2], np.uint64)])

    assert (found.sketch.tolist(), found.repeated, found.is_complete) == ([1, 2, 3], 2, True)
    assert LineMarks.of([]).sketch.tolist() == []
    long = marks(*range(2_048))
    assert not long.is_complete and marks(*range(2_047)).is_complete
    assert marks(*range(3_000)).sketch[-1] == 2_047


def test_a_line_has_one_mark_however_its_file_numbers_its_times() -> None:
    """The same two lines in the other order, plain and by a dictionary of either order."""
    ids = pl.DataFrame({"id": ["a", "b", "", None]})
    times = pa.array(["1 pm", "2 pm", "3 pm", "4 pm"])
    numbers, words = pa.array([3, 2, 1, 0]), pa.array(["4 pm", "3 pm", "2 pm", "1 pm"])
    plain = marks_of(ids.lazy(), times, None)

    assert len(plain) == len({*plain.tolist()}) == 2
    assert marks_of(ids.lazy(), times.dictionary_encode(), None).tolist() == plain.tolist()
    by_words = pa.DictionaryArray.from_arrays(numbers, words)
    assert marks_of(ids.lazy(), by_words, None).tolist() == plain.tolist()
    kept = np.array([False, True, True, True])
    assert marks_of(ids.lazy(), times, kept).tolist() == plain.tolist()[1:]


def test_the_two_files_that_share_most_are_named_with_the_smaller_one_s_share() -> None:
    """The first and the third share two of the three lines of the first."""
    files = [marks(1, 2, 3), marks(3, 10, 11), marks(1, 2, 20, 21)]

    assert most_shared(files) == (0, 2, 2 / 3)
    assert most_shared([marks(1, 2), marks(3, 4)]) is None
    assert most_shared([marks(1, 2), marks(), marks(2, 1)]) == (0, 2, 1.0)


def test_of_a_long_file_only_what_its_sketch_reaches_is_compared() -> None:
    """It reaches 2,047: of the other's four lines, two are below, and one of these is shared."""
    long = marks(*range(0, 4_096, 2), 1)

    assert long.sketch[-1] == 4_092
    assert most_shared([long, marks(0, 3, 5_000, 5_001)]) == (0, 1, 1 / 2)


def test_what_is_noticed_adds_up_and_comes_back_from_json() -> None:
    dollars, euros, net = ("cost", "USD"), ("cost", "EUR"), ("net", "USD")
    one = Noticed(
        frozenset("b"), 1, 20, {dollars: cut(1, "1E-11", "1E-11"), net: cut(1, "2E-11", "2E-11")}
    )
    other = Noticed(
        frozenset("ab"),
        3,
        40,
        {dollars: cut(2, "5E-11", "7E-11"), net: cut(1, "-2E-11", "2E-11")},
        {"arn:a": 2},
    )
    third = Noticed(cut_off={euros: cut(3, "7E-11", "9E-11")}, blank={"arn:b": 1, "arn:a": 4})

    together = Noticed.together([one, other, third])

    sums = {
        dollars: cut(3, "6E-11", "8E-11"),
        net: cut(2, "0", "4E-11"),
        euros: cut(3, "7E-11", "9E-11"),
    }
    assert together == Noticed(frozenset("ab"), 4, 60, sums, {"arn:a": 6, "arn:b": 1})
    assert Noticed.from_json(together.to_json()) == together
    assert Noticed.together([]) == Noticed()
    assert together.to_json() == (
        '{"absent": ["a", "b"], "undated": 4, "unpriced": 60, '
        '"cut_off": [["cost", "USD", 3, "6E-11", "8E-11"], ["net", "USD", 2, "0E-11", "4E-11"], '
        '["cost", "EUR", 3, "7E-11", "9E-11"]], "blank": {"arn:a": 6, "arn:b": 1}}'
    )


def test_what_is_cut_off_is_added_up_by_group() -> None:
    """4 tenths of a unit less 5, and 3 tenths; of doubles, 4 tenths each."""
    group = np.array([0, 1, 1, 0])

    def cut_off(cells: list[Any], dtype: Any) -> dict[int, CutOff]:
        return dict(amounts_of(rows_of(*cells, dtype=dtype), "c", None, group).cut_off)

    three, four = cut(1, "3E-11", "3E-11"), cut(1, "4E-11", "4E-11")
    texts = ["0.00000000014", "0.00000000013", "", "-0.00000000005"]
    assert cut_off(texts, pl.String) == {0: cut(2, "-1E-11", "9E-11"), 1: three}
    assert cut_off(["-", "0.00000000013", "5", "-"], pl.String) == {1: three}
    assert cut_off([4e-11, 4e-11, 1.0, None], pl.Float64) == {0: four, 1: four}


@pytest.mark.parametrize(
    ("columns", "dialect"),
    [
        (["BilledCost"], Dialect.FOCUS),
        (["lineItem/UnblendedCost"], Dialect.LEGACY),
        (["line_item_unblended_cost"], Dialect.LEGACY),
        (["line_item_unblended_cost", "tags"], Dialect.CUR2),
        (["line_item_unblended_cost", "bill_payer_account_name"], Dialect.CUR2),
    ],
)
def test_a_dialect_is_known_by_its_columns(columns: list[str], dialect: Dialect) -> None:
    assert detect(columns, "file") is dialect


def test_a_file_of_no_dialect_or_with_a_column_twice_or_missing_is_named() -> None:
    def refusal(columns: list[str], dialect: Dialect) -> tuple[str, str]:
        with pytest.raises(IngestError) as refused:
            plan(dialect, columns, (), "file")
        return refused.value.code, str(refused.value)

    with pytest.raises(IngestError) as unknown:
        detect(["cost"], "file")
    code, words = unknown.value.code, str(unknown.value)
    assert code == "unknown_dialect" and words.startswith("file: it has none of the cost columns")
    assert refusal(["BilledCost", "BilledCost"], Dialect.FOCUS) == (
        "duplicate_column",
        "file: it has column BilledCost more than once [duplicate_column]",
    )
    code, words = refusal(["BilledCost"], Dialect.FOCUS)
    assert code == "missing_column"
    assert words.startswith("file: it has no column BillingAccountId, ")


def test_a_basis_is_unanswerable_where_rows_need_what_is_absent() -> None:
    by_key = pl.DataFrame(
        {
            "kind": ["usage", "tax"],
            "rows": [3, 2],
            "billed_cost": [Decimal("1.50"), Decimal("0.50")],
        }
    )
    needs = [
        Need(("net_billed", "list"), ("net", "public")),
        Need(("blended",), ("blended",)),
        Need(("amortized",), ("fee",), (Kind.RI_FEE,)),
        Need(("list",), ("fee",), (Kind.TAX, Kind.RI_FEE)),
    ]

    found = limits_of(
        {"net", "public", "fee", "r1", "r2", "o"},
        by_key,
        needs=needs,
        matched={"region": ("r1", "r2"), "operation": ("o", "other")},
    )

    words = "there are 5 rows (2 billed), and no column"
    assert found.bases == {
        "net_billed": f"{words} net, public",
        "list": f"{words} net, public; "
        "there are 2 rows of tax, ri_fee (0.5 billed), and no column fee",
    }
    assert found.columns == {"region": "the export has no column r1 or r2"}


@pytest.mark.parametrize("is_grouped", [False, True])
def test_many_doubles_are_units_each_in_its_place(is_grouped: bool) -> None:
    """Of each but two is cut off 4E-11: in each half 7.9996E-7, which is told to three digits.

    One of 300,000.1 and one of a million are too large for their product to be sure.
    """
    cells = np.full(40_000, 1.00000000004)
    cells[[17_000, 39_999]] = 300_000.1, 1_000_000.0
    group = np.repeat([0, 1], 20_000) if is_grouped else None
    span = TextSpan(pl.DataFrame({"cell": cells}), 1)

    found = amounts_of(Rows(span, "file"), "cell", None, group)

    large = {17_000: 3_000_001_000_000_000, 39_999: 10_000_000_000_000_000}
    assert found.units.tolist() == [large.get(row, 10_000_000_000) for row in range(40_000)]
    half = cut(19_999, "8.00E-7", "8.00E-7")
    whole = cut(39_998, "1.60E-6", "1.60E-6")
    assert found.cut_off == ({0: half, 1: half} if is_grouped else {0: whole})
