"""Owns the options that several commands have: their names, forms and words."""

import os
import pwd
import re
from functools import partial
from typing import Annotated

import typer

from accounts.model.handover import SELF_ASSERTED
from invoices.clients import AccountId
from invoices.periods import BillingPeriod
from kernel.errors import BadInput


def _period(text: str, option: str = "--period") -> BillingPeriod:
    try:
        return BillingPeriod.parse(text)
    except ValueError as error:
        raise BadInput(f"{option}: {error}") from error


_PERIOD = typer.Option(
    "--period", parser=_period, metavar="YYYY-MM", help="The billing period (UTC)."
)
Period = Annotated[BillingPeriod, _PERIOD]
MaybePeriod = Annotated[BillingPeriod | None, _PERIOD]
Since = Annotated[
    BillingPeriod | None,
    typer.Option(
        "--since",
        parser=partial(_period, option="--since"),
        metavar="YYYY-MM",
        help="All months from this one on, issued ones too.",
    ),
]


def _account(text: str) -> AccountId:
    if not re.fullmatch("[0-9]{12}", text):
        raise BadInput(f"--payer: {text!r} is no account id, which has twelve digits")
    return AccountId(text)


Payer = Annotated[
    AccountId | None,
    typer.Option(
        "--payer", parser=_account, metavar="ID", help="The payer account, where there are several."
    ),
]
ThePayer = Annotated[
    AccountId,
    typer.Option("--payer", parser=_account, metavar="ID", help="The payer account."),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else.")
]
ForClient = Annotated[str | None, typer.Option("--client", metavar="KEY", help="This client only.")]


def _user(name: str) -> str:
    """The system's user, which the environment cannot change; another name says what it is."""
    uid = os.getuid()
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:  # As in a container that runs under a number of its own.
        user = f"uid {uid}"
    if name in ("", user):
        return user
    if not re.fullmatch(r"[^\W_][\w .@-]{0,59}", name):
        raise BadInput(f"--by {name[:60]!r}: a name has 1 to 60 letters, digits, blanks and .@_-")
    return f"{name} {SELF_ASSERTED}"


By = Annotated[
    str,
    typer.Option(
        "--by",
        parser=_user,
        metavar="NAME",
        help="Who does this; by default you. Another is self-asserted.",
    ),
]
