"""What the wire carries: money as decimal text with its currency, ids as opaque text."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from invoices.control_totals import ControlFileRecord
from invoices.documents.document import to_document
from invoices.documents.invoice import Invoice
from invoices.money import from_minor, plain
from invoices.reconciliation import Reconciliation
from service.store.billing.invoices import UNISSUED, InvoiceRecord

PeriodText = Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$", examples=["2026-10"])]
ClientText = Annotated[str, Field(max_length=64, examples=["acme"])]
ExternalRefs = Annotated[
    dict[str, str],
    Field(
        description="The client's ids in other systems, as configured now.",
        examples=[{"halopsa": "4711"}],
    ),
]
AccountText = Annotated[str, Field(pattern=r"^[0-9]{12}$", examples=["836060457634"])]


class Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class Money(Out):
    amount: str = Field(max_length=60, examples=["1234.56"])
    currency: str = Field(
        max_length=40, examples=["USD"], description="'' where the export names none."
    )


class InvoiceItem(Out):
    """An invoice in a list. `number` and `issued_on` are null until it is issued."""

    id: str = Field(max_length=40, examples=["17"])
    state: Literal["draft", "approved", "issued", "no_document"]
    number: str | None = Field(max_length=40, examples=["INV-000007"])
    document_type: Literal["invoice", "credit_note", "supplementary_invoice"]
    corrects: list[str] = Field(
        max_length=1, description="The invoice that it is about; of a correction only."
    )
    client: ClientText
    external_refs: ExternalRefs
    period: PeriodText
    payer_account_id: AccountText
    total: Money
    issued_on: str | None = Field(examples=["2026-11-06"])
    formats: list[str] = Field(
        max_length=20, description="Suffixes under which the document, or the draft, can be had."
    )


class InvoiceDetail(InvoiceItem):
    """`document` is the frozen document once issued, the draft as it stands before."""

    document: dict[str, Any]


class LineName(Out):
    key: str
    description: str


class ChargeExplanation(Out):
    """Charges alike in all that a rule can match, summed over the client's days."""

    of: dict[str, str] = Field(description="What rules match them by.")
    usage: str = Field(max_length=60, examples=["744"])
    unit: str = Field(max_length=200, examples=["Hrs"])
    cost: str = Field(max_length=60, description="By the cost basis; what is passed of it.")
    currency: str = Field(max_length=40, examples=["USD"])
    rule: str
    others: list[str] = Field(description="Rules that match too, the next best first, and lost.")
    price: str = Field(max_length=60)
    arithmetic: str
    attribution: str = Field(description="Why it is this client's, where the days do not say so.")


class LineExplanation(Out):
    """From an invoice's line to its rule and its charges. Amounts are exact decimal text."""

    invoice: InvoiceItem
    line: LineName
    price_book: str = Field(description="Key and version; '' of a custom line item.")
    cost_basis: str
    charges: list[ChargeExplanation]
    steps: list[str] = Field(description="From the exact price to the amount on the document.")
    snapshot: str = Field(max_length=64)
    files: list[dict[str, Any]] = Field(description="Of the export: key, size, ETag and rows.")


class InvoiceList(Out):
    items: list[InvoiceItem] = Field(max_length=500)
    next_cursor: str | None = Field(max_length=400)
    has_more: bool


class ControlFileItem(Out):
    """A file of AWS's own totals that was compared with the month, and what came of it."""

    name: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    column: Literal["invoice_id", "account_id"]
    compared: int = Field(description="How many amounts.")
    theirs: Money
    ours: Money
    agrees: bool
    compared_at: str = Field(examples=["2026-11-12T09:30:00+00:00"])
    compared_by: str
    snapshot: str = Field(description="What it was compared with.")
    counts: bool = Field(description="Whether the month is still billed from that.")


class CurrencyItem(Out):
    """What is charged in one other currency than the bill's."""

    payer_total: Money
    unassigned: Money


