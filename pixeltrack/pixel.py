"""The picture that a pixel is."""

from __future__ import annotations

from pixeltrack.answers import Answer, Headers, guarded

#: A transparent picture of one pixel (GIF89a).
PIXEL = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)
PIXEL_HEADERS: Headers = guarded([("Content-Type", "image/gif"), ("Pragma", "no-cache"), ("Expires", "0")])


def pixel(reason: str | None = None) -> Answer:
    """Return the picture; reason is why what asked for it was not counted, None when it was."""
    extra = [("X-Pixeltrack", f"not counted: {reason}")] if reason else []
    return "200 OK", PIXEL_HEADERS + extra, PIXEL
