"""Owns discounts that a file names itself: line types called one, and what is passed of it.

`line_types: {DistributorDiscount: {discount: distributor}}` and, in a price book,
`discounts: {distributor: …}` are short for a list of line types and `discounts.named`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from invoices.kinds import DISCOUNTS, Kind

KNOWN = {str(kind).removeprefix("discount_") for kind in DISCOUNTS}
ALWAYS = "2006-03"
"""The month AWS began: of a line type without a date."""


def written_out(given: object) -> object:
    """The file as it would be with lists only; whatever is of another form is left as it is."""
    if not isinstance(given, Mapping):
        return given
    line_types = _as_list(given.get("line_types"))
    if not isinstance(line_types, list):
        return given
    types = _types_by_discount(line_types)
    out = {**given, "line_types": [_without_name(each) for each in line_types]}
    books = given.get("price_books")
    if isinstance(books, Sequence) and not isinstance(books, str):
        out["price_books"] = [_with_named(book, types) for book in books]
    return out if "line_types" in given else {**out, "line_types": []}


def _as_list(line_types: object) -> object:
    if not isinstance(line_types, Mapping):
        return line_types
    return [
        {"type": name, **said} if isinstance(said, Mapping) else said
        for name, said in line_types.items()
    ]


def _types_by_discount(line_types: Sequence[object]) -> Mapping[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for each in line_types:
        match each:
            case {"discount": str(name), "type": str(line_type)} if name not in KNOWN:
                found[name].append(line_type)
    return found


def _without_name(line_type: object) -> object:
    match line_type:
        case {"discount": str(name), **rest} if "kind" not in rest:
            kind = f"discount_{name}" if name in KNOWN else str(Kind.DISCOUNT_OTHER)
            return {"from": ALWAYS, **rest, "kind": kind}
    return line_type


def _with_named(book: object, types: Mapping[str, list[str]]) -> object:
    match book:
        case {"discounts": {**discounts}, **others}:
            named: dict[object, object] = {}
            for name in types.keys() & discounts.keys():
                named |= dict.fromkeys(types[name], discounts[name])
            rest = {name: said for name, said in discounts.items() if name not in types}
            match rest.get("named"):
                case {**again} if named.keys() & again.keys():
                    twice = ", ".join(sorted(map(str, named.keys() & again.keys())))
                    raise ValueError(f"discounts.named: {twice} is named by its discount already")
                case {**more}:
                    named |= more
            said: dict[object, object] = {**rest, "named": named} if named else rest
            return {**others, "discounts": said}
    return book


__all__ = ["written_out"]
