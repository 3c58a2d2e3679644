"""Signing keys: Ed25519, the private one for the operator alone, the public one for everybody."""

from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from filelock import FileLock

from faceforget.errors import FaceForgetError, UsageError
from faceforget.files import sha256_bytes, write_atomically
from faceforget.requests.canonical import TamperedError

_MAKE = "Make one with new_key."
_RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)


class KeyFileError(FaceForgetError):
    """A file of a key that is missing or holds something else."""


class SigningKey:
    """A private key."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self.private = private

    @property
    def public(self) -> str:
        """The public key, 64 hexadecimal digits."""
        return self.private.public_key().public_bytes(*_RAW).hex()

    def sign(self, data: bytes) -> str:
        """The signature, 128 hexadecimal digits; the same for the same bytes."""
        return self.private.sign(data).hex()


def new_key(path: Path) -> SigningKey:
    """Make a key pair: ``path``, readable by its owner only, and ``path.pub``.

    Raises:
        UsageError: There is a file already; a key is never overwritten.
    """
    public = public_path(path)
    for file in (path, public):
        if file.exists():
            raise UsageError(f"{file} exists already, and a key is never overwritten.", "Give another name.")
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_atomically(path, pem)  # temporary files are their owner's alone, and stay so when renamed
    _write_public(private, public)
    return SigningKey(private)


def ensure_key(path: Path) -> SigningKey:
    """The key at ``path``, made if there is none.

    Raises:
        KeyFileError: There is something else.
    """
    if not path.exists():
        with FileLock(f"{path}.lock"):  # two batches may begin a ledger at once; a key that is lost signed in vain
            if not path.exists():
                public_path(path).unlink(missing_ok=True)
                return new_key(path)
    key = load_key(path)
    if not public_path(path).exists():  # a crash came between the two halves
        _write_public(key.private, public_path(path))
    return key


def public_path(path: Path) -> Path:
    """Where the public half of a key is."""
    return path.with_name(f"{path.name}.pub")


def load_key(path: Path) -> SigningKey:
    """Read a private key.

    Raises:
        KeyFileError: No such file, or not an Ed25519 private key without a password.
    """
    try:
        key = serialization.load_pem_private_key(_read(path), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyFileError(
            f"{path} is not a private key in PEM without a password.", _MAKE, code="no-private-key"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"{path} is not an Ed25519 key.", _MAKE, code="no-private-key")
    return SigningKey(key)


def load_public_key(path: Path) -> str:
    """Read a public key, 64 hexadecimal digits.

    Raises:
        KeyFileError: No such file, or not an Ed25519 public key.
    """
    try:
        key = serialization.load_pem_public_key(_read(path))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyFileError(f"{path} is not a public key in PEM.", "Give the file that ends in .pub.") from error
    if not isinstance(key, Ed25519PublicKey):
        raise KeyFileError(f"{path} is not an Ed25519 key.", "Give the file that ends in .pub.")
    return key.public_bytes(*_RAW).hex()


def check_signature(public: str, signature: str, data: bytes, what: str) -> None:
    """Check a signature.

    Args:
        public: The key, hexadecimal.
        signature: Hexadecimal; in one spelling only.
        data: What was signed.
        what: What it is, for the message.

    Raises:
        TamperedError: It is not this key's signature of these bytes.
    """
    try:
        raw = bytes.fromhex(public), bytes.fromhex(signature)
        if (raw[0].hex(), raw[1].hex()) != (public, signature):
            raise ValueError("not in lower case")
        Ed25519PublicKey.from_public_bytes(raw[0]).verify(raw[1], data)
    except (InvalidSignature, ValueError) as error:
        raise TamperedError(
            f"The signature of {what} does not match: it was changed, or signed by another key.",
            "Ask for an intact copy.",
        ) from error


def fingerprint(public: str) -> str:
    """A key in 16 characters that people can compare."""
    return sha256_bytes(bytes.fromhex(public))[:16]


def _write_public(private: Ed25519PrivateKey, path: Path) -> None:
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    write_atomically(path, private.public_key().public_bytes(*form))
    path.chmod(0o644)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeyFileError(f"Cannot read the key {path}: {error.strerror}.", "Check the path.") from error
