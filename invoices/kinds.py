"""Owns what a charge is, and which of its costs counts: words that load no library."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What a charge is. Closed: what we do not know is `unknown`, quarantined, and blocks issue."""

    USAGE = "usage"
    FEE = "fee"
    SUBSCRIPTION = "subscription"
    RI_USAGE = "ri_usage"
    RI_FEE = "ri_fee"
    RI_UPFRONT = "ri_upfront"
    SP_USAGE = "sp_usage"
    SP_NEGATION = "sp_negation"
    SP_FEE = "sp_fee"
    SP_UPFRONT = "sp_upfront"
    COMMITMENT_SHARE = "commitment_share"
    """Ours alone: what a client has of a commitment by contract, and AWS gave to another."""
    CREDIT = "credit"
    REFUND = "refund"
    TAX = "tax"
    DISCOUNT_EDP = "discount_edp"
    DISCOUNT_PRIVATE_RATE = "discount_private_rate"
    DISCOUNT_BUNDLED = "discount_bundled"
    DISCOUNT_RI_VOLUME = "discount_ri_volume"
    DISCOUNT_SPP = "discount_spp"
    DISCOUNT_OTHER = "discount_other"
    UNKNOWN = "unknown"


DISCOUNTS = tuple(kind for kind in Kind if kind.startswith("discount_"))


NO_SPEND = (Kind.CREDIT, Kind.REFUND, Kind.TAX, Kind.UNKNOWN, *DISCOUNTS)
"""What takes off charges, or is a percentage of them, is no spend of its own."""

METERED = (Kind.USAGE, Kind.RI_USAGE, Kind.SP_USAGE)
"""Usage, whoever pays for it and how."""

MAPPABLE = (Kind.USAGE, Kind.FEE, Kind.SUBSCRIPTION, Kind.CREDIT, Kind.REFUND, Kind.TAX, *DISCOUNTS)
"""What a line type may be mapped to: kinds whose every cost is what is billed."""

MARKETPLACE = "AWS Marketplace"
"""The billing entity of what others sell there."""

COVERED = (Kind.RI_USAGE, Kind.SP_USAGE, Kind.SP_NEGATION)
"""Usage that a commitment covers."""


class CostBasis(StrEnum):
    """Which cost of a charge counts as its cost, and a price starts from."""

    BILLED = "billed"
    AMORTIZED = "amortized"
    NET_BILLED = "net_billed"
    NET_AMORTIZED = "net_amortized"
    LIST = "list"
    """Prices start from the public price; the cost is net_amortized."""
    BLENDED = "blended"
