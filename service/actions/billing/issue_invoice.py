"""Owns issuing one approved draft: numbered and frozen in the caller's transaction."""

from __future__ import annotations

from datetime import date, datetime

from service.store.access import audit
from service.store.billing import documents
from service.store.billing.documents import Issued
from service.store.session import Session


def issue_invoice(
    session: Session, draft_id: int, *, issued_on: date, actor: str, now: datetime
) -> Issued:
    """The document; of a draft that is issued already, the one there is.

    Whether the month may be issued at all is `months.gate`'s to say, before.
    Raises NotPossible, IssueDateGoesBack.
    """
    issued = documents.issue_document(session, draft_id, issued_on=issued_on, now=now)
    if issued is None:
        there = documents.document_of(session, draft_id)
        assert there is not None, "an issued draft has its document"
        return there
    audit.record(
        session,
        actor=actor,
        action="issue_invoice",
        subject=f"invoice {draft_id}",
        after={"number": issued.number, "sha256": issued.sha256},
        now=now,
    )
    return issued
