"""Sample ids as a container sees them: they say nothing to it, and the harness reads them back.

A sample's own id follows from the recipe, the source's name and the edit, which may all be public;
a container that could compute it would know which source, attribute and value it looks at. So ids
travel enciphered under the digests of image and benchmark. The first makes them others for every
image, though a program could work it out from its own files; the second follows from the pixels of
all samples, and nothing in a container knows it unless its author did. The same image sees the same
ids whenever it is run on the same benchmark.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator

from harness.records.manifest import SAMPLE_ID_PATTERN
from harness.records.run import RunOutcome, StreamedSample

_ID = re.compile(SAMPLE_ID_PATTERN)
_ROUNDS = 4
_HALF_BITS = 32
_HALF_BYTES = 4
_LOW_HALF = 2**_HALF_BITS - 1


class HiddenIds:
    """A keyed permutation of sample ids: a Feistel network of four rounds over their 64 bits.

    Four rounds make a permutation that can't be told from a random one by whoever lacks the key
    (Luby and Rackoff, 1988). What is no sample id passes as it is.
    """

    def __init__(self, image_digest: str, *, salt: str) -> None:
        """Derive the key from `image_digest` and `salt`, the benchmark's digest if there is one."""
        key = hashlib.sha256(f"{image_digest}\n{salt}".encode()).digest()
        self._rounds = tuple(
            hashlib.blake2b(bytes([number]), key=key, digest_size=_HALF_BYTES)
            for number in range(_ROUNDS)
        )

    def hide(self, sample_id: str) -> str:
        """Return the id under which the container knows `sample_id`."""
        if _ID.fullmatch(sample_id) is None:
            return sample_id
        number = int(sample_id, 16)
        left, right = number >> _HALF_BITS, number & _LOW_HALF
        for opened in self._rounds:
            left, right = right, left ^ _scrambled(right, opened)
        return f"{left << _HALF_BITS | right:016x}"

    def reveal(self, hidden_id: str) -> str:
        """Return the sample id that the container knows as `hidden_id`."""
        if _ID.fullmatch(hidden_id) is None:
            return hidden_id
        number = int(hidden_id, 16)
        left, right = number >> _HALF_BITS, number & _LOW_HALF
        for opened in reversed(self._rounds):
            left, right = right ^ _scrambled(left, opened), left
        return f"{left << _HALF_BITS | right:016x}"

    def place(self, sample_id: str) -> int:
        """Return a number by which samples are in the order of their hidden ids."""
        return int(self.hide(sample_id), 16)

    def hiding(self, samples: Iterable[StreamedSample]) -> Iterator[StreamedSample]:
        """Yield `samples` under their hidden ids."""
        for sample in samples:
            yield sample.model_copy(update={"id": self.hide(sample.id)})

    def revealing(self, outcome: RunOutcome) -> RunOutcome:
        """Return `outcome` with the sample's own id in the place of the hidden one."""
        hidden_id = outcome.sample_id
        if hidden_id is None:
            return outcome
        sample_id = self.reveal(hidden_id)
        detail = outcome.detail.replace(hidden_id, sample_id)
        return outcome.model_copy(update={"sample_id": sample_id, "detail": detail})


def _scrambled(half: int, opened: hashlib.blake2b) -> int:
    digest = opened.copy()
    digest.update(half.to_bytes(_HALF_BYTES))
    return int.from_bytes(digest.digest())
