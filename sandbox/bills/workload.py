"""Owns what the accounts run: the meters of a month, with and without commitments behind them."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from sandbox.bills.amounts import units
from sandbox.bills.aws_invoices import AwsInvoices
from sandbox.bills.catalog import FREE, INSTANCES, MINOR_OFFERS, OFFERS, REGIONS, TINY, Offer
from sandbox.bills.commitments import Commitments, ReservedInstance, SavingsPlan
from sandbox.bills.lines import DISCOUNTS, LineKind, Template
from sandbox.bills.meters import MICRO, Meter
from sandbox.bills.organization import Month, SimulatedAccount, SimulatedOrganization

SPLIT_OPERATIONS = ("EKSPod-EC2", "ECSTask-EC2")
RATES_PERMILLE: dict[LineKind, int] = {
    LineKind.DISCOUNT_EDP: 50,
    LineKind.DISCOUNT_SPP: 30,
    LineKind.DISCOUNT_PRIVATE_RATE: 40,
    LineKind.DISCOUNT_BUNDLED: 100,
    LineKind.DISCOUNT_OTHER: 20,
}
_ONLY_ON = {
    LineKind.DISCOUNT_PRIVATE_RATE: "AmazonS3",
    LineKind.DISCOUNT_BUNDLED: "awswaf",
    LineKind.DISCOUNT_OTHER: "AmazonLightsail",
}


def invent_meters(
    organization: SimulatedOrganization,
    commitments: Commitments,
    month: Month,
    *,
    seed: int,
    rows: int,
    invoices: AwsInvoices,
) -> list[Meter]:
    """Metered lines, most of them plain usage of every account, so many that the bill has `rows`.

    That is an estimate: taxes, discounts and the rest come later, and split lines are few.
    """
    random = Random(f"meters {seed} {month}")
    accounts = len(organization.accounts)
    count = max(8, min(40, rows // (240 * accounts)))
    users = sum(len(reservation.users) for reservation in commitments.reservations)
    users += 2 * sum(len(plan.users) for plan in commitments.plans)
    singles = accounts * (2 + 7 * (count - 3) // 4)
    per_meter = max(1, (rows - singles) // (accounts * (count - 1) + users))
    maker = _Maker(random, month, per_meter, invoices)
    meters = [
        meter
        for number, account in enumerate(organization.accounts)
        for meter in maker.of_account(account, number, count)
    ]
    for reservation in commitments.reservations:
        meters += [maker.reserved(reservation, account) for account in reservation.users]
    for plan in commitments.plans:
        for account in plan.users:
            meters += maker.covered(plan, account)
    return [meter for meter in meters if meter.rows]


class _Maker:
    def __init__(self, random: Random, month: Month, per_meter: int, invoices: AwsInvoices) -> None:
        self._random = random
        self._month = month
        self._per_meter = per_meter
        self._invoices = invoices
        self._made = 0

    def of_account(self, account: SimulatedAccount, number: int, count: int) -> list[Meter]:
        """`count` meters, the first of which walk through the catalogue so that all of it sells."""
        offers = (*OFFERS, *MINOR_OFFERS)
        meters = [
            self._usage(account, offers[(number * 7 + k) % len(offers)]) for k in range(count - 3)
        ]
        meters.append(self._usage(account, FREE))
        meters.append(self._split(account, SPLIT_OPERATIONS[number % 2]))
        meters.append(self._marketplace(account) if number % 4 == 0 else self._usage(account, TINY))
        return meters

    def _usage(self, account: SimulatedAccount, offer: Offer) -> Meter:
        template = self._template(account, offer, LineKind.USAGE)
        rate, code = units(offer.rate), offer.product_code
        whole = offer.usage_micro % MICRO == 0 and offer.instance_type != ""
        permille = tuple(
            RATES_PERMILLE.get(kind, 0) if _ONLY_ON.get(kind, code) == code else 0
            for kind in DISCOUNTS
        )  # fmt: skip
        meter = self._whole(account, template)
        usage_micro = offer.usage_micro * meter.usage_micro // MICRO
        return replace(
            meter,
            usage_micro=usage_micro,
            jitter_micro=0 if whole else usage_micro // 2,
            rate=rate,
            blended_rate=units(offer.blended_rate or offer.rate),
            list_rate=rate,
            permille=permille,
        )

    def _split(self, account: SimulatedAccount, operation: str) -> Meter:
        """Repeats the cost of an instance per pod or task; readers must leave it out."""
        meter = self._usage(account, INSTANCES[1])
        parent = meter.template.resource_id
        child = f"arn:aws:eks:pod/{parent}/coredns" if "EKS" in operation else f"{parent}/task"
        template = replace(
            meter.template, operation=operation, resource_id=child, split_parent=parent
        )
        few = max(1, meter.rows // 20)
        return replace(meter, template=template, rows=few, permille=(0,) * len(DISCOUNTS))

    def _marketplace(self, account: SimulatedAccount) -> Meter:
        offer = Offer("8vk9d2x4marketplace0", "Guardrail SIEM", "", "MP:ingested_gb-Units", "",
                      "Units", "0.5", "0.25")  # fmt: skip
        meter = self._usage(account, offer)
        template = replace(
            meter.template,
            billing_entity="AWS Marketplace",
            legal_entity="Guardrail Security Inc.",
            seller="Guardrail Security Inc.",
            invoice_id=self._invoices.marketplace,
        )
        return replace(meter, template=template, permille=(0,) * len(DISCOUNTS))

    def reserved(self, reservation: ReservedInstance, account: SimulatedAccount) -> Meter:
        offer = reservation.offer
        template = replace(
            self._template(account, offer, LineKind.RI_USAGE),
            reservation_arn=reservation.arn,
            payment_option=reservation.payment_option,
            pricing_term="Reserved",
            description=f"{offer.product_name}, {offer.instance_type} reserved instance applied",
            rate="0",
        )
        return replace(
            self._whole(account, template),
            blended_rate=units(offer.rate) * 7 // 10,
            list_rate=units(offer.rate),
            ri_upfront_rate=reservation.upfront_rate,
            ri_recurring_rate=reservation.recurring_rate,
            ri_discount_rate=-reservation.discount_rate,
        )

    def covered(self, plan: SavingsPlan, account: SimulatedAccount) -> list[Meter]:
        """Lines at the on-demand cost, and as many that take it away again."""
        offer = plan.offer
        template = replace(
            self._template(account, offer, LineKind.SP_USAGE),
            savings_plan_arn=plan.arn,
            payment_option=plan.payment_option,
        )
        rate = units(offer.rate)
        covered = replace(
            self._whole(account, template),
            rate=rate,
            blended_rate=rate,
            list_rate=rate,
            sp_rate=plan.rate,
        )
        negation = replace(
            template,
            id=self._next_id(),
            kind=LineKind.SP_NEGATION,
            description=f"SavingsPlanNegation used by AccountId : {account.id} and UsageSku : "
            f"{template.sku}",
        )
        taken = replace(covered, template=negation, rate=-rate, blended_rate=-rate)
        return [covered, replace(taken, list_rate=0, sp_rate=0)]

    def _whole(self, account: SimulatedAccount, template: Template) -> Meter:
        """As many instance-hours a line as it takes to fill the month."""
        meter = self._meter(account, template)
        instances = max(1, meter.span_hours // max(1, meter.rows))
        return replace(meter, usage_micro=instances * MICRO)

    def _meter(self, account: SimulatedAccount, template: Template) -> Meter:
        first, span = account.hours_in(self._month)
        rows = min(self._per_meter, span)
        return Meter(template=template, rows=rows, first_hour=first, span_hours=span, usage_micro=0)

    def _template(self, account: SimulatedAccount, offer: Offer, kind: LineKind) -> Template:
        region, prefix = REGIONS[self._random.randrange(len(REGIONS))]
        size = f" per {offer.instance_type} instance" if offer.instance_type else ""
        sku = _sku(prefix + offer.usage_type)
        return Template(
            id=self._next_id(),
            kind=kind,
            account_id=account.id,
            account_name=account.name,
            product_code=offer.product_code,
            product_name=offer.product_name,
            usage_type=prefix + offer.usage_type,
            operation=offer.operation,
            description=f"${offer.rate}{size} per {offer.unit} in {region}",
            legal_entity=account.legal_entity,
            invoice_id=self._invoices.by_entity[account.legal_entity],
            product_family=offer.family,
            service_code=offer.product_code,
            instance_type=offer.instance_type,
            region=region,
            availability_zone=f"{region}{self._random.choice('abc')}" if size else "",
            resource_id=self._resource(account, offer, region),
            unit=offer.unit,
            sku=sku,
            rate=offer.rate,
            blended_rate=offer.blended_rate or offer.rate,
            list_rate=offer.rate,
            pricing_term="OnDemand",
            tags=self._tags(),
        )

    def _resource(self, account: SimulatedAccount, offer: Offer, region: str) -> str:
        token = f"{self._random.getrandbits(68):017x}"
        if offer.product_code == "AmazonEC2":
            return ("i-" if offer.instance_type else "vol-") + token
        return f"arn:aws:{offer.product_code.lower()}:{region}:{account.id}:{token[:8]}"

    def _tags(self) -> tuple[tuple[str, str], ...]:
        project = self._random.choice(("", "apollo", "борис", "größe", "=1+1"))
        team = self._random.choice(("", "core", "data", "web"))
        return tuple((k, v) for k, v in (("project", project), ("team", team)) if v)

    def _next_id(self) -> str:
        self._made += 1
        return f"{self._random.getrandbits(200):052x}{self._made:06x}"[-52:]


def _sku(usage_type: str) -> str:
    return f"{Random(usage_type).getrandbits(64):016X}"
