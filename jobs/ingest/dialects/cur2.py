"""Owns CUR 2.0: the names are ours already; what legacy had as columns may stand in maps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from jobs.ingest.dialects.legacy import snake_tag
from jobs.ingest.dialects.line_items import MARKETPLACE, VOCABULARY
from jobs.ingest.reduction.reducer import FromMap

MARKS = frozenset(
    {
        "bill_payer_account_name",
        "cost_category",
        "discount",
        "line_item_usage_account_name",
        "product",
        "resource_tags",
        "tags",
    }
)
"""Columns that only CUR 2.0 has; Athena's names for legacy CUR are the same otherwise."""

IN_MAPS: Mapping[str, FromMap] = {
    # Charges show it of what others sell on the Marketplace only.
    "product_product_name": FromMap(
        "product", "product_name", where=("bill_billing_entity", MARKETPLACE)
    ),
    "product_region_code": FromMap("product", "region"),
}


def names(columns: Iterable[str]) -> dict[str, str]:
    """Our name of each column we read -> its name in the reading: the same."""
    here = set(columns)
    here |= maps(here).keys()
    return {name: name for name in VOCABULARY.named if name in here}


def maps(columns: Iterable[str]) -> dict[str, FromMap]:
    """The columns we read that stand in a map."""
    here = set(columns)
    return {n: at for n, at in IN_MAPS.items() if n not in here and here.issuperset(at.columns)}


def tag_entry(columns: Iterable[str], tag: str) -> FromMap | None:
    """A tag key such as `user:Project` in `tags`, or as `resource_tags` spells it."""
    here = set(columns)
    if "tags" in here:
        return FromMap("tags", tag)
    return FromMap("resource_tags", snake_tag(tag)) if "resource_tags" in here else None


__all__ = ["MARKS", "maps", "names", "tag_entry"]
