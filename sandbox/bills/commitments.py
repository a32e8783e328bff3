"""Owns reservations and savings plans: who bought them, who uses them, and the fees they cause."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from sandbox.bills.amounts import units
from sandbox.bills.aws_invoices import AwsInvoices
from sandbox.bills.catalog import INSTANCES, Offer
from sandbox.bills.lines import Interval, LineKind, Single, Template
from sandbox.bills.meters import MICRO, Meter
from sandbox.bills.organization import Month, SimulatedAccount, SimulatedOrganization

NO_UPFRONT, PARTIAL_UPFRONT, ALL_UPFRONT = "No Upfront", "Partial Upfront", "All Upfront"
OPTIONS = (NO_UPFRONT, PARTIAL_UPFRONT, ALL_UPFRONT)
VOLUME_DISCOUNT_PERMILLE = 50
OLD_MIN = 4
"""So that every payment option is used, and one commitment is not."""
_STEP = 10_000
"""Hourly rates are multiples of this many units, so that shares of them are whole units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservedInstance:
    arn: str
    owner: SimulatedAccount
    users: tuple[SimulatedAccount, ...]
    offer: Offer
    number: int
    payment_option: str
    upfront_rate: int
    """Units per instance-hour."""
    recurring_rate: int
    discount_rate: int
    """What the volume discount takes off the recurring rate."""
    hours: int
    purchase_cost: int = 0
    """The upfront fee, where it was bought in this very month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavingsPlan:
    arn: str
    owner: SimulatedAccount
    users: tuple[SimulatedAccount, ...]
    offer: Offer
    payment_option: str
    rate: int
    """What an instance-hour takes from the commitment."""
    commitment: int
    upfront_share_percent: int
    purchase_cost: int = 0


@dataclass(frozen=True, slots=True)
class Commitments:
    reservations: tuple[ReservedInstance, ...]
    plans: tuple[SavingsPlan, ...]


def invent_commitments(
    organization: SimulatedOrganization, month: Month, *, seed: int, since: Month
) -> Commitments:
    """Old ones run all year and are the same every month; one of each is bought every month since.

    Of the old ones every fourth is used by nobody; the new ones, a plan of the payer's and a
    reservation of some member's, not yet.
    """
    accounts = organization.whole_accounts()
    old = Random(f"commitments {seed}")
    count = max(OLD_MIN, len(accounts) // 10)
    reservations = [_reservation(old, accounts, n, month) for n in range(count)]
    plans = [_plan(old, accounts, n, month) for n in range(max(OLD_MIN, len(accounts) // 20))]
    while since <= month:
        new = Random(f"commitments {seed} {since}")
        owner = accounts[new.randrange(len(accounts))]
        reservations.append(_new_reservation(new, owner, month, bought_in=since))
        plans.append(_new_plan(new, organization.payer, month, bought_in=since))
        since = since.next
    return Commitments(tuple(reservations), tuple(plans))


def fees(
    commitments: Commitments, meters: Iterable[Meter], month: Month, invoices: AwsInvoices
) -> list[Single]:
    """Fee lines: what of every commitment the metered lines use, and what they leave unused."""
    used: dict[str, int] = {}
    for meter in meters:
        if meter.template.kind in (LineKind.RI_USAGE, LineKind.SP_USAGE):
            arn = meter.template.reservation_arn or meter.template.savings_plan_arn
            used[arn] = used.get(arn, 0) + meter.usage_total_micro // MICRO
    singles: list[Single] = []
    for reservation in commitments.reservations:
        singles += _reservation_fees(reservation, used.get(reservation.arn, 0), month, invoices)
    for plan in commitments.plans:
        singles += _plan_fees(plan, used.get(plan.arn, 0), month, invoices)
    return singles


def _arn(random: Random, service: str, owner: SimulatedAccount, what: str) -> str:
    region = "" if service == "savingsplans" else "eu-west-1"
    return f"arn:aws:{service}:{region}:{owner.id}:{what}/{random.getrandbits(128):032x}"


def _reservation(
    random: Random, accounts: tuple[SimulatedAccount, ...], number: int, month: Month
) -> ReservedInstance:
    owner = accounts[number % len(accounts)]
    shared = accounts[(number * 3 + 1) % len(accounts)]
    users: tuple[SimulatedAccount, ...] = (owner, shared) if owner != shared else (owner,)
    if number % 4 == 3:
        users = ()
    offer = INSTANCES[number % len(INSTANCES)]
    option = OPTIONS[number % 3]
    hourly = units(offer.rate) * 6 // 10 // _STEP * _STEP
    upfront = {NO_UPFRONT: 0, PARTIAL_UPFRONT: hourly // 2 // _STEP * _STEP, ALL_UPFRONT: hourly}
    recurring = hourly - upfront[option]
    return ReservedInstance(
        arn=_arn(random, "ec2", owner, "reserved-instances"),
        owner=owner,
        users=users,
        offer=offer,
        number=max(1, len(users)) + number % 2,
        payment_option=option,
        upfront_rate=upfront[option],
        recurring_rate=recurring,
        discount_rate=recurring * VOLUME_DISCOUNT_PERMILLE // 1000,
        hours=month.hours,
    )


def _new_reservation(
    random: Random, owner: SimulatedAccount, month: Month, *, bought_in: Month
) -> ReservedInstance:
    offer = INSTANCES[3]
    hourly = units(offer.rate) * 55 // 100 // _STEP * _STEP
    return ReservedInstance(
        arn=_arn(random, "ec2", owner, "reserved-instances"),
        owner=owner,
        users=(),
        offer=offer,
        number=2,
        payment_option=ALL_UPFRONT,
        upfront_rate=hourly,
        recurring_rate=0,
        discount_rate=0,
        hours=month.hours - (48 if bought_in == month else 0),
        purchase_cost=hourly * 2 * 8760 // 10**8 * 10**8 if bought_in == month else 0,
    )


def _plan(
    random: Random, accounts: tuple[SimulatedAccount, ...], number: int, month: Month
) -> SavingsPlan:
    owner = accounts[(number * 2) % len(accounts)]
    chosen = {accounts[(number * 5 + k) % len(accounts)].id for k in (0, 1)}
    users = tuple(a for a in accounts if a.id in chosen)
    if number % 4 == 3:
        users = ()
    offer = INSTANCES[1 + number % 4]
    rate = units(offer.rate) * 66 // 100 // _STEP * _STEP
    return SavingsPlan(
        arn=_arn(random, "savingsplans", owner, "savingsplan"),
        owner=owner,
        users=users,
        offer=offer,
        payment_option=OPTIONS[number % 3],
        rate=rate,
        commitment=rate * month.hours * (max(1, len(users)) + number % 2),
        upfront_share_percent={0: 0, 1: 50, 2: 100}[number % 3],
    )


def _new_plan(
    random: Random, owner: SimulatedAccount, month: Month, *, bought_in: Month
) -> SavingsPlan:
    """Three years for the payer, at a price of which careless casts of doubles lose the cents."""
    offer = INSTANCES[4]
    hourly = units("9.523")
    return SavingsPlan(
        arn=_arn(random, "savingsplans", owner, "savingsplan"),
        owner=owner,
        users=(),
        offer=offer,
        payment_option=ALL_UPFRONT,
        rate=units(offer.rate) // 2,
        commitment=hourly * (month.hours - (24 if bought_in == month else 0)),
        upfront_share_percent=100,
        purchase_cost=units("250281.97") if bought_in == month else 0,
    )


def _reservation_fees(
    reservation: ReservedInstance, used: int, month: Month, invoices: AwsInvoices
) -> list[Single]:
    capacity = reservation.number * reservation.hours
    unused = capacity - used
    assert unused >= 0, f"{reservation.arn} is used for more hours than it has"
    fee = Single(
        _fee_template(
            reservation, LineKind.RI_FEE, month, invoices.by_entity[reservation.owner.legal_entity]
        ),
        Interval(month.start, month.end),
        {
            "usage": capacity * 10**10,
            "unblended": reservation.recurring_rate * capacity,
            "ri_upfront_fee": reservation.upfront_rate * capacity,
            "ri_upfront_unused": reservation.upfront_rate * unused,
            "ri_recurring_unused": reservation.recurring_rate * unused,
            "ri_unused_discount": -reservation.discount_rate * unused,
            "discount_ri_volume": -reservation.discount_rate * capacity,
        },
    )
    if not reservation.purchase_cost:
        return [fee]
    bought = _fee_template(reservation, LineKind.RI_UPFRONT, month, invoices.reservation_purchase)
    return [fee, _purchase(bought, month, reservation.number, reservation.purchase_cost)]


def _plan_fees(plan: SavingsPlan, used: int, month: Month, invoices: AwsInvoices) -> list[Single]:
    spent = used * plan.rate
    assert spent <= plan.commitment, f"{plan.arn} covers more than its commitment"
    upfront = plan.commitment * plan.upfront_share_percent // 100
    fee = Single(
        _fee_template(plan, LineKind.SP_FEE, month, invoices.by_entity[plan.owner.legal_entity]),
        Interval(month.start, month.end),
        {
            "usage": month.hours * 10**10,
            "unblended": plan.commitment - upfront,
            "blended": plan.commitment - upfront,
            "sp_commitment": plan.commitment,
            "sp_used": spent,
            "sp_upfront_fee": upfront,
            "sp_recurring_fee": plan.commitment - upfront,
        },
    )
    if not plan.purchase_cost:
        return [fee]
    bought = _fee_template(plan, LineKind.SP_UPFRONT, month, invoices.savings_plan_purchase)
    return [fee, _purchase(bought, month, 1, plan.purchase_cost)]


def _purchase(template: Template, month: Month, number: int, cost: int) -> Single:
    at = month.start.replace(day=2, hour=9)
    measures = {"usage": number * 10**10, "unblended": cost, "blended": cost}
    return Single(template, Interval(at, at.replace(minute=59, second=59)), measures)


def _fee_template(
    commitment: ReservedInstance | SavingsPlan, kind: LineKind, month: Month, invoice_id: str
) -> Template:
    owner, offer = commitment.owner, commitment.offer
    upfront = kind in (LineKind.RI_UPFRONT, LineKind.SP_UPFRONT)
    reserved = isinstance(commitment, ReservedInstance)
    word = "reserved instance" if reserved else "Compute Savings Plan"
    what = "Sign up charge for" if upfront else "Recurring monthly fee of"
    token = commitment.arn[-32:]
    return Template(
        id=f"{token}{kind}{month}".replace("_", "").replace("-", ""),
        kind=kind,
        account_id=owner.id,
        account_name=owner.name,
        product_code=offer.product_code if reserved else "ComputeSavingsPlans",
        product_name=offer.product_name if reserved else "Savings Plans for AWS Compute usage",
        usage_type=f"HeavyUsage:{offer.instance_type}" if reserved else "ComputeSP:1yrAllUpfront",
        operation=offer.operation if reserved else "",
        description=f"{what} {commitment.payment_option} {word} ({token[:8]})",
        bill_type="Purchase" if upfront else "Anniversary",
        legal_entity=owner.legal_entity,
        invoice_id=invoice_id,
        region="eu-west-1" if reserved else "",
        unit="Hrs" if reserved else "Hours",
        pricing_term="Reserved" if reserved else "",
        reservation_arn=commitment.arn if reserved else "",
        savings_plan_arn="" if reserved else commitment.arn,
        payment_option=commitment.payment_option,
    )
