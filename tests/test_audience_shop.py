"""From a click to the file for a platform: mail, collector, pages, orders, consent, audience."""

from __future__ import annotations

import json
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

from command import run
from conftest import START, Client, Clock, Inject
from inbox import copies
from test_sites import SHOP, ask, call

from pixeltrack.setup import Workspace

ANN, BOB, CID, DEE = (f"{name}@x.example" for name in ("ann", "bob", "cid", "dee"))


def test_from_the_click_to_the_file(
    workspace: Workspace, client: Client, clock: Clock, inject: Inject
) -> None:
    store, folder, files = workspace.store, workspace.store.path.parent, ("--db", str(workspace.store.path))
    store.add_goal("order", store.add_site(SHOP, START), START)
    (folder / "form.txt").write_text("Show me offers elsewhere.")
    (folder / "agreed.csv").write_text(
        f"email,consent_retargeting\n{ANN},granted\n{BOB},granted\n{CID},granted\n"
    )
    agreed = ("--at", "2026-09-01", "--method", "form", "--wording", "form.txt")
    assert run(folder, "consent", "import", "agreed.csv", *agreed, *files).code == 0

    made = copies(inject(ANN, BOB, CID, DEE))
    store.set_attribute(store.campaign("spring").campaign_id, "pt")
    tokens = {}
    for who, copy in zip((ANN, BOB, CID, DEE), made, strict=True):
        clock.forward(3_600)
        (tokens[who],) = parse_qs(urlsplit(client.get(copy.click(1)).headers["Location"]).query)["pt"]
        clock.forward(60)
        signal = {"sec_gpc": "1"} if who == BOB else {}
        ask(client, f"/s/{SHOP}.gif?p=/pricing&pt={tokens[who]}", **signal)
    key = workspace.keyring.site_key(SHOP, 1)
    order = {"order": "1", "value": "9", "currency": "EUR", "pt": tokens[CID]}
    assert call(client, key, clock(), **order).status == "200 OK"

    def members(name: str, *asked: str) -> dict:
        assert run(folder, "audience", "create", name, *asked, *files).code == 0
        return json.loads(run(folder, "audience", "show", name, "--json", *files).out)

    lost = members("lost", "--viewed", "/pri*", "--not-converted", "order", "--within", "3650d")
    assert (lost["people"], lost["exportable"], lost["left_out"]) == (2, 1, {"never asked": 1})  # Ann; Dee
    quiet = members("quiet", "--clicked", "any", "--not-viewed", f"{SHOP}/pricing")
    assert (quiet["people"], quiet["left_out"]) == (1, {"browser signal": 1})  # Bob, whose view is nobody's
    assert members("bought", "--converted", "order")["people"] == 1
    ran = run(folder, "audience", "export", "lost", "--for", "google", "-o", "up.csv", *files)
    assert (folder / "up.csv").read_text().split() == ["Email", sha256(ANN.encode()).hexdigest()]
    assert "left out: 1 never asked" in ran.err

    def left() -> int:
        return json.loads(run(folder, "audience", "show", "bought", "--json", *files).out)["people"]

    refund = {"refund": "1", "value": "4", "currency": "EUR", "id": "r1"}
    assert call(client, key, clock(), **refund).status == "200 OK"
    assert left() == 1  # a part was paid back
    assert call(client, key, clock(), refund="1").status == "200 OK"
    assert left() == 0
