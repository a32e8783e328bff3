"""Bills that reconcile: pretend AWS months, exact, delivered as AWS does, with the truth beside."""

from sandbox.bills.bill import Bill, BillStage, Order
from sandbox.bills.exports.delivery import ExportDialect, Layout, Written, WrittenDelivery, deliver
from sandbox.bills.exports.files import Encoding
from sandbox.bills.organization import Month, SimulatedOrganization
from sandbox.bills.report import truth_report
from sandbox.bills.simulate import Simulation, simulate
from sandbox.bills.truth import Discounts
from sandbox.bills.upload import upload

__all__ = [
    "Bill",
    "BillStage",
    "Discounts",
    "Encoding",
    "ExportDialect",
    "Layout",
    "Month",
    "Order",
    "SimulatedOrganization",
    "Simulation",
    "Written",
    "WrittenDelivery",
    "deliver",
    "simulate",
    "truth_report",
    "upload",
]
