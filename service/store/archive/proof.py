"""Owns the proof that issued documents are what they were: rows, bytes, links, numbers.

Rows are streamed: what is held at a time is a handful of them.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from invoices.clients import AccountId, ClientKey
from invoices.documents.chain import (
    START,
    Head,
    LinkedDocument,
    LinkedFile,
    LinkPlace,
    Origin,
    link_sha256,
)
from invoices.documents.document import content_id, from_document
from invoices.documents.invoice import DocumentType
from invoices.periods import BillingPeriod
from kernel.errors import Refused
from service.store import tables
from service.store.archive.chain import document_facts, file_facts
from service.store.session import Session

AT_A_TIME = 50

_Link = tables.documents.ChainLinkRow
_Document = tables.documents.DocumentRow
_Draft = tables.months.DraftRow
_File = tables.documents.DocumentFileRow
_Series = tables.documents.NumberSeriesRow
_Seller = tables.configuration.SellerRow


class DamagedDocuments(Refused):
    code = "damaged_documents"

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what}: issued documents are not what they were; change nothing here, and compare "
            "with the newest backup that proves right"
        )


@dataclass(frozen=True, slots=True)
class Proven:
    documents: int = 0
    files: int = 0
    upgraded: int = 0
    """Of the links: over rows that were there before their series had any."""
    heads: tuple[Head, ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """What somebody outside the database remembers of it."""

    head: Head
    source: str


@dataclass(slots=True)
class _Walk:
    """One series, link by link."""

    series: str
    position: int = 0
    chain_sha256: str = START
    bodies_sha256: str = START
    last: tables.documents.DocumentRow | None = None
    marks: dict[int, list[Mark]] = field(default_factory=dict)

    def follow(
        self,
        link: tables.documents.ChainLinkRow,
        number: str | None,
        body_sha256: str | None,
        document: tables.documents.DocumentRow | None,
        file: tables.documents.DocumentFileRow | None,
    ) -> None:
        where = f"{number or f'document {link.document_id}'}{link.format and f', {link.format}'}"
        self.position += 1
        if link.position != self.position:
            raise DamagedDocuments(f"{where}: link {self.position} of {self.series} is gone")
        facts: LinkedDocument | LinkedFile
        if document is not None:
            self._prove_document(document)
            facts = document_facts(document)
        elif file is not None:
            _prove_file(where, file, body_sha256)
            facts = file_facts(file)
        else:
            raise DamagedDocuments(f"{where}: gone, and link {self.position} of {self.series} not")
        place = LinkPlace(link.series, link.position, link.origin)
        self.chain_sha256 = link_sha256(self.chain_sha256, place, facts)
        if self.chain_sha256 != link.chain_sha256:
            raise DamagedDocuments(
                f"{where}: its row, or link {link.position} of {self.series}, was changed"
            )
        for mark in self.marks.pop(link.position, ()):
            if mark.head.chain_sha256 != link.chain_sha256:
                raise DamagedDocuments(f"{where}: {mark.source} saw another one in its place")

    def _prove_document(self, row: tables.documents.DocumentRow) -> None:
        if content_id(row.body) != row.sha256:
            raise DamagedDocuments(f"{row.number}: its body is not what its hash says")
        stands = (row.number, row.client_key, row.period, str(row.issued_on), row.document_type)
        if _shown(row.body) != stands or row.series != self.series:
            raise DamagedDocuments(f"{row.number}: its row says otherwise than its body")
        if self.last is not None and row.ordinal != self.last.ordinal + 1:
            raise DamagedDocuments(f"there is a gap between {self.last.number} and {row.number}")
        both = f"{self.bodies_sha256}{row.sha256}"
        self.bodies_sha256 = hashlib.sha256(both.encode()).hexdigest()
        if self.bodies_sha256 != row.chain_sha256:
            raise DamagedDocuments(f"{row.number} does not follow the number before it")
        self.last = row

    def end(self) -> Head:
        number = self.last.number if self.last else ""
        if self.marks:
            mark = self.marks[max(self.marks)][0]
            raise DamagedDocuments(
                f"{self.series}: its tail was cut: it ends at link {self.position} "
                f"({number or 'no document'}), and {mark.source} saw link "
                f"{mark.head.position} ({mark.head.number})"
            )
        return Head(self.series, self.position, self.chain_sha256, number)


def prove_documents(session: Session, marks: Iterable[Mark] = ()) -> Proven:
    """Every row and file hashed, every series walked to its end. Raises DamagedDocuments.

    It names the first that is wrong, in the order of series and links.
    """
    remembered: dict[str, dict[int, list[Mark]]] = defaultdict(lambda: defaultdict(list))
    for mark in marks:
        remembered[mark.head.series][mark.head.position].append(mark)
    walks: dict[str, _Walk] = {}
    proven = Proven()
    named = aliased(_Document)
    asked = (
        sa.select(_Link, col(named.number), col(named.sha256), _Document, _File)
        .outerjoin(named, col(named.id) == col(_Link.document_id))
        .outerjoin(
            _Document,
            sa.and_(col(_Document.id) == col(_Link.document_id), col(_Link.format) == ""),
        )
        .outerjoin(
            _File,
            sa.and_(
                col(_File.document_id) == col(_Link.document_id),
                col(_File.format) == col(_Link.format),
            ),
        )
        .order_by(col(_Link.series), col(_Link.position))
        # As an option of the statement: of the answer, all of it would be here by then.
        .execution_options(yield_per=AT_A_TIME)
    )
    # Closed at the first that is wrong, too: it is a cursor in the database.
    with closing(session.execute(asked)) as rows:
        for link, number, body_sha256, document, file in rows:
            walk = walks.get(link.series)
            if walk is None:
                walk = _Walk(link.series, marks=remembered.pop(link.series, {}))
                walks[link.series] = walk
            walk.follow(link, number, body_sha256, document, file)
            proven = replace(
                proven,
                documents=proven.documents + (document is not None),
                files=proven.files + (file is not None),
                upgraded=proven.upgraded + (link.origin == Origin.UPGRADE),
            )
    for series, left in remembered.items():
        _Walk(series, marks=left).end()
    _prove_nothing_is_unlinked(session)
    _prove_series(session, walks)
    return replace(proven, heads=tuple(walk.end() for walk in walks.values()))


def _shown(body: Any) -> tuple[Any, ...] | None:
    """None of what is no document at all."""
    try:
        shown = body["number"], body["client"]["key"], body["period"], body["issued_on"]
        return (*shown, body.get("document_type", DocumentType.INVOICE))
    except (AttributeError, KeyError, TypeError):
        return None


def _prove_file(where: str, row: tables.documents.DocumentFileRow, body_sha256: str | None) -> None:
    if hashlib.sha256(row.content).hexdigest() != row.sha256:
        raise DamagedDocuments(f"{where}: its bytes are not what their hash says")
    # The JSON rendering is the body itself: both are the same, or one is not the document.
    if row.format == "json":
        shown = hashlib.sha256(row.content.removesuffix(b"\n")).hexdigest()
        if shown != body_sha256:
            raise DamagedDocuments(f"{where}: it is not the document's body")


def _prove_nothing_is_unlinked(session: Session) -> None:
    linked = select(_Link.position).where(
        col(_Link.document_id) == col(_Document.id), col(_Link.format) == ""
    )
    document = session.exec(
        select(_Document.number).where(~linked.exists()).order_by(col(_Document.id)).limit(1)
    ).first()
    if document is not None:
        raise DamagedDocuments(f"{document}: it is in no chain")
    linked = select(_Link.position).where(
        col(_Link.document_id) == col(_File.document_id), col(_Link.format) == col(_File.format)
    )
    file = session.exec(
        select(_Document.number, _File.document_id, _File.format)
        .select_from(_File)
        .outerjoin(_Document, col(_Document.id) == col(_File.document_id))
        .where(~linked.exists())
        .order_by(col(_File.document_id), col(_File.format))
        .limit(1)
    ).first()
    if file is not None:
        number, document_id, extension = file
        raise DamagedDocuments(
            f"{number or f'document {document_id}'}, {extension}: it is in no chain"
        )


def _prove_series(session: Session, walks: Mapping[str, _Walk]) -> None:
    """The counters go on where their documents end."""
    counters = {each.key: each for each in session.exec(select(_Series))}
    starts = dict(session.exec(select(_Seller.key, _Seller.number_start)).all())
    for key in sorted({*walks, *starts} - set(counters)):
        raise DamagedDocuments(f"{key}: its series of numbers is gone")
    for key, counter in sorted(counters.items()):
        walk = walks.get(key)
        last = None if walk is None else walk.last
        expected: tuple[int, date | None, str]
        if walk is None or last is None:
            expected = (starts.get(key, counter.last_ordinal + 1) - 1, None, START)
        else:
            expected = (last.ordinal, last.issued_on, walk.bodies_sha256)
        stands = (counter.last_ordinal, counter.last_issued_on, counter.last_chain_sha256)
        if stands != expected:
            after = f"after {last.number}" if last else "before its first document"
            raise DamagedDocuments(f"{key}: {after} its series goes on otherwise")
        if last is None and key not in starts:
            raise DamagedDocuments(f"{key}: a series of nobody")


def months_with_documents(session: Session) -> tuple[tuple[AccountId, BillingPeriod], ...]:
    found = session.exec(
        select(_Document.payer_account_id, _Document.period)
        .distinct()
        .order_by(col(_Document.period), col(_Document.payer_account_id))
    )
    return tuple((AccountId(payer), BillingPeriod.parse(period)) for payer, period in found)


def prove_drafts(
    session: Session, payer: AccountId, period: BillingPeriod
) -> Mapping[ClientKey, str]:
    """That each document asks for what its approved draft did; by client, its inputs' id.

    Of several documents of a client's month, the last one's that billing made.
    """
    asked = (
        select(_Document, _Draft)
        .join(_Draft, col(_Draft.id) == col(_Document.draft_id))
        .where(col(_Document.payer_account_id) == payer, col(_Document.period) == str(period))
        .order_by(col(_Document.id))
        .execution_options(yield_per=AT_A_TIME)
    )
    inputs: dict[ClientKey, str] = {}
    with closing(session.exec(asked)) as rows:
        for document, draft in rows:
            drafted = from_document(draft.document)
            if from_document(document.body).figures != drafted.figures:
                raise DamagedDocuments(f"{document.number}: it asks for another sum than its draft")
            if (draft.currency, draft.total_minor) != (drafted.currency, drafted.total_minor):
                raise DamagedDocuments(f"{document.number}: the total of its draft was changed")
            if not (draft.correction and draft.correction["by_hand"]):
                inputs[ClientKey(document.client_key)] = draft.inputs_id
    return inputs


__all__ = [
    "DamagedDocuments",
    "Mark",
    "Proven",
    "months_with_documents",
    "prove_documents",
    "prove_drafts",
]
