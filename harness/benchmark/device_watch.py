"""One build, one kind of device: watched unit by unit; nothing of any device itself."""

import logging

from harness.benchmark.unit import FinishedUnit
from harness.errors import DeviceError
from harness.records.editing import DeviceEnvironment

logger = logging.getLogger(__name__)


class DeviceWatch:
    """Watches what the units of one build were computed on."""

    def __init__(self) -> None:
        """Prepare to see the first unit."""
        self._first: FinishedUnit | None = None
        self._told = False

    def see(self, unit: FinishedUnit) -> None:
        """Take note of a unit; what an earlier build made elsewhere is mentioned once.

        Other hardware rounds otherwise, so a benchmark of two kinds would be that of neither.

        Raises:
            DeviceError: It was computed on another kind of device than the first.
        """
        self._first = self._first or unit
        first, device = self._first.record.device, unit.record.device
        if first is not None and device is not None and first != device:
            msg = f"one build can't use both {first.device_name} and {device.device_name}"
            raise DeviceError(msg, remedy="Name devices of one kind by --device.")
        if unit.left is not None and device is not None and not self._told:
            logger.warning(
                "units that an earlier build had finished are not continued: %s",
                _difference(unit.left, device),
            )
            self._told = True


def _difference(former: DeviceEnvironment, now: DeviceEnvironment) -> str:
    """Return what changed between two devices, in words."""
    before, after = (one.model_dump(mode="json") for one in (former, now))
    changed = [name for name in before if before[name] != after[name]]
    return ", ".join(
        "other weights" if name == "weights" else f"{name} was {before[name]}, is {after[name]}"
        for name in changed
    )
