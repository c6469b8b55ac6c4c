"""The whole job on this machine: inject, collect, play a day, report, and check the report."""

from __future__ import annotations

import csv
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from pixeltrack import inject, recipients, report, simulate, source, urls
from pixeltrack.collector import make_app
from pixeltrack.compile import Task
from pixeltrack.config import Settings
from pixeltrack.delivery import Delivery
from pixeltrack.figures import CampaignReport, Share, Tally
from pixeltrack.links import Policy
from pixeltrack.listing import RecipientList
from pixeltrack.pages import Pages
from pixeltrack.resources import examples_dir
from pixeltrack.rewrite import plan
from pixeltrack.serve import Server, listen
from pixeltrack.setup import open_workspace
from pixeltrack.simulate import DEMO, Expected, Hit
from pixeltrack.simulate.mailbox import mailbox
from pixeltrack.simulate.play import play
from pixeltrack.terms import terms

CAMPAIGN = "spring-sale"
START = 1_774_340_400_000  # 2026-03-24 08:20 UTC, in ms: the day that is played
_TICK = 5_000  # ms: the hits of so long share a time and a commit

_FIRST_NAMES = ("Ada", "Bruno", "Chiara", "Dilan", "Émile", "Freja", "Goran", "Hana", "Iker", "Jürgen")
_DOMAINS = ("example.com", "example.org", "example.net", "mail.example", "team.example", "studio.example")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the demo did. ``differences`` is empty when the report says exactly what was played."""

    report: CampaignReport
    hits: int
    compared: int
    differences: tuple[str, ...]


class _Clock:
    """The day's clock: the player sets it, the collector reads it."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def set(self, now: int) -> None:
        self.now = now


def run(
    folder: Path,
    settings: Settings,
    people: int,
    seed: int,
    progress: Callable[[int], None] | None = None,
) -> Outcome:
    """Play the bundled campaign for some people inside a folder; its files stay there."""
    mail = folder / "campaign.html"
    mail.write_bytes((examples_dir() / CAMPAIGN / "campaign.html").read_bytes())
    write_list(folder / "recipients.csv", people, seed)
    # the player stands where a proxy would, and tells from where each hit is
    settings = replace(settings, trusted_proxies=frozenset({"127.0.0.1"}))
    workspace = open_workspace(settings, create=True)
    clock = _Clock(START)
    app = make_app(workspace.store, workspace.keyring, Pages(), settings, clock, commit_each=False)
    server = Server(app, listen("127.0.0.1", 0))
    places = urls.addresses(server.url)
    mail_plan = plan(source.read(mail.read_bytes(), str(mail)), Policy(places.owns))
    task = Task(mail_plan, CAMPAIGN, places, folder / "out" / CAMPAIGN, START)
    with (folder / "recipients.csv").open(encoding="utf-8", newline="") as stream:
        listed = RecipientList(recipients.read(stream, "recipients.csv"), "recipients.csv")
    inject.inject_list(task, listed, workspace.store, workspace.keyring, terms(settings), Delivery())
    copies = mailbox(task.out).copies
    destinations = [link.destination for link in mail_plan.wrapped]
    hits = a_day(len(copies), len(destinations), seed)
    thread = threading.Thread(target=server.run, name="collector")
    thread.start()
    try:
        answers = play(hits, copies, clock.set, tick=_TICK, progress=progress)
    finally:
        server.stop()
        thread.join()
    result = report.build(workspace.store, CAMPAIGN)
    workspace.store.close()
    compared = compare(result, simulate.expect(hits, len(destinations)), len(listed), len(copies))
    astray = [
        f"hit {number}: answered {status} {where}, expected {wanted}"
        for number, ((status, where), hit) in enumerate(zip(answers, hits, strict=True), start=1)
        if (status, where)
        != (wanted := (302, destinations[hit.link]) if hit.kind == "click" else (200, None))
    ]
    differences = [
        f"{name}: played {played}, reported {said}" for name, played, said in compared if played != said
    ]
    return Outcome(result, len(hits), len(compared) + len(hits), tuple(differences + astray))


def write_list(path: Path, people: int, seed: int) -> None:
    """Write a recipient list of generated people at reserved domains."""
    chance = random.Random(seed)  # noqa: S311 - a simulation
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("email", "first_name", "consent"))
        for number in range(1, people + 1):
            consent = chance.choices(("granted", "", "denied"), (80, 17, 3))[0]
            name = chance.choice(_FIRST_NAMES)
            rows.writerow((f"reader{number}@{chance.choice(_DOMAINS)}", name, consent))


def a_day(copies: int, links: int, seed: int) -> list[Hit]:
    """Draw the hits that the demo plays: of a day, of actors that can be told apart."""
    plan = simulate.draw(copies, links, START, seed, DEMO, days=1)
    return [hit._replace(at=hit.at // _TICK * _TICK) for hit in plan.hits]


def compare(
    said: CampaignReport, played: Expected, messages: int, tracked: int
) -> list[tuple[str, object, object]]:
    """Return (figure, as played, as reported) for every figure of a report."""
    pairs: list[tuple[str, object, object]] = [
        ("messages", messages, said.messages),
        ("tracked", tracked, said.tracked),
        ("opens", played.opens, _pair(said.opens)),
        ("clicks", played.clicks, _pair(said.clicks)),
        ("open rate", played.opens[0] / tracked, said.open_rate),
        ("click rate", played.clicks[0] / tracked, said.click_rate),
        ("click-to-open rate", played.clicks[0] / played.opens[0], said.click_to_open_rate),
        ("clicked without open", played.clicked_without_open, said.clicked_without_open),
        ("machine opens", played.machine_opens, _pair(said.machine_opens)),
        ("machine clicks", played.machine_clicks, _pair(said.machine_clicks)),
        ("unknown", (0, 0), (said.unknown_opens.total, said.unknown_clicks.total)),
        ("unsubscribed", played.unsubscribed, said.unsubscribed),
        ("stopped tracking", played.stopped_tracking, said.stopped_tracking),
        ("devices", played.devices, _named(said.devices)),
        ("operating systems", played.systems, _named(said.systems)),
        ("browsers", played.browsers, _named(said.browsers)),
        ("mail clients", played.clients, _named(said.clients)),
        ("first activity", played.first, said.first),
        ("last activity", played.last, said.last),
        ("opens over time", played.opens[1], sum(bucket.opens for bucket in said.timeline)),
        ("clicks over time", played.clicks[1], sum(bucket.clicks for bucket in said.timeline)),
    ]
    for truth, link in zip(played.links, said.links, strict=True):
        found = (link.clicks.unique, link.clicks.total, link.machine_clicks)
        pairs.append((f"link {link.number}", truth, found))
    return pairs


def _pair(tally: Tally) -> tuple[int, int]:
    return tally.unique, tally.total


def _named(shares: tuple[Share, ...]) -> dict[str, int]:
    return {share.name: share.people for share in shares}
