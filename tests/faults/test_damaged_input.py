"""Damaged and hostile exports: refused in one line that names the rule, with nothing changed."""

import gzip
import hashlib
import io
import random
import struct
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from invoices.money import plain
from jobs.snapshots import Snapshots
from kernel.errors import IngestError
from tests.support.bills.ingest_builders import Row, gzipped, line, put, take, text

GOOD = [line("1.5"), line("-0.25", "Credit"), line("2", line_item_operation='Größe, "quoted"')]


def fingerprint(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def parquet(rows: Sequence[Row], **columns: pa.Array) -> bytes:
    """As Athena and older Spark write it: a timestamp has 96 bits."""
    table = pa.table({name: [row[name] for row in rows] for name in rows[0]})
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), name, values)
    out = io.BytesIO()
    pq.write_table(table, out, use_deprecated_int96_timestamps=True)
    return out.getvalue()


def zipped(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def with_cell(name: str, cell: str) -> bytes:
    return gzipped([GOOD[0], GOOD[1] | {name: cell}, GOOD[2]])


def without(name: str) -> bytes:
    return gzipped([{key: row[key] for key in row if key != name} for row in GOOD])


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :]


HEADER = text(GOOD).index(b"\n") + 1
COST = "line_item_unblended_cost"
DAMAGED: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "an empty file": (lambda: b"", "no_header", ""),
    "a header and nothing else": (lambda: text(GOOD[:1])[:HEADER], "no_rows", "line item"),
    "no header": (lambda: text(GOOD).split(b"\n", 1)[1], "unknown_dialect", "line_item"),
    "a page of HTML": (lambda: b"<html>\n<body>AccessDenied</body>\n", "unknown_dialect", ""),
    "NaN": (lambda: with_cell(COST, "NaN"), "bad_amount", f"row 2, column {COST}: 'NaN'"),
    "infinity": (lambda: with_cell(COST, "-inf"), "bad_amount", "row 2"),
    "1e400": (lambda: with_cell(COST, "1e400"), "bad_amount", "row 2"),
    "a sum too large": (
        lambda: gzipped([line("9" * 28), line("9" * 28)]),
        "too_large",
        "28 digits",
    ),
    "a decimal comma": (lambda: with_cell(COST, "1,23"), "bad_amount", "'1,23'"),
    "a formula": (lambda: with_cell(COST, "=1+1"), "bad_amount", "row 2"),
    "no time": (
        lambda: with_cell("line_item_usage_start_date", "yesterday"),
        "bad_time",
        "row 2, column line_item_usage_start_date",
    ),
    "another month": (
        lambda: with_cell("bill_billing_period_start_date", "2026-09-01T00:00:00.000Z"),
        "wrong_period",
        "has '2026-09', not 2026-10",
    ),
    "another payer": (
        lambda: with_cell("bill_payer_account_id", "836060457634"),
        "wrong_payer",
        "836060457634",
    ),
    "no account": (
        lambda: with_cell("line_item_usage_account_id", "../../etc/passwd"),
        "bad_account",
        "etc/passwd",
    ),
    "a missing column": (lambda: without(COST), "unknown_dialect", COST),
    "a missing time column": (
        lambda: without("line_item_usage_start_date"),
        "missing_column",
        "line_item_usage_start_date",
    ),
    "a column twice": (
        lambda: text(GOOD).replace(b"line_item_blended_cost", COST.encode(), 1),
        "duplicate_column",
        COST,
    ),
    "a NUL": (lambda: text(GOOD).replace(b"RunInst", b"Run\0nst", 1), "nul_byte", "row 1"),
    "UTF-16": (lambda: text(GOOD).decode().encode("utf-16"), "not_utf8", "UTF-16"),
    "UTF-16 without mark": (lambda: text(GOOD).decode().encode("utf-16-le"), "nul_byte", "row 0"),
    "Latin-1": (lambda: text(GOOD).decode().encode("latin-1"), "damaged_file", "utf"),
    "a row too short": (lambda: text(GOOD) + b"abc,1\n", "ragged_row", "row 4 has 2 cells"),
    "a row cut": (lambda: text(GOOD)[:-20], "ragged_row", "row 3 has"),
    "a row too long": (
        lambda: text(GOOD).rstrip(b"\n") + b",1,2,3\n",
        "ragged_row",
        "row 3 has 21 cells where the header has 18",
    ),
    "an open quote": (lambda: text(GOOD).replace(b"line-", b'"line-', 1), "ragged_row", ""),
    "gzip with a wrong checksum": (
        lambda: flipped(gzipped(GOOD), len(gzipped(GOOD)) - 8),
        "damaged_file",
        "CRC",
    ),
    "gzip and garbage": (lambda: gzipped(GOOD) + b"garbage", "damaged_file", ""),
    "zip of two files": (
        lambda: zipped(("a.csv", text(GOOD)), ("../../evil.csv", text(GOOD))),
        "bad_zip",
        "2 files",
    ),
    "zip of nothing": (zipped, "bad_zip", "0 files"),
    "cut zip": (lambda: zipped(("a.csv", text(GOOD)))[:-30], "damaged_file", ""),
    "zip with a wrong checksum": (
        lambda: flipped(zipped(("a.csv", text(GOOD * 50))), 200),
        "damaged_file",
        "",
    ),
    "Parquet without its footer": (lambda: parquet(GOOD)[:-40], "damaged_file", "Parquet"),
    "half a Parquet file": (lambda: parquet(GOOD)[: len(parquet(GOOD)) // 2], "damaged_file", ""),
    "Parquet of NaN": (
        lambda: parquet(GOOD, line_item_unblended_cost=pa.array([1.5, float("nan"), 2.0])),
        "bad_amount",
        "row 2",
    ),
    "a gzip bomb": (
        lambda: gzip.compress(text(GOOD) + b"\n" * (80 << 20), 9),
        "bomb",
        "decompression bomb",
    ),
    "an endless line": (
        lambda: text(GOOD) + b"a" * (12 << 20),
        "endless_line",
        "row 4",
    ),
    "a zip bomb": (
        lambda: zipped(("a.csv", text(GOOD) + b"a,b\n" * (20 << 20))),
        "bomb",
        "decompression bomb",
    ),
}


@pytest.fixture
def before(tmp_path: Path) -> dict[str, str]:
    """A good bill was taken and kept already."""
    found = take(put(tmp_path / "good.csv.gz", gzipped(GOOD)), tmp_path / "home/cache")
    Snapshots(tmp_path / "home/snapshots").keep(found.charges)
    assert plain(found.facts.sums["billed"]) == "3.25"
    return fingerprint(tmp_path / "home")


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_input_is_refused_in_one_line_and_nothing_changes(
    tmp_path: Path, before: dict[str, str], name: str
) -> None:
    damage, code, words = DAMAGED[name]
    location = put(tmp_path / "new/bill.csv.gz", damage())

    with pytest.raises(IngestError) as refused:
        take(location, tmp_path / "home/cache")

    said = str(refused.value)
    assert refused.value.code == code
    assert "\n" not in said and words in said and "bill.csv.gz" in said
    assert fingerprint(tmp_path / "home").items() >= before.items()
    assert len(list((tmp_path / "home/snapshots").iterdir())) == 1


def test_a_cut_gzip_is_refused_wherever_it_was_cut(tmp_path: Path, before: dict[str, str]) -> None:
    whole = gzipped([line(f"{n}.5") for n in range(400)])
    for cut in range(0, len(whole), len(whole) // 60):
        location = put(tmp_path / "new/bill.csv.gz", whole[:cut])
        with pytest.raises(IngestError):
            take(location, tmp_path / "home/cache")
    assert fingerprint(tmp_path / "home") == before


@pytest.mark.parametrize("form", ["csv.gz", "parquet"])
def test_a_flipped_byte_is_refused_or_harmless(tmp_path: Path, form: str) -> None:
    """Checksums find it; where a format has none, whatever is read must still be a bill."""
    rows = [line(f"{n}.5", line_item_usage_type=f"type {n % 7}") for n in range(200)]
    whole = gzipped(rows) if form == "csv.gz" else parquet(rows)
    chosen = random.Random(7)
    said: list[str] = []
    for _ in range(60):
        damaged = flipped(whole, chosen.randrange(len(whole)))
        location = put(tmp_path / f"bill.{form}", damaged)
        try:
            take(location, tmp_path / "cache")
        except IngestError as refused:
            said.append(str(refused))

    assert len(said) > 20 and not any("\n" in words for words in said)


def test_a_flipped_byte_of_a_page_with_a_checksum_is_refused(tmp_path: Path) -> None:
    """In plain pages of doubles nothing else would notice."""
    rows = pq.read_table(io.BytesIO(parquet([line(f"{n}.5") for n in range(500)])))
    out = io.BytesIO()
    pq.write_table(rows, out, write_page_checksum=True, compression="none", use_dictionary=False)
    whole = out.getvalue()
    column = rows.schema.get_field_index(COST)
    pages = pq.read_metadata(io.BytesIO(whole)).row_group(0).column(column)
    last = pages.data_page_offset + pages.total_compressed_size - 1

    assert take(put(tmp_path / "bill.parquet", whole), tmp_path / "cache").facts.rows == 500
    for at in range(last - 3_000, last, 300):
        location = put(tmp_path / "bill.parquet", flipped(whole, at))
        with pytest.raises(IngestError, match="CRC checksum"):
            take(location, tmp_path / "cache")


def test_a_parquet_footer_that_claims_more_rows_than_bytes_is_a_bomb(tmp_path: Path) -> None:
    constant = pa.DictionaryArray.from_arrays(pa.array([0] * 1_000_000), pa.array([""]))
    out = io.BytesIO()
    with pq.ParquetWriter(out, pa.schema([("BilledCost", constant.type)])) as writer:
        for _ in range(5):
            writer.write_table(pa.table({"BilledCost": constant}))

    with pytest.raises(IngestError) as refused:
        take(put(tmp_path / "bill.parquet", out.getvalue()), tmp_path / "cache")

    assert refused.value.code == "bomb" and "5000000 rows" in str(refused.value)


def test_a_parquet_length_that_lies_is_refused(tmp_path: Path) -> None:
    whole = parquet(GOOD)
    lying = whole[:-8] + struct.pack("<I", 1 << 30) + b"PAR1"

    with pytest.raises(IngestError, match="damaged_file"):
        take(put(tmp_path / "bill.parquet", lying), tmp_path / "cache")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a byte order mark", b"\xef\xbb\xbf" + text(GOOD)),
        ("Windows line ends", text(GOOD).replace(b"\n", b"\r\n")),
        ("a zip", zipped(("C:\\any\\name.csv", text(GOOD)))),
        ("two gzip members", gzip.compress(text(GOOD[:1])) + gzip.compress(b"".join(
            text(GOOD[1:]).splitlines(keepends=True)[1:]
        ))),
        ("scientific notation", text([GOOD[0] | {COST: "15E-1"}, *GOOD[1:]])),
        ("negative zero", text([*GOOD, line("-0.0")])),
        ("numbers for account ids", parquet(
            GOOD, line_item_usage_account_id=pa.array([11254002932] * 3)
        )),
        ("a decimal column", parquet(
            GOOD, line_item_unblended_cost=pa.array([1.5, -0.25, 2.0]).cast(pa.decimal128(20, 6))
        )),
        ("INT96 timestamps", parquet(GOOD, line_item_usage_start_date=pa.array(
            [1_791_183_600_000_000_000] * 3, pa.timestamp("ns")
        ))),
    ],
)  # fmt: skip
def test_what_is_only_unusual_is_read_with_the_same_total(
    tmp_path: Path, name: str, content: bytes
) -> None:
    found = take(put(tmp_path / "bill.csv", content), tmp_path / "cache")

    assert plain(found.facts.sums["billed"]) == "3.25"
    assert set(found.facts.own.by_account) == {"011254002932"}


