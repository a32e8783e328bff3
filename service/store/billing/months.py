"""Owns the questions about a payer's billed month: its inputs, its figures, its proof."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from invoices.allocation.shared_costs.groups import in_effect
from invoices.balances import CurrencyTotal
from invoices.clients import AccountId, ClientKey
from invoices.control_totals import ControlTotal
from invoices.documents.correction import together
from invoices.documents.document import from_document
from invoices.documents.invoice import Invoice
from invoices.inputs import BillingInputs, waived
from invoices.money import CostAndPrice
from invoices.month import inputs_id
from invoices.periods import BillingPeriod
from invoices.reconciliation import (
    Accounted,
    ClientTotal,
    PayerMonth,
    Reconciliation,
    reconcile,
)
from kernel.errors import Refused
from kernel.findings import Finding, Severity
from service.store import runs, tables
from service.store.billing import (
    carry_forward,
    clients,
    control_files,
    corrections,
    estimates,
    facts,
    overrides,
    prices,
    sellers,
    snapshots,
)
from service.store.billing.items import prepayments, spend, versions
from service.store.changes import hold_configuration
from service.store.plain import from_json, to_json
from service.store.session import Session
from service.store.tables.months import DraftState


@dataclass(frozen=True, slots=True)
class ClientFigures:
    """What a client bears, exactly; see `invoices.reconciliation.ClientTotal`."""

    client: ClientKey
    cost: Decimal
    charges_price: Decimal
    custom_price: Decimal
    others: Mapping[str, CostAndPrice] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MonthFigures:
    """What billing a payer's month came to, all but the drafts."""

    inputs_id: str
    currency: str
    payer_total: Decimal
    clients: tuple[ClientFigures, ...]
    retained: Mapping[str, Decimal]
    unassigned: Decimal
    findings: tuple[Finding, ...]
    others: tuple[CurrencyTotal, ...] = ()


@dataclass(frozen=True, slots=True)
class Gate:
    """Reasons in words: for the whole month nothing is issued, for a parked client not that one."""

    month: tuple[str, ...]
    parked: Mapping[ClientKey, str]


UNFINALIZED = "unfinalized"
UNKNOWN_KIND = "unknown_kind"
MIXED_CURRENCY = "mixed_currency"
"""As ingest calls them. An earlier version added up several currencies, and so blocked."""


class NotBilled(Refused):
    def __init__(self, payer_account_id: str, period: BillingPeriod) -> None:
        super().__init__(f"{period} of payer account {payer_account_id} is not billed yet")


def present_inputs(
    session: Session, payer_account_id: AccountId, period: BillingPeriod, *, today: date
) -> BillingInputs:
    """What billing the month now would be a function of. Raises UnknownPayer, NoSnapshot."""
    issued_on = max(today, period.end)
    hold_configuration(session)
    payer = sellers.payer_account(session, payer_account_id)
    if payer.seller_key is None:
        raise sellers.NoSeller(payer_account_id)
    _, numbering = sellers.seller(session, payer.seller_key)
    snapshot = snapshots.current_snapshot(session, payer_account_id, period)
    selling = [each for each in sellers.payer_accounts(session) if each.seller_key]
    line_types = overrides.line_types(session, period)
    items = versions.custom_line_items(session, payer_account_id, period)
    return BillingInputs(
        payer_account_id=payer_account_id,
        period=period,
        snapshot_id=snapshot.id,
        seller=facts.seller_of(session, payer.seller_key, issued_on=issued_on),
        rounding=numbering.rounding,
        tax_rounding=numbering.tax_rounding,
        tax_currency=numbering.tax_currency,
        clients=facts.clients_of(session, period, issued_on=issued_on),
        roster=clients.roster(session),
        internal_accounts=payer.internal_accounts,
        price_books=prices.price_books(session, period),
        custom_line_items=items,
        exchange_rates=prices.exchange_rates(session, period),
        account_names=clients.account_names(session),
        waivers=overrides.waivers(session, payer_account_id, period),
        line_types={name: each.kind.value for name, each in line_types.items()},
        line_types_since={name: str(each.start) for name, each in line_types.items()},
        has_other_payers=len(selling) > 1,
        export_limits=snapshot.limits,
        prorates_monthly_fees=payer.prorates_monthly_fees,
        months=numbering.months,
        shared_costs=in_effect(prices.shared_costs(session), period),
        balances=carry_forward.open_balances(session, payer_account_id, period),
        counted_months=spend.counted_months(session, payer_account_id, period, items),
        drawn=prepayments.drawn(session, payer_account_id, period),
    )


