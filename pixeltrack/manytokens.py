"""Message tokens verified many at a time, as a log has them: the same verdict as one by one.

What costs a call for each token elsewhere (decoding, comparing) is one call here for all of them. The
keyed hash of each is left.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Callable, Sequence
from hashlib import blake2b
from hmac import compare_digest
from secrets import token_bytes
from struct import Struct
from typing import Any

from pixeltrack.minting import FROM_URL_SAFE, LETTERED, MESSAGE, TRACK_BODY, TRACK_TAG
from pixeltrack.tokens import Keyring

_SIZE = TRACK_BODY + TRACK_TAG
_numbers = Struct(f">2xq{TRACK_TAG}x").iter_unpack  # behind kind and key: what ``tokens.number`` returns
_MOST = 10_000  # campaigns and keys that are remembered


class MessageTokens:
    """Verifies tokens of 28 characters, each with the code of the campaign that it was seen with."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._hashes: dict[tuple[bytes, int], Callable[[], Any]] = {}

    def pseudonyms(self, codes: Sequence[bytes], tokens: Sequence[bytes]) -> list[int | None]:
        """Return whom each token names; None where it is none of ours, or none of this kind.

        The characters must be those of base64url: 28 of them have no other spelling (21 bytes, no bit
        is left over), so nothing is compared but the bytes.
        """
        raw = a2b_base64(b"".join(tokens).translate(FROM_URL_SAFE))
        hashes, made = self._hashes, []
        for code, key_id, at in zip(codes, raw[1::_SIZE], range(0, len(raw), _SIZE), strict=True):
            keyed = (hashes.get((code, key_id)) or self._hash(code, key_id))()
            body = raw[at : at + TRACK_BODY]
            keyed.update(body)
            made.append(body)
            made.append(keyed.digest())
        ours = bytearray(b"".join(made))
        ours[_SIZE - 1 :: _SIZE] = ours[_SIZE - 1 :: _SIZE].translate(LETTERED)
        ours[::_SIZE] = bytes((MESSAGE,)) * len(codes)
        numbers: list[int | None] = [number for (number,) in _numbers(raw)]
        if not compare_digest(ours, raw):
            for index, at in enumerate(range(0, len(raw), _SIZE)):
                if not compare_digest(ours[at : at + _SIZE], raw[at : at + _SIZE]):
                    numbers[index] = None
        return numbers

    def _hash(self, code: bytes, key_id: int) -> Callable[[], Any]:
        """What begins the hash of a campaign's tokens; for a key that is not ours, one that fits none."""
        if not self._keyring.has_key(key_id):
            return blake2b(key=token_bytes(32), digest_size=TRACK_TAG).copy
        if len(self._hashes) >= _MOST:
            self._hashes.clear()
        found = self._keyring.campaign(code.decode(), key_id).track.begin
        return self._hashes.setdefault((code, key_id), found)
