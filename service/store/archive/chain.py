"""Owns the links of a series: appended when a document or a file is kept, under the series' lock.

A number is given before its document is rendered, so a document has a link of its own at once, and
each file another when its bytes are kept: no time is left in which a row is in no chain.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import defer
from sqlmodel import col, func, select

from invoices.documents.chain import (
    START,
    Head,
    LinkedDocument,
    LinkedFile,
    LinkPlace,
    Origin,
    link_sha256,
)
from service.store import tables
from service.store.session import Session


def link_document(session: Session, row: tables.documents.DocumentRow) -> None:
    """The caller holds the series' lock, since it has just taken the number."""
    _append(session, row.series, document_facts(row))


def link_files(
    session: Session, document_id: int, rows: list[tables.documents.DocumentFileRow]
) -> None:
    """Last in its transaction: from here to the commit all issuers of the series wait."""
    series = session.get_one(tables.documents.DocumentRow, document_id).series
    session.get_one(tables.documents.NumberSeriesRow, series, with_for_update=True)
    for row in rows:
        _append(session, series, file_facts(row))


def document_facts(row: tables.documents.DocumentRow) -> LinkedDocument:
    assert row.id is not None, "only what is kept is linked"
    return LinkedDocument(
        document_id=row.id,
        number=row.number,
        ordinal=row.ordinal,
        draft_id=row.draft_id,
        payer_account_id=row.payer_account_id,
        client=row.client_key,
        period=row.period,
        body_sha256=row.sha256,
        bodies_sha256=row.chain_sha256,
        issued_on=row.issued_on,
        issued_at=row.issued_at,
    )


def file_facts(row: tables.documents.DocumentFileRow) -> LinkedFile:
    return LinkedFile(row.document_id, row.format, row.sha256, len(row.content))


def _append(session: Session, series: str, facts: LinkedDocument | LinkedFile) -> None:
    link = tables.documents.ChainLinkRow
    last = session.exec(
        select(link.position, link.chain_sha256)
        .where(col(link.series) == series)
        .order_by(col(link.position).desc())
        .limit(1)
    ).one_or_none()
    position, before = last or (0, START)
    place = LinkPlace(series, position + 1, Origin.ISSUE)
    session.add(
        link(
            series=series,
            position=place.position,
            origin=place.origin,
            document_id=facts.document_id,
            format=facts.format if isinstance(facts, LinkedFile) else "",
            chain_sha256=link_sha256(before, place, facts),
        )
    )
    session.flush()


def heads(session: Session) -> tuple[Head, ...]:
    """Where each series that has links ends now."""
    link, document = tables.documents.ChainLinkRow, tables.documents.DocumentRow
    ends = select(link.series, func.max(link.position)).group_by(col(link.series))
    number = (
        select(document.number)
        .where(col(document.series) == col(link.series))
        .order_by(col(document.ordinal).desc())
        .limit(1)
        .scalar_subquery()
    )
    found = session.exec(
        select(link, number)
        .where(sa.tuple_(col(link.series), col(link.position)).in_(ends))
        .order_by(col(link.series))
    )
    return tuple(
        Head(each.series, each.position, each.chain_sha256, number) for each, number in found
    )


@dataclass(frozen=True, slots=True)
class Link:
    """As it is kept; that it is right is for whoever reads it to prove."""

    place: LinkPlace
    facts: LinkedDocument | LinkedFile
    chain_sha256: str


def spans(session: Session, document_ids: Collection[int]) -> Mapping[str, tuple[int, int]]:
    """By series, the first and the last position of what these documents and files have there."""
    link = tables.documents.ChainLinkRow
    found = session.exec(
        select(link.series, func.min(link.position), func.max(link.position))
        .where(col(link.document_id).in_(document_ids))
        .group_by(col(link.series))
        .order_by(col(link.series))
    )
    return {series: (first, last) for series, first, last in found}


def chain_before(session: Session, series: str, position: int) -> str:
    """What the link at a position follows."""
    link = tables.documents.ChainLinkRow
    found = session.exec(
        select(link.chain_sha256).where(
            col(link.series) == series, col(link.position) == position - 1
        )
    ).one_or_none()
    return found or START


def links(session: Session, series: str, first: int, last: int) -> Iterator[Link]:
    """In order, without the bytes of any file. A link whose row is gone is left out."""
    link, row = tables.documents.ChainLinkRow, tables.documents.DocumentRow
    file = tables.documents.DocumentFileRow
    of_file = sa.and_(
        col(file.document_id) == col(link.document_id), col(file.format) == col(link.format)
    )
    of_document = sa.and_(col(row.id) == col(link.document_id), col(link.format) == "")
    asked = (
        sa.select(link, row, col(file.sha256), sa.func.octet_length(file.content))
        .outerjoin(row, of_document)
        .outerjoin(file, of_file)
        .where(col(link.series) == series, col(link.position).between(first, last))
        .order_by(col(link.position))
        .options(defer(sa.inspect(row).attrs["body"].class_attribute))
    )
    for each, document, sha256, size_bytes in session.execute(asked):
        place = LinkPlace(each.series, each.position, each.origin)
        if document is not None:
            yield Link(place, document_facts(document), each.chain_sha256)
        elif sha256 is not None:
            facts = LinkedFile(each.document_id, each.format, sha256, size_bytes)
            yield Link(place, facts, each.chain_sha256)


__all__ = [
    "Link",
    "chain_before",
    "document_facts",
    "file_facts",
    "heads",
    "link_document",
    "link_files",
    "links",
    "spans",
]
