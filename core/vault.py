"""Files that leave this machine: sealed as they are written, chunk by chunk, so that no size needs memory and no cut goes unseen.

A sealed file is a mark, a salt, and chunks of AES-256-GCM. Each chunk's nonce holds its number and whether it is the last: a chunk
that is changed, moved, left out or cut off is refused.
"""

import io
import struct
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MARK = b"WYSEAL1\n"
SALT = 16
CHUNK = 1 << 20
TAG = 16


class Unreadable(ValueError):
    """A sealed file was changed or cut, or is sealed under another key; the message says so in Chinese."""


def _box(secret: str, salt: bytes) -> AESGCM:
    """A key for this file alone: its chunks may be counted from nought."""
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=salt, info=b"heating portal backup").derive(secret.encode()))


def _nonce(number: int, is_last: bool) -> bytes:
    return struct.pack(">QI", number, int(is_last))


class Sealing(io.RawIOBase):
    """A writer that seals what it is given into `target`. Closing it writes the last chunk; `target` stays open."""

    def __init__(self, target: BinaryIO, secret: str, salt: bytes):
        self.target, self.box, self.number, self.rest = target, _box(secret, salt), 0, bytearray()
        target.write(MARK + salt)

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        self.rest += data
        while len(self.rest) > CHUNK:  # the last chunk is never written before it is known to be the last
            self._put(bytes(self.rest[:CHUNK]), is_last=False)
            del self.rest[:CHUNK]
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._put(bytes(self.rest), is_last=True)
            super().close()

    def abandon(self) -> None:
        """End without a last chunk: what was written so far will never be taken for a whole."""
        super().close()

    def _put(self, chunk: bytes, *, is_last: bool) -> None:
        self.target.write(self.box.encrypt(_nonce(self.number, is_last), chunk, None))
        self.number += 1


class Unsealing(io.RawIOBase):
    """A reader of a sealed file. Unreadable at the first chunk that is not as it was written, also at the end."""

    def __init__(self, source: BinaryIO, secret: str):
        head = source.read(len(MARK) + SALT)
        if not head.startswith(MARK) or len(head) != len(MARK) + SALT:
            raise Unreadable("不是本平台的加密备份文件")
        self.source, self.box, self.number, self.ready, self.is_over = source, _box(secret, head[len(MARK) :]), 0, b"", False
        self.ahead = source.read(CHUNK + TAG)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        while not self.ready and not self.is_over:
            self._get()
        count = min(len(buffer), len(self.ready))
        buffer[:count], self.ready = self.ready[:count], self.ready[count:]
        return count

    def _get(self) -> None:
        chunk, self.ahead = self.ahead, self.source.read(CHUNK + TAG)
        self.is_over = not self.ahead
        try:
            self.ready = self.box.decrypt(_nonce(self.number, self.is_over), chunk, None)
        except (InvalidTag, ValueError) as fault:
            raise Unreadable("备份文件被改动、不完整，或密钥（BACKUP_KEY）不对") from fault
        self.number += 1
