"""How often processes may end before a system is given up."""

from __future__ import annotations

IN_A_ROW = 10  # ends without an answer in between; one after a hang counts twice, for it takes long
FREE = 20  # ends in all that are always allowed; beyond them, as many as there were answers


class Restarts:
    """Counts the ends of a system's processes against its answers.

    A case that ends the process every time costs two ends: one with its neighbours, one alone. So the
    limits let a run with many such cases go through, and stop one that gets nowhere.
    """

    def __init__(self) -> None:
        self.ends = 0
        self.answers = 0
        self._in_a_row = 0

    def answered(self) -> None:
        """Note an answer, whatever it was."""
        self.answers += 1
        self._in_a_row = 0

    def ended(self, *, hung: bool) -> None:
        """Note that a process ended before it was told to."""
        self.ends += 1
        self._in_a_row += 2 if hung else 1

    @property
    def spent(self) -> str | None:
        """Why no other process should be started; ``None`` while one may be."""
        if self._in_a_row >= IN_A_ROW:
            return "again and again without an answer in between"
        if self.ends > FREE + self.answers:
            return f"{self.ends} times for {self.answers} answers"
        return None
