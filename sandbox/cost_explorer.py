"""Owns the pretend Cost Explorer: GetCostAndUsage, answered from the very bills that are exported.

Days are those of the bill's month: a charge dated in another month counts on the nearest day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sandbox.bills import Bill, BillStage
from sandbox.bills.amounts import plain
from sandbox.bills.lines import LineKind
from sandbox.bills.truth import Fact

METRICS = {
    "UnblendedCost": "billed",
    "NetUnblendedCost": "net_billed",
    "AmortizedCost": "amortized",
    "NetAmortizedCost": "net_amortized",
    "BlendedCost": "blended",
    "UsageQuantity": "usage",
}
RECORD_TYPES: Mapping[LineKind, str] = {
    LineKind.USAGE: "Usage",
    LineKind.SUBSCRIPTION: "FlatRateSubscription",
    LineKind.RI_USAGE: "DiscountedUsage",
    LineKind.RI_FEE: "Recurring",
    LineKind.RI_UPFRONT: "Upfront",
    LineKind.SP_USAGE: "SavingsPlanCoveredUsage",
    LineKind.SP_NEGATION: "SavingsPlanNegation",
    LineKind.SP_FEE: "SavingsPlanRecurringFee",
    LineKind.SP_UPFRONT: "SavingsPlanUpfrontFee",
    LineKind.CREDIT: "Credit",
    LineKind.REFUND: "Refund",
    LineKind.TAX: "Tax",
    LineKind.DISCOUNT_EDP: "Enterprise Discount Program Discount",
    LineKind.DISCOUNT_PRIVATE_RATE: "Private Rate Card Discount",
    LineKind.DISCOUNT_BUNDLED: "Bundled Discount",
    LineKind.DISCOUNT_RI_VOLUME: "Reserved Instance Volume Discount",
    LineKind.DISCOUNT_SPP: "Solution Provider Program Discount",
    LineKind.DISCOUNT_OTHER: "Discount",
}
"""Cost Explorer's words differ from the report's; fees are `Support` or `Other`."""


class CostExplorerRefusal(Exception):
    """An error as AWS answers it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class CostEntry:
    """What a bill holds for an account and record type on a day."""

    day: date
    account_id: str
    record_type: str
    totals: Mapping[str, int]


