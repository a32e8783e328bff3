"""Owns the checks of reservations and savings plans: who used whose, and what a contract asks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from invoices.allocation.commitments.owners import account_named
from invoices.allocation.commitments.policies import (
    BY_OWNER,
    CommitmentPolicies,
    CommitmentPolicy,
    Spread,
    Upfront,
)
from invoices.allocation.commitments.reapplication import PaidUpfront, UsedBenefit
from invoices.checks.checked import CheckedMonth, parks
from invoices.clients import ClientKey
from invoices.kinds import CostBasis
from invoices.money import plain
from invoices.periods import BillingPeriod
from invoices.pricing.book import PriceBook
from kernel.findings import Finding, Severity

CENT = Decimal("0.01")
FORBIDDEN_FROM = BillingPeriod(2025, 6)
"""AWS's policy for resellers: from 2025-06-01 a reservation or savings plan is one end customer's,
and not shared among several (notice to members of the Solution Provider and Distribution programs;
"Archera's compliance with the updated AWS RI and SP sharing policy")."""


def benefits_that_crossed(facts: CheckedMonth) -> Iterator[Finding]:
    """Of one end customer's commitment, what AWS applied to another's usage."""
    policies = _policies(facts)
    for currency, used in _by_commitment(facts):
        crossed = [each for each in used if each.has_crossed]
        if not crossed:
            continue
        arn, owners = crossed[0].commitment_id, " and ".join(crossed[0].owners)
        amounts = ", ".join(
            f"{plain(each.benefit)} {currency} to {each.client}"
            if each.is_answered
            else f"an amount that the export does not tell to {each.client}"
            for each in crossed
        )
        rule = (
            " AWS forbids it to resellers since 2025-06-01: turn sharing off, or group accounts by "
            "client."
            if facts.inputs.period >= FORBIDDEN_FROM
            else ""
        )
        words = (
            f"The benefit of {arn}, which is {owners}'s, went to other clients: {amounts}.{rule}"
        )
        told = Finding(Severity.WARNING, "commitment_crossed", arn, words)
        concerned = {*crossed[0].owners, *(each.client for each in crossed)}
        blocking = [key for key in sorted(concerned) if _blocks(policies.get(key))]
        for key in blocking:
            yield replace(told, severity=Severity.CRITICAL, client=key)
        if not blocking:
            yield told


def _blocks(policies: CommitmentPolicies | None) -> bool:
    return policies is not None and policies.blocks_crossing


def unanswerable_commitments(facts: CheckedMonth) -> Iterator[Finding]:
    """What a policy needs to know and the export does not say: nothing is guessed."""
    policies = _policies(facts)
    for _, used in _by_commitment(facts):
        spoken = {
            each.client: policy
            for each in used
            if (of_client := policies.get(each.client))
            and not (policy := of_client.of(each.commitment_id)).says_nothing
        }
        for each in used:
            if each.client not in spoken:
                continue
            said = (
                f"{each.client} pays for {each.commitment_id or 'a commitment'} by "
                f"{spoken[each.client].benefit}, and "
            )
            why = _unanswered(facts, each)
            for client in _concerned(each, spoken) if why else ():
                yield parks(client, "commitment_unanswerable", said + why)
            if each.lacks_owner:
                yield parks(
                    each.client,
                    "commitment_owner_unknown",
                    f"{said}no account of a client carries its fees this month: state its owner in "
                    "the price book, under commitments.arns.",
                )


def _unanswered(facts: CheckedMonth, used: UsedBenefit) -> str:
    """Why nobody knows what it saved; '' where it is known."""
    arn, limits = used.commitment_id, facts.inputs.export_limits
    currencies = [
        currency for currency, month in facts.by_currency.items() if arn in month.commitments.arns
    ]
    if len(currencies) > 1:
        return (
            f"it is charged in {' and '.join(sorted(currencies))}, and AWS charges one in a single "
            "currency. Have the export delivered anew, or write pass_through."
        )
    if used.is_answered and "amortized" not in limits.bases and arn not in limits.on_demand:
        return ""
    why = limits.bases.get("amortized") or limits.bases.get("list") or "it shows none"
    if arn in limits.on_demand:
        why = f"rows without it: {limits.on_demand[arn]}"
    return (
        "the export does not tell the on-demand equivalent or the effective cost of all that it "
        f"covered ({why}). Add the public on-demand cost and the amortization columns to the "
        "export and ingest it again, or write pass_through."
    )


def _concerned(used: UsedBenefit, spoken: Mapping[ClientKey, CommitmentPolicy]) -> list[ClientKey]:
    """Whose invoices it changes: its user's, an owner's that has its benefit, its pool's."""
    policy = spoken[used.client]
    owners = used.owners if policy.benefit in BY_OWNER else ()
    pool = [key for key, other in spoken.items() if policy.pool and other.pool == policy.pool]
    return sorted({used.client, *owners, *pool})


