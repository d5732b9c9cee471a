"""What is wrong with a benchmark that is to be taken in, every fault of it; nothing of reading."""

from harness.errors import SourceDataError

SHOWN = 50
"""Faults that are named at most."""


class ImportFaultsError(SourceDataError):
    """A folder can't be taken in as it is.

    Attributes:
        faults: What is wrong, one sentence each, at most `SHOWN`.
        count: How many faults there are.
    """

    def __init__(self, message: str, *, remedy: str, faults: tuple[str, ...], count: int) -> None:
        super().__init__(message, remedy=remedy)
        self.faults, self.count = faults, count


class Faults:
    """Gathers faults, and forgets all but their number from the `SHOWN`th on."""

    def __init__(self) -> None:
        """Begin without any."""
        self._named: list[str] = []
        self.count = 0

    def add(self, what: str, *, line: int | None = None) -> None:
        """Say what is wrong, and in which line of pairs.csv."""
        self.count += 1
        if len(self._named) < SHOWN:
            self._named.append(what if line is None else f"line {line}: {what}")

    def raise_any(self, where: str) -> None:
        """Raise where there are faults.

        Raises:
            ImportFaultsError: There are; it names them, and the first in its message.
        """
        if not self.count:
            return
        more = f" (and {self.count - 1} more)" if self.count > 1 else ""
        msg = f"{where}: {self._named[0]}{more}; nothing was taken in"
        raise ImportFaultsError(
            msg,
            remedy="Correct it; docs/importing.md says what each file holds.",
            faults=tuple(self._named),
            count=self.count,
        )
