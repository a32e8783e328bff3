"""Owns the pretend organization: a payer, its member accounts, and whose client each is when."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from sandbox.bills.names import ACCOUNT_NAMES, CLIENT_NAMES

LONG_AGO = date(2015, 1, 1)
EVENTS_FROM = 8
"""Organizations of fewer accounts are too small for somebody to join, leave, move or close."""


@dataclass(frozen=True, slots=True, order=True)
class Month:
    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Month:
        """Raises ValueError unless `text` is `YYYY-MM`."""
        match = re.fullmatch(r"(20[0-9]{2})-(0[1-9]|1[0-2])", text)
        if match is None:
            raise ValueError(f"{text!r} is no month; write it as YYYY-MM, like 2026-10")
        return cls(int(match[1]), int(match[2]))

    @property
    def start(self) -> datetime:
        return datetime(self.year, self.number, 1, tzinfo=UTC)

    @property
    def next(self) -> Month:
        return Month(self.year + self.number // 12, self.number % 12 + 1)

    @property
    def end(self) -> datetime:
        return self.next.start

    @property
    def hours(self) -> int:
        return int((self.end - self.start) / timedelta(hours=1))

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"


@dataclass(frozen=True, slots=True)
class SimulatedAccount:
    """A member account, used from `joined_on` until, but without, `left_on`."""

    id: str
    name: str
    email: str
    legal_entity: str
    joined_on: date = LONG_AGO
    left_on: date | None = None
    fate: str = ""
    """Why it left: `left` the organization, or `closed`."""

    @property
    def is_whole(self) -> bool:
        return self.joined_on == LONG_AGO and self.left_on is None

    def hours_in(self, month: Month) -> tuple[int, int]:
        """First hour and number of hours of the month in which the account runs anything."""
        start = max(datetime.combine(self.joined_on, time(), UTC), month.start)
        end = month.end
        if self.left_on is not None:
            end = min(end, datetime.combine(self.left_on, time(), UTC))
        first = int((start - month.start) / timedelta(hours=1))
        return first, max(0, int((end - start) / timedelta(hours=1)))


@dataclass(frozen=True, slots=True)
class SimulatedClient:
    key: str
    name: str
    city: str
    country: str


@dataclass(frozen=True, slots=True)
class SimulatedAssignment:
    """That the account is the client's from a day until, but without, another."""

    account_id: str
    client: str
    start: date
    end: date | None = None

    def __contains__(self, day: date) -> bool:
        return self.start <= day and (self.end is None or day < self.end)


@dataclass(frozen=True, slots=True)
class SimulatedOrganization:
    payer: SimulatedAccount
    accounts: tuple[SimulatedAccount, ...]
    clients: tuple[SimulatedClient, ...]
    roster: tuple[SimulatedAssignment, ...]
    first: Month
    """The first month simulated."""

    def whole_accounts(self) -> tuple[SimulatedAccount, ...]:
        """Those that neither join nor leave: they own and use the commitments."""
        return tuple(a for a in self.accounts if a.is_whole) or self.accounts

    def clients_by_account(self) -> dict[str, tuple[SimulatedAssignment, ...]]:
        found: dict[str, list[SimulatedAssignment]] = {}
        for assignment in self.roster:
            found.setdefault(assignment.account_id, []).append(assignment)
        return {account: tuple(spans) for account, spans in found.items()}


def invent_organization(
    *, seed: int, accounts: int, first: Month, last: Month
) -> SimulatedOrganization:
    """The payer is no client's. Ids with leading zeros are among the first accounts."""
    random = Random(f"organization {seed}")
    ids = _ids(random, accounts + 1)
    members = [_member(number, ids[number + 1]) for number in range(accounts)]
    if accounts >= EVENTS_FROM:
        members = _with_events(members, first=first, last=last)
    clients = _clients(max(1, round(accounts / 3)))
    payer = SimulatedAccount(
        ids[0], "Payer – management", "aws@msp.example", "Amazon Web Services, Inc."
    )
    roster = _roster(members, clients, moved_on=last.start.date() + timedelta(days=14))
    return SimulatedOrganization(payer, tuple(members), clients, roster, first)


def _ids(random: Random, count: int) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < count:
        zeros = {1: 1, 2: 4, 3: 11}.get(len(found), 0)
        low, high = 10 ** (11 - zeros), 10 ** (12 - zeros) - 1
        found[f"{random.randint(max(low, 1), high):012}"] = None
    return list(found)


def _member(number: int, account_id: str) -> SimulatedAccount:
    name = ACCOUNT_NAMES[number % len(ACCOUNT_NAMES)]
    if number >= len(ACCOUNT_NAMES):
        name = f"{name} {number // len(ACCOUNT_NAMES) + 1}"
    europe = number % 3 == 1
    entity = "Amazon Web Services EMEA SARL" if europe else "Amazon Web Services, Inc."
    return SimulatedAccount(account_id, name, f"aws+{account_id}@msp.example", entity)


def _with_events(
    members: list[SimulatedAccount], *, first: Month, last: Month
) -> list[SimulatedAccount]:
    """One account joins in the first month; one leaves and one is closed in the last."""
    joins, leaves, closes = (members.pop() for _ in range(3))
    opening, closing = first.start.date(), last.start.date()
    return [
        *members,
        _changed(joins, joined_on=opening + timedelta(days=10)),
        _changed(leaves, left_on=closing + timedelta(days=17), fate="left"),
        _changed(closes, left_on=closing + timedelta(days=20), fate="closed"),
    ]


def _changed(
    account: SimulatedAccount,
    *,
    joined_on: date = LONG_AGO,
    left_on: date | None = None,
    fate: str = "",
) -> SimulatedAccount:
    return SimulatedAccount(
        account.id, account.name, account.email, account.legal_entity, joined_on, left_on, fate
    )


def _clients(count: int) -> tuple[SimulatedClient, ...]:
    def client(number: int) -> SimulatedClient:
        key, name, city, country = CLIENT_NAMES[number % len(CLIENT_NAMES)]
        again = number // len(CLIENT_NAMES)
        suffix = f"-{again + 1}" if again else ""
        return SimulatedClient(
            key + suffix, f"{name} {again + 1}" if again else name, city, country
        )

    return tuple(client(number) for number in range(count))


def _roster(
    members: list[SimulatedAccount], clients: tuple[SimulatedClient, ...], *, moved_on: date
) -> tuple[SimulatedAssignment, ...]:
    """Every account has a client on every day it exists; one in fifty moves in the last month."""
    moves = max(1, len(members) // 50) if len(members) >= EVENTS_FROM else 0
    roster: list[SimulatedAssignment] = []
    for number, account in enumerate(members):
        client, other = (clients[(number + k) % len(clients)].key for k in (0, 1))
        if number < moves and client != other:
            roster.append(SimulatedAssignment(account.id, client, account.joined_on, moved_on))
            roster.append(SimulatedAssignment(account.id, other, moved_on))
        else:
            roster.append(
                SimulatedAssignment(account.id, client, account.joined_on, account.left_on)
            )
    return tuple(roster)
