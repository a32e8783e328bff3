"""Which files are the bill: the current manifest's, below its own export, and no others."""

import os
import shutil
from pathlib import Path

import pytest

from invoices.money import plain
from jobs.ingest.files import formats
from jobs.ingest.reduction.reducer import Reading
from jobs.ingest.reduction.sums import Reduced
from jobs.ingest.run import Ingested
from kernel.errors import IngestError
from tests.support.bills.ingest_builders import (
    data_exports_manifest,
    gzipped,
    legacy_manifest,
    line,
    put,
    take,
    text,
)

MONTH = "BILLING_PERIOD=2026-10"
OLD, NEW = "2026-10-20T05:17:00.000Z-9dd4acf0", "2026-11-07T05:17:00.000Z-84e8529a"


def billed(found: Ingested) -> str:
    return plain(found.facts.sums["billed"])


def create_new_export(bucket: Path, prefix: str = "exports/main") -> Path:
    """Two refreshes, each a full copy: 5 dollars, then 7; the current manifest names the second."""
    export = bucket / prefix
    for refresh, cost in ((OLD, "5"), (NEW, "7")):
        key = f"{prefix}/data/{MONTH}/{refresh}/main-00001.csv.gz"
        put(bucket / key, gzipped([line(cost)]))
        manifest = data_exports_manifest(f"s3://billing/{key}")
        put(export / "metadata" / MONTH / refresh / "main-Manifest.json", manifest)
        put(export / "metadata" / MONTH / "main-Manifest.json", manifest)
    return export


def legacy_export(bucket: Path) -> Path:
    report = bucket / "cur/report"
    month = "20261001-20261101"
    for assembly, cost in (("aaaaaaaa-1111-2222-3333-444444444444", "5"), ("bbbbbbbb-1", "7")):
        key = f"cur/report/{month}/{assembly}/report-1.csv.gz"
        put(bucket / key, gzipped([line(cost)]))
        put(report / month / assembly / "report-Manifest.json", legacy_manifest(key))
        put(report / month / "report-Manifest.json", legacy_manifest(key))
    return report


def test_only_the_files_of_the_current_manifest_are_read(tmp_path: Path) -> None:
    export = create_new_export(tmp_path / "bucket")

    assert billed(take(export, tmp_path / "cache")) == "7"
    assert billed(take(tmp_path / "bucket", tmp_path / "cache")) == "7"
    assert billed(take(legacy_export(tmp_path / "two"), tmp_path / "cache")) == "7"


def test_a_manifest_can_be_named_and_an_old_one_is_taken_at_its_word(tmp_path: Path) -> None:
    metadata = create_new_export(tmp_path / "bucket") / "metadata" / MONTH

    assert billed(take(metadata / "main-Manifest.json", tmp_path / "cache")) == "7"
    assert billed(take(metadata / OLD / "main-Manifest.json", tmp_path / "cache")) == "5"
    assert billed(take(metadata, tmp_path / "cache")) == "7"


def test_without_the_current_manifest_the_latest_refresh_is_taken(tmp_path: Path) -> None:
    export = create_new_export(tmp_path / "bucket")
    (export / "metadata" / MONTH / "main-Manifest.json").unlink()

    assert billed(take(export, tmp_path / "cache")) == "7"


def test_an_export_may_be_copied_to_another_place(tmp_path: Path) -> None:
    shutil.copytree(create_new_export(tmp_path / "bucket"), tmp_path / "elsewhere/copy")

    assert billed(take(tmp_path / "elsewhere", tmp_path / "cache")) == "7"


def test_another_months_manifest_and_data_beside_ours_are_left_alone(tmp_path: Path) -> None:
    export = create_new_export(tmp_path / "bucket")
    other = "metadata/BILLING_PERIOD=2026-09/main-Manifest.json"
    put(export / other, data_exports_manifest("s3://billing/exports/main/data/gone.csv.gz"))

    assert billed(take(export, tmp_path / "cache")) == "7"


def test_a_file_or_a_folder_of_bare_files_needs_no_manifest(tmp_path: Path) -> None:
    put(tmp_path / "bare/one.csv.gz", gzipped([line("1.5")]))
    put(tmp_path / "bare/two.csv", text([line("2.25")]))
    put(tmp_path / "bare/notes.txt", b"not a bill")
    put(tmp_path / "bare/year=2026/month=9/old.csv.gz", gzipped([line("100")]))
    put(tmp_path / "bare/year=2026/month=10/new.csv.gz", gzipped([line("0.25")]))

    assert billed(take(tmp_path / "bare", tmp_path / "cache")) == "4"
    assert billed(take(tmp_path / "bare/two.csv", tmp_path / "cache")) == "2.25"


