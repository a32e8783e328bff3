"""Owns that no migration takes rows away: it is refused in words, and nothing is changed.

Imported by `alembic/env.py`, it stands before the library's own way to drop tables and columns.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations, toimpl
from alembic.operations.ops import DropColumnOp, DropTableOp

from kernel.errors import Refused

NEVER_NARROWED = frozenset({
    "document", "document_file", "chain_link", "number_series", "audit_entry",
})  # fmt: skip
"""Of what was issued and who did what, no column is dropped either."""


class WouldLoseRows(Refused):
    code = "would_lose_rows"

    def __init__(self, what: str, rows: int) -> None:
        super().__init__(
            f"this migration would drop {what}, which holds {rows} rows: nothing was changed; "
            "to go back to an earlier version, restore a backup that it made"
        )


@Operations.implementation_for(DropTableOp, replace=True)
def _drop_table(operations: Operations, operation: DropTableOp) -> None:
    _refuse_to_lose(operations, operation.table_name, f"table {operation.table_name}")
    toimpl.drop_table(operations, operation)


@Operations.implementation_for(DropColumnOp, replace=True)
def _drop_column(operations: Operations, operation: DropColumnOp) -> None:
    if operation.table_name in NEVER_NARROWED:
        what = f"column {operation.column_name} of {operation.table_name}"
        _refuse_to_lose(operations, operation.table_name, what)
    toimpl.drop_column(operations, operation)


def _refuse_to_lose(operations: Operations, table: str, what: str) -> None:
    counted = sa.select(sa.func.count()).select_from(sa.table(table))
    rows = operations.get_bind().execute(counted).scalar_one()
    if rows:
        raise WouldLoseRows(what, rows)


__all__ = ["WouldLoseRows"]