def put_inputs(session: Session, inputs: BillingInputs, now: datetime) -> str:
    """Keep them under their content id, so that any draft can be made again."""
    row = tables.months.BillingInputRow(
        id=inputs_id(inputs), snapshot_id=inputs.snapshot_id, body=to_json(inputs), recorded_at=now
    )
    session.execute(
        insert(tables.months.BillingInputRow).values(**row.model_dump()).on_conflict_do_nothing()
    )
    return row.id


def inputs(session: Session, identity: str) -> BillingInputs:
    return from_json(BillingInputs, session.get_one(tables.months.BillingInputRow, identity).body)


def billed_snapshot(
    session: Session, payer_account_id: AccountId, period: BillingPeriod
) -> snapshots.Snapshot:
    """What the month was billed from. Raises NotBilled."""
    month = figures(session, payer_account_id, period)
    return snapshots.snapshot(session, inputs(session, month.inputs_id).snapshot_id)


def put_figures(
    session: Session,
    figures: MonthFigures,
    *,
    payer_account_id: AccountId,
    period: BillingPeriod,
    run_id: int,
    now: datetime,
) -> None:
    session.merge(
        tables.months.BilledMonthRow(
            payer_account_id=payer_account_id,
            period=str(period),
            inputs_id=figures.inputs_id,
            run_id=run_id,
            body=to_json(figures),
            billed_at=now,
        )
    )
    session.flush()


def figures(session: Session, payer_account_id: AccountId, period: BillingPeriod) -> MonthFigures:
    """Raises NotBilled."""
    row = session.get(tables.months.BilledMonthRow, (payer_account_id, str(period)))
    if row is None:
        raise NotBilled(payer_account_id, period)
    return from_json(MonthFigures, row.body)


def reconciliation(
    session: Session,
    payer_account_id: AccountId,
    period: BillingPeriod,
    *,
    control_totals: Iterable[ControlTotal] = (),
) -> Reconciliation:
    """The proof as it stands: billed figures against drafts and issued documents. NotBilled.

    `control_totals` are shown besides those that the store knows.
    """
    month = figures(session, payer_account_id, period)
    billed = inputs(session, month.inputs_id)
    snapshot = snapshots.snapshot(session, billed.snapshot_id)
    current = snapshots.current_snapshot(session, payer_account_id, period)
    is_current = current.id == snapshot.id
    invoices = _invoices(session, payer_account_id, period)
    payer = PayerMonth(
        period=period,
        payer_account_id=payer_account_id,
        currency=month.currency,
        total=month.payer_total,
    )
    accounted = Accounted(
        clients=tuple(
            ClientTotal(
                client=client.client,
                cost=client.cost,
                charges_price=client.charges_price,
                custom_price=client.custom_price,
                invoice=invoices.get(client.client),
                others=client.others,
            )
            for client in month.clients
        ),
        retained=month.retained,
        unassigned=month.unassigned,
        others=month.others,
    )
    return reconcile(
        payer,
        accounted,
        control_totals=[*estimates.control_totals(session, snapshot), *control_totals],
        control_files=control_files.control_files(
            session,
            payer_account_id,
            period,
            snapshot_id=snapshot.id,
            is_current=is_current,
        ),
        findings=[
            *month.findings,
            *findings_of(snapshot, billed),
            *_overridden_days(session, payer_account_id, period),
            *corrections.waiting(session, payer_account_id, period),
            *([] if is_current else [_superseded(session, current)]),
        ],
        carried_forward=carry_forward.balances_of_month(session, payer_account_id, period),
    )


def _superseded(session: Session, current: snapshots.Snapshot) -> Finding:
    """Equal charges are the same snapshot: this one has others than the drafts were made of."""
    since = snapshots.current_since(session, current.id)
    words = (
        f"A delivery of other charges was taken in on {since.date()}, after {current.period} was "
        "billed: bill it again. Approved drafts whose figures stay so stay approved."
    )
    return Finding(Severity.CRITICAL, "newer_delivery", str(current.period), words)


