"""Owns the questions about sellers and their payer accounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlmodel import col, select

from invoices.clients import UNSAID, AccountId, Address, MonthPolicies
from invoices.documents.invoice import DocumentType, Seller
from invoices.documents.numbering import own_prefix
from invoices.money import Rounding
from kernel.errors import NotFound, Refused
from service.store import tables
from service.store.changes import Change, put
from service.store.session import Session

NOTHING_ISSUED = "0" * 64
"""Where a series' chain of hashes starts."""


@dataclass(frozen=True, slots=True)
class Numbering:
    """How a seller's documents are numbered, figures rounded, and which months get a document."""

    prefix: str
    start: int
    rounding: Rounding
    tax_rounding: Rounding | None = None
    """None: tax is rounded as all else."""
    tax_currency: str = ""
    """In which its tax is accounted for; '' where it has not said."""
    months: MonthPolicies = UNSAID
    others: Mapping[DocumentType, tuple[str, int]] = field(default_factory=dict)
    """Prefix and start of documents that are no invoices, where the seller has said them."""

    def of_type(self, document_type: DocumentType | None) -> tuple[str, int]:
        """Prefix and start."""
        if document_type in {None, DocumentType.INVOICE}:
            return self.prefix, self.start
        assert document_type is not None
        return self.others.get(document_type, (own_prefix(document_type, self.prefix), 1))


@dataclass(frozen=True, slots=True)
class PayerAccount:
    account_id: AccountId
    seller_key: str | None
    """None while it is not configured."""
    internal_accounts: frozenset[AccountId]
    exports: tuple[tuple[str, str], ...]
    """Dialect and location of each."""
    prorates_monthly_fees: bool = False
    """See `BillingInputs`."""
    tags: tuple[str, ...] = ()
    """Tag keys that its charges keep, as AWS writes them: `user:Client`."""


class UnknownPayer(NotFound):
    def __init__(self, account_id: str) -> None:
        super().__init__(
            f"payer account {account_id} is not configured: add it under `payers` and apply"
        )


class NoSeller(Refused):
    code = "no_seller"

    def __init__(self, account_id: str) -> None:
        super().__init__(
            f"payer account {account_id} has no seller: describe it under `payers` and apply"
        )


def put_seller(session: Session, seller: Seller, numbering: Numbering) -> list[Change]:
    row = tables.configuration.SellerRow(
        **asdict(seller)
        | {"payment_details": [list(pair) for pair in seller.payment_details]}
        | {"number_prefix": numbering.prefix, "number_start": numbering.start},
        rounding=numbering.rounding,
        tax_rounding=numbering.tax_rounding,
        tax_currency=numbering.tax_currency or None,
        zero_months=numbering.months.zero,
        negative_months=numbering.months.negative,
        other_numbering={
            each.value: {"prefix": prefix, "start": start}
            for each, (prefix, start) in numbering.others.items()
        },
    )
    changes = put(session, row, f"seller {seller.key}")
    _open_series(session, seller.key, numbering.start)
    return changes


def _open_series(session: Session, key: str, start: int) -> None:
    """The start counts until the first document is issued; afterwards the series goes on.

    A year's series is opened by its first document.
    """
    series = session.get(tables.documents.NumberSeriesRow, key, with_for_update=True)
    if series is None or series.last_issued_on is None:
        session.merge(
            tables.documents.NumberSeriesRow(
                key=key, last_ordinal=start - 1, last_chain_sha256=NOTHING_ISSUED
            )
        )
        session.flush()


def next_number(session: Session, key: str) -> int | None:
    """Of a seller's series that has documents; None where it has none yet."""
    series = session.get(tables.documents.NumberSeriesRow, key)
    return None if series is None or series.last_issued_on is None else series.last_ordinal + 1


def put_payer_account(session: Session, payer: PayerAccount) -> list[Change]:
    row = tables.configuration.PayerAccountRow(
        account_id=payer.account_id,
        seller_key=payer.seller_key,
        internal_accounts=sorted(payer.internal_accounts),
        exports=[{"dialect": dialect, "location": place} for dialect, place in payer.exports],
        prorates_monthly_fees=payer.prorates_monthly_fees,
        tags=list(payer.tags),
    )
    return put(session, row, f"payer account {payer.account_id}")


def note_payer_account(session: Session, account_id: AccountId) -> None:
    """Known from now on, by its exports alone; configuring it comes later."""
    row = tables.configuration.PayerAccountRow
    session.execute(
        insert(row)
        .values(
            account_id=account_id,
            internal_accounts=[],
            exports=[],
            prorates_monthly_fees=False,
            tags=[],
        )
        .on_conflict_do_nothing()
    )


def payer_accounts(session: Session) -> tuple[PayerAccount, ...]:
    row = tables.configuration.PayerAccountRow
    return tuple(map(_from_payer_row, session.exec(select(row).order_by(col(row.account_id)))))


def payer_account(session: Session, account_id: str) -> PayerAccount:
    """Raises UnknownPayer."""
    row = session.get(tables.configuration.PayerAccountRow, account_id)
    if row is None:
        raise UnknownPayer(account_id)
    return _from_payer_row(row)


def is_own_account(session: Session, account_id: str) -> bool:
    """A payer, or one of a payer's internal accounts."""
    row = tables.configuration.PayerAccountRow
    internal = sa.type_coerce(row.internal_accounts, JSONB).contains([account_id])
    own = select(row.account_id).where(sa.or_(col(row.account_id) == account_id, internal))
    return session.exec(own.limit(1)).first() is not None


def _from_payer_row(row: tables.configuration.PayerAccountRow) -> PayerAccount:
    return PayerAccount(
        account_id=AccountId(row.account_id),
        seller_key=row.seller_key,
        internal_accounts=frozenset(map(AccountId, row.internal_accounts)),
        exports=tuple((export["dialect"], export["location"]) for export in row.exports),
        prorates_monthly_fees=row.prorates_monthly_fees,
        tags=tuple(row.tags),
    )


def is_seller(session: Session, key: str) -> bool:
    return session.get(tables.configuration.SellerRow, key) is not None


def seller(session: Session, key: str) -> tuple[Seller, Numbering]:
    row = session.get_one(tables.configuration.SellerRow, key)
    return (
        Seller(
            key=row.key,
            name=row.name,
            address=Address(**row.address),
            tax_id=row.tax_id,
            email=row.email,
            phone=row.phone,
            website=row.website,
            registration=row.registration,
            payment_details=tuple((label, value) for label, value in row.payment_details),
            footer=row.footer,
        ),
        Numbering(
            row.number_prefix,
            row.number_start,
            Rounding(row.rounding),
            Rounding(row.tax_rounding) if row.tax_rounding else None,
            row.tax_currency or "",
            MonthPolicies.of(row.zero_months, row.negative_months),
            {
                DocumentType(each): (said["prefix"], said["start"])
                for each, said in row.other_numbering.items()
            },
        ),
    )


__all__ = [
    "NOTHING_ISSUED",
    "NoSeller",
    "Numbering",
    "PayerAccount",
    "UnknownPayer",
    "is_seller",
    "next_number",
    "note_payer_account",
    "payer_account",
    "payer_accounts",
    "put_payer_account",
    "put_seller",
    "seller",
]
