"""Webhooks: what is told of whom, in which order, and what becomes of what fails."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import START, Client, Clock, Inject
from feedcases import AT, sendgrid
from hookserver import Receiver, receiving
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from inbox import Copy, copies

from pixeltrack import config, feedimport, held, purging, restoring, rights, setup, signing
from pixeltrack.model import Event, EventKind, Mode
from pixeltrack.restoring import back_up
from pixeltrack.setup import Workspace
from pixeltrack.steps import Reading
from pixeltrack.store import Hook, open_store
from pixeltrack.webhooks import batches, sending
from pixeltrack.webhooks.order import new
from pixeltrack.webhooks.payload import KINDS, Teller, examples, iso
from pixeltrack.webhooks.sending import GIVE_UP, LONGEST_WAIT, Happened, once, pause

ANN, BOB = "ann@x.example", "bob@x.example"
DAY = 86_400_000
SCHEMA = json.loads(files("pixeltrack").joinpath("schemas", "webhook.json").read_text("utf-8"))
CHECK = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
MACHINE = "curl/8.5.0"


@dataclass
class Hooked:
    """A campaign of two people, a receiver, and a webhook that leads there."""

    workspace: Workspace
    client: Client
    clock: Clock
    receiver: Receiver
    hook: Hook
    mail: list[Copy]

    def send(self) -> list[Happened]:
        """Send once; every body that came was signed, and is as the schema says."""
        happened: list[Happened] = []
        self.due = once(self.workspace.store, self.workspace.keyring, happened.append, self.clock)
        return happened

    def events(self) -> list[dict[str, Any]]:
        """Send once, and return what was new to the receiver."""
        before = len(self.receiver.events)
        self.send()
        return self.receiver.events[before:]

    def again(self, hours: float = 1.3) -> list[Happened]:
        self.clock.forward(hours * 3600)
        return self.send()

    @property
    def now(self) -> Hook:
        return self.workspace.store.hook(self.hook.hook_id)

    def order(self, number: str, *, pt: str = "", **more: Any) -> None:
        """A signed call of the shop."""
        site = self.workspace.store.site("shop.example")
        key = self.workspace.keyring.site_key(site.host, site.generation)
        said = json.dumps({"order": number, "value": "49.90", "currency": "EUR", "pt": pt, **more}).encode()
        signed = signing.sign(said, key, self.clock.now)
        assert self.client.request("POST", "/v/order", said, pixeltrack_signature=signed).status[:3] == "200"

    def reported(self, name: str, address: str, **more: Any) -> None:
        """A delivery fact of the mail system."""
        path = self.workspace.store.path.parent / "reported.json"
        path.write_text(json.dumps(sendgrid(name, email=address, **more)))
        feedimport.run(self.workspace.store, self.workspace.keyring, [path], AT * 1000 + DAY)

    def token(self, copy: Copy) -> str:
        """What a click takes along to the shop."""
        self.workspace.store.set_attribute(1, "pt")
        return self.client.get(copy.click(1)).headers["Location"].partition("pt=")[2]


Make = Callable[..., Hooked]


@pytest.fixture
def make(workspace: Workspace, client: Client, clock: Clock, inject: Inject) -> Iterator[Make]:
    with receiving() as receiver:

        def made(
            *, kinds: tuple[str, ...] = KINDS, modes: dict[str, Any] | None = None, **options: Any
        ) -> Hooked:
            mail = copies(inject(ANN, BOB, **modes or {}))
            store = workspace.store
            store.add_goal("order", store.add_site("shop.example", START), START)
            hook = store.add_hook(receiver.url, kinds, START, **options)
            return Hooked(workspace, client, clock, receiver, hook, mail)

        yield made
        for body in receiver.bodies:
            CHECK.validate(json.loads(body))


@pytest.fixture
def hooked(make: Make) -> Hooked:
    """One that is told everything."""
    return make()


def of(events: list[dict[str, Any]], *names: str) -> list[Any]:
    return [tuple(event[name] for name in names) if names[1:] else event[names[0]] for event in events]


# -- what is told ----------------------------------------------------------------------------------------


def test_everything_is_told_in_the_order_in_which_it_was_stored(hooked: Hooked) -> None:
    ann, bob = hooked.mail
    pt = hooked.token(ann)
    hooked.order("17", pt=pt)
    hooked.client.get(bob.open)
    hooked.reported("delivered", BOB)
    hooked.client.post(bob.unsubscribe, b"List-Unsubscribe=One-Click")
    hooked.client.get(ann.open)
    hooked.order("17", pt=pt, id="r1", value="-10")
    assert of(hooked.events(), "kind") == [
        *("click", "conversion", "open", "delivery", "opt-out", "open", "conversion")
    ]
    assert hooked.events() == []
    hooked.client.get(ann.click(2))
    assert of(hooked.events(), "kind", "link") == [("click", 2)]


def test_a_hit_says_what_the_export_says(hooked: Hooked) -> None:
    ann = hooked.mail[0]
    hooked.client.get(ann.open)
    hooked.clock.forward(60)
    hooked.client.get(ann.click(1))
    hooked.client.get(ann.open, agent=MACHINE)
    opened, clicked, machine = hooked.events()
    assert (opened["at"], clicked["at"]) == ("2026-09-21T14:13:20.000+00:00", "2026-09-21T14:14:20.000+00:00")
    assert opened | {"id": "", "message": ""} == {
        **{"id": "", "kind": "open", "at": opened["at"], "campaign": "spring", "message": ""},
        **{"recipient": None, "link": None, "link_text": None, "link_url": None, "device": "desktop"},
        **{"system": "Windows", "browser": "Chrome", "client": None, "hidden_by": None},
        **{"counted": "people", "verdict": "human", "reason": opened["reason"]},
        **{"reasons": opened["reasons"], "judgement": opened["judgement"]},
    }
    assert (clicked["link"], clicked["link_text"]) == (1, "First")
    assert clicked["link_url"] == "https://shop.example/a?x=1&y=2"
    assert (machine["counted"], machine["verdict"]) == ("machines", "scanner")
    assert opened["message"] == clicked["message"]


def test_orders_refunds_and_what_a_signature_proves_later(hooked: Hooked) -> None:
    pt = hooked.token(hooked.mail[0])
    hooked.client.get(f"/v/order.gif?order=9&value=5&currency=EUR&pt={pt}", referer="https://shop.example/")
    first = hooked.events()[-1]
    assert (first["verified"], first["told_by"], first["value"]) == (False, "pixel", "5.00")
    hooked.order("9", pt=pt, value="7.50")
    proved = hooked.events()
    assert of(proved, "verified", "told_by", "value", "order") == [(True, "server", "7.50", "9")]
    assert proved[0]["id"] != first["id"]
    hooked.order("9", pt=pt, value="7.50")
    assert hooked.events() == [], "said again, it is no news"
    hooked.client.request("POST", "/v/order", b"{}")
    hooked.order("nobody's")
    (nobodys,) = hooked.events()
    assert of([nobodys], "campaign", "message", "recipient", "goal", "site") == [
        (None, None, None, "order", "shop.example")
    ]


def test_opt_outs_and_deliveries(hooked: Hooked) -> None:
    ann, bob = hooked.mail
    hooked.client.post(ann.unsubscribe, b"List-Unsubscribe=One-Click")
    hooked.client.post(bob.preferences, b"action=stop")
    hooked.reported("bounce", ANN, type="bounce")
    found = hooked.events()
    assert of(found[:2], "kind", "scope") == [("opt-out", "all"), ("opt-out", "tracking")]
    assert of(found[2:], "kind", "delivery", "bounce", "source") == [
        ("delivery", "bounced", "hard", "sendgrid")
    ]
    hooked.client.post(ann.unsubscribe, b"List-Unsubscribe=One-Click")
    assert hooked.events() == []


def test_a_hook_is_told_of_its_kinds_and_its_campaign(make: Make, inject: Inject) -> None:
    hooked = make(kinds=("click",), campaign_id=1)
    (other,) = copies(inject("eve@x.example", campaign="autumn"))
    for copy in (*hooked.mail, other):
        hooked.client.get(copy.open)
        hooked.client.get(copy.click(1))
    hooked.order("1")
    hooked.client.post(other.unsubscribe, b"List-Unsubscribe=One-Click")
    assert of(hooked.events(), "kind", "campaign") == [("click", "spring")] * 2


def test_people_only(make: Make) -> None:
    hooked = make(people_only=True)
    hooked.client.get(hooked.mail[0].open, agent=MACHINE)
    hooked.client.get(hooked.mail[1].open)
    hooked.reported("delivered", ANN)
    assert of(hooked.events(), "kind") == ["open", "delivery"]


def test_previews_and_what_was_before_are_not_told(make: Make, inject: Inject, workspace: Workspace) -> None:
    hooked = make()
    hooked.client.get(hooked.mail[0].open)
    late = workspace.store.add_hook(hooked.receiver.url, KINDS, START)
    hooked.client.get(hooked.mail[1].open)
    hooked.events()
    told = [body["hook"] for body in hooked.receiver.taken for _event in body["events"]]
    assert sorted(told) == [hooked.hook.hook_id] * 2 + [late.hook_id]


def test_the_body_says_whose_it_is_and_is_signed(hooked: Hooked) -> None:
    hooked.client.get(hooked.mail[0].open)
    hooked.send()
    body, header = hooked.receiver.bodies[0], hooked.receiver.headers[0]
    said = json.loads(body)
    assert (said["version"], said["hook"], said["test"]) == (1, hooked.hook.hook_id, False)
    assert said["sent"] == "2026-09-21T14:13:20.000+00:00"
    key = hooked.workspace.keyring.hook_key(hooked.hook.nonce, 1)
    signature = header[signing.HEADER]
    assert signing.fault(signature, body, [key], hooked.clock.now) is None
    assert signing.fault(signature, body + b" ", [key], hooked.clock.now)
    assert signing.fault(signature, body, [key], hooked.clock.now + 301_000)
    other = hooked.workspace.store.add_hook(hooked.receiver.url, KINDS, START)
    site = hooked.workspace.keyring.site_key("shop.example", 1)
    for wrong in (hooked.workspace.keyring.hook_key(other.nonce, 1), site):
        assert signing.fault(signature, body, [wrong], hooked.clock.now)
    hooked.workspace.store.renew_hook_key(hooked.hook.hook_id)
    hooked.client.get(hooked.mail[0].open)
    hooked.send()
    signature = hooked.receiver.headers[1][signing.HEADER]
    assert signing.fault(signature, hooked.receiver.bodies[1], [key], hooked.clock.now)
    new = hooked.workspace.keyring.hook_key(hooked.hook.nonce, 2)
    assert signing.fault(signature, hooked.receiver.bodies[1], [new], hooked.clock.now) is None


def test_examples_are_as_the_schema_says(make: Make) -> None:
    hooked = make(with_address=True)
    assert sending.example(hooked.workspace.keyring, hooked.hook, START).status == 204
    (taken,) = hooked.receiver.taken
    assert taken["test"] is True
    assert of(taken["events"], "kind") == list(KINDS)
    assert set(of(examples(hooked.hook), "recipient")) == {"ann@example.com"}


# -- whom ------------------------------------------------------------------------------------------------


def all_kinds(hooked: Hooked, pt: str = "") -> None:
    """Something of each kind, of Ann."""
    ann = hooked.mail[0]
    hooked.client.get(ann.open)
    hooked.client.get(ann.click(1))
    if pt:
        hooked.order("17", pt=pt)
    hooked.reported("delivered", ANN)
    hooked.client.post(ann.unsubscribe, b"List-Unsubscribe=One-Click")


@pytest.mark.parametrize("with_address", [False, True])
@pytest.mark.parametrize("mode", ["individual", "pseudonymous"])
def test_people_are_named_as_their_mode_allows(make: Make, mode: Mode, with_address: bool) -> None:
    hooked = make(with_address=with_address, modes={"opens": mode, "clicks": mode, "free": frozenset({mode})})
    all_kinds(hooked, hooked.token(hooked.mail[0]))
    found = hooked.events()
    assert of(found, "kind") == ["click", "open", "click", "conversion", "delivery", "opt-out"]
    named = ANN if with_address and mode == "individual" else None
    assert set(of(found, "recipient")) == {named}
    assert all(of(found, "message"))
    assert named or b"ann" not in b"".join(hooked.receiver.bodies)


@pytest.mark.parametrize("mode", ["company", "aggregate", "hygiene", "off"])
def test_nothing_is_told_of_people_who_are_counted_together(make: Make, mode: Mode) -> None:
    clicks = "off" if mode == "hygiene" else mode
    hooked = make(with_address=True, modes={"opens": mode, "clicks": clicks, "free": frozenset({mode})})
    hooked.workspace.store.set_attribute(1, "pt")
    ann = hooked.mail[0]
    if ann.token:
        hooked.client.get(ann.open)
        where = hooked.client.get(ann.click(1)).headers.get("Location", "")
        if "pt=" in where:
            hooked.order("17", pt=where.partition("pt=")[2])
    hooked.reported("delivered", ANN)
    assert hooked.events() == []
    assert hooked.receiver.bodies == []


def test_an_address_and_a_pseudonym_never_stand_together(make: Make) -> None:
    free = frozenset({"pseudonymous"})
    hooked = make(with_address=True, modes={"opens": "individual", "clicks": "pseudonymous", "free": free})
    all_kinds(hooked)
    assert set(of(hooked.events(), "recipient")) == {None}


@pytest.mark.parametrize("mode", ["individual", "pseudonymous"])
def test_of_who_has_refused_only_that_is_told(make: Make, mode: Mode) -> None:
    hooked = make(modes={"opens": mode, "clicks": mode, "free": frozenset({mode})})
    ann, bob = hooked.mail
    pt = hooked.token(ann)
    hooked.client.get(ann.open)
    hooked.order("17", pt=pt)
    hooked.reported("delivered", ANN)
    hooked.client.post(ann.preferences, b"action=stop")
    hooked.client.get(bob.open)
    assert of(hooked.events(), "kind", "recipient") == [("opt-out", None), ("open", None)]


@pytest.mark.parametrize("mode", ["individual", "pseudonymous"])
def test_of_who_is_erased_nothing_is_told_and_nothing_is_left(make: Make, mode: Mode) -> None:
    hooked = make(modes={"opens": mode, "clicks": mode, "free": frozenset({mode})})
    all_kinds(hooked, hooked.token(hooked.mail[0]))
    hooked.receiver.answer = lambda _number: 500
    assert hooked.send()[0].outcome == "failed"
    erased = rights.erase(hooked.workspace.store, hooked.workspace.keyring, ANN, hooked.clock.now)
    assert not erased.residues
    hooked.receiver.answer = lambda _number: 204
    hooked.client.get(hooked.mail[1].open)
    hooked.again()
    assert of(hooked.receiver.events, "kind") == ["open"]
    assert hooked.workspace.store.hook_tries() == {}
    assert list(hooked.workspace.store.feed(0)) == []


def test_what_waits_names_nobody(hooked: Hooked) -> None:
    all_kinds(hooked, hooked.token(hooked.mail[0]))
    hooked.receiver.answer = lambda _number: 500
    hooked.send()
    store = hooked.workspace.store
    with closing(sqlite3.connect(store.path)) as connection:
        queue = [
            connection.execute(f"select * from {name}").fetchall() for name in ("hook_tries", "hook_feed")
        ]
    messages = {message for (message,) in store._plain("select message from messages")}
    subject = hooked.workspace.keyring.subject(ANN)
    cells = {cell for rows in queue for row in rows for cell in row}
    assert queue[0]
    assert queue[1]
    assert not cells & {ANN, subject, *messages}
    assert all(isinstance(cell, int) or cell == "it answered 500" for cell in cells)


def test_a_person_is_told_who_gets_their_data(hooked: Hooked, settings: config.Settings) -> None:
    store, keyring = hooked.workspace.store, hooked.workspace.keyring
    assert held.export_of(store, keyring, ANN, settings, START)["recipients_of_data"] == "127.0.0.1"
    store.remove_hook(hooked.hook.hook_id)
    assert held.export_of(store, keyring, ANN, settings, START)["recipients_of_data"] == "none"


def test_old_things_are_told_without_what_purge_has_forgotten(
    hooked: Hooked, settings: config.Settings
) -> None:
    all_kinds(hooked, hooked.token(hooked.mail[0]))
    hooked.clock.forward(900 * 86_400)
    now = Reading(hooked.clock.now, "", 0)
    purging.purge(hooked.workspace.store, settings, now)
    assert of(hooked.events(), "kind", "at") == [
        ("delivery", None),
        ("opt-out", "2026-09-21T14:13:20.000+00:00"),
    ]


def test_where_only_a_backup_is_left_the_same_is_told_with_the_same_ids(
    hooked: Hooked, tmp_path: Path
) -> None:
    store, keyring = hooked.workspace.store, hooked.workspace.keyring
    all_kinds(hooked, hooked.token(hooked.mail[0]))
    back_up(store, tmp_path / "copy.db")
    before = of(hooked.events(), "id", "kind")
    store.close()
    for end in ("", "-wal", "-shm"):
        Path(f"{store.path}{end}").unlink(missing_ok=True)
    restoring.restore(tmp_path / "copy.db", store.path, keyring, hooked.clock.now)
    with closing(open_store(store.path, keyring)) as back:
        once(back, keyring, lambda _happened: None, hooked.clock)
    assert of(hooked.receiver.events, "id", "kind") == before * 2
    assert len(before) == len({number for number, _kind in before}) == 6


def test_a_backup_in_the_place_of_a_database_has_its_webhooks_as_far_as_they_are(
    hooked: Hooked, inject: Inject, tmp_path: Path
) -> None:
    store, keyring = hooked.workspace.store, hooked.workspace.keyring
    gone = store.add_hook(hooked.receiver.url, KINDS, START)
    all_kinds(hooked, hooked.token(hooked.mail[0]))
    back_up(store, tmp_path / "copy.db")
    inject("eve@x.example", campaign="autumn")
    hooked.client.get(hooked.mail[1].open)
    hooked.send()
    store.remove_hook(gone.hook_id)
    store.add_hook(hooked.receiver.url, ["open"], START)
    store.add_hook(hooked.receiver.url, ["open"], START, campaign_id=2)
    store.close()
    before = len(hooked.receiver.bodies)
    restoring.restore(tmp_path / "copy.db", store.path, keyring, hooked.clock.now)
    with closing(open_store(store.path, keyring)) as back:
        assert [(hook.hook_id, hook.kinds) for hook in back.hooks()] == [(1, " ".join(KINDS)), (3, "open")]
        assert once(back, keyring, lambda _happened: None, hooked.clock) is None
        assert len(hooked.receiver.bodies) == before, "what was told is not told again"
        back.put_events([Event(START, 1, EventKind.OPEN, 0, 5, "a", 0)])
        once(back, keyring, lambda _happened: None, hooked.clock)
    assert [json.loads(body)["hook"] for body in hooked.receiver.bodies[before:]] == [1, 3]


# -- what fails ------------------------------------------------------------------------------------------


def test_what_fails_is_tried_again_from_the_database(hooked: Hooked, settings: config.Settings) -> None:
    hooked.receiver.answer = lambda number: 500 if number < 3 else 204
    hooked.client.get(hooked.mail[0].open)
    assert [each.outcome for each in hooked.send()] == ["failed"]
    assert hooked.send() == [], "not before it is due"
    hooked.client.get(hooked.mail[1].open)
    again = setup.open_workspace(settings, create=False)  # as after a restart
    assert again.store.hook_tries()[1].error == "it answered 500"
    assert again.store.hook_tries()[1].tries == 1
    again.store.close()
    hooked.again()
    hooked.again()
    assert [body.count(b'"id"') for body in hooked.receiver.bodies] == [1, 1, 1], "the batch stays as it was"
    assert [each.outcome for each in hooked.again()] == ["sent", "sent"]
    assert hooked.now.sent == 2
    assert hooked.workspace.store.hook_tries() == {}
    assert len(set(hooked.receiver.seen)) == 2


def test_pauses_are_twice_as_long_each_time_up_to_an_hour() -> None:
    for tries, usual in enumerate([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600], start=1):
        found = {pause(tries) for _draw in range(200)}
        assert all(800 * usual <= each <= 1200 * usual for each in found)
        assert len(found) > 20
    assert pause(10_000) <= 1.2 * LONGEST_WAIT


def test_an_answer_may_ask_for_a_later_try(hooked: Hooked) -> None:
    hooked.receiver.answer = lambda _number: "busy"
    hooked.client.get(hooked.mail[0].open)
    (failed,) = hooked.send()
    assert failed.again == hooked.due == hooked.clock.now + 600_000


@pytest.mark.parametrize("answer", [301, 400, 404, "redirect", "drop", "noise"])
def test_only_2xx_is_taken(hooked: Hooked, answer: int | str) -> None:
    hooked.receiver.answer = lambda _number: answer
    hooked.client.get(hooked.mail[0].open)
    assert [each.outcome for each in hooked.send()] == ["failed"]
    assert hooked.receiver.paths == ["/hook?a=1"]


def test_410_pauses_until_somebody_resumes(hooked: Hooked) -> None:
    hooked.receiver.answer = lambda number: 204 if number else 410
    hooked.client.get(hooked.mail[0].open)
    assert [each.outcome for each in hooked.send()] == ["paused"]
    assert (hooked.now.paused, hooked.now.reason) == (hooked.clock.now, "its receiver answered 410 (Gone)")
    assert hooked.again() == []
    hooked.workspace.store.resume_hook(hooked.hook.hook_id)
    assert [each.outcome for each in hooked.send()] == ["sent"]
    assert len(hooked.receiver.events) == 1


def test_after_three_days_a_batch_is_given_up_counted_and_the_next_one_tried(hooked: Hooked) -> None:
    hooked.receiver.answer = lambda _number: 500
    hooked.client.get(hooked.mail[0].open)
    hooked.client.get(hooked.mail[1].open)
    outcomes = [each.outcome for each in hooked.send()]
    hooked.client.get(hooked.mail[0].click(1))
    hours = 0
    while outcomes[-1] == "failed" and not hooked.now.given_up:
        outcomes += [each.outcome for each in hooked.again()]
        hours += 1
    assert outcomes[:-2] == ["failed"] * (len(outcomes) - 2)
    assert outcomes[-2:] == ["given up", "failed"], "what came later has its own three days"
    assert GIVE_UP <= hours * 1.3 * 3_600_000 < GIVE_UP + 2 * LONGEST_WAIT
    assert (hooked.now.given_up, hooked.now.given_up_at) == (2, hooked.clock.now)
    hooked.receiver.answer = lambda _number: 204
    hooked.again()
    assert of(hooked.receiver.events, "kind") == ["click"]
    assert (hooked.now.sent, hooked.now.given_up) == (1, 2)


def test_a_url_that_is_wrong_by_now_fails_and_stops_nobody_else(hooked: Hooked) -> None:
    hooked.workspace.store.add_hook("http://crm.example/", KINDS, START)
    hooked.client.get(hooked.mail[0].open)
    assert sorted(each.outcome for each in hooked.send()) == ["failed", "sent"]
    assert "not encrypted" in hooked.workspace.store.hook_tries()[2].error


def test_campaigns_that_are_made_meanwhile_are_named(hooked: Hooked, inject: Inject) -> None:
    teller = Teller(hooked.workspace.store, hooked.workspace.keyring, hooked.hook)
    hooked.client.get(hooked.mail[0].open)
    (late,) = copies(inject("eve@x.example", campaign="autumn"))
    hooked.client.get(late.open)
    sending.verdicts.bring_up_to_date(hooked.workspace.store)
    found = teller.told([each.what for each in new(hooked.workspace.store, hooked.hook, None)])
    assert [event["campaign"] for event in found if event] == ["spring", "autumn"]


def test_one_that_fails_keeps_no_other_waiting(hooked: Hooked) -> None:
    with receiving(lambda _number: 500) as bad:
        hooked.workspace.store.add_hook(bad.url, KINDS, START)
        hooked.client.get(hooked.mail[0].open)
        assert sorted(each.outcome for each in hooked.send()) == ["failed", "sent"]
        hooked.client.get(hooked.mail[0].click(1))
        assert [each.outcome for each in hooked.send()] == ["sent"]


def test_batches_are_of_100_events_and_256_kb(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    hooked = make()
    for _hit in range(25):
        for copy in hooked.mail:
            for link in (1, 2):
                hooked.client.get(copy.click(link), agent="A" * 150)
        hooked.clock.forward(3600)
    hooked.client.get(hooked.mail[0].open)
    hooked.send()
    assert [len(body["events"]) for body in hooked.receiver.taken] == [100, 1]
    monkeypatch.setattr(batches, "MOST_BYTES", 5_000)
    hooked.workspace.store.hook_done(1, 0, 0, 0, START)
    before = len(hooked.receiver.bodies)
    hooked.send()
    assert len(hooked.receiver.events) == 202
    assert all(len(body) <= 5_000 for body in hooked.receiver.bodies[before:])
    assert len(hooked.receiver.bodies) - before > 10


def test_a_removed_hook_gets_nothing_more_even_while_it_is_sent_to(hooked: Hooked) -> None:
    def answer(number: int) -> int:
        with closing(sqlite3.connect(hooked.workspace.store.path, timeout=5)) as connection:
            connection.execute("delete from hooks")
            connection.commit()
        return 500 if number else 204

    hooked.receiver.answer = answer
    for hour in range(8):
        for copy in hooked.mail:
            for _hit in range(10):
                hooked.client.get(copy.click(1))
        hooked.clock.forward(3600 * (hour + 1))
    assert [each.outcome for each in hooked.send()] == ["sent"]
    assert len(hooked.receiver.bodies) == 1
    assert hooked.workspace.store.hook_tries() == {}


def test_without_a_hook_nothing_is_noted_and_removing_the_last_forgets(hooked: Hooked) -> None:
    store = hooked.workspace.store
    hooked.order("1")
    assert len(list(store.feed(0))) == 1
    store.remove_hook(hooked.hook.hook_id)
    assert list(store.feed(0)) == []
    store.add_hook(hooked.receiver.url, ["open", "opt-out"], START)
    hooked.order("2")
    assert list(store.feed(0)) == []
    again = store.add_hook(hooked.receiver.url, KINDS, START)
    assert again.hook_id == hooked.hook.hook_id + 2, "no number is given twice"
    assert again.nonce != hooked.hook.nonce
    hooked.order("3")
    assert of(hooked.events(), "order") == ["3"]


def test_a_hit_that_nobody_has_judged_is_never_passed_over(
    hooked: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending.verdicts, "bring_up_to_date", lambda _store: None)
    hooked.client.get(hooked.mail[0].open)
    hooked.order("1")
    assert hooked.send() == []
    assert (hooked.now.hit, hooked.now.told) == (hooked.hook.hit, hooked.hook.told)
    monkeypatch.undo()
    assert of(hooked.events(), "kind") == ["open", "conversion"]


# -- whatever the receiver does --------------------------------------------------------------------------

ANSWERS = (500, 400, 204, "drop", 410)
steps = st.lists(
    st.sampled_from([*KINDS, "send", "send", *ANSWERS]),
    min_size=3,
    max_size=25,
)


class Story:
    """Things that happen to a new campaign and a new webhook, each at a moment of its own."""

    def __init__(self, hooked: Hooked, inject: Inject, receiver: Receiver, name: str) -> None:
        self.hooked, self.receiver, self.name = hooked, receiver, name
        (self.copy,) = copies(inject(f"{name}@x.example", campaign=name))
        for hook in hooked.workspace.store.hooks():
            hooked.workspace.store.remove_hook(hook.hook_id)
        self.hook = hooked.workspace.store.add_hook(receiver.url, KINDS, hooked.clock.now)
        self.expected: list[tuple[str, str]] = []

    def do(self, step: str | int) -> None:
        hooked = self.hooked
        hooked.clock.forward(61)
        at = hooked.clock.now
        if step == "send":
            hooked.send()
        elif step in ANSWERS:
            self.receiver.answer = lambda _number: step
        elif step == "open":
            hooked.client.get(self.copy.open)
        elif step == "click":
            hooked.client.get(self.copy.click(1))
        elif step == "conversion":
            hooked.order(f"{at}")
        elif step == "delivery":
            tag = {"pixeltrack_campaign": self.name, "sg_event_id": f"{at}", "timestamp": at // 1000}
            hooked.reported("delivered", f"{self.name}@x.example", **tag)
            at = at // 1000 * 1000
        elif step == "opt-out":
            hooked.client.post(self.copy.unsubscribe, b"List-Unsubscribe=One-Click")
            if any(kind == "opt-out" for kind, _at in self.expected):
                return
        if step in KINDS:
            self.expected.append((str(step), iso(at) or ""))

    def end(self) -> None:
        """Let the receiver be well, and send what is left."""
        self.receiver.answer = lambda _number: 204
        self.hooked.workspace.store.resume_hook(self.hook.hook_id)
        self.hooked.send()

    def arrived(self, bodies: list[dict[str, Any]]) -> list[tuple[str, str]]:
        """What came, each event where it came first."""
        events = {event["id"]: event for body in bodies for event in body["events"]}
        return of([*events.values()], "kind", "at")


@given(steps)
@hypothesis_settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_event_arrives_at_least_once_in_the_order_of_storing(
    hooked: Hooked, inject: Inject, steps: list[str | int]
) -> None:
    with receiving() as receiver:
        story = Story(hooked, inject, receiver, f"c{len(hooked.workspace.store.campaigns())}")
        for step in steps:
            story.do(step)
        story.end()
        assert story.arrived(receiver.taken) == story.expected
        assert story.arrived([json.loads(body) for body in receiver.bodies]) == story.expected
        assert hooked.workspace.store.hook(story.hook.hook_id).sent == len(receiver.events)