def test_what_is_doubtful_is_kept_and_named_with_its_rows_and_cost(tmp_path: Path) -> None:
    rows = [
        line("10", line_item_net_unblended_cost="9"),
        line("1.25", "NovelCharge", line_item_net_unblended_cost="1.25"),
        line("2", "NovelCharge", line_item_net_unblended_cost="2"),
        line("3", line_item_currency_code="CNY", line_item_net_unblended_cost="3"),
        line("-1", "EdpDiscount", line_item_net_unblended_cost="-1"),
    ]

    found = take(put(tmp_path / "bill.csv.gz", gzipped(rows)), tmp_path / "cache")

    assert [(q.code, q.where, q.rows, plain(q.billed)) for q in found.facts.quarantined] == [
        ("unknown_kind", "line item type 'NovelCharge'", 2, "3.25"),
        ("inconsistent_discount_mode", "the discount rows", 1, "-1"),
    ]
    assert found.charges.keys.filter(pl.col("kind") == "unknown").height == 1
    assert [each.message.partition(",")[0] for each in found.facts.warnings] == ["1 row of 3 CNY"]
    assert plain(found.facts.sums["billed"]) == "12.25"


def mangled(whole: bytes, chosen: random.Random) -> bytes:
    """Cut, with a piece gone, repeated, overwritten, or moved."""
    start, end = sorted(chosen.sample(range(len(whole) + 1), 2))
    piece = whole[start:end]
    ways = (
        lambda: whole[:start],
        lambda: whole[:start] + whole[end:],
        lambda: whole[:end] + piece + whole[end:],
        lambda: whole[:start] + chosen.randbytes(len(piece)) + whole[end:],
        lambda: whole[end:] + whole[:end],
        lambda: flipped(whole, min(start, len(whole) - 1)),
    )
    return chosen.choice(ways)()


@pytest.mark.proof
@pytest.mark.parametrize("form", ["csv.gz", "csv.zip"])
def test_a_thousand_mangled_deliveries_are_refused_or_read_with_the_same_total(
    tmp_path: Path, form: str
) -> None:
    """Parquet has no checksum of its own, so it is not promised the same."""
    rows = [line(f"{n}.5", line_item_usage_type=f"type {n % 7}") for n in range(200)]
    whole = gzipped(rows) if form == "csv.gz" else zipped(("a.csv", text(rows)))
    true = plain(take(put(tmp_path / "whole", whole), tmp_path / "cache").facts.sums["billed"])
    chosen = random.Random(42)
    refused = 0
    for _ in range(1_000):
        location = put(tmp_path / f"bill.{form}", mangled(whole, chosen))
        try:
            found = take(location, tmp_path / "cache")
        except IngestError:
            refused += 1
        else:
            assert plain(found.facts.sums["billed"]) == true
    assert refused > 900
