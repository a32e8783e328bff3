"""Owns our exceptions: what happened, in one line of plain words; who shows them decides how.

* RebillError
  - BadInput       what was given cannot be right: says what, where, and what to do
  - Refused        the request is understood, and the answer is no
    + NotFound     there is no such thing, or not for you
  - Unavailable    something we need does not answer; try again
"""


class RebillError(Exception):
    """`code` is stable; the message is one line for a person."""

    code = "error"


class BadInput(RebillError):
    code = "bad_input"


class Refused(RebillError):
    code = "refused"


class NotFound(Refused):
    code = "not_found"


class Unavailable(RebillError):
    code = "unavailable"
