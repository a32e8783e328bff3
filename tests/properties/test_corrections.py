"""For any restatements and credits by hand: documents come to the month, or it says why not.

The model beside it knows a month by its lines and what was credited of each; it shares no code.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from invoices.clients import Tax, TaxCategory
from invoices.documents.correction import Sums, Why, credit_note, sums_of
from invoices.documents.invoice import CorrectionReason, Invoice
from invoices.documents.restatement import BelowNothing, Causes, Standing, restate
from invoices.documents.tax import tax_line
from invoices.money import Rounding, from_minor
from tests.unit.invoices.test_documents import DRAFT, EC2

STANDARD = Tax(TaxCategory.STANDARD, rate_percent=Decimal("23"))
CAUSES = Causes(CorrectionReason.RESTATEMENT)
usage = st.integers(0, 200_00)
credits_ = st.integers(-60_00, 0)


def month_of(amounts: dict[str, int]) -> Invoice:
    lines = tuple(
        replace(EC2, key=key, amount_minor=minor, price=from_minor(minor, "EUR"))
        for key, minor in amounts.items()
    )
    base = sum(amounts.values())
    taxed = tax_line(STANDARD, base_minor=base, currency="EUR", rounding=Rounding.HALF_UP)
    return replace(
        DRAFT,
        lines=lines,
        tax_lines=(taxed,),
        subtotal_minor=base,
        tax_minor=taxed.tax_minor,
        total_minor=base + taxed.tax_minor,
    )


def with_tax(base: int) -> int:
    return base + int((base * Decimal("0.23")).quantize(Decimal(1), ROUND_HALF_UP))


class AMonth(RuleBasedStateMachine):
    """One client's, issued; what is proposed is approved and issued at once."""

    def __init__(self) -> None:
        super().__init__()
        self.month = {"ec2": 100_00, "s3": 10_03, "credit": -5_00}
        self.there = [Standing(1, replace(month_of(self.month), number="N-1"))]
        self.kept: defaultdict[str, int] = defaultdict(int)
        self.is_void = False

    def issue(self, document: Invoice, about: int, *, is_kept_off: bool = False) -> None:
        number = len(self.there) + 1
        numbered = replace(document, number=f"N-{number}")
        self.there.append(Standing(number, numbered, about, is_kept_off))

    @property
    def total(self) -> int:
        return sums_of(each.document for each in self.there).total_minor

    @rule(ec2=usage, s3=usage, credit=credits_)
    def aws_restates(self, ec2: int, s3: int, credit: int) -> None:
        wanted = {"ec2": ec2, "s3": s3, "credit": credit}
        if sum(wanted.values()) < 0:
            return
        self.bill(wanted)

    @rule()
    def aws_restates_back(self) -> None:
        self.bill({"ec2": 100_00, "s3": 10_03, "credit": -5_00})

    def bill(self, wanted: dict[str, int]) -> None:
        target = month_of(wanted)
        try:
            proposals = restate(self.there, target, CAUSES)
        except BelowNothing:
            # What stays off beside what AWS credits is more than the client was ever asked for.
            assert self.due(wanted) < 0
            return
        for each in proposals:
            self.issue(each.document, each.about)
        assert restate(self.there, target, CAUSES) == ()
        self.month = wanted
        if self.is_void:
            assert proposals == ()
        else:
            assert self.total == with_tax(self.due(wanted))

    def due(self, wanted: dict[str, int]) -> int:
        """Before tax: each line less what of it was credited by hand, as far as it goes."""
        return sum(
            max(minor - max(self.kept[key], 0), 0)
            if minor > 0
            else min(minor - min(self.kept[key], 0), 0)
            for key, minor in wanted.items()
        )

    def left_of(self, invoice: Standing) -> Sums:
        notes = [e.document for e in self.there if e.about == invoice.id]
        return sums_of([invoice.document, *(each for each in notes if each.is_credit_note)])

    @property
    def invoices(self) -> list[Standing]:
        every = [each for each in self.there if not each.document.is_credit_note]
        return [each for each in every if self.left_of(each).total_minor > 0]

    @precondition(lambda self: self.invoices)
    @rule(data=st.data())
    def a_person_credits_a_part(self, data: st.DataObject) -> None:
        about = data.draw(st.sampled_from(self.invoices))
        left = self.left_of(about)
        key = data.draw(st.sampled_from(["ec2", "s3"]))
        most = min(left.lines[key].amount_minor if key in left.lines else 0, left.subtotal_minor)
        if most > 0:
            self.credit(about, {key: from_minor(data.draw(st.integers(1, most)), "EUR")})

    @precondition(lambda self: self.invoices)
    @rule()
    def a_person_takes_everything_back(self) -> None:
        for each in self.invoices:
            self.credit(each, None)

    def credit(self, about: Standing, wanted: dict[str, Decimal] | None) -> None:
        why = Why((about.document.number,), CorrectionReason.GOODWILL)
        note = credit_note(about.document, self.left_of(about), why, wanted)
        self.issue(note, about.id, is_kept_off=True)
        for each in note.lines:
            self.kept[each.key] += each.amount_minor
        self.is_void = self.total == 0

    @invariant()
    def no_note_is_of_more_than_its_invoice(self) -> None:
        every = [each for each in self.there if not each.document.is_credit_note]
        assert all(self.left_of(each).total_minor >= 0 for each in every)

    @invariant()
    def every_document_asks_for_or_gives_back_something(self) -> None:
        assert all(each.document.total_minor >= 0 for each in self.there)


TestAMonth = AMonth.TestCase
TestAMonth.settings = settings(max_examples=100, stateful_step_count=10, deadline=None)
