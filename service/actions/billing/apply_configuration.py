"""Owns applying a configuration: the store says what the file says, and what that changed."""

from __future__ import annotations

from collections.abc import Iterator, Set
from datetime import datetime

from accounts.model.contacts import check_reseller
from invoices.clients import AccountId, ClientKey, OverlappingAssignments
from invoices.documents.invoice import DocumentType
from invoices.documents.numbering import YEAR, family_key
from kernel.errors import BadInput
from service.actions.billing.check_custom_line_items import check_custom_line_items
from service.actions.billing.check_shared_costs import check_shared_costs
from service.actions.billing.custom_line_items import (
    only_payer,
    place_at,
    write_custom_line_items,
)
from service.actions.onboarding.check_roles import check_catalogue_role
from service.configuration.reading import Configuration, ConfigurationRefused
from service.store.access import audit
from service.store.accounts import resellers
from service.store.billing import clients, facts, overrides, prices, sellers
from service.store.changes import Change, configure_alone
from service.store.session import Session

STARTS = {
    DocumentType.INVOICE: "seller.numbering.start",
    DocumentType.CREDIT_NOTE: "seller.numbering.credit_notes.start",
    DocumentType.SUPPLEMENTARY_INVOICE: "seller.numbering.supplementary_invoices.start",
}
"""Where a file says at which number documents of a type begin."""


def apply_configuration(
    session: Session,
    configuration: Configuration,
    *,
    actor: str,
    now: datetime,
    prune: bool = False,
) -> tuple[Change, ...]:
    """Nothing when applied again. What the file leaves out stays as it is.

    But `prune` ends custom line items that it leaves out. Raises ConfigurationRefused.
    """
    configure_alone(session)
    known = {each.key for each in (*configuration.clients, *clients.clients(session))}
    of_items = [*check_custom_line_items(session, configuration, known, prune=prune)]
    problems = [
        *map(str, of_items),
        *_late_starts(session, configuration),
        *_dangling_names(session, configuration),
        *_unfit_for_onboarding(session, configuration),
        *_own_accounts_sold(session, configuration),
    ]
    if problems:
        raise ConfigurationRefused(problems, of_items)
    try:
        changes = list(_write(session, configuration, now, prune=prune))
    except OverlappingAssignments as error:
        raise ConfigurationRefused([f"clients: {error}"]) from error
    for change in changes:
        audit.record(
            session,
            actor=actor,
            action="apply_configuration",
            subject=change.subject,
            before=change.before,
            after=change.after,
            now=now,
        )
    return tuple(changes)


def _write(
    session: Session, configuration: Configuration, now: datetime, *, prune: bool
) -> Iterator[Change]:
    # Before the file brings another payer: what was of the only one stays its.
    yield from place_at(session, only_payer(session))
    yield from _write_sellers(session, configuration)
    for payer in configuration.payer_accounts:
        yield from sellers.put_payer_account(session, payer)
    for book in configuration.price_books:
        yield from prices.put_price_book(session, book, now)
    yield from _write_clients(session, configuration)
    for account_id, name in configuration.account_names:
        yield from clients.put_account_name(session, account_id, name)
    yield from clients.put_assignments(session, configuration.assignments)
    yield from write_custom_line_items(session, configuration, prune=prune)
    yield from place_at(session, only_payer(session))
    for group in configuration.shared_costs:
        yield from prices.put_shared_cost(session, group)
    for waiver in configuration.waivers:
        yield from overrides.put_waiver(session, waiver)
    for line_type in configuration.line_types:
        yield from overrides.put_line_type(session, line_type)
    for rate in configuration.exchange_rates:
        yield from prices.put_exchange_rate(session, rate)
    yield from _write_onboarding(session, configuration)


def _write_sellers(session: Session, configuration: Configuration) -> Iterator[Change]:
    for seller, numbering in configuration.sellers:
        yield from sellers.put_seller(session, seller, numbering)
    for key, said in configuration.seller_facts:
        yield from facts.put_seller_facts(session, key, said)


def _write_clients(session: Session, configuration: Configuration) -> Iterator[Change]:
    for client in configuration.clients:
        yield from clients.put_client(session, client)
    for key, said in configuration.client_facts:
        yield from facts.put_client_facts(session, key, said)