def untold_amortization(facts: CheckedMonth) -> Iterator[Finding]:
    """An upfront fee is billed by AWS's amortization only where the charges have it."""
    books, limits = _books(facts), facts.inputs.export_limits.bases
    for month in facts.by_currency.values():
        for arn, untold in sorted(month.commitments.untold.items()):
            for client in month.commitments.owners[arn]:
                book = books.get(client)
                if book is None or book.commitments.of(arn).upfront is not Upfront.AMORTIZED:
                    continue
                is_net = book.cost_basis is CostBasis.NET_BILLED
                if is_net:
                    why = _untold_after_discounts(untold.net, limits)
                else:
                    why = _untold_by_the_export(untold.billed)
                if why:
                    yield parks(
                        client,
                        "commitment_upfront_unanswerable",
                        f"{client} pays the upfront fee of {arn} as AWS amortizes it, and {why}",
                    )


def _untold_by_the_export(lacks: Decimal) -> str:
    if abs(lacks) < CENT:
        return ""
    return (
        f"the export does not tell how much of it is this month's ({plain(lacks)} is not "
        "explained; FOCUS has no such column). Ingest a Cost and Usage Report with the "
        "amortization columns, or write how many invoices it is spread over."
    )


def _untold_after_discounts(lacks: Decimal, limits: Mapping[str, str]) -> str:
    if abs(lacks) < CENT and "net_amortized" not in limits:
        return ""
    return (
        "Rebill does not know how much of it is this month's after discounts ("
        f"{limits.get('net_amortized') or f'before them, it is another sum by {plain(lacks)}'}). "
        "Write its amount after discounts, and how many invoices it is spread over."
    )


def commitments_not_in_month(facts: CheckedMonth) -> Iterator[Finding]:
    """A policy for what does not occur is a slip of the pen, or of another month.

    Or it is another payer's. Where the account in the ARN is a client's without a charge of this
    payer, its own payer's month tells.
    """
    inputs = facts.inputs
    arns = {arn for month in facts.by_currency.values() for arn in month.commitments.arns}
    charged = {each for month in facts.by_currency.values() for each in month.commitments.accounts}
    elsewhere = {str(each.account_id) for each in inputs.roster.assignments} - charged
    where, unless = f"in {inputs.period}", ""
    if inputs.has_other_payers:
        where = f"of payer account {inputs.payer_account_id} {where}"
        unless = ", unless another payer has it"
    for key in sorted({client.price_book for client in facts.billed_clients}):
        book = inputs.price_books.get(key)
        for arn in sorted(book.commitments.by_arn.keys() - arns) if book else ():
            if inputs.has_other_payers and account_named(arn) in elsewhere:
                continue
            spread = book.commitments.of(arn).upfront if book else None
            is_due = isinstance(spread, Spread) and spread.number_in(inputs.period) is not None
            nothing = "nothing"
            if is_due and account_named(arn) in charged:
                nothing = "nothing but its part of the upfront fee"
            yield Finding(
                Severity.WARNING,
                "commitment_not_in_month",
                key,
                f"Price book {key} has a policy for {arn}, which has no charge {where}: "
                f"{nothing} is billed by it{unless}. Mend the ARN or leave it out.",
            )


