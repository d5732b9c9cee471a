"""What a submission's program is told and answers, for the tests of serve.py."""

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

SERVE = Path(__file__).parents[3] / "harness" / "serving" / "serve.py"
RED = np.zeros((3, 5, 3), np.uint8)
RED[:, :, 0] = 200
RED[1, 2] = (1, 2, 3)


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def request(sample_id: str, data: bytes, **more: object) -> bytes:
    return json.dumps({"id": sample_id, "bytes": len(data), **more}).encode() + b"\n" + data


def numbered(count: int) -> bytes:
    return b"".join(request(str(n), png(np.full((2, 2, 3), n, np.uint8))) for n in range(count))


def answers(stdout: bytes) -> tuple[dict, list[tuple[str, np.ndarray]]]:
    file = io.BytesIO(stdout)
    ready, found = json.loads(file.readline()), []
    while line := file.readline():
        header = json.loads(line)
        with Image.open(io.BytesIO(file.read(header["bytes"]))) as image:
            found.append((header["id"], np.array(image)))
    return ready, found
