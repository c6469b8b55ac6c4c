"""What injecting costs, beside the bars that it is held to.

    python benchmarks/inject.py
    python benchmarks/inject.py --quick render peers
    python benchmarks/inject.py million

Every bar is a ratio to a baseline of the same run, or an absolute bound; times are CPU time (user and
system). The mail has 61 kB and 40 links, two of them in Outlook's comments. "pre-rendered" writes the
same bytes, made before, with one system call a message and nothing else. The peers are measured when
they are installed: pip install -e '.[bench]'.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from importlib.util import find_spec
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import hostile
import mails
from measure import Figure, Used, least, pixeltrack, settle, timed

if TYPE_CHECKING:
    from pixeltrack.compile import Compiled, Task
    from pixeltrack.copies import Copy
    from pixeltrack.formats import Writer
    from pixeltrack.links import Policy
    from pixeltrack.output import Output
    from pixeltrack.rewrite import Plan
    from pixeltrack.sinks import Format

BASE = "https://track.example.com"
SLICE = 500  # messages that one side writes before it is the other's turn
NOW = 1_774_340_000_000

Part = Callable[[Path, argparse.Namespace], Iterator[Figure]]


def at_most(name: str, ratio: float, bar: float, detail: str) -> Figure:
    return Figure(name, f"{detail}   {ratio:.2f} x", f"at most {bar:g} x", ratio <= bar)


# -- the mail, compiled as the command compiles it --------------------------------------------------


def policy() -> Policy:
    from pixeltrack import urls
    from pixeltrack.links import Policy

    return Policy(urls.addresses(BASE).owns)


def plan_html(html: str) -> Plan:
    from pixeltrack import rewrite, source

    return rewrite.plan(source.read(html.encode(), "mail.html"), policy())


def plan_eml(html: str) -> Plan:
    from pixeltrack import message

    headers = [("From", "Garden <news@example.com>"), ("Subject", "News from the garden")]
    composed = message.compose((html.encode(), "utf-8"), None, headers)
    return message.plan_message(composed, "mail.eml", policy(), text=False)


def compiled(plan: Plan, folder: Path) -> tuple[Task, Compiled]:
    from pixeltrack import urls
    from pixeltrack.compile import Task, compile_mail
    from pixeltrack.store import open_store
    from pixeltrack.tokens import Keyring

    task = Task(plan, "spring", urls.addresses(BASE), folder / "out", NOW, envelope=plan.kind == "message")
    keyring = Keyring({1: bytes(range(32))})
    store = open_store(folder / "bench.db", keyring, create=True)
    try:
        return task, compile_mail(task, "recipients", store, keyring)
    finally:
        store.close()


def copies(made: Compiled, count: int) -> list[Copy]:
    from pixeltrack import recipients
    from pixeltrack.copies import Copy

    people = recipients.read(mails.recipient_rows(count), "list.csv")
    mint = made.minter()
    listed = []
    for number, person in enumerate(people, start=1):
        pseudonym = made.keys.pseudonym(person.identity)
        values = mint(pseudonym)
        listed.append(Copy(number, person, "both", f"{number:06d}-{pseudonym[:3].hex()}", values, ""))
    return listed


# -- rendering --------------------------------------------------------------------------------------


def render(folder: Path, options: argparse.Namespace) -> Iterator[Figure]:
    """One copy's bytes, from its tokens."""
    _task, made = compiled(plan_html(mails.newsletter()), folder)
    values = copies(made, 1)[0].values
    token, segments = values["message"].encode(), list(made.tracked.chunks)
    renderer = made.tracked.renderer()
    best = least(
        {"join": lambda: token.join(segments), "ours": lambda: renderer(values)},
        repeat=500,
        rounds=10 if options.quick else 60,
    )
    join, ours = best["join"] * 1e6, best["ours"] * 1e6
    yield Figure(f"token.join(segments), {len(segments)} segments", f"{join:.2f} µs")
    yield Figure("rendering a copy", f"{ours:.2f} µs", "at most 5 µs", ours <= 5)
    yield Figure("  to the join itself", f"{ours / join:.2f} x")


