"""Owns the legacy Cost and Usage Report: its column names, in CSV and as Athena spells them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from jobs.ingest.dialects.line_items import VOCABULARY

OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "product_region_code": ("product_region",),
}
"""Columns that bore another name before."""


def names(columns: Iterable[str]) -> dict[str, str]:
    """CUR 2.0's name of each column we read -> its name in this file.

    CSV writes `lineItem/UnblendedCost`; Athena, and its Parquet, `line_item_unblended_cost`.
    """
    here = {athena_name(column): column for column in columns}
    found = {name: here[name] for name in VOCABULARY.named if name in here}
    for name, others in OTHER_NAMES.items():
        for other in others:
            if name not in found and other in here:
                found[name] = here[other]
    return found


def tag_name(columns: Iterable[str], tag: str) -> str | None:
    """The column of a tag key such as `user:Project`, or None where no row of the month has it."""
    wanted = {f"resourceTags/{tag}", f"resource_tags_{snake_tag(tag)}"}
    return next((column for column in columns if column in wanted), None)


def snake_tag(tag: str) -> str:
    """`user:CostCenter` -> `user_cost_center`: Athena's spelling, and CUR 2.0's resource_tags'."""
    return re.sub(r"[^a-z0-9]", "_", _snake(tag))


def athena_name(column: str) -> str:
    """`reservation/ReservationARN` -> `reservation_reservation_a_r_n`."""
    category, slash, name = column.partition("/")
    return f"{_snake(category)}_{_snake(name)}" if slash else column


def _snake(name: str) -> str:
    # Every capital begins a word, so ARN becomes a_r_n: `tests/unit/sandbox_bills/test_columns.py`,
    # `test_legacy_names_become_athenas_as_aws_spells_them`.
    return re.sub(r"(?<=[^/:])([A-Z])", r"_\1", name).lower()


__all__ = ["athena_name", "names", "snake_tag", "tag_name"]
