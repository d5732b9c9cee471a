"""Which limits a submission gets, out of defaults, its own wishes and what the operator says."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from harness.errors import SubmissionError
from harness.records.base import Record, first_fault
from harness.records.run import LimitSource
from harness.records.submission import (
    ContainerLimits,
    ResourceCeilings,
    ResourceRequest,
    SubmissionManifest,
)

OPERATOR_FILE = "operator.toml"
"""The operator's file, in the workspace."""
WALLS = (
    "no network: the only interface is loopback",
    "no mounts, no volumes, no access to the engine",
    "read-only root; only /tmp and /dev/shm can be written, neither can execute",
    "all capabilities dropped, no-new-privileges, the engine's default seccomp filter",
    "user 65534:65534, an init as process 1, private IPC, no core dumps",
    "no swap: memory and memory+swap are one limit",
    "the image by its digest; labels never enter",
)
"""What holds around every container whatever anybody says; `sandbox/walls.py` puts it up."""


class OperatorSettings(Record):
    """What whoever runs the harness says of every submission: `operator.toml` of a workspace."""

    schema_version: int = Field(default=1, ge=1, le=1)
    """The version of this format."""
    defaults: ContainerLimits = ContainerLimits()
    """What a submission gets that asks for nothing."""
    ceilings: ResourceCeilings = ResourceCeilings()
    """The most that a submission gets by asking; a default of the harness's is cut to it."""
    fixed: dict[str, float | int | str] = Field(default_factory=dict)
    """Limits by name that hold whatever a submission asks for, as options of the same name do."""

    @model_validator(mode="after")
    def _defaults_are_under_their_ceilings(self) -> Self:
        ceilings = self.ceilings.model_dump()
        for name in sorted(self.defaults.model_fields_set & set(ceilings)):
            default = getattr(self.defaults, name)
            if default > ceilings[name]:
                msg = (
                    f"defaults.{name} = {default} is over its ceiling of {ceilings[name]}; raise"
                    " that under [ceilings]"
                )
                raise ValueError(msg)
        return self

    @field_validator("fixed")
    @classmethod
    def _are_limits(cls, fixed: dict[str, float | int | str]) -> dict[str, float | int | str]:
        unknown = sorted(set(fixed) - set(ContainerLimits.model_fields))
        if unknown:
            allowed = ", ".join(sorted(ContainerLimits.model_fields))
            msg = f"{unknown[0]} is no limit; limits are {allowed}"
            raise ValueError(msg)
        try:
            ContainerLimits.model_validate(fixed)
        except ValidationError as error:
            raise ValueError(first_fault(error)) from error
        return fixed


class GrantedLimits(Record):
    """The limits of one run, with who set them."""

    limits: ContainerLimits
    """The walls it runs behind."""
    sources: dict[str, LimitSource]
    """Who set each limit; those left out are defaults."""


class LimitRow(Record):
    """One limit, as it is shown."""

    name: str
    """Its name, in every file and as an option."""
    meaning: str
    """What it bounds, and its unit."""
    default: float | int | str | None
    """What a submission gets that asks for nothing; null for what the engine decides."""
    ceiling: float | int | None
    """The most that a submission may ask for; null where it can't be asked for."""
    asked: float | int | None
    """What the submission asks for; null where it asks for nothing."""
    in_force: float | int | str | None
    """What it runs under."""
    source: LimitSource
    """Who set it."""


class LimitsReport(Record):
    """What `harness limits` answers."""

    submission: str | None
    """The submission that they are for; null for any that asks for nothing."""
    limits: tuple[LimitRow, ...]
    """The limits."""
    walls: tuple[str, ...]
    """What holds whatever anybody says."""


def grant_limits(
    manifest: SubmissionManifest,
    *,
    settings: OperatorSettings,
    options: Mapping[str, int | float | str],
) -> GrantedLimits:
    """Return the operator's defaults, under what `manifest` asks for, under what is fixed.

    Args:
        manifest: What the submission asks for.
        settings: The operator's file.
        options: What the operator says on the command line, by limit; holds over the file.

    Raises:
        SubmissionError: The submission asks for more than a ceiling.
    """
    fixed = settings.fixed | dict(options)
    wishes = manifest.resources.model_dump(exclude_none=True)
    asked = {name: value for name, value in wishes.items() if name not in fixed}
    ceilings = settings.ceilings.model_dump()
    for name, value in asked.items():
        if value > ceilings[name]:
            raise _too_much(manifest, name, value=value, most=ceilings[name])
    defaults, changed = _defaults(settings)
    sources = dict.fromkeys((*sorted(changed), *fixed), LimitSource.OPERATOR)
    sources |= dict.fromkeys(asked, LimitSource.SUBMISSION)
    return GrantedLimits(
        limits=ContainerLimits.model_validate(defaults | asked | fixed), sources=sources
    )


def limits_report(
    manifest: SubmissionManifest | None,
    *,
    settings: OperatorSettings,
    options: Mapping[str, int | float | str],
) -> LimitsReport:
    """Return every limit as it is for `manifest`, or for a submission that asks for nothing.

    Raises:
        SubmissionError: The submission asks for more than a ceiling.
    """
    wishes = manifest.resources if manifest else ResourceRequest()
    granted = grant_limits(manifest or _anyone(), settings=settings, options=options)
    defaults, _ = _defaults(settings)
    in_force, ceilings = granted.limits.model_dump(), settings.ceilings.model_dump()
    rows = (
        LimitRow(
            name=name,
            meaning=(field.description or "").rstrip("."),
            default=defaults[name],
            ceiling=ceilings.get(name),
            asked=getattr(wishes, name, None),
            in_force=in_force[name],
            source=granted.sources.get(name, LimitSource.DEFAULT),
        )
        for name, field in ContainerLimits.model_fields.items()
    )
    return LimitsReport(
        submission=manifest.name if manifest else None, limits=tuple(rows), walls=WALLS
    )


def _defaults(settings: OperatorSettings) -> tuple[dict[str, Any], set[str]]:
    """Return the defaults under the ceilings, and which of them are the operator's doing."""
    values = settings.defaults.model_dump()
    ceilings = settings.ceilings.model_dump()
    cut = {name: most for name, most in ceilings.items() if values[name] > most}
    return values | cut, settings.defaults.model_fields_set | set(cut)


def _too_much(
    manifest: SubmissionManifest, name: str, *, value: float, most: float
) -> SubmissionError:
    msg = f"submission {manifest.name!r} asks for {name} = {value} and may have {most} at most"
    return SubmissionError(
        msg,
        remedy="Ask for less under [resources] in its submission.toml, or grant it as the operator"
        f" with --{name.replace('_', '-')} {value} or under [ceilings] of {OPERATOR_FILE}.",
    )


def _anyone() -> SubmissionManifest:
    return SubmissionManifest(name="any", title="any", authors=("any",), label_space="any")
