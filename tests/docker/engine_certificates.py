"""Certificates of an authority of the test's own; nothing of who uses them."""

import subprocess
from pathlib import Path

KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


def write_certificates(folder: Path) -> None:
    """Write what a server on 127.0.0.1 (server*.pem) and a client of it ({ca,cert,key}.pem) need.

    `other-ca.pem` is an authority that signed neither.
    """
    for authority in ("ca", "other-ca"):
        files = ["-keyout", f"{authority}-key.pem", "-out", f"{authority}.pem"]
        _openssl(folder, "req", "-x509", *KEY, "-days", "2", "-subj", f"/CN={authority}", *files)
    (folder / "extensions").write_text(
        "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n"
    )
    for certificate, key in (("server.pem", "server-key.pem"), ("cert.pem", "key.pem")):
        subject = ["-subj", f"/CN={Path(certificate).stem}"]
        _openssl(folder, "req", *KEY, *subject, "-keyout", key, "-out", "request")
        signer = ["-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial"]
        files = ["-in", "request", "-extfile", "extensions", "-out", certificate]
        _openssl(folder, "x509", "-req", *signer, "-days", "2", *files)


def _openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)
