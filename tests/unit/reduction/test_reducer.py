"""Raw files become exact sums: what is read, and what is refused."""

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.ingest.reduction import reducer, sums, texts
from jobs.ingest.reduction.batches import UnreadablePart, load, save
from jobs.ingest.reduction.reducer import AWS_CSV, FromMap, Reading, TextFormat, reduce
from jobs.ingest.reduction.sums import merge
from tests.support.places import sample

OCTOBER_2018 = "workshop-cur-2018-10/Oct2018-WorkshopCUR-00001.snappy.parquet"
NOVEMBER_2019 = "workshop-cur-2019-11/AfterCUR.gz"
READING = Reading(keys=("account",), day="start", amounts=("cost",))


def parquet(columns: dict[str, Any], **options: Any) -> io.BytesIO:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, **options)
    file.seek(0)
    return file


def rows_of(file: io.BytesIO, reading: Reading = READING) -> list[tuple[Any, ...]]:
    return reduce(file, reading, name="file").frame.rows()


def csv_rows(cells: str, reading: Reading = READING, **options: Any) -> list[tuple[Any, ...]]:
    stream = io.BytesIO(cells.encode())
    return reduce(stream, reading, name="file", **{"text": AWS_CSV, **options}).frame.rows()


def test_rows_of_one_account_and_day_become_one_exact_sum() -> None:
    noon = datetime(2026, 10, 1, 12, tzinfo=UTC)
    file = parquet({"account": ["a", "a", "b"], "start": [noon] * 3, "cost": [0.1, 0.2, 3.0]})

    assert rows_of(file) == [
        ("a", date(2026, 10, 1), Decimal("0.3000000000"), 2),
        ("b", date(2026, 10, 1), Decimal("3.0000000000"), 1),
    ]


@pytest.mark.parametrize(
    ("double", "exact"),
    [
        (225179.9813685248, "225179.9813685248"),
        (300000.1234567891, "300000.1234567891"),  # a native cast is off by one here and above
        (524287.9999999999, "524287.9999999999"),
        (1234567.89, "1234567.8900000000"),
        (200_000_000.000001, "200000000.0000010000"),
        (-0.0, "0.0000000000"),
        (1.28e-7, "0.0000001280"),
        (5e-324, "0.0000000000"),
        (0.00000000005, "0.0000000000"),  # the half goes to the even neighbour
        (0.00000000015, "0.0000000002"),
        (100000.12345678954, "100000.1234567895"),
        (1e27, "1000000000000000000000000000.0000000000"),
    ],
)
def test_a_double_is_its_shortest_text_and_csv_agrees(double: float, exact: str) -> None:
    file = parquet({"account": ["a"], "start": ["2026-10-01"], "cost": [double]})
    text = f"account,start,cost\na,2026-10-01,{double!r}\n"

    assert rows_of(file)[0][2] == Decimal(exact)
    assert csv_rows(text) == rows_of(file)


def test_sums_beyond_64_bits_are_exact() -> None:
    # 12 rows of 99,999,999.99 dollars are 1.2e19 units of 1e-10, more than 2^63.
    costs = [99_999_999.99] * 12
    file = parquet({"account": ["a"] * 12, "start": ["2026-10-01"] * 12, "cost": costs})
    part = reduce(file, READING)

    assert part.frame["cost"][0] == Decimal("1199999999.8800000000")
    assert merge([part] * 10).frame["cost"][0] == Decimal("11999999998.8000000000")


def test_an_absent_net_cost_falls_back_to_the_plain_one() -> None:
    reading = Reading(("account",), "start", ("net", "cost"), fallback={"net": "cost"})
    text = "account,start,cost,net\na,2026-10-01,10,\na,2026-10-01,5,4.5\nb,2026-10-01,,\n"
    file = parquet(
        {
            "account": ["a", "a", "b"],
            "start": ["2026-10-01"] * 3,
            "cost": [10.0, 5.0, None],
            "net": [None, 4.5, None],
        }
    )
    expected = [
        ("a", date(2026, 10, 1), Decimal("14.5"), Decimal(15), 2),
        ("b", date(2026, 10, 1), Decimal(0), Decimal(0), 1),
    ]
    assert csv_rows(text, reading) == expected
    assert rows_of(file, reading) == expected


def test_dropped_rows_are_counted_but_not_summed() -> None:
    reading = Reading(
        ("operation",), "start", ("cost",), drop={"operation": frozenset({"EKSPod-EC2"})}
    )
    text = "operation,start,cost\nEKSPod-EC2,2026-10-01,7\nRunInstances,2026-10-01,2\n"
    part = reduce(io.BytesIO(text.encode()), reading, text=AWS_CSV)

    assert (part.rows, part.dropped) == (2, 1)
    assert part.frame.rows() == [("RunInstances", date(2026, 10, 1), Decimal(2), 1)]