def peers(folder: Path, options: argparse.Namespace) -> Iterator[Figure]:
    """The same mail for one recipient: our tokens made and the copy joined, and what others take."""
    from bs4 import BeautifulSoup

    html = mails.newsletter()
    _task, made = compiled(plan_html(html), folder)
    keys, renderer = made.keys, made.tracked.renderer()

    def ours() -> bytes:
        pseudonym = keys.pseudonym("reader0000001@example.com")
        return renderer({"message": keys.message_token(pseudonym)})

    def soup() -> str:
        tree = BeautifulSoup(html, "html.parser")
        for anchor in tree.find_all("a", href=True):
            anchor["href"] = f"{BASE}/c/spring/1/token"
        assert tree.body is not None
        tree.body.append(tree.new_tag("img", src=f"{BASE}/o/spring/token.gif"))
        return str(tree)

    cases: dict[str, Callable[[], object]] = {"ours": ours, "soup": soup}
    if find_spec("pytracking") and find_spec("lxml"):
        from pytracking import Configuration
        from pytracking.html import adapt_html

        configuration = Configuration(
            base_open_tracking_url=f"{BASE}/o/", base_click_tracking_url=f"{BASE}/c/"
        )
        about = {"recipient": "reader0000001@example.com", "campaign": "spring"}
        cases["pytracking"] = lambda: adapt_html(html, about, configuration=configuration)
    few = {name: call for name, call in cases.items() if name != "ours"}
    best = dict.fromkeys(cases, float("inf"))
    for _ in range(5 if options.quick else 25):
        for measured in (least({"ours": ours}, repeat=500, rounds=1), least(few, repeat=2, rounds=1)):
            best |= {name: min(best[name], seconds) for name, seconds in measured.items()}
    yield Figure("a token and a copy", f"{best['ours'] * 1e6:.2f} µs")
    for name, title, bar in (
        ("pytracking", "pytracking.html.adapt_html", 1_000),
        ("soup", "BeautifulSoup: parse, change, str()", 5_000),
    ):
        if name not in best:
            yield Figure(f"{title}: not installed, not measured", "", f"at least {bar:,} x")
            continue
        ratio = best[name] / best["ours"]
        value = f"{best[name] * 1e6:,.0f} µs   {ratio:,.0f} x"
        yield Figure(title, value, f"at least {bar:,} x", ratio >= bar)


# -- writing ----------------------------------------------------------------------------------------


def sinks(folder: Path, options: argparse.Namespace) -> Iterator[Figure]:
    """Copies rendered and written, beside the same bytes written again."""
    from pixeltrack.formats import WholeCopies
    from pixeltrack.output import Output
    from pixeltrack.sinks import StreamSink

    html = mails.newsletter()
    mail, message = compiled(plan_html(html), folder), compiled(plan_eml(html), folder)
    join = mail[1].tracked.renderer()
    cases: list[tuple[str, tuple[Task, Compiled], Format | None, float]] = [
        ("one file", mail, None, 1.1),
        ("separate files", mail, "html", 1.15),
        ("jsonl, one file", mail, "jsonl", 2),
        ("quoted-printable eml, separate files", message, "eml", 2),
        ("quoted-printable mbox, one file", message, "mbox", 2),
    ]
    people = copies(mail[1], options.recipients)
    for title, (task, made), format_, bar in cases:
        with TemporaryDirectory(dir=folder) as scratch:
            out = Path(scratch) / "out"
            with Output(out) as output:
                writer: Writer
                if format_ is None:
                    sink = StreamSink(output, "messages.txt")
                    writer = WholeCopies(sink, lambda _kind: lambda copy: join(copy.values))
                else:
                    writer = _writer(output, replace(task, out=out), made, format_)
                staging = next(out.parent.glob(".out.partial-*"))
                base, ours = _write_in_turns(writer, people, staging, Path(scratch) / "again")
        detail = f"{ours * 1e6:.1f} µs : {base * 1e6:.1f} µs"
        yield at_most(f"{title} : pre-rendered", ours / base, bar, detail)


def recipe(folder: Path, options: argparse.Namespace) -> Iterator[Figure]:
    """A template and the table of tokens that fills it in, without reading the list and without rows."""
    from pixeltrack.copies import Copy
    from pixeltrack.output import Output

    count = options.recipients
    task, made = compiled(plan_html(mails.newsletter()), folder)
    people = [(copy.number, copy.recipient) for copy in copies(made, count)]

    def written(out: Path) -> None:
        mint = made.minter()
        with Output(out) as output:
            writer = _writer(output, replace(task, out=out), made, "recipe")
            for number, person in people:
                values = mint(made.keys.pseudonym(person.identity))
                writer.put(Copy(number, person, "both", "", values, ""), again=False)

    spent = min(timed(written, folder / f"recipe-{turn}").cpu for turn in range(3))
    whole = spent * 100_000 / count
    yield Figure("tokens and table for 100,000", f"{whole:.2f} s", "at most 1 s", whole <= 1)


