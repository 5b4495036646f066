"""Reads private keys, which log in to Snowflake in place of a password."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

from orchestrator.errors import ConfigurationError


def private_key(key: str | bytes | None, path: str | None, passphrase: str | None) -> bytes | None:
    """Return a private key as Snowflake's connector takes it (PKCS #8, DER, not encrypted).

    Args:
        key: The key: a text in PEM form, or DER as bytes or in base64; or
        path: the file that holds it.
        passphrase: What it is encrypted with.

    Raises:
        ConfigurationError: There is no such file, or it holds no key that can be read so. The
            message shows nothing of either.

    Example:
        >>> private_key(None, None, None) is None
        True
    """
    if not key and not path:
        return None
    where = str(path) if path else "private_key"
    try:
        data = Path(str(path)).expanduser().read_bytes() if path else _as_bytes(key or b"")
    except OSError as error:
        raise ConfigurationError(
            f"the private key cannot be read: {error.strerror}", where=where, fix="mend the path"
        ) from None
    return _as_der(data, passphrase, where)


def _as_bytes(key: str | bytes) -> bytes:
    if isinstance(key, bytes):
        return key
    text = key.strip().replace("\\n", "\n")
    if text.startswith("-----"):
        return text.encode()
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error:
        return text.encode()


def _as_der(data: bytes, passphrase: str | None, where: str) -> bytes:
    from cryptography.hazmat.primitives import serialization as form

    load = form.load_pem_private_key if b"-----BEGIN" in data else form.load_der_private_key
    try:
        loaded = load(data, passphrase.encode() if passphrase else None)
    except Exception as error:
        why = "its passphrase is missing" if isinstance(error, TypeError) else "see its form"
        if passphrase:
            why = "the passphrase, or the form of the key, does not fit"
        raise ConfigurationError(
            f"the private key cannot be used: {why}",
            where=where,
            fix="give a key in PKCS #8 form, and private_key_passphrase if it is encrypted",
        ) from None
    return loaded.private_bytes(form.Encoding.DER, form.PrivateFormat.PKCS8, form.NoEncryption())