def test_a_redelivery_reads_only_what_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, cost in (("one", "1.5"), ("two", "2.25")):
        put(tmp_path / f"bare/{name}.csv.gz", gzipped([line(cost)]))
    before = take(tmp_path / "bare", tmp_path / "cache")
    put(tmp_path / "bare/two.csv.gz", gzipped([line("3.25")]))
    read: list[str] = []

    def reduce(data: formats.DataFile, reading: Reading) -> Reduced:
        read.append(data.path.name)
        return reduce_file(data, reading)

    reduce_file = formats.reduce
    monkeypatch.setattr(formats, "reduce", reduce)

    after = take(tmp_path / "bare", tmp_path / "cache")

    assert (billed(before), billed(after)) == ("3.75", "4.75")
    assert read == ["two.csv.gz"]


def test_parts_that_nobody_used_for_a_season_are_removed(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    for name, cost in (("old", "2"), ("new", "3")):
        put(tmp_path / f"{name}/bill.csv.gz", gzipped([line(cost)]))
    take(tmp_path / "old", cache)
    (old,) = cache.glob("*.part")
    os.utime(old, (0, 0))

    take(tmp_path / "new", cache)

    (left,) = cache.glob("*.part")
    assert left != old
    assert billed(take(tmp_path / "old", cache)) == "2"


def refusal(location: Path, cache: Path) -> str:
    with pytest.raises(IngestError) as refused:
        take(location, cache)
    assert "\n" not in str(refused.value)
    return refused.value.code


@pytest.mark.parametrize(
    "name",
    [
        "s3://billing/exports/main/data/../../../secret.csv.gz",
        "s3://billing//etc/passwd",
        "/etc/passwd",
        "file:///etc/passwd",
        "C:/windows/x.csv.gz",
        "s3://billing/exports/main/data/a\\..\\b.csv.gz",
        "s3://billing/exports/main/data/a\0.csv.gz",
        "s3://billing/" + "x/" * 600 + "a.csv.gz",
        "s3://billing/exports/main/data/./a.csv.gz",
        "",
    ],
)
def test_a_manifest_that_plays_tricks_with_paths_is_refused(tmp_path: Path, name: str) -> None:
    put(tmp_path / "secret.csv.gz", gzipped([line("1")]))
    manifest = data_exports_manifest(name)
    put(tmp_path / "exports/main/metadata" / MONTH / "main-Manifest.json", manifest)

    assert refusal(tmp_path / "exports/main", tmp_path / "cache") == "path_trick"


def test_a_manifest_cannot_reach_outside_its_own_export(tmp_path: Path) -> None:
    put(tmp_path / "exports/secret/a.csv.gz", gzipped([line("1")]))
    (tmp_path / "exports/main/data").mkdir(parents=True)
    (tmp_path / "exports/main/data/link.csv.gz").symlink_to(tmp_path / "exports/secret/a.csv.gz")
    for name in ("exports/secret/a.csv.gz", "exports/main/data/link.csv.gz"):
        manifest = data_exports_manifest(f"s3://billing/{name}")
        put(tmp_path / "exports/main/metadata" / MONTH / "main-Manifest.json", manifest)

        assert refusal(tmp_path / "exports/main", tmp_path / "cache") == "missing_file"


def test_what_is_absent_or_ambiguous_is_refused(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    export = create_new_export(tmp_path / "bucket")
    (export / "data" / MONTH / NEW / "main-00001.csv.gz").unlink()
    assert refusal(export, cache) == "missing_file"
    create_new_export(tmp_path / "bucket", "exports/other")
    assert refusal(tmp_path / "bucket", cache) == "several_exports"
    shutil.rmtree(export / "metadata")
    (export / "data" / MONTH / NEW / "x.csv.gz").write_bytes(gzipped([line("7")]))
    assert refusal(export, cache) == "several_deliveries"
    assert refusal(tmp_path / "nowhere", cache) == "no_location"
    (tmp_path / "empty").mkdir()
    assert refusal(tmp_path / "empty", cache) == "no_files"


@pytest.mark.parametrize(
    ("manifest", "code"),
    [
        (b"{not json", "bad_manifest"),
        (b"[]", "bad_manifest"),
        (b"{}", "bad_manifest"),
        (b'{"reportKeys": "x"}', "bad_manifest"),
        (b'{"reportKeys": [1]}', "bad_manifest"),
        (b'{"reportKeys": []}', "no_files"),
        (b"[" * 100_000, "bad_manifest"),
        (legacy_manifest("cur/r/a.csv.gz", "cur/r/a.csv.gz"), "bad_manifest"),
        (legacy_manifest("cur/r/a.csv.gz", start="x"), "bad_manifest"),
        (legacy_manifest("cur/r/a.csv.gz", start="20260901T000000.000Z"), "wrong_period"),
        (legacy_manifest("cur/r/a.csv.gz", payer="836060457634"), "wrong_payer"),
    ],
)
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, manifest: bytes, code: str) -> None:
    put(tmp_path / "cur/r/a.csv.gz", gzipped([line("1")]))
    put(tmp_path / "cur/r/r-Manifest.json", manifest)

    assert refusal(tmp_path / "cur/r", tmp_path / "cache") == code
