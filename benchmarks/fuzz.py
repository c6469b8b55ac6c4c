"""Fuzz the scanners and the way of a whole message: python benchmarks/fuzz.py TARGET [--seconds N]

With atheris (pip install atheris), whose own talk is on standard error, inputs are found by the code
that they reach, else by changing and joining pieces of mail at random. Each input is run, and some are
repeated to 200 kilobytes to see whether the time grows faster than the length. Findings are printed
and kept in a folder; the exit code says whether there are any.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import re
import sys
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from time import process_time

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

try:
    import atheris
except ModuleNotFoundError:
    atheris = None

with atheris.instrument_imports(include=["pixeltrack"]) if atheris else nullcontext():
    from cutting import POLICY, VALUES, edits_of, planned, render

    from pixeltrack.edits import cut, cut_regions
    from pixeltrack.errors import InputError
    from pixeltrack.hrefs import clean, decode_attribute, host, location
    from pixeltrack.markup import scan
    from pixeltrack.message import plan_message
    from pixeltrack.mime import leaves, signed_by
    from pixeltrack.proofs import undo
    from pixeltrack.texts import spans

PARTS = [
    b"Content-Type: text/html; charset=utf-8\n\n",
    b"Content-Type: text/plain\n\n",
    b"Content-Type: multipart/mixed; boundary=b\n\n--b\n",
    b"Content-Transfer-Encoding: quoted-printable\n",
    b"Content-Transfer-Encoding: base64\nContent-Type: text/html\n\n"
    b"PGEgaHJlZj0iaHR0cHM6Ly9hLmV4YW1wbGUv\nIj54PC9hPg==\n",
    b"Content-Type: text/html; charset=iso-2022-jp\n\n\x1b$B%o%i\x1b(B",
    b"Content-Disposition: attachment\n",
    b'<a href="https://a.example/?a&amp;b">x</a>',
    b"<v:rect href='//a.example'>",
    b"<img src='https://t.example/o/",
    b"<html \xe2\x9a\xa14email>",
]
SEEDS = [
    *PARTS,
    *b"<!--[if mso]> <![endif]--> <!-- --> <script> </script> <title> </title> <area".split(),
    *b"</body> <b/x=' href= <a &#104; &copy &#x =3D =4 --b-- From: (( )) {{x}} < > & \xc3\xa9".split(),
    *b"https://a.example/x). pixeltrack:privacy".split(),
    *(b"\r\n", b"\n\n", b"--b\n", b"=\n", b" ", b"\t", b"\x00"),
]


def tokenizer(data: bytes) -> None:
    page = scan(data.decode("latin-1"))
    ends = [end for anchor in page.anchors for end in (anchor.href.start, anchor.href.end)]
    assert all(0 <= end <= len(data) for end in (*ends, page.content_end))


def addresses(data: bytes) -> None:
    for charset in (None, "utf-8", "gb18030"):
        ends = [end for span in spans(data.decode("latin-1"), charset) for end in span]
        assert ends == sorted(ends)
        assert not ends or ends[-1] <= len(data)


def hrefs(data: bytes) -> None:
    href = clean(decode_attribute(data.decode("utf-8", "replace")))
    there = location(href)
    assert there is None or re.fullmatch(r"[!-~]+", there), "it goes into a header"
    host(href)


def html(data: bytes) -> None:
    with suppress(InputError):
        made = planned(data, "utf-8")
        edits = edits_of(made)
        output = render(made.source, edits)
        assert undo(made.source, edits, VALUES, output) == data
        assert planned(output, "utf-8").changes_nothing


def message(data: bytes) -> None:
    signed_by(data)
    assert all(0 <= part.start <= part.end <= len(data) for part in leaves(data))
    with suppress(InputError):
        made = plan_message(data, "mail.eml", POLICY, text=True)
        edits = edits_of(made)
        whole = cut(made.source, edits).renderer()(VALUES)
        assert undo(made.source, edits, VALUES, whole) == made.source.data
        output = cut_regions(made.source, made.regions, edits).renderer()(VALUES)
        if not made.regions:
            assert (made.source.data, output) == (data, whole)
        assert plan_message(output, "mail.eml", POLICY, text=True).changes_nothing


TARGETS: dict[str, Callable[[bytes], None]] = {
    each.__name__: each for each in (tokenizer, addresses, hrefs, html, message)
}
LONG = 100_000  # bytes that an input is repeated to, and twice that
TOO_STEEP = 3.2  # times as long for twice the bytes; linear is 2
AT_LEAST = 0.02  # seconds below which nothing is said of growth


class Fuzzer:
    """Runs inputs, and counts what came of them."""

    def __init__(self, name: str, folder: Path) -> None:
        self.work, self.folder = TARGETS[name], folder
        self.tried = self.found = self.timed = 0
        self.worst = (0.0, b"")  # nanoseconds for each byte of a long input, and its piece
        self.known: set[bytes] = set()

    def __call__(self, data: bytes) -> None:
        self.tried += 1
        try:
            self.work(data)
        except Exception as error:
            self.keep(data, f"{type(error).__name__}: {str(error)[:200]}")
        if self.tried % 50 == 0 and data:
            self.measure(data)

    def measure(self, piece: bytes) -> None:
        """See how time grows with a piece of an input that is repeated, after what stands before it."""
        start = random.randrange(len(piece))
        part = piece[start : start + random.choice((1, 2, 4, 8, 30))]
        head = piece[: random.choice((0, start))]
        self.timed += 1
        once, twice = (self.seconds(head + part * (size // len(part))) for size in (LONG, 2 * LONG))
        self.worst = max(self.worst, (twice / (2 * LONG) * 1e9, head[-60:] + b" | " + part))
        if twice > AT_LEAST and twice > TOO_STEEP * once:
            long = head + part * (LONG // len(part))
            again = [
                min(self.seconds(data) for _ in range(3))
                for data in (long, long + part * (LONG // len(part)))
            ]
            if again[1] > TOO_STEEP * again[0]:
                self.keep(long[:2_000], f"{again[0]:.3f} s became {again[1]:.3f} s for twice the bytes")

    def seconds(self, data: bytes) -> float:
        begun = process_time()
        try:
            self.work(data)
        except Exception as error:
            self.keep(data[:2_000], f"{type(error).__name__} when long: {str(error)[:200]}")
        return process_time() - begun

    def keep(self, data: bytes, said: str) -> None:
        kind = re.sub(r"[\d.]+", "0", said)[:60].encode()
        self.found += 1
        if kind not in self.known:
            self.known.add(kind)
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self.folder / hashlib.sha256(data).hexdigest()[:12]
            path.write_bytes(data)
            print(f"{path}: {said}\n  {data[:300]!r}", flush=True)

    def report(self, seconds: float) -> None:
        print(
            f"{self.work.__name__}: {self.tried:,} inputs, {self.timed:,} long ones, {seconds:.0f} s of CPU;"
            f" findings: {self.found};"
            f" slowest {self.worst[0]:.0f} ns for each byte, of {self.worst[1]!r}",
            flush=True,
        )


def changed(chance: random.Random, pool: list[bytes]) -> bytes:
    """Return an input made of pieces and of earlier inputs, with some bytes of it changed."""
    data = bytearray(b"".join(chance.choices(pool, k=chance.randrange(1, 12))))
    for _ in range(chance.choice((0, 0, 1, 3))):
        place = chance.randrange(len(data) + 1)
        data[place : place + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
    return bytes(data[:2_000])


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("target", choices=TARGETS)
    options.add_argument("--seconds", type=float, default=60, help="of processor time")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--keep", type=Path, default=Path("findings"), help="folder for inputs that fail")
    options.add_argument("--plain", action="store_true", help="without atheris")
    given = options.parse_args()
    random.seed(given.seed)
    chance, pool = random.Random(given.seed), list(SEEDS)
    fuzzer, begun = Fuzzer(given.target, given.keep), process_time()

    def one(data: bytes) -> None:
        if process_time() - begun > given.seconds:
            fuzzer.report(process_time() - begun)
            os._exit(1 if fuzzer.found else 0)  # atheris gives the control back to nobody
        fuzzer(data)

    if atheris and not given.plain:
        guided(one, chance)
    while True:
        data = changed(chance, pool)
        one(data)
        if chance.random() < 0.01:
            pool = [*pool[-500:], data, *chance.sample(SEEDS, 3)]


def guided(one: Callable[[bytes], None], chance: random.Random) -> None:
    """Let atheris look for inputs that reach code which none has reached."""

    def mutate(data: bytes, size: int, _seed: int) -> bytes:
        if chance.random() < 0.5:
            return changed(chance, [*SEEDS, bytes(data) or b"x"])[:size]
        return bytes(atheris.Mutate(data, size))

    atheris.Setup(
        [
            sys.argv[0],
            "-max_len=2000",
            f"-seed={chance.getrandbits(31)}",
            "-rss_limit_mb=0",
        ],
        one,
        custom_mutator=mutate,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
