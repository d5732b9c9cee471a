"""A model of the standard library: `hashing_model.py SALT [SECONDS] [SHA256]`.

Each pixel's class is drawn from the image's bytes and the salt, so that two salts are two models
and a prediction depends on nothing but its image. It takes SECONDS an image, and falls at the
image whose bytes have this SHA256.
"""

import hashlib
import json
import struct
import sys
import time
import zlib

CLASSES = 4


def predict(png: bytes, salt: str) -> bytes:
    """Return a prediction as a one-channel PNG of the image's size."""
    width, height = struct.unpack(">II", png[16:24])
    seed = hashlib.sha256(salt.encode() + png).digest()
    stream = b"".join(
        hashlib.sha256(seed + struct.pack(">I", block)).digest()
        for block in range(width * height // 32 + 1)
    )
    rows = (stream[y * width : (y + 1) * width] for y in range(height))
    pixels = b"".join(b"\0" + bytes(value % CLASSES for value in row) for row in rows)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(pixels)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def main(salt: str, seconds: str = "0", fatal: str = "") -> None:
    """Speak the protocol until the end of the input."""
    sys.stdout.buffer.write(b'{"protocol": 1, "name": "hashing"}\n')
    sys.stdout.buffer.flush()
    answered = 0
    while line := sys.stdin.buffer.readline():
        header = json.loads(line)
        png = sys.stdin.buffer.read(header["bytes"])
        if hashlib.sha256(png).hexdigest() == fatal:
            sys.stderr.write("this one is too much\n")
            raise SystemExit(3)
        time.sleep(float(seconds))
        body = predict(png, salt)
        answer = json.dumps({"id": header["id"], "bytes": len(body)}).encode() + b"\n"
        sys.stdout.buffer.write(answer + body)
        sys.stdout.buffer.flush()
        answered += 1
    sys.stderr.write(f"answered {answered}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