def _write_onboarding(session: Session, configuration: Configuration) -> Iterator[Change]:
    for reseller in configuration.resellers:
        yield from resellers.put_reseller(session, reseller)
    for team in configuration.teams:
        yield from resellers.put_team(session, team)
    for role in configuration.roles:
        yield from resellers.put_role(session, role)


def _own_accounts_sold(session: Session, configuration: Configuration) -> Iterator[str]:
    """What is our own is no client's; that it was one's until some day is history."""
    payers = {each.account_id: each for each in sellers.payer_accounts(session)}
    payers |= {each.account_id: each for each in configuration.payer_accounts}
    organizations = (*configuration.resellers, *resellers.resellers(session))
    own = {account_id for payer in payers.values() for account_id in payer.internal_accounts}
    own |= {AccountId(each.access_account_id) for each in organizations}
    for assignment in configuration.assignments:
        if assignment.account_id in own and assignment.span.end is None:
            yield (
                f"clients.{assignment.client}.accounts: {assignment.account_id} is our own account "
                "(an access account, or among internal_accounts); take it off one of the two, or "
                "say until when it was the client's"
            )


def _unfit_for_onboarding(session: Session, configuration: Configuration) -> Iterator[str]:
    """Organizations of unknown payers, and roles whose policies may not be written."""
    paying = {payer.account_id for payer in configuration.payer_accounts}
    paying |= {payer.account_id for payer in sellers.payer_accounts(session)}
    for reseller in configuration.resellers:
        if reseller.payer_account_id not in paying:
            yield f"onboarding: {reseller.payer_account_id} is no payer; add it under `payers`"
            continue
        try:
            check_reseller(reseller)
        except BadInput as trouble:
            yield f"onboarding.organizations: {trouble}"
    organizations = (*configuration.resellers, *resellers.resellers(session))
    own = (*configuration.roles, *resellers.own_roles(session))
    for role in configuration.roles:
        try:
            check_catalogue_role(role, organizations, own=own)
        except BadInput as trouble:
            yield f"onboarding.roles: {trouble}"


def _late_starts(session: Session, configuration: Configuration) -> Iterator[str]:
    """A start that changes nothing would be believed to: a series with documents goes on."""
    for seller, numbering in configuration.sellers:
        for kind, where in STARTS.items():
            following = sellers.next_number(session, family_key(seller.key, kind))
            prefix, start = numbering.of_type(kind)
            if following is None or YEAR in prefix:
                continue
            _, stored = sellers.seller(session, seller.key)
            _, before = stored.of_type(kind)
            if start not in {before, following}:
                yield (
                    f"{where}: documents are numbered already, and the next is {following}; leave "
                    f"it at {before}, or begin anew each year with {YEAR} in the prefix"
                )


def _dangling_names(session: Session, configuration: Configuration) -> Iterator[str]:
    """Names of things that neither the file nor the store knows."""
    books = {book.key for book in configuration.price_books} | prices.price_book_keys(session)
    known = {client.key for client in (*configuration.clients, *clients.clients(session))}
    for client in configuration.clients:
        if client.price_book not in books:
            yield f"clients.{client.key}.price_book: there is no price book {client.price_book}"
    yield from _unknown_owners(configuration, known)
    yield from check_shared_costs(session, configuration, known)
    sold = {seller.key for seller, _ in configuration.sellers}
    for payer in configuration.payer_accounts:
        seller = payer.seller_key
        if seller is None or (seller not in sold and not sellers.is_seller(session, seller)):
            yield f"payers: {payer.account_id} has no seller; describe it under `seller`"


def _unknown_owners(configuration: Configuration, known: Set[ClientKey]) -> Iterator[str]:
    for book in configuration.price_books:
        owners = {owner for each in book.commitments.policies if (owner := each.owner)}
        for owner in sorted(owners - known):
            yield f"price_books.{book.key}.commitments: there is no client {owner} to own one"
        for owner in sorted({each.client for each in book.credits.owners} - known):
            yield f"price_books.{book.key}.credit_owners: there is no client {owner}"
