"""Decoding a GIF with one image, to see what a mail program would show (GIF89a specification)."""

from __future__ import annotations

from typing import NamedTuple

_MOST_PIXELS = 1 << 16  # few bytes can claim four thousand million


class Image(NamedTuple):
    width: int
    height: int
    pixels: list[int]  # indices of colours


def decode(data: bytes) -> Image:
    """Return the first image. Raises ValueError for anything that is no whole GIF."""
    try:
        return _decode(data)
    except IndexError:
        raise ValueError("it ends too early") from None


def _decode(data: bytes) -> Image:
    if data[:6] not in (b"GIF87a", b"GIF89a"):
        raise ValueError("it is no GIF")
    at = 13 + _table(data[10])
    while data[at] == 0x21:  # an extension
        at = _blocks(data, at + 2)[1]
    if data[at] != 0x2C:
        raise ValueError("it holds no image")
    width, height = (int.from_bytes(data[place : place + 2], "little") for place in (at + 5, at + 7))
    if width * height > _MOST_PIXELS:
        raise ValueError(f"it is {width} by {height} pixels")
    at += 10 + _table(data[at + 9])
    packed, after = _blocks(data, at + 1)
    pixels = _unpack(packed, data[at], width * height)
    while data[after] == 0x21:
        after = _blocks(data, after + 2)[1]
    if data[after] != 0x3B:
        raise ValueError("its end mark is missing")
    return Image(width, height, pixels)


def _table(flags: int) -> int:
    """Return the bytes of the colour table that flags announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _blocks(data: bytes, at: int) -> tuple[bytes, int]:
    """Return the content of a row of sub-blocks, and where it ends."""
    content = b""
    while size := data[at]:
        content += data[at + 1 : at + 1 + size]
        at += 1 + size
    return content, at + 1


def _unpack(packed: bytes, smallest: int, wanted: int) -> list[int]:
    """Undo the LZW compression, with code sizes that grow."""
    clear, end = 1 << smallest, (1 << smallest) + 1
    bits, position, size = int.from_bytes(packed, "little"), 0, smallest + 1
    table: list[list[int]] = []
    pixels: list[int] = []
    before: list[int] = []
    while position + size <= len(packed) * 8 and len(pixels) <= wanted:
        code = bits >> position & (1 << size) - 1
        position += size
        if code == end:
            if len(pixels) != wanted:
                raise ValueError(f"it has {len(pixels)} pixels instead of {wanted}")
            return pixels
        if code == clear:
            table = [[each] for each in range(clear)] + [[], []]
            before, size = [], smallest + 1
            continue
        if not table or code > len(table) or (code == len(table) and not before):
            raise ValueError("its image data is damaged")
        entry = table[code] if code < len(table) else [*before, before[0]]
        pixels += entry
        if before and len(table) < 4_096:
            table.append([*before, entry[0]])
        before = entry
        if len(table) == 1 << size and size < 12:
            size += 1
    raise ValueError("its image data is damaged")
