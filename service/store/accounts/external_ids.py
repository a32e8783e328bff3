"""Owns the ExternalId of a client: made by us, once, never chosen by the client."""

from __future__ import annotations

from sqlalchemy.dialects.postgresql import insert

from service.store import tables
from service.store.session import Session


def external_id_of(session: Session, client_key: str, *, otherwise: str) -> str:
    """The client's; the first who asks has it made of `otherwise`."""
    row = tables.onboarding.ClientExternalIdRow
    session.execute(
        insert(row)
        .values(client_key=client_key, external_id=otherwise)
        .on_conflict_do_nothing(index_elements=["client_key"])
    )
    return session.get_one(row, client_key).external_id
