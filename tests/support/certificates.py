"""An authority of our own that signs certificates for tests, by the ``openssl`` command."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
_AUTHORITY = """\
[ca]
default_ca = own
[own]
database = {folder}/index.txt
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
unique_subject = no
policy = any
copy_extensions = copy
[any]
commonName = supplied
"""


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority; *certificate* is what those trust who trust it."""

    folder: Path
    certificate: Path

    @classmethod
    def found(cls, folder: Path) -> Authority:
        """Make an authority that keeps its files in *folder*."""
        folder.mkdir(parents=True)
        certificate = folder / "authority.pem"
        (folder / "index.txt").touch()
        (folder / "serial").write_text("01\n", "utf-8")
        (folder / "authority.cnf").write_text(_AUTHORITY.format(folder=folder), "utf-8")
        key, subject = ["-keyout", str(folder / "authority.key")], ["-subj", "/CN=authority"]
        _openssl("req", "-x509", *_KEY, *key, *subject, "-days", "2", "-out", str(certificate))
        return cls(folder, certificate)

    def serve_as(self, name: str, *, until: str = "20990101000000Z") -> ssl.SSLContext:
        """Return what a server needs that shows a certificate for *name*, good until then (``YYYYMMDDHHMMSSZ``)."""
        key, request = self.folder / f"{name}.key", self.folder / f"{name}.csr"
        certificate = self.folder / f"{name}.pem"
        kind = "IP" if name.replace(".", "").isdigit() else "DNS"
        names = ["-subj", f"/CN={name}", "-addext", f"subjectAltName={kind}:{name}"]
        _openssl("req", *_KEY, *names, "-keyout", str(key), "-out", str(request))
        signing = ["-keyfile", str(self.folder / "authority.key"), "-cert", str(self.certificate)]
        times = ["-startdate", "20200101000000Z", "-enddate", until]
        config = ["-config", str(self.folder / "authority.cnf"), "-batch", "-notext"]
        _openssl("ca", *config, *signing, *times, "-in", str(request), "-out", str(certificate))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context


def _openssl(*arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
