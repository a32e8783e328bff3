"""Owns the proof that issued documents are what they were: hashes, chain, numbers without a gap."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlmodel import col, select

from invoices.documents.document import content_id
from kernel.errors import Refused
from service.store import tables
from service.store.session import Session

AT_A_TIME = 200


class DamagedDocuments(Refused):
    code = "damaged_documents"

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}: issued documents are not what they were; take another backup")


@dataclass(frozen=True, slots=True)
class Proven:
    documents: int
    files: int


def prove_documents(session: Session) -> Proven:
    """Every document and file hashed, every series walked. Raises DamagedDocuments."""
    row, series = tables.documents.DocumentRow, tables.documents.NumberSeriesRow
    documents = 0
    for each in session.exec(select(series).order_by(col(series.key))).all():
        before: tables.documents.DocumentRow | None = None
        asked = select(row).where(col(row.series) == each.key).order_by(col(row.ordinal))
        for document in session.exec(asked).yield_per(AT_A_TIME):
            _prove(document, before)
            before, documents = document, documents + 1
        if before is not None and (before.ordinal, before.chain_sha256) != (
            each.last_ordinal, each.last_chain_sha256
        ):  # fmt: skip
            raise DamagedDocuments(f"after {before.number} its series goes on otherwise")
    return Proven(documents, _prove_files(session))


def _prove(
    document: tables.documents.DocumentRow, before: tables.documents.DocumentRow | None
) -> None:
    if content_id(document.body) != document.sha256:
        raise DamagedDocuments(f"{document.number} is not what its hash says")
    if before is None:
        return
    if document.ordinal != before.ordinal + 1:
        raise DamagedDocuments(f"there is a gap between {before.number} and {document.number}")
    chain = hashlib.sha256(f"{before.chain_sha256}{document.sha256}".encode()).hexdigest()
    if chain != document.chain_sha256:
        raise DamagedDocuments(f"{document.number} does not follow {before.number}")


def _prove_files(session: Session) -> int:
    row = tables.documents.DocumentFileRow
    files = 0
    for file in session.exec(select(row)).yield_per(AT_A_TIME):
        if hashlib.sha256(file.content).hexdigest() != file.sha256:
            raise DamagedDocuments(f"document {file.document_id}, {file.format}: other bytes")
        files += 1
    return files


__all__ = ["DamagedDocuments", "Proven", "prove_documents"]