def _writer(output: Output, task: Task, made: Compiled, format_: Format) -> Writer:
    from pixeltrack import recipients
    from pixeltrack.delivery import Delivery, writer
    from pixeltrack.listing import RecipientList

    people = RecipientList(recipients.read(mails.recipient_rows(1), "list.csv"), "list.csv")
    return writer(output, [(task, made)], Delivery(format_), people)


def _write_in_turns(writer: Writer, people: list[Copy], staging: Path, again: Path) -> tuple[float, float]:
    """Return the CPU seconds a message (pre-rendered, ours): the median of slices that took turns."""
    again.mkdir()
    base, ours = list[float](), list[float]()
    stream = next((path for path in staging.iterdir() if path.is_file()), None)
    for start in range(0, len(people), SLICE):
        part, before, names = people[start : start + SLICE], writer.written, list[str]()
        ours.append(timed(put, writer, part, names).cpu / len(part))
        if stream:
            with stream.open("rb") as file:
                file.seek(before)
                contents = pieces(file.read(), len(part))
            used = timed(write_stream, again / "stream", contents)
        else:
            contents = [(staging / name).read_bytes() for name in names]
            used = timed(write_files, again, [Path(name).name for name in names], contents)
        base.append(used.cpu / len(part))
    return median(base), median(ours)


def put(writer: Writer, part: Iterable[Copy], names: list[str]) -> None:
    for copy in part:
        names.append(writer.put(copy, again=False))


def pieces(content: bytes, count: int) -> list[bytes]:
    step = -(-len(content) // count)
    return [content[at : at + step] for at in range(0, len(content), step)]


def write_stream(path: Path, contents: Iterable[bytes]) -> None:
    with path.open("ab", buffering=0) as file:
        for content in contents:
            file.write(content)


def write_files(folder: Path, names: Iterable[str], contents: Iterable[bytes]) -> None:
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    for name, content in zip(names, contents, strict=True):
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=at)
        os.write(descriptor, content)
        os.close(descriptor)
    os.close(at)


# -- the whole command ------------------------------------------------------------------------------


@contextmanager
def workspace(folder: Path, html: str, recipients: int) -> Iterator[Path]:
    """A folder with a mail and a list, for one run."""
    with TemporaryDirectory(dir=folder) as made:
        place = Path(made)
        (place / "mail.html").write_text(html)
        with (place / "list.csv").open("w") as file:
            file.writelines(mails.recipient_rows(recipients))
        yield place


def inject(place: Path, format_: str) -> Used:
    arguments = ["inject", "mail.html", "--recipients", "list.csv", "--format", format_]
    return pixeltrack([*arguments, "--base-url", BASE, "--out", "out", "--quiet"], place)


def command(folder: Path, options: argparse.Namespace) -> Iterator[Figure]:
    """The command in a process of its own: list, tokens, database rows and all."""
    count = options.recipients
    for format_ in ("recipe", "jsonl", "html"):
        base, ours = list[Used](), list[Used]()
        # Nothing is removed before the last round: ext4 looks for a free inode five times as long where
        # many have just been deleted.
        with ExitStack() as rounds:
            for _ in range(1 if format_ == "recipe" or options.quick else 2):
                place = rounds.enter_context(workspace(folder, mails.newsletter(), count))
                settle()
                ours.append(inject(place, format_))
                if format_ != "recipe":
                    settle()
                    base.append(_written_again(place, count))
        cpu, wall = min(used.cpu for used in ours), min(used.wall for used in ours)
        if not base:
            value = f"{cpu:.2f} s CPU, {wall:.2f} s wall"
            name, whole = f"inject --format {format_}, {count:,} recipients", count == 100_000
            yield Figure(name, value, "at most 1 s" if whole else "", cpu <= 1 if whole else None)
            continue
        again, waited = min(used.cpu for used in base), min(used.wall for used in base)
        name = f"inject --format {format_} : pre-rendered"
        yield at_most(f"{name}, CPU", cpu / again, 1.5, f"{cpu:.2f} s : {again:.2f} s")
        yield Figure(f"{name}, wall", f"{wall:.2f} s : {waited:.2f} s   {wall / waited:.2f} x")


def _written_again(place: Path, count: int) -> Used:
    """Write as many messages of the same bytes: those of one slice again and again."""
    folder, stream = place / "out" / "html", place / "out" / "messages.jsonl"
    again = place / "again"
    if folder.is_dir():
        files = sorted(folder.iterdir())
        contents = [path.read_bytes() for path in files[:SLICE]]
        again.mkdir()
        return timed(write_files, again, [path.name for path in files], islice(cycle(contents), count))
    size = stream.stat().st_size * min(SLICE, count) // count
    with stream.open("rb") as file:
        contents = pieces(file.read(size), min(SLICE, count))
    return timed(write_stream, again, islice(cycle(contents), count))


