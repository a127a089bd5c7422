"""The certificates that two nodes show each other: signed by an authority derived from the cookie, or from files.

`ssl` and `cryptography` are imported when the first certificate is made; a cluster on one machine never does.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any, NamedTuple

from eye.errors import TlsUnusable

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from eye.cluster.security import Cookie

_SKEW = 24 * 3600.0  # seconds by which the clocks of two nodes may differ
_LIFE = 48 * 3600.0  # seconds of a node's certificate, half of it in the past already
_NAME = "node.sorcerers-eye.internal"


class Files(NamedTuple):
    """Certificates of a real authority: this node's own (with what leads to the root), its key, the root."""

    cert: Path
    key: Path
    ca: Path


class Identity(NamedTuple):
    """This node's certificate (DER), and a context for either side that shows it."""

    certificate: bytes
    client: ssl.SSLContext
    server: ssl.SSLContext
    made_at: float


def _contexts(
    ca: str, cert_path: str, key_path: str | None, *, checks_host: bool
) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    import ssl

    contexts = []
    for kind in (ssl.PROTOCOL_TLS_CLIENT, ssl.PROTOCOL_TLS_SERVER):
        context = ssl.SSLContext(kind)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname = checks_host and kind is ssl.PROTOCOL_TLS_CLIENT
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=ca)
        context.load_cert_chain(cert_path, key_path)
        if kind is ssl.PROTOCOL_TLS_SERVER:
            context.num_tickets = 0  # nobody resumes, and the first frame need not wait behind them
        contexts.append(context)
    return contexts[0], contexts[1]


# ------------------------------------------------------------------------------ from the cookie


def derived(cookie: Cookie, now: float) -> Identity:
    """Make a certificate of the cluster's private authority, whose key is derived from the cookie."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    seed = HKDF(hashes.SHA256(), 32, salt=None, info=b"sorcerers eye: private CA").derive(cookie.authkey)
    ca_key, issuer = Ed25519PrivateKey.from_private_bytes(seed), name("sorcerer's eye, private CA")
    # The same at every node to the last byte, which Ed25519 makes easy: it draws nothing when it signs.
    ca = (
        x509.CertificateBuilder()
        .subject_name(issuer)
        .issuer_name(issuer)
        .public_key(ca_key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(x509, signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, None)
    )
    own_key, moment = Ed25519PrivateKey.generate(), datetime.fromtimestamp(now, UTC)
    own = (
        x509.CertificateBuilder()
        .subject_name(name(_NAME))
        .issuer_name(issuer)
        .public_key(own_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - timedelta(seconds=_SKEW))
        .not_valid_after(moment - timedelta(seconds=_SKEW) + timedelta(seconds=_LIFE))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(x509, signs_certificates=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
            critical=True,
        )
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(_NAME)]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own_key.public_key()), critical=False)
        .sign(ca_key, None)
    )
    pem, der = serialization.Encoding.PEM, serialization.Encoding.DER
    key = own_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with _Unseen(own.public_bytes(pem) + key) as path:
        contexts = _contexts(ca.public_bytes(pem).decode(), path, None, checks_host=False)
    return Identity(own.public_bytes(der), *contexts, now)


def _usage(x509: Any, *, signs_certificates: bool) -> Any:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


class _Unseen:
    """A file that `ssl` can read, since it takes a key from nowhere else, and that nobody else sees."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __enter__(self) -> str:
        if hasattr(os, "memfd_create"):
            self._descriptor, self._path = os.memfd_create("eye", os.MFD_CLOEXEC), None
            path = f"/proc/self/fd/{self._descriptor}"
        else:
            import tempfile

            self._descriptor, path = tempfile.mkstemp()  # mode 0600
            self._path = path
        os.write(self._descriptor, self._content)
        return path

    def __exit__(self, *raised: object) -> None:
        os.close(self._descriptor)
        if self._path is not None:
            os.unlink(self._path)


# ---------------------------------------------------------------------------------- from files


def from_files(files: Files, now: float) -> Identity:
    """Read the certificates of a real authority.

    Raises:
        TlsUnusable: one of the files cannot be read, does not fit, or others may read the key.
    """
    import ssl

    _check_key(files.key)
    try:
        ca = files.ca.read_text()
        cert = files.cert.read_text()
    except OSError as error:
        raise TlsUnusable(str(error.filename), (error.strerror or str(error)).lower()) from None
    except UnicodeDecodeError:
        raise TlsUnusable(f"{files.ca} or {files.cert}", "not a certificate in PEM form") from None
    try:
        der = ssl.PEM_cert_to_DER_cert(cert[cert.index("-----BEGIN CERTIFICATE") :].split("-----END")[0] + _END)
    except ValueError:
        raise TlsUnusable(str(files.cert), "there is no certificate in PEM form in it") from None
    try:
        contexts = _contexts(ca, str(files.cert), str(files.key), checks_host=True)
    except ssl.SSLError as error:
        if "KEY_VALUES_MISMATCH" in str(error):
            raise TlsUnusable(str(files.key), f"it is not the key of {files.cert}") from None
        raise TlsUnusable(f"{files.cert}, {files.key} or {files.ca}", f"OpenSSL says: {error.reason}") from None
    except OSError as error:
        raise TlsUnusable(str(files.cert), (error.strerror or str(error)).lower()) from None
    return Identity(der, *contexts, now)


_END = "-----END CERTIFICATE-----\n"


def _check_key(path: Path) -> None:
    try:
        found = os.stat(path)
    except OSError as error:
        raise TlsUnusable(str(path), (error.strerror or str(error)).lower()) from None
    if found.st_mode & (stat.S_IRWXO | stat.S_IWGRP):
        raise TlsUnusable(str(path), f"others than its owner may open it; run: chmod 600 {path}")
