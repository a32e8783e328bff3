"""Owns that what one person asked for another one approves."""

from __future__ import annotations

from accounts.model.handover import is_same_person
from kernel.errors import Refused


class SamePerson(Refused):
    code = "same_person"

    def __init__(self, person: str) -> None:
        super().__init__(f"{person} asked for this; another person has to approve it")


def check_second_person(*, asked_by: str, approver: str) -> None:
    """Raises SamePerson."""
    if is_same_person(approver, asked_by):
        raise SamePerson(approver)