def _overridden_days(
    session: Session, payer_account_id: AccountId, period: BillingPeriod
) -> Iterator[Finding]:
    """Days of issue that a person answered for: they stay with the month."""
    for run in runs.issued_with_override(session, payer_account_id, period):
        override = run.request["override"]
        words = (
            f"{', '.join(run.numbers)}: {override['doubt']}. Overridden by {override['by']}: "
            f"{override['reason']}"
        )
        yield Finding(Severity.WARNING, "issue_day_overridden", run.request["issued_on"], words)


def findings_of(snapshot: snapshots.Snapshot, billed: BillingInputs) -> tuple[Finding, ...]:
    """What its ingest found, and whether AWS may still change the month.

    A line item type that was mapped meanwhile blocks no more, and is told.
    """
    mapped = {f"line item type {each.name!r}": each for each in billed.mapped_line_types}
    found = tuple(
        replace(
            each,
            severity=Severity.WARNING,
            message=(
                f"the configuration (`line_types`) says: they are {mapped[each.where].kind} "
                f"from {mapped[each.where].start}"
            ),
        )
        if each.code == UNKNOWN_KIND and each.where in mapped
        else each
        for each in snapshot.findings
    )
    found = waived(found, billed.waivers)
    found = tuple(
        replace(each, message=f"{each.message}. Ingest it again: they are kept apart now.")
        if each.code == MIXED_CURRENCY and each.severity is Severity.CRITICAL
        else each
        for each in found
    )
    if snapshot.finalized:
        return found
    words = (
        f"AWS has not put an invoice id on every charge of {snapshot.period} yet: figures may "
        "still change. Ingest again when it has, or issue with --allow-unfinalized."
    )
    unfinalized = Finding(Severity.WARNING, UNFINALIZED, str(snapshot.period), words)
    return (*found, unfinalized)


def gate(proof: Reconciliation, *, allow_unfinalized: bool) -> Gate:
    """What stands between the drafts of a month and their issue."""
    waived = {UNFINALIZED} if allow_unfinalized else set()
    period = [
        each.message
        for each in proof.findings
        if not each.client and (each.severity is Severity.CRITICAL or each.code == UNFINALIZED)
        if each.code not in waived
    ]
    period += [
        f"{proof.period} does not close: {balance.open_money} ({balance.total.currency})"
        for balance in proof.balances
        if not balance.closes
    ]
    parked = {
        total.client: f"the invoice of {total.client} is not the rounding of its price"
        for total in proof.clients
        if total.invoice is not None and not total.closes
    } | {
        ClientKey(each.client): each.message
        for each in proof.findings
        if each.client and each.severity is Severity.CRITICAL
    }
    return Gate(tuple(period), parked)


def _invoices(
    session: Session, payer_account_id: AccountId, period: BillingPeriod
) -> Mapping[ClientKey, Invoice]:
    """By client, the issued document, else the draft; with what billing corrects of it."""
    draft, document = tables.months.DraftRow, tables.documents.DocumentRow
    rows = session.exec(
        select(draft, document.body)
        .outerjoin(document, col(document.draft_id) == col(draft.id))
        .where(
            col(draft.payer_account_id) == payer_account_id,
            col(draft.period) == str(period),
            col(draft.state) != DraftState.DISCARDED,
        )
        .order_by(col(draft.id))
    )
    own: dict[ClientKey, Invoice] = {}
    corrected: defaultdict[ClientKey, list[Invoice]] = defaultdict(list)
    for row, body in rows:
        invoice = from_document(body or row.document)
        if row.corrects_id is None:
            own[ClientKey(row.client_key)] = invoice
        elif not corrections.is_kept_off(row):
            corrected[ClientKey(row.client_key)].append(invoice)
    return {client: together(invoice, corrected[client]) for client, invoice in own.items()}


def billed_months(
    session: Session,
    *,
    after: tuple[AccountId, BillingPeriod] | None = None,
    limit: int | None = None,
) -> tuple[tuple[AccountId, BillingPeriod], ...]:
    """Billed months of all payers, latest first; `after` is the last one seen."""
    row = tables.months.BilledMonthRow
    found = select(row.payer_account_id, row.period)
    if after is not None:
        payer_account_id, period = after
        same_month = sa.and_(
            col(row.period) == str(period), col(row.payer_account_id) > payer_account_id
        )
        found = found.where(sa.or_(col(row.period) < str(period), same_month))
    in_order = found.order_by(col(row.period).desc(), col(row.payer_account_id)).limit(limit)
    return tuple(
        (AccountId(payer), BillingPeriod.parse(period)) for payer, period in session.exec(in_order)
    )
