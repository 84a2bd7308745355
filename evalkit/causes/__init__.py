"""The shelf of causes, in the order of the stages: the earliest one that explains a failure is primary."""

from evalkit.causes import contract, generation, retrieval, suite, system

CAUSES = (
    *system.CAUSES,
    *suite.CAUSES,
    *retrieval.CAUSES,
    *generation.CAUSES,
    *contract.CAUSES,
)
