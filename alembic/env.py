"""Runs the migrations on the connection that service.store.upgrade hands over."""

from typing import Any, Literal

from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from alembic import context
from service.store import keeping  # noqa: F401 - what it registers
from service.store.queue import TABLES_PREFIX
from service.store.tables import METADATA


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    return kind != "table" or not str(name).startswith(TABLES_PREFIX)


def plainly(kind: str, item: Any, _autogen: object) -> str | Literal[False]:
    """A migration names types of SQLAlchemy only, so that it outlives our choice of library."""
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, AutoString):
        return "sa.String()"
    return False


connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit(
        "run the migrations by `rebill db upgrade`, and write one by "
        "`python -m service.store.check_migrations MESSAGE`"
    )
context.configure(
    connection=connection,
    target_metadata=METADATA,
    include_name=is_ours,
    render_item=plainly,
)
with context.begin_transaction():
    context.run_migrations()
