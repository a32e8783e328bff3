"""Owns whose a commitment is: who had the account that carries its fees, by day."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Set
from decimal import Decimal

import polars as pl

from invoices.allocation.commitments.policies import NOBODY
from invoices.allocation.commitments.shares import RESELLER, Recipient, Weights
from invoices.allocation.direct import BEARER
from invoices.clients import AccountId, ClientKey, Roster
from invoices.kinds import Kind
from invoices.periods import BillingPeriod

FEES = (Kind.RI_FEE, Kind.RI_UPFRONT, Kind.SP_FEE, Kind.SP_UPFRONT)
"""They stand on the account that bought the commitment."""

_ARN_ACCOUNT = re.compile("arn:[^:]*:[^:]*:[^:]*:([0-9]{12}):")
"""An ARN has the account that owns the resource (IAM user guide, "Amazon Resource Names")."""


def account_named(arn: str) -> str:
    """In an ARN; '' where there is none."""
    named = _ARN_ACCOUNT.match(arn)
    return named[1] if named else ""


class Owners:
    """The owners of a month's commitments, each with the days on which it had the account."""

    def __init__(
        self,
        assigned: pl.DataFrame,
        roster: Roster,
        *,
        period: BillingPeriod,
        internal_accounts: Set[AccountId],
    ) -> None:
        self._roster, self._period, self._internal = roster, period, internal_accounts
        fees = assigned.filter(
            pl.col("kind").is_in([str(kind) for kind in FEES]) & (pl.col("commitment_id") != "")
        )
        on = fees.select("commitment_id", "account_id", BEARER).unique().sort(pl.all())
        self._accounts: dict[str, str] = {}
        self._bearers = defaultdict[str, set[str]](set)
        for arn, account, bearer in on.iter_rows():
            self._accounts.setdefault(arn, account)
            if self._accounts[arn] == account and bearer:
                self._bearers[arn].add(bearer)

    def of(self, arn: str, stated: ClientKey = NOBODY) -> Weights:
        """By owner and account, the days of the period; nothing where nobody knows."""
        account = self.account_of(arn)
        if stated:
            held = self._held(stated)
            at = str(account if account in held else min(held, default=""))
            return {Recipient(stated, at): Decimal(1)} if at else {}
        if account == "":
            return {}
        if account in self._internal:
            return {RESELLER: Decimal(1)}
        days = self._days(account)
        if not days:
            return {Recipient(each, account): Decimal(1) for each in sorted(self._bearers[arn])}
        nobodys = (self._period.end - self._period.start).days - sum(days.values())
        if nobodys:
            days[RESELLER] = nobodys
        return {each: Decimal(number) for each, number in days.items()}

    def account_of(self, arn: str) -> str:
        """That carries its fees or, where the month has none, that the ARN names."""
        return self._accounts.get(arn, account_named(arn))

    def _days(self, account: str) -> dict[Recipient, int]:
        days = defaultdict[Recipient, int](int)
        for each in self._roster.assignments:
            if each.account_id == account and each.span.overlaps(self._period.days):
                until = min(each.span.end or self._period.end, self._period.end)
                first = max(each.span.start, self._period.start)
                days[Recipient(each.client, account)] += (until - first).days
        return days

    def _held(self, client: ClientKey) -> set[AccountId]:
        return {
            each.account_id
            for each in self._roster.assignments
            if each.client == client and each.span.overlaps(self._period.days)
        } - self._internal


__all__ = ["FEES", "Owners", "account_named"]
