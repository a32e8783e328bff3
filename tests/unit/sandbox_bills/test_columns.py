"""The sandbox's columns are AWS's own, by the dictionaries of real exports."""

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq

from sandbox.bills import Discounts, Encoding, ExportDialect, Simulation, Written, simulate
from sandbox.bills.exports.cur import snake
from tests.support.places import sample


def dictionary(name: str, column: str) -> set[str]:
    path = sample(f"schemas/{name}")
    with path.open(encoding="utf-8", newline="") as text:
        return {row[column] for row in csv.DictReader(text)}


def written(dialect: ExportDialect, encoding: Encoding, folder: Path) -> Written:
    (only,) = simulate(
        Simulation(
            accounts=9, rows=1_500, formats=(dialect,), encoding=encoding,
            discounts=Discounts.COLUMNS,
        ),
        folder,
    )  # fmt: skip
    return only


def test_cur_2_columns_are_in_awss_dictionary(tmp_path: Path) -> None:
    known = dictionary("cur2_columns.csv", "column")
    export = written(ExportDialect.CUR2, Encoding.PARQUET, tmp_path)

    assert set(pq.read_schema(export.data_paths[0]).names) <= known


def test_focus_has_exactly_the_columns_of_awss_export(tmp_path: Path) -> None:
    known = dictionary("focus_1_2_aws_columns.csv", "column")
    export = written(ExportDialect.FOCUS, Encoding.PARQUET, tmp_path)

    assert set(pq.read_schema(export.data_paths[0]).names) == known


def test_legacy_columns_are_in_the_dictionary_but_for_the_payers_own(tmp_path: Path) -> None:
    known = dictionary("cur_legacy_columns.csv", "legacy_column")
    export = written(ExportDialect.LEGACY, Encoding.CSV, tmp_path)
    manifest = json.loads(export.manifest_path.read_text("utf-8"))
    names = {f"{c['category']}/{c['name']}" for c in manifest["columns"]}

    assert names - known == {
        "discount/BundledDiscount", "discount/Discount", "discount/PrivateRateDiscount",
        "discount/SppDiscount", "product/seller", "resourceTags/user:project",
        "resourceTags/user:team",
    }  # fmt: skip


def test_legacy_names_become_athenas_as_aws_spells_them() -> None:
    assert snake("reservation/ReservationARN") == "reservation_reservation_a_r_n"
    assert snake("lineItem/UsageAccountId") == "line_item_usage_account_id"
    assert snake("pricing/publicOnDemandCost") == "pricing_public_on_demand_cost"
    assert snake("resourceTags/user:team") == "resource_tags_user_team"