def spread_fees_that_differ(facts: CheckedMonth) -> Iterator[Finding]:
    """The stated upfront fee is what AWS billed, and in that month; on a net basis, net."""
    period = facts.inputs.period
    paid = {
        arn: amount
        for month in facts.by_currency.values()
        for arn, amount in month.commitments.upfront.items()
    }
    for client, book in sorted(_books(facts).items()):
        for arn, policy in sorted(book.commitments.by_arn.items()):
            spread = policy.upfront
            if not isinstance(spread, Spread) or not _owns(facts, arn, client):
                continue
            found = paid.get(arn, PaidUpfront(Decimal(0), Decimal(0)))
            is_net = book.cost_basis is CostBasis.NET_BILLED
            billed = found.net if is_net else found.billed
            expected = spread.amount if spread.start == period else Decimal(0)
            if billed != expected:
                yield parks(
                    client,
                    "commitment_upfront_differs",
                    f"{client} pays the upfront fee of {arn} in {spread.months} invoices of "
                    f"{plain(spread.amount)} from {spread.start}; in {period} AWS billed "
                    f"{plain(billed)} of it{' after discounts' if is_net else ''}. Mend amount or "
                    "first month in its price book.",
                )


def spread_fees_of_nobody(facts: CheckedMonth) -> Iterator[Finding]:
    """A part of an upfront fee that a price book spreads, and whose owner's does not.

    The commitment's account may go to another client, or be the reseller's own, within the term.
    """
    inputs, books = facts.inputs, _books(facts)
    owners = {
        arn: found
        for month in facts.by_currency.values()
        for arn, found in month.commitments.owners.items()
    }
    for key, book in sorted(inputs.price_books.items()):
        for arn, policy in sorted(book.commitments.by_arn.items()):
            spread = policy.upfront
            if not isinstance(spread, Spread) or spread.number_in(inputs.period) is None:
                continue
            whose = (policy.owner,) if policy.owner else owners.get(arn, ())
            others = [each for each in whose if not _spreads(books.get(each), arn)]
            if arn in owners and (others or not whose):
                of = " and ".join(others) or "no client"
                yield Finding(
                    Severity.WARNING,
                    "commitment_upfront_unbilled",
                    arn,
                    f"Price book {key} spreads the upfront fee of {arn} over {spread.months} "
                    f"invoices from {spread.start}, and in {inputs.period} it is {of}'s, whose "
                    f"price book does not: that part of {plain(spread.amount)} is billed to "
                    "nobody. Write it in the owner's price book as well, or who is its `owner`.",
                )


def _spreads(book: PriceBook | None, arn: str) -> bool:
    return book is not None and isinstance(book.commitments.of(arn).upfront, Spread)


def credits_without_owner(facts: CheckedMonth) -> Iterator[Finding]:
    """AWS's reports have no column for a credit's id: its description says it, or nothing does."""
    for currency, month in facts.by_currency.items():
        for each in month.ownerless_credits:
            yield parks(
                each.client,
                "credit_owner_unknown",
                f"A credit of {plain(each.net_billed_cost)} {currency} that AWS applied to "
                f"{each.client} ({each.description or 'without a description'}) has no owner on "
                f"its day with an account in {facts.inputs.period}: state it in the price book, "
                "under credit_owners.",
            )


def _owns(facts: CheckedMonth, arn: str, client: str) -> bool:
    owners = [month.commitments.owners.get(arn, ()) for month in facts.by_currency.values()]
    return any(client in each for each in owners)


def _by_commitment(facts: CheckedMonth) -> Iterator[tuple[str, list[UsedBenefit]]]:
    for currency, month in facts.by_currency.items():
        found = defaultdict[str, list[UsedBenefit]](list)
        for each in month.commitments.used:
            found[each.commitment_id].append(each)
        for _, used in sorted(found.items()):
            yield currency, used


def _policies(facts: CheckedMonth) -> dict[ClientKey, CommitmentPolicies]:
    return {client: book.commitments for client, book in _books(facts).items()}


def _books(facts: CheckedMonth) -> dict[ClientKey, PriceBook]:
    books = facts.inputs.price_books
    return {
        client.key: books[client.price_book]
        for client in facts.billed_clients
        if client.price_book in books
    }
