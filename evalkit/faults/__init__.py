"""The fault bench: known faults injected into a system, alone or mixed, and how often diagnosis names them."""

from evalkit.faults.fault import Fault, FaultyLayer, Scene
from evalkit.faults.inject import (
    BY_ID,
    FAULTS,
    Plan,
    Truth,
    inject,
    plan_faults,
    spoil,
    truth_of,
)
from evalkit.faults.oracle import OracleSystem

__all__ = [
    "BY_ID",
    "FAULTS",
    "Fault",
    "FaultyLayer",
    "OracleSystem",
    "Plan",
    "Scene",
    "Truth",
    "inject",
    "plan_faults",
    "spoil",
    "truth_of",
]
