"""Owns that our own accounts never become a client's."""

from __future__ import annotations

from kernel.errors import BadInput
from service.store.accounts import resellers
from service.store.billing import sellers
from service.store.session import Session


def check_not_ours(session: Session, account_id: str) -> None:
    """Raises BadInput for a payer, an access account, and a payer's `internal_accounts`."""
    if any(each.access_account_id == account_id for each in resellers.resellers(session)):
        raise BadInput(f"{account_id} is our own access account; give the client's")
    if sellers.is_own_account(session, account_id):
        raise BadInput(
            f"{account_id} is our own account (a payer, or among internal_accounts); "
            "give the client's"
        )
