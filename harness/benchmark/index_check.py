"""The three index files of a benchmark against each other; nothing of images and labels."""

from dataclasses import dataclass

from pydantic import ValidationError

from harness.dataset.benchmark_folder import CROISSANT, HEADER, MANIFEST, BenchmarkFolder
from harness.dataset.croissant import croissant_bytes, promised_index
from harness.errors import BenchmarkError
from harness.records.base import first_fault, sha256_hex
from harness.records.manifest import (
    BenchmarkHeader,
    Sample,
    SampleVerdict,
    Verdict,
    manifest_digest,
)

_NOT_PROMISED = (
    f"its bytes are not those that {CROISSANT} promises: one of the two files was changed"
)


def finding(subject: str, verdict: Verdict, detail: str) -> SampleVerdict:
    """Return what was found of a sample or a file."""
    return SampleVerdict(subject=subject, verdict=verdict, detail=detail)


@dataclass(frozen=True, kw_only=True)
class ManifestOnDisk:
    """A manifest as far as it can be read."""

    data: bytes
    """The file's bytes; none where it is missing."""
    samples: tuple[Sample, ...]
    """The samples of its readable lines."""
    findings: tuple[SampleVerdict, ...]
    """What is wrong with the others."""

    @staticmethod
    def read(folder: BenchmarkFolder) -> "ManifestOnDisk":
        """Return the manifest of `folder`, line by line, broken lines named by number."""
        try:
            data = folder.manifest_path.read_bytes()
        except FileNotFoundError:
            missing = finding(MANIFEST, Verdict.MISSING, "the benchmark has no manifest")
            return ManifestOnDisk(data=b"", samples=(), findings=(missing,))
        samples: dict[str, Sample] = {}
        findings = []
        for number, line in enumerate(data.splitlines(), start=1):
            where = f"{MANIFEST}:{number}"
            try:
                sample = Sample.model_validate_json(line)
            except ValidationError as error:
                findings.append(finding(where, Verdict.DIFFERENT, first_fault(error)))
                continue
            if sample.id in samples:
                findings.append(finding(where, Verdict.DIFFERENT, f"{sample.id} stands twice"))
            samples[sample.id] = sample
        return ManifestOnDisk(data=data, samples=tuple(samples.values()), findings=tuple(findings))


def check_index(
    folder: BenchmarkFolder, manifest: ManifestOnDisk
) -> tuple[BenchmarkHeader | None, list[SampleVerdict]]:
    """Return the header, where it can be read, and what is wrong with the three index files."""
    head = folder.header_path.read_bytes()
    findings = []
    try:
        header = folder.header()
    except BenchmarkError as error:
        findings.append(finding(HEADER, Verdict.DIFFERENT, str(error)))
        header = None
    if header is not None and manifest_digest(manifest.samples) != header.digest:
        findings.append(
            finding(MANIFEST, Verdict.DIFFERENT, "its digest is not the one in the header")
        )
    try:
        metadata = folder.croissant_path.read_bytes()
        promised = promised_index(metadata)
    except FileNotFoundError:
        missing = finding(CROISSANT, Verdict.MISSING, "the benchmark has no Croissant metadata")
        return header, [*findings, missing]
    except ValueError as error:
        return header, [*findings, finding(CROISSANT, Verdict.DIFFERENT, str(error))]
    contents = {HEADER: head, MANIFEST: manifest.data}
    changed = [name for name, data in contents.items() if promised.get(name) != sha256_hex(data)]
    known = {found.subject for found in (*findings, *manifest.findings)}
    findings += [
        finding(name, Verdict.DIFFERENT, _NOT_PROMISED)
        for name in changed
        if not any(subject.startswith(name) for subject in known)
    ]
    if header is not None and not changed:
        expected = croissant_bytes(header, manifest=manifest.data, head=head)
        if metadata != expected:
            detail = "it does not say what the header says"
            findings.append(finding(CROISSANT, Verdict.DIFFERENT, detail))
    return header, findings
