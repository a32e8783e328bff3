"""What the wire carries of two billings of a month, beside each other."""

from pydantic import Field

from service.api.billing.schemas import AccountText, ClientText, ExternalRefs, Money, Out

CAUSES = Field(
    max_length=40,
    examples=[["charges"]],
    description="charges, roster, rule, custom_item, rate, carried_forward, terms, rounding, "
    "other, or the name of another input of billing. More than one where each may have.",
)


class LineChangeItem(Out):
    """A line that differs; `before` or `after` is null where it is on one document only."""

    key: str = Field(max_length=2000)
    account_id: str = Field(max_length=12)
    service: str
    description: str
    before: str | None = Field(max_length=60, examples=["105.00"])
    after: str | None = Field(max_length=60, examples=["108.00"])
    difference: str | None = Field(
        max_length=60, examples=["3.00"], description="null where it would mix two currencies."
    )
    causes: list[str] = CAUSES
    rules_before: list[str]
    rules_after: list[str]


class ClientDifferenceItem(Out):
    """A client that differs. The differences of its lines and its tax are that of its totals."""

    client: ClientText
    external_refs: ExternalRefs
    before: Money | None = Field(description="null where the client has no document there.")
    after: Money | None
    difference: str | None = Field(max_length=60, examples=["3.00"])
    tax_before: str = Field(max_length=60, examples=["0.00"])
    tax_after: str = Field(max_length=60, examples=["0.00"])
    causes: list[str] = CAUSES
    lines: list[LineChangeItem] = Field(max_length=100_000)


class TotalDifferenceItem(Out):
    """What all documents ask for in one currency."""

    currency: str = Field(max_length=40, examples=["USD"])
    before: str = Field(max_length=60, examples=["315.00"])
    after: str = Field(max_length=60, examples=["318.00"])
    difference: str = Field(max_length=60, examples=["3.00"])


class BillingItem(Out):
    """A billing run that can be compared."""

    run: int
    at: str = Field(examples=["2026-11-06T09:30:00+00:00"])
    inputs_id: str = Field(pattern="^[0-9a-f]{64}$")


class DifferenceList(Out):
    items: list[ClientDifferenceItem] = Field(max_length=500)
    next_cursor: str | None = Field(max_length=400)
    has_more: bool
    payer_account_id: AccountText
    before: str | None = Field(
        max_length=40,
        description="A run, or `standing`: what is issued or approved, and else the billing before "
        "`after`. null where there is nothing to compare with yet.",
    )
    after: str = Field(max_length=40, examples=["12"])
    parked: list[ClientText] = Field(
        max_length=100_000,
        description="Not compared, nor in `totals`: one side could not be billed.",
    )
    totals: list[TotalDifferenceItem] = Field(max_length=200)
    billings: list[BillingItem] = Field(max_length=100_000)