@pytest.mark.parametrize(
    "start",
    [
        pa.array([datetime(2026, 10, 1, 23, 59, 59, tzinfo=UTC)], pa.timestamp("ns")),
        pa.array([datetime(2026, 10, 1, 23, 59, 59, tzinfo=UTC)], pa.timestamp("ms", "UTC")),
        pa.array([datetime(2026, 10, 1, 23, 59, 59, tzinfo=UTC)], pa.timestamp("us")),
        pa.array([date(2026, 10, 1)]),
        pa.array(["2026-10-01T23:59:59Z"]),
        pa.array(["2026-10-01 23:59:59.000"]),
        pa.array([1_790_899_199_000]),
        pa.array([1_790_899_199_000_000]),
    ],
)
def test_every_way_to_write_a_time_gives_its_utc_day(start: pa.Array) -> None:
    columns = {"account": ["a"], "start": start, "cost": [1.0]}
    assert rows_of(parquet(columns))[0][1] == date(2026, 10, 1)


def test_int96_times_are_read() -> None:
    start = pa.array([datetime(2026, 10, 1, 5, tzinfo=UTC)], pa.timestamp("ns"))
    file = parquet(
        {"account": ["a"], "start": start, "cost": [1.0]}, use_deprecated_int96_timestamps=True
    )
    assert rows_of(file)[0][1] == date(2026, 10, 1)


def test_keys_are_text_and_a_null_key_is_the_empty_text() -> None:
    reading = Reading(("account", "period", "size"), "period", ("cost",))
    file = parquet(
        {
            "account": ["a", None, ""],
            "period": pa.array([datetime(2026, 10, 1, tzinfo=UTC)] * 3, pa.timestamp("ms", "UTC")),
            "size": [7, 7, 7],
            "cost": [Decimal("1.10"), Decimal("2.20"), Decimal("3.30")],
        }
    )
    period = "2026-10-01T00:00:00Z"
    assert rows_of(file, reading) == [
        ("", period, "7", date(2026, 10, 1), Decimal("5.5"), 2),
        ("a", period, "7", date(2026, 10, 1), Decimal("1.1"), 1),
    ]


def test_map_entries_are_read_alike_from_parquet_and_from_json_in_csv() -> None:
    reading = Reading(
        keys=("project",),
        day="start",
        amounts=("edp", "discounts"),
        maps={
            "project": FromMap("tags", "user:project"),
            "edp": FromMap("discount", "edp"),
            "discounts": FromMap("discount"),
        },
    )
    file = parquet(
        {
            "tags": pa.array(
                [[("user:project", 'Ärger, "x"')], [], None, []],
                pa.map_(pa.string(), pa.string()),
            ),
            "discount": pa.array(
                [[("edp", -0.5), ("a:b", -1.28e-7)], None, [("edp", -2.0)], []],
                pa.map_(pa.string(), pa.float64()),
            ),
            "start": ["2026-10-01"] * 4,
        }
    )
    text = (
        "tags,discount,start\n"
        '"{""user:project"": ""Ärger, \\""x\\""""}",'
        '"{""edp"": -0.5, ""a:b"": -1.28E-7}",2026-10-01\n'
        "{},,2026-10-01\n"
        ',"{""edp"":-2.0}",2026-10-01\n'
        "{},{},2026-10-01\n"
    )
    day = date(2026, 10, 1)
    expected = [
        ("", day, Decimal(-2), Decimal(-2), 3),
        ('Ärger, "x"', day, Decimal("-0.5"), Decimal("-0.5000001280"), 1),
    ]
    assert rows_of(file, reading) == expected
    assert csv_rows(text, reading) == expected


def test_a_map_entry_may_be_read_in_some_rows_only() -> None:
    reading = Reading(
        keys=("name", "seller"),
        day="start",
        amounts=(),
        maps={"name": FromMap("product", "product_name", where=("seller", "Shop"))},
    )
    words = [[("product_name", "EC2")], [("product_name", "Gadget")], None]
    file = parquet(
        {
            "product": pa.array(words, pa.map_(pa.string(), pa.string())),
            "seller": ["AWS", "Shop", "Shop"],
            "start": ["2026-10-01"] * 3,
        }
    )
    text = (
        'product,seller,start\n"{""product_name"": ""EC2""}",AWS,2026-10-01\n'
        '"{""product_name"": ""Gadget""}",Shop,2026-10-01\n,Shop,2026-10-01\n'
    )
    day = date(2026, 10, 1)
    expected = [("", "AWS", day, 1), ("", "Shop", day, 1), ("Gadget", "Shop", day, 1)]
    assert rows_of(file, reading) == expected
    assert csv_rows(text, reading) == expected