class CarriedForwardItem(Out):
    """What a month leaves in a client's favour, before tax: taken off its next invoices."""

    client: ClientText
    external_refs: ExternalRefs
    net: Money
    open: Money = Field(description="What no document takes off yet.")


class PeriodItem(Out):
    """A payer's billed month, and whether it is accounted for to the last digit."""

    period: PeriodText
    payer_account_id: AccountText
    payer_total: Money
    closes: bool
    confirmed: bool = Field(description="Whether a figure that AWS states elsewhere is ours.")
    confirmed_by: list[str] = Field(
        max_length=20,
        description="Whose figures confirm it.",
        examples=[["control file aws.csv of 2026-11-12"]],
    )
    control_files: list[ControlFileItem]
    unassigned: Money
    invoices: dict[str, int] = Field(description="How many, by state.")
    other_currencies: list[CurrencyItem] = Field(
        default=[], max_length=200, description="What the payer is charged in other currencies."
    )
    carried_forward: list[CarriedForwardItem] = Field(max_length=100_000)


class PeriodList(Out):
    items: list[PeriodItem] = Field(max_length=500)
    next_cursor: str | None = Field(max_length=400)
    has_more: bool


def to_api_invoice(record: InvoiceRecord, formats: tuple[str, ...]) -> InvoiceItem:
    return InvoiceItem(**_invoice_fields(record, formats))


def to_api_invoice_detail(
    record: InvoiceRecord, formats: tuple[str, ...], invoice: Invoice
) -> InvoiceDetail:
    return InvoiceDetail(**_invoice_fields(record, formats), document=to_document(invoice))


def to_api_explanation(
    record: InvoiceRecord, formats: tuple[str, ...], explained: Mapping[str, Any]
) -> LineExplanation:
    return LineExplanation.model_validate({**explained, "invoice": to_api_invoice(record, formats)})


def _invoice_fields(record: InvoiceRecord, formats: tuple[str, ...]) -> dict[str, Any]:
    total = str(from_minor(record.total_minor, record.currency))
    return {
        "id": str(record.id),
        "state": record.state.value,
        "number": record.number or None,
        "document_type": record.document_type.value,
        "corrects": [record.corrects] if record.corrects else [],
        "client": record.client,
        "external_refs": dict(record.external_refs),
        "period": str(record.period),
        "payer_account_id": record.payer_account_id,
        "total": Money(amount=total, currency=record.currency),
        "issued_on": record.issued_on.isoformat() if record.issued_on else None,
        "formats": list(formats) if record.issued_on or record.state in UNISSUED else [],
    }


def to_api_period(
    proof: Reconciliation, states: dict[str, int], refs: Mapping[str, dict[str, str]]
) -> PeriodItem:
    """`refs`: of each client whose balance it carries forward."""
    shown = proof.to_json()
    return PeriodItem(
        period=shown["period"],
        payer_account_id=proof.payer_account_id,
        payer_total=Money(amount=shown["payer_total"], currency=proof.currency),
        closes=proof.closes,
        confirmed=proof.is_confirmed,
        confirmed_by=list(proof.confirmed_by),
        control_files=[_to_api_control_file(each, proof.currency) for each in proof.control_files],
        unassigned=Money(amount=shown["unassigned"], currency=proof.currency),
        invoices=states,
        other_currencies=[
            CurrencyItem(
                payer_total=Money(amount=plain(each.payer_total), currency=each.currency),
                unassigned=Money(amount=plain(each.unassigned), currency=each.currency),
            )
            for each in proof.others
        ],
        carried_forward=[
            CarriedForwardItem(
                client=each["client"],
                external_refs=refs[each["client"]],
                net=Money(amount=each["net"], currency=each["currency"]),
                open=Money(amount=each["open"], currency=each["currency"]),
            )
            for each in shown["carried_forward"]
        ],
    )


def _to_api_control_file(record: ControlFileRecord, currency: str) -> ControlFileItem:
    shown = record.to_json()
    amounts = {name: Money(amount=shown[name], currency=currency) for name in ("theirs", "ours")}
    return ControlFileItem.model_validate(shown | amounts)
