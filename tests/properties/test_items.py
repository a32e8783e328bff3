"""For any items and past months: minima are met, maxima hold, and nothing ahead is drawn twice."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from invoices.clients import ClientKey, Tax, TaxCategory
from invoices.documents.document import canonical_bytes, to_document
from invoices.documents.prepayments import Drawn
from invoices.month import bill, prove
from invoices.pricing.custom import CustomCharge, CustomKind, CustomLineItem, Flat, custom_charges
from invoices.pricing.spend import CountedMonth, Counts, MaximumSpend, MinimumSpend, Prepaid
from tests.support.builders import OCTOBER, charge, charges, client, inputs, owns

ACME, START = ClientKey("acme"), OCTOBER.after(-11)
cents = st.decimals("0", "2000", places=2)
amounts = st.decimals("-500", "2000", places=4)
run = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def item(
    key: str,
    charge: Flat | MinimumSpend | MaximumSpend | Prepaid,
    every_months: int = 1,
) -> CustomLineItem:
    is_fee = isinstance(charge, MinimumSpend | Flat)
    kind = CustomKind.FEE if is_fee else CustomKind.CREDIT
    return CustomLineItem(key, ACME, kind, key, charge, START, every_months=every_months)


@run
@given(st.lists(amounts, min_size=24, max_size=24), st.integers(1, 12), cents, st.booleans())
def test_every_term_comes_to_its_minimum_and_what_is_above_is_counted_once(
    spent: list[Decimal], months: int, minimum: Decimal, carries: bool
) -> None:
    """Two years, month after month, each with what the ones before it left."""
    least = item("least", MinimumSpend(minimum, carries_over=carries), every_months=months)
    past: list[CountedMonth] = []
    charged: list[CustomCharge] = []
    for number, each in enumerate(spent):
        period = START.after(number)
        (made,) = custom_charges([least], period=period, base=lambda _, s=each: s, months=past)  # type: ignore[misc]
        assert made.counted == each
        charged.append(made)
        past.append(CountedMonth(ACME, "least", period, "USD", each, made.carried_over))

    brought = Decimal(0)
    for first in range(0, 24 - months + 1, months):
        term = slice(first, first + months)
        missing = [each.price for each in charged[term]]
        total = brought + sum(spent[term])
        assert missing[:-1] == [0] * (months - 1)
        assert missing[-1] == max(minimum - total, Decimal(0))
        brought = max(total - minimum, Decimal(0)) if carries else Decimal(0)
        assert charged[first + months - 1].carried_over == brought


@run
@given(amounts, cents, cents, cents, st.booleans())
def test_a_months_price_is_between_its_minimum_and_its_maximum(
    spent: Decimal, fee: Decimal, least: Decimal, above: Decimal, is_all: bool
) -> None:
    counts = Counts.ALL if is_all else Counts.CHARGES
    items = [
        item("fee", Flat(fee)),
        item("most", MaximumSpend(least + above, counts)),
        item("least", MinimumSpend(least, Counts.ALL)),
    ]

    made = custom_charges(items, period=OCTOBER, base=lambda _: spent)

    total = spent + sum(each.price for each in made)
    assert total >= least
    assert total <= max(least, least + above + (0 if is_all else fee))


@run
@given(
    st.lists(cents, min_size=1, max_size=3),
    st.lists(cents, min_size=1, max_size=3),
    st.lists(st.tuples(st.sampled_from(["p0", "p1"]), st.integers(0, 2000_00)), max_size=4),
)
def test_what_is_ahead_is_drawn_no_further_than_it_goes_and_order_is_nothing(
    costs: list[Decimal], ahead: list[Decimal], taken: list[tuple[str, int]]
) -> None:
    rows = [charge("111111111111", str(each), service=f"S{n}") for n, each in enumerate(costs)]
    items = [item(f"p{n}", Prepaid(each)) for n, each in enumerate(ahead)]
    items.append(replace(item("book", Flat(Decimal("10.10"))), tax=Tax(TaxCategory.EXEMPT)))
    drawn = [Drawn(ACME, key, START.after(n), "USD", net) for n, (key, net) in enumerate(taken)]
    acme = client("acme", tax=Tax(TaxCategory.STANDARD, Decimal("19")))

    def billed(reverse: bool) -> bytes:
        way = -1 if reverse else 1
        month = bill(
            charges(*rows[::way]),
            replace(
                inputs(owns("acme", "111111111111"), clients=[acme], custom=items[::way]),
                drawn=tuple(drawn[::way]),
            ),
        )
        (draft,) = month.drafts
        assert prove(month).closes
        invoice = draft.invoice
        left = {
            f"p{n}": max(int(each * 100) - sum(d.net_minor for d in drawn if d.key == f"p{n}"), 0)
            for n, each in enumerate(ahead)
        }
        lines = {line.prepaid.key: line for line in invoice.lines if line.prepaid}
        for key, line in lines.items():
            assert line.prepaid is not None
            assert line.prepaid.left_minor >= left[key] + line.amount_minor >= 0
        due = int(sum(costs) * 100)
        assert -invoice.prepaid_minor == min(due, sum(left.values()))
        assert all(tax.base_minor >= 0 for tax in invoice.tax_lines)
        return canonical_bytes(to_document(invoice))

    assert billed(reverse=False) == billed(reverse=True)