def million(folder: Path, options: argparse.Namespace) -> Iterator[Figure]:
    """The largest resident memory for a million recipients."""
    count = 50_000 if options.quick else 1_000_000
    for format_ in ("jsonl", "recipe"):
        with workspace(folder, mails.newsletter(8_000, 4), count) as place:
            used = inject(place, format_)
        megabytes = used.peak / 1e6
        value = f"{megabytes:.0f} MB   {used.cpu:.1f} s CPU"
        yield Figure(f"{count:,} recipients, {format_}", value, "under 100 MB", megabytes < 100)


# -- compiling, and input that means harm -----------------------------------------------------------


def compiling(folder: Path, options: argparse.Namespace) -> Iterator[Figure]:
    """A source planned, cut and proved, once a campaign."""
    for title, html, bar in (
        ("61 kB, 40 links", mails.newsletter(), None),
        ("5 MB, 3,272 links", mails.newsletter(5_000_000, 3_272), 1.0),
        ("5 MB, 40 links", mails.newsletter(5_000_000), 1.0),
    ):
        rounds = 1 if options.quick else 3
        plans = min(timed(plan_html, html).cpu for _ in range(rounds))
        whole = plans + min(timed(compiled, plan_html(html), folder).cpu for _ in range(rounds))
        value = f"{whole:.3f} s, planning {plans:.3f} s"
        yield Figure(title, value, f"under {bar:g} s" if bar else "", whole < bar if bar else None)


def hostility(folder: Path, _options: argparse.Namespace) -> Iterator[Figure]:
    """The longest that any 200 kB of hostile input takes, by what reads it."""
    from pixeltrack import message, mime, texts
    from pixeltrack.errors import PixeltrackError
    from pixeltrack.markup import scan

    def proved(text: str) -> None:
        with suppress(PixeltrackError):  # refused is as good
            compiled(plan_html(text), folder)

    def planned(text: str) -> None:
        with suppress(PixeltrackError):
            message.plan_message(text.encode("latin-1"), "mail.eml", policy(), text=True)

    def leaves(text: str) -> None:
        with suppress(PixeltrackError):
            mime.leaves(text.encode("latin-1"))

    doors: list[tuple[str, Callable[[str], object], dict[str, str]]] = [
        ("tokenizer (scan)", scan, hostile.markup()),
        ("planning HTML", plan_html, hostile.markup()),
        ("compiled and proved", proved, hostile.markup()),
        ("text scanner (texts.spans)", texts.spans, hostile.texts()),
        ("MIME (mime.leaves)", leaves, hostile.messages()),
        ("planning a message", planned, hostile.messages()),
    ]
    for title, door, inputs in doors:
        spent = {name: min(timed(door, text).cpu for _ in range(3)) for name, text in inputs.items()}
        slowest = sorted(spent, key=spent.__getitem__, reverse=True)
        worst = slowest[0]
        value = f"{spent[worst]:.3f} s"
        yield Figure(f"{title}, {len(inputs)} inputs: {worst}", value, "at most 0.5 s", spent[worst] <= 0.5)
        for name in slowest[1:]:
            if spent[name] > 0.5:
                yield Figure(f"  {name}", f"{spent[name]:.3f} s", "at most 0.5 s", False)


PARTS: dict[str, Part] = {
    "million": million,  # first: a process starts with the size of its parent
    "render": render,
    "peers": peers,
    "compile": compiling,
    "hostile": hostility,
    "sinks": sinks,
    "recipe": recipe,
    "command": command,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="What injecting costs, beside the bars it is held to.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all but million")
    parser.add_argument("--recipients", type=int, help="default: 100,000")
    parser.add_argument("--folder", type=Path, default=Path(), help="where to write; 26 GB at 100,000")
    parser.add_argument("--million", action="store_true", help="a million recipients, too: 9 GB")
    parser.add_argument("--quick", action="store_true", help="5,000 recipients and fewer rounds")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    options.recipients = options.recipients or (5_000 if options.quick else 100_000)
    chosen = set(options.parts) or set(PARTS) - {"million"}
    with TemporaryDirectory(dir=options.folder, prefix=".benchmark-") as scratch:
        for name, part in PARTS.items():
            if name not in chosen and not (name == "million" and options.million):
                continue
            print(f"{name}: {part.__doc__}", flush=True)
            for figure in part(Path(scratch).absolute(), options):
                print(figure.row(), flush=True)


if __name__ == "__main__":
    main()
