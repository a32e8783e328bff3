"""Owns the configuration file as the core's values: reading it, and saying what is wrong in it."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import ValidationError

from accounts.model.organization import Reseller
from accounts.model.role_spec import RoleSpec
from invoices.allocation.shared_costs.groups import SharedCost
from invoices.clients import (
    AccountId,
    Address,
    Assignment,
    Client,
    ClientFacts,
    ClientKey,
    MonthPolicies,
    OverlappingAssignments,
    Roster,
    Tax,
    TaxCategory,
)
from invoices.documents.invoice import DocumentType, Seller, SellerFacts
from invoices.inputs import ExchangeRate, LineType, Waiver
from invoices.kinds import Kind
from invoices.money import Rounding
from invoices.periods import DaySpan
from invoices.pricing.book import PriceBook
from invoices.pricing.custom import CustomLineItem
from kernel.errors import BadInput
from service.configuration import forms
from service.configuration.items import ItemProblem, custom_line_item_of, item_problems
from service.configuration.onboarding_forms import FileForm, resellers_of, roles_of, teams_of
from service.configuration.price_books import price_book_of
from service.configuration.shared_costs import shared_cost_key, shared_cost_of
from service.configuration.values import tidy
from service.store.accounts.resellers import Team
from service.store.billing.sellers import Numbering, PayerAccount


class ConfigurationRefused(BadInput):
    """`problems` are lines of path and rule, one for each thing to mend."""

    def __init__(self, problems: list[str], of_items: Iterable[ItemProblem] = ()) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)
        self.of_items = tuple(of_items)
        """Those of the problems that are of one custom line item each."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a file says; what it leaves out stays as it is in the store."""

    sellers: tuple[tuple[Seller, Numbering], ...]
    payer_accounts: tuple[PayerAccount, ...]
    clients: tuple[Client, ...]
    account_names: tuple[tuple[AccountId, str], ...]
    assignments: tuple[Assignment, ...]
    price_books: tuple[PriceBook, ...]
    custom_line_items: tuple[CustomLineItem, ...]
    exchange_rates: tuple[ExchangeRate, ...]
    shared_costs: tuple[SharedCost, ...] = ()
    line_types: tuple[LineType, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    client_facts: tuple[tuple[ClientKey, tuple[ClientFacts, ...]], ...] = ()
    """Of the clients that list any, all of them."""
    seller_facts: tuple[tuple[str, tuple[SellerFacts, ...]], ...] = ()
    resellers: tuple[Reseller, ...] = ()
    teams: tuple[Team, ...] = ()
    roles: tuple[RoleSpec, ...] = ()

    @classmethod
    def of_items(cls, items: tuple[CustomLineItem, ...]) -> Configuration:
        """Nothing but these."""
        return cls((), (), (), (), (), (), items, ())


def read_configuration(text: str) -> Configuration:
    """Raises ConfigurationRefused."""
    try:
        written = yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.YAMLError as error:
        raise ConfigurationRefused([" ".join(str(error).split())]) from error
    try:
        form = FileForm.model_validate(written or {})
    except ValidationError as error:
        raise ConfigurationRefused([_one_line(problem) for problem in error.errors()]) from error
    items = map(custom_line_item_of, form.custom_line_items)
    problems = [*_repeated_keys(form), *_overlaps(form), *map(str, item_problems(items))]
    if problems:
        raise ConfigurationRefused(problems)
    return _from_form(form)


class _StrictLoader(yaml.SafeLoader):
    """A key written twice is a mistake, not the later one's victory."""


def _mapping_of_unique_keys(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    for key, (written, _) in zip(keys, node.value, strict=True):
        if not isinstance(key, str):
            # `on`, `yes` and `no` are truths of YAML 1.1, and 2026-10-01 is a day.
            problem = f"`{written.value}` is read as {key}: write it in quotes"
            raise yaml.constructor.ConstructorError(None, None, problem, written.start_mark)
        if keys.count(key) > 1:
            problem = f"{key!r} is written twice"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
    return loader.construct_mapping(node, deep=True)


_StrictLoader.add_constructor("tag:yaml.org,2002:map", _mapping_of_unique_keys)


def _one_line(problem: Any) -> str:
    path = ""
    for step in problem["loc"]:
        if isinstance(step, int):
            path += f"[{step}]"
        elif re.fullmatch("[a-z_]+", step):
            path += f".{step}"
        elif step.startswith("arn:"):
            path += f"[{step}]"
    words = {
        "extra_forbidden": "there is no such setting",
        "missing": "is required",
    }.get(problem["type"], problem["msg"].removeprefix("Value error, "))
    return f"{path.removeprefix('.') or 'the file'}: {words}"


def _repeated_keys(form: forms.ConfigurationForm) -> Iterator[str]:
    keys = {
        "payers": [payer.account_id for payer in form.payers],
        "clients": [client.key for client in form.clients],
        "price_books": [f"{book.key} from {book.start}" for book in form.price_books],
        "waivers": [f"{w.payer} {w.period} {w.code} {w.client or ''}" for w in form.waivers],
        "line_types": [f"{each.type} from {each.start}" for each in form.line_types],
        "clients.facts": [f"{c.key} from {e.start}" for c in form.clients for e in c.facts or ()],
        "seller.facts": [str(e.start) for e in (form.seller and form.seller.facts) or ()],
        "shared_costs": [f"{shared_cost_key(e)} from {e.start}" for e in form.shared_costs],
        "exchange_rates": [
            f"{rate.period} {rate.from_currency} to {rate.to_currency}"
            for rate in form.exchange_rates
        ],
    }
    for name, values in keys.items():
        for value in sorted({value for value in values if values.count(value) > 1}):
            yield f"{name}: {value} is written twice"


def _overlaps(form: forms.ConfigurationForm) -> Iterator[str]:
    try:
        Roster.of(_assignments(form))
    except OverlappingAssignments as error:
        yield f"clients: {error}"


def _from_form(form: FileForm) -> Configuration:
    seller_key = form.seller.key if form.seller else forms.SELLER_KEY
    return Configuration(
        sellers=(_seller(form.seller),) if form.seller else (),
        payer_accounts=tuple(
            PayerAccount(
                AccountId(payer.account_id),
                seller_key,
                frozenset(map(AccountId, payer.internal_accounts)),
                tuple((export.dialect, export.location) for export in payer.exports),
                payer.prorate_monthly_fees,
                tuple(sorted({*payer.tags})),
            )
            for payer in form.payers
        ),
        clients=tuple(map(_client, form.clients)),
        account_names=tuple(
            (AccountId(account.id), account.name)
            for client in form.clients
            for account in client.accounts
            if account.name is not None
        ),
        assignments=_assignments(form),
        price_books=tuple(map(price_book_of, form.price_books)),
        custom_line_items=tuple(map(custom_line_item_of, form.custom_line_items)),
        exchange_rates=tuple(
            ExchangeRate(
                rate.period, rate.from_currency, rate.to_currency, tidy(rate.rate), rate.source
            )
            for rate in form.exchange_rates
        ),
        shared_costs=tuple(map(shared_cost_of, form.shared_costs)),
        line_types=tuple(
            LineType(each.type, each.start, Kind(each.kind)) for each in form.line_types
        ),
        waivers=tuple(
            Waiver(AccountId(each.payer), each.period, each.code, each.client or "", each.reason)
            for each in form.waivers
        ),
        client_facts=tuple(
            (ClientKey(client.key), tuple(_client_facts(client.key, each) for each in client.facts))
            for client in form.clients
            if client.facts is not None
        ),
        seller_facts=_all_seller_facts(form.seller),
        resellers=resellers_of(form.onboarding),
        teams=teams_of(form.onboarding),
        roles=roles_of(form.onboarding),
    )


def _seller(form: forms.SellerForm) -> tuple[Seller, Numbering]:
    seller = Seller(
        key=form.key,
        name=form.name,
        address=_address(form.address),
        tax_id=form.tax_id,
        email=form.email,
        phone=form.phone,
        website=form.website,
        registration=form.registration,
        payment_details=tuple(form.payment_details.items()),
        footer=form.footer,
    )
    numbering = Numbering(
        form.numbering.prefix,
        form.numbering.start,
        Rounding(form.rounding),
        _rounding(form.tax_rounding),
        form.tax_currency or "",
        MonthPolicies.of(form.zero_months, form.negative_months),
        {
            each: (said.prefix, said.start)
            for each, said in (
                (DocumentType.CREDIT_NOTE, form.numbering.credit_notes),
                (DocumentType.SUPPLEMENTARY_INVOICE, form.numbering.supplementary_invoices),
            )
            if said is not None
        },
    )
    return seller, numbering


def _rounding(word: forms.RoundingWord | None) -> Rounding | None:
    return None if word is None else Rounding(word)


def _address(form: forms.AddressForm) -> Address:
    return Address(form.street, form.city, form.postcode, form.country, form.region)


def _tax(form: forms.TaxForm) -> Tax:
    return Tax(
        TaxCategory(form.category),
        tidy(form.rate_percent),
        form.vat_id,
        form.note,
        _rounding(form.rounding),
    )


def _client(form: forms.ClientForm) -> Client:
    return Client(
        key=ClientKey(form.key),
        name=form.name,
        currency=form.currency,
        address=_address(form.address),
        tax=_tax(form.tax),
        price_book=form.price_book,
        payment_terms_days=form.payment_terms_days,
        email=form.email,
        buyer_reference=form.buyer_reference,
        external_refs=tuple(sorted(form.external_refs.items())),
        rounding=_rounding(form.rounding),
        months=MonthPolicies.of(form.zero_months, form.negative_months),
    )


def _client_facts(key: str, form: forms.ClientFactsForm) -> ClientFacts:
    return ClientFacts(
        client=ClientKey(key),
        start=form.start,
        name=form.name,
        address=_address(form.address) if form.address else None,
        email=form.email,
        tax=_tax(form.tax) if form.tax else None,
        buyer_reference=form.buyer_reference,
    )


def _all_seller_facts(
    form: forms.SellerForm | None,
) -> tuple[tuple[str, tuple[SellerFacts, ...]], ...]:
    if form is None or form.facts is None:
        return ()
    return ((form.key, tuple(_seller_facts(form.key, each) for each in form.facts)),)


def _seller_facts(key: str, form: forms.SellerFactsForm) -> SellerFacts:
    details = form.payment_details
    return SellerFacts(
        seller=key,
        start=form.start,
        name=form.name,
        address=_address(form.address) if form.address else None,
        tax_id=form.tax_id,
        email=form.email,
        phone=form.phone,
        website=form.website,
        registration=form.registration,
        payment_details=None if details is None else tuple(details.items()),
        footer=form.footer,
    )


def _assignments(form: forms.ConfigurationForm) -> tuple[Assignment, ...]:
    return tuple(
        Assignment(
            AccountId(account.id), ClientKey(client.key), DaySpan(account.start, account.end)
        )
        for client in form.clients
        for account in client.accounts
    )