class CostExplorer:
    """Bills must be of different months. `page_groups` groups fit on a page of an answer."""

    def __init__(self, bills: Sequence[Bill], *, page_groups: int = 1000) -> None:
        self._page_groups = page_groups
        self._entries = [entry for bill in bills for entry in _entries(bill)]
        self._open = {str(bill.month) for bill in bills if bill.stage == BillStage.OPEN}
        self._names = {
            account.id: account.name
            for bill in bills
            for account in (bill.organization.payer, *bill.organization.accounts)
        }

    def get_cost_and_usage(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Raises AwsError, with Cost Explorer's codes."""
        metrics, keys = _metrics(request), _group_keys(request)
        wanted = _condition(request.get("Filter"))
        groups = [
            Group(slot, values, entries)
            for slot in _slots(request)
            for values, entries in _grouped(
                [e for e in self._entries if slot.start <= e.day < slot.end and wanted(e)], keys
            )
        ]
        first = _position(request.get("NextPageToken"), len(groups))
        page = groups[first : first + self._page_groups]
        answer: dict[str, Any] = {
            "ResultsByTime": self._results(page, metrics),
            "DimensionValueAttributes": self._attributes(page, keys),
        }
        if keys:
            answer["GroupDefinitions"] = [{"Type": "DIMENSION", "Key": key} for key in keys]
        if first + len(page) < len(groups):
            answer["NextPageToken"] = str(first + len(page))
        return answer

    def _results(self, page: Sequence[Group], metrics: Sequence[str]) -> list[dict[str, Any]]:
        results: dict[Slot, dict[str, Any]] = {}
        for group in page:
            slot = group.slot
            result = results.setdefault(
                slot,
                {
                    "TimePeriod": {"Start": str(slot.start), "End": str(slot.end)},
                    "Total": {},
                    "Groups": [],
                    "Estimated": f"{slot.start:%Y-%m}" in self._open,
                },
            )
            sums = _metric_sums(group.entries, metrics)
            if group.keys:
                result["Groups"].append({"Keys": list(group.keys), "Metrics": sums})
            elif group.keys is not None:
                result["Total"] = sums
        return list(results.values())

    def _attributes(self, page: Sequence[Group], keys: Sequence[str]) -> list[dict[str, Any]]:
        if "LINKED_ACCOUNT" not in keys:
            return []
        position = keys.index("LINKED_ACCOUNT")
        accounts = {group.keys[position] for group in page if group.keys}
        return [
            {"Value": account, "Attributes": {"description": self._names[account]}}
            for account in sorted(accounts)
        ]


@dataclass(frozen=True, slots=True)
class Slot:
    """One result in time, half-open."""

    start: date
    end: date


@dataclass(frozen=True, slots=True)
class Group:
    slot: Slot
    keys: tuple[str, ...] | None
    """() when the request groups by nothing, None when a slot has no groups at all."""
    entries: Sequence[CostEntry]


def _entries(bill: Bill) -> Iterable[CostEntry]:
    first, last = bill.month.start.date(), bill.month.end.date() - timedelta(days=1)
    for fact in bill.truth.facts():
        day = min(max(fact.day, first), last)
        yield CostEntry(day, fact.place.account_id, _record_type(fact), fact.totals)


def _record_type(fact: Fact) -> str:
    if fact.place.kind == LineKind.FEE:
        return "Support" if fact.place.product_code.startswith("AWSSupport") else "Other"
    return RECORD_TYPES[fact.place.kind]


def _metrics(request: Mapping[str, Any]) -> list[str]:
    metrics = list(request.get("Metrics") or [])
    unknown = [metric for metric in metrics if metric not in METRICS]
    if unknown or not metrics:
        raise CostExplorerRefusal("ValidationException", f"Metrics {unknown} are not supported")
    return metrics


def _group_keys(request: Mapping[str, Any]) -> tuple[str, ...]:
    keys = tuple(group["Key"] for group in request.get("GroupBy") or [])
    if len(keys) > 2 or not set(keys) <= set(_DIMENSIONS):
        raise CostExplorerRefusal("ValidationException", f"cannot group by {', '.join(keys)}")
    return keys


_DIMENSIONS: Mapping[str, Callable[[CostEntry], str]] = {
    "LINKED_ACCOUNT": lambda entry: entry.account_id,
    "RECORD_TYPE": lambda entry: entry.record_type,
}


def _condition(expression: Mapping[str, Any] | None) -> Callable[[CostEntry], bool]:
    """A filter of dimensions, with And, Or and Not."""
    match expression:
        case None:
            return lambda _: True
        case {"Dimensions": {"Key": key, "Values": values}} if key in _DIMENSIONS:
            value_of = _DIMENSIONS[key]
            return lambda entry: value_of(entry) in values
        case {"Not": inner}:
            unwanted = _condition(inner)
            return lambda entry: not unwanted(entry)
        case {"And": parts}:
            conditions = [_condition(part) for part in parts]
            return lambda entry: all(wanted(entry) for wanted in conditions)
        case {"Or": parts}:
            conditions = [_condition(part) for part in parts]
            return lambda entry: any(wanted(entry) for wanted in conditions)
        case _:
            raise CostExplorerRefusal(
                "ValidationException", f"filter {sorted(expression)} is not supported"
            )


def _slots(request: Mapping[str, Any]) -> list[Slot]:
    span = request["TimePeriod"]
    try:
        start, end = date.fromisoformat(span["Start"]), date.fromisoformat(span["End"])
    except ValueError as error:
        raise CostExplorerRefusal("ValidationException", f"TimePeriod: {error}") from error
    if start >= end:
        raise CostExplorerRefusal(
            "ValidationException", "Start date (and hour) should be before end date"
        )
    granularity = request.get("Granularity")
    if granularity not in {"DAILY", "MONTHLY"}:
        raise CostExplorerRefusal(
            "ValidationException", f"Granularity {granularity} is not supported"
        )
    slots: list[Slot] = []
    while start < end:
        stop = start + timedelta(days=1)
        if granularity == "MONTHLY":
            stop = (start.replace(day=1) + timedelta(days=32)).replace(day=1)
        slots.append(Slot(start, min(stop, end)))
        start = stop
    return slots


def _grouped(
    entries: Sequence[CostEntry], keys: tuple[str, ...]
) -> list[tuple[tuple[str, ...] | None, list[CostEntry]]]:
    """Sorted groups; without keys one group of everything; a slot without groups still shows."""
    groups: dict[tuple[str, ...], list[CostEntry]] = {} if keys else {(): []}
    for entry in entries:
        groups.setdefault(tuple(_DIMENSIONS[key](entry) for key in keys), []).append(entry)
    return [*sorted(groups.items())] or [(None, [])]


def _position(token: str | None, count: int) -> int:
    if token is None:
        return 0
    if not token.isdigit() or int(token) >= count:
        raise CostExplorerRefusal("InvalidNextTokenException", "The pagination token is invalid.")
    return int(token)


def _metric_sums(entries: Sequence[CostEntry], metrics: Sequence[str]) -> dict[str, dict[str, str]]:
    return {
        metric: {
            "Amount": plain(sum(entry.totals[METRICS[metric]] for entry in entries)),
            "Unit": "N/A" if metric == "UsageQuantity" else "USD",
        }
        for metric in metrics
    }
