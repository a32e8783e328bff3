"""Bills that reconcile: pretend AWS months, exact, delivered as AWS does, with the truth beside."""

from sandbox.bills.bill import Bill, Order, Stage
from sandbox.bills.exports.delivery import Delivery, Dialect, Layout, Written, deliver
from sandbox.bills.exports.files import Encoding
from sandbox.bills.organization import Month, Organization
from sandbox.bills.report import truth_report
from sandbox.bills.simulate import Simulation, simulate
from sandbox.bills.truth import Discounts
from sandbox.bills.upload import upload

__all__ = [
    "Bill",
    "Delivery",
    "Dialect",
    "Discounts",
    "Encoding",
    "Layout",
    "Month",
    "Order",
    "Organization",
    "Simulation",
    "Stage",
    "Written",
    "deliver",
    "simulate",
    "truth_report",
    "upload",
]