def test_athena_text_without_a_header_is_read() -> None:
    athena = TextFormat("\x01", None, "\\N", ("account", "cost", "start"))
    text = 'a"\x011.5\x012026-10-01 00:00:00\na"\x01\\N\x012026-10-01 00:00:00\n'

    assert csv_rows(text, text=athena) == [('a"', date(2026, 10, 1), Decimal("1.5"), 2)]


def test_line_breaks_and_separators_inside_quotes_belong_to_the_cell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(texts, "PIECE_BYTES", 16)
    cell = 'two\nlines, ""quoted""\n'
    text = f'account,start,cost\n"{cell}",2026-10-01,1\nb,2026-10-01,2\n"{cell}",2026-10-01,4'

    assert csv_rows(text) == [
        ("b", date(2026, 10, 1), Decimal(2), 1),
        ('two\nlines, "quoted"\n', date(2026, 10, 1), Decimal(5), 2),
    ]


def test_a_file_without_rows_is_no_trouble() -> None:
    empty = reduce(io.BytesIO(b"account,start,cost\n"), READING, text=AWS_CSV)
    full = reduce(io.BytesIO(b"account,start,cost\na,2026-10-01,1\n"), READING, text=AWS_CSV)
    none = {"account": pa.array([], pa.string()), "start": pa.array([], pa.string())}

    assert empty.frame.rows() == rows_of(parquet(none | {"cost": pa.array([], pa.float64())})) == []
    assert merge([empty, full]).frame.equals(full.frame)


def test_a_part_is_the_same_after_it_was_saved(tmp_path: Path) -> None:
    text = "account,start,cost\na,2026-10-01,1\nb,2026-10-02," + "9" * 25 + "\n"
    part = reduce(io.BytesIO(text.encode()), READING, text=AWS_CSV)
    save(part, tmp_path / "part")
    kept = load(tmp_path / "part")

    assert kept.frame.equals(part.frame)
    assert (kept.rows, kept.dropped, kept.texts("account")) == (2, 0, ["a", "b"])


def test_a_damaged_saved_part_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "part"
    save(reduce(io.BytesIO(b"account,start,cost\na,2026-10-01,1\n"), READING, text=AWS_CSV), path)
    path.write_bytes(path.read_bytes()[:-50])

    with pytest.raises(UnreadablePart, match="not a whole saved part"):
        load(path)


def test_more_keys_than_fit_one_integer_are_numbered_anew() -> None:
    # 20 key columns of 40 words each would need 20 * 5.3 = 107 bits.
    names = [f"key{n}" for n in range(20)]
    rows = [[f"word{(row * 7 + n) % 40}" for n in range(20)] for row in range(80)]
    columns = {name: [row[n] for row in rows] for n, name in enumerate(names)}
    file = parquet(columns | {"start": ["2026-10-01"] * 80, "cost": [1.0] * 80})
    reading = Reading(tuple(names), "start", ("cost",))

    assert rows_of(file, reading) == sorted(
        {(*row, date(2026, 10, 1), Decimal(2), 2) for row in map(tuple, rows)}
    )


def test_the_real_october_2018_sums_to_its_control_totals() -> None:
    export = sample(OCTOBER_2018)
    reading = Reading(
        keys=("line_item_usage_account_id",),
        day="line_item_usage_start_date",
        amounts=("line_item_unblended_cost", "line_item_blended_cost"),
    )
    part = reduce(export, reading)
    totals = part.frame.drop("day").group_by("line_item_usage_account_id").sum().sort(by="rows")

    assert part.rows == 119_307
    assert totals.rows() == [
        ("011254002932", Decimal("71.4558054277"), Decimal("54.4987666098"), 27_467),
        ("836060457634", Decimal("3993.0273261102"), Decimal("4009.9843634698"), 91_840),
    ]


def test_sums_are_kept_where_the_span_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {"account": ["a", "b"] * 5, "start": ["2026-10-01"] * 10, "cost": [0.1] * 10}
    whole = rows_of(parquet(columns))
    monkeypatch.setattr(reducer, "PARQUET_SPAN_ROWS", 3)

    assert rows_of(parquet(columns, row_group_size=2)) == whole
    assert sums.merge([reduce(parquet(columns), READING)]).frame.rows() == whole
