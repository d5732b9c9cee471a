"""What the engine says while it builds an image; decides nothing from its words."""

import logging
import re
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from harness.records.printable import printable

KEPT_LINES = 400
SHOWN_LINES = 6
"""How many lines an error shows."""

ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
"""A terminal's colour codes; the engine wraps what goes to stderr in them."""

_log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class BuildLog:
    """The log of one build, bounded, and where it stands."""

    error: str | None = None
    """What the engine gave as the reason of its failure; None while all is well."""
    step: str = ""
    """The step that runs, as `3/7 : RUN make`."""
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    """The last lines that were printed."""
    _since_step: int = 0

    def take(self, answer: dict[str, Any]) -> None:
        """Take in one of the engine's answers."""
        if "error" in answer:
            self.error = printable(str(answer["error"])).strip()
        for line in str(answer.get("stream") or "").splitlines():
            text = printable(ESCAPE.sub("", line)).strip()
            if not text:
                continue
            _log.info("%s", text)
            self.lines.append(text[:2000])
            self._since_step += 1
            if text.startswith("Step "):
                self.step, self._since_step = text.removeprefix("Step "), 0

    def tail(self) -> str:
        """Return the last lines that were printed."""
        return "\n".join(self.lines)

    def explanation(self) -> str:
        """Return the failing step, the engine's reason and the step's last lines, in one line."""
        shown = min(self._since_step, SHOWN_LINES)
        said = [line for line in list(self.lines)[-shown:] if shown and not _is_noise(line)]
        where = f"step {self.step} failed: " if self.step else ""
        printed = f" (last lines: {' | '.join(said)})" if said else ""
        return f"{where}{self.error or 'the engine gave no reason'}{printed}"


def _is_noise(line: str) -> bool:
    return line.startswith(("---> ", "Removing intermediate container"))
