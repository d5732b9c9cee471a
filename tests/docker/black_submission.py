"""A submission that says what it is and predicts the first class everywhere; no package needed."""

import json

from harness.records.submission import SubmissionManifest
from harness.sandbox.image import SUBMISSION_LABEL

PREDICT = """
import json, os, struct, sys, zlib

def gray(width, height):
    def chunk(kind, data):
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)
    rows = zlib.compress(bytes(height * (1 + width)))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", rows), chunk(b"IEND", b"")
    return b"\\x89PNG\\r\\n\\x1a\\n" + b"".join(parts)

requests, answers = sys.stdin.buffer, sys.stdout.buffer
answers.write(b'{"protocol": 1, "name": "black"}\\n')
answers.flush()
while line := requests.readline():
    header = json.loads(line)
    png = requests.read(header["bytes"])
    answer = gray(*struct.unpack(">II", png[16:24]))
    answers.write(json.dumps({"id": header["id"], "bytes": len(answer)}).encode() + b"\\n" + answer)
    answers.flush()
    if "HANG" in os.environ:
        requests.read()
        while True:
            pass
"""
"""Answers with zeros of each image's size; with HANG set, the first image is its last."""
MANIFEST = SubmissionManifest(
    name="black", title="All background", authors=("Tests",), label_space="street"
)


def black_submission(base: str, *, environment: str = "") -> dict[str, bytes]:
    """Return the files of its image on `base`; `environment` is what it is told."""
    label = json.dumps(MANIFEST.model_dump(mode="json", exclude_defaults=True))
    lines = [
        f"FROM {base}",
        "COPY predict.py /predict.py",
        f"LABEL {SUBMISSION_LABEL}={json.dumps(label)}",
        f"ENV {environment}" if environment else "",
        'CMD ["python3", "/predict.py"]',
    ]
    return {"Dockerfile": "\n".join(lines).encode(), "predict.py": PREDICT.encode()}
