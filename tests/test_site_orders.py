"""Orders that are told from the shell, whose they are, how long that is kept, and what is shown of pages."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from command import run
from conftest import BASE, CHROME, START, Client, Clock, Inject
from inbox import copies
from test_purge import at as reading
from test_security import Served, mail, served
from test_sites import ANN, ORDERS, SHOP, ask, call, goal, rows, token_of

from pixeltrack import config, purging
from pixeltrack.collector import make_app
from pixeltrack.config import Settings
from pixeltrack.pages import Pages
from pixeltrack.person import person_of
from pixeltrack.rights import patterns_of
from pixeltrack.setup import Workspace
from pixeltrack.store import Goal
from pixeltrack.tokens import Keyring

__all__ = ["goal", "mail", "served"]  # fixtures

DAY = 86_400_000
FIREFOX = "Mozilla/5.0 (Android 14; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"


def command(workspace: Workspace, *argv: str) -> Any:
    return run(workspace.store.path.parent, "--db", "t.db", *argv)


# -- the parameter -----------------------------------------------------------------------------------


def test_the_parameter_is_set_while_the_collector_runs(
    workspace: Workspace, client: Client, clock: Clock, inject: Inject, goal: Goal
) -> None:
    (copy,) = copies(inject(ANN))
    assert "pt=" not in client.get(copy.click(1)).headers["Location"]
    done = command(workspace, "campaigns", "set", "spring", "--attribute", "visitor")
    assert (done.code, "take the parameter visitor" in done.err) == (0, True)
    (listed,) = json.loads(command(workspace, "campaigns", "--json").out)
    assert listed["attribute"] == "visitor"
    clock.forward(31)
    assert "&visitor=" in client.get(copy.click(1)).headers["Location"]
    assert command(workspace, "campaigns", "set", "spring", "--attribute", "none").code == 0
    clock.forward(31)
    assert "visitor=" not in client.get(copy.click(1)).headers["Location"]
    said = [row for row in rows(workspace, "select action, object from trail") if row[0] == "attribute"]
    assert said == [("attribute", "spring: visitor"), ("attribute", "spring: none")]
    for argv, what in ((("--attribute", "a b"), "no name of a parameter"), ((), "nothing to set")):
        wrong = command(workspace, "campaigns", "set", "spring", *argv)
        assert (wrong.code, what in wrong.err) == (2, True)


def test_a_fast_lane_takes_it_up_too(
    workspace: Workspace, client: Client, clock: Clock, inject: Inject, goal: Goal
) -> None:
    (copy,) = copies(inject(ANN))
    client.get(copy.click(1))
    (table,) = client.app._tables.values()  # type: ignore[attr-defined]
    workspace.store.set_attribute(1, "pt")
    clock.forward(31)
    client.app.tend()  # type: ignore[attr-defined]
    assert table.attribute == "pt"


@pytest.mark.parametrize(
    ("address", "gets"),
    [
        (f"https://{SHOP}/a", True),
        (f"https://www.{SHOP}:8443/a", True),
        (f"HTTPS://{SHOP.upper()}/a", True),
        (f"http://{SHOP}/a", False),
        (f"https://{SHOP}.evil.example/", False),
        (f"https://evil.example/?at={SHOP}", False),
        (f"https://{SHOP}@evil.example/", False),
        ("http://127.0.0.1:8080/a", True),
        ("http://localhost/a", True),
    ],
)
def test_a_token_goes_to_sites_of_the_sender_and_where_nobody_reads_it_on_the_way(
    workspace: Workspace, client: Client, inject: Inject, goal: Goal, address: str, gets: bool
) -> None:
    for host in ("127.0.0.1", "localhost"):
        workspace.store.add_site(host, START)
    (copy,) = copies(inject(ANN, mail=f'<p><a href="{address}">x</a></p>'.encode()))
    workspace.store.set_attribute(1, "pt")
    assert ("pt=" in client.get(copy.click(1)).headers["Location"]) == gets


@pytest.mark.parametrize("host", ["com", "co.uk", "github.io", "no host", "shop.example/a", ""])
def test_a_site_is_a_host_of_ones_own(workspace: Workspace, host: str) -> None:
    wrong = command(workspace, "goal", "add", "order", "--site", host)
    assert wrong.code == 2
    assert repr(host) in wrong.err
    assert workspace.store.sites() == []


def test_what_is_done_with_sites_is_in_the_audit_trail(workspace: Workspace) -> None:
    assert command(workspace, "goal", "add", "order", "--site", SHOP).code == 0
    assert command(workspace, "goal", "add", "order", "--site", SHOP).code == 0  # again: nothing new
    assert command(workspace, "goal", "key", "order", "--renew").code == 0
    assert rows(workspace, "select action, object from trail") == [
        *(("site", SHOP), ("goal", f"order on {SHOP}"), ("site key", f"{SHOP}, number 2"))
    ]
    folder = workspace.store.path.parent
    (folder / "m.html").write_text(f'<p><a href="https://{SHOP}/">x</a></p>')
    (folder / "l.csv").write_text("email\nann@x.example\n")
    for out in ("one", "two"):
        argv = ("inject", "m.html", "--recipients", "l.csv", "--campaign", "may", "--out", out)
        done = command(workspace, *argv, "--attribute", "pt")
        assert done.code == 0, done.err
    said = rows(workspace, "select object from trail where action = 'attribute'")
    assert said == [("may: pt",)]


def test_a_renewed_key_holds_at_once(workspace: Workspace, client: Client, clock: Clock, goal: Goal) -> None:
    assert call(client, workspace.keyring.site_key(SHOP, 1), clock(), order="1").status == "200 OK"
    workspace.store.renew_site_key(SHOP)
    assert call(client, workspace.keyring.site_key(SHOP, 2), clock(), order="2").status == "200 OK"


# -- who it is ---------------------------------------------------------------------------------------


def test_a_token_that_a_shop_has_kept_leads_to_nobody_once_they_have_refused(
    workspace: Workspace, client: Client, inject: Inject, clock: Clock, goal: Goal
) -> None:
    token = token_of(workspace, client, inject)
    (copy,) = copies(inject(ANN))
    client.post(copy.preferences, b"action=stop-clicks")
    clock.forward(90 * 86_400)
    ask(client, f"/s/{SHOP}.gif?p=/a&pt={token}")
    ask(client, f"/v/order.gif?order=1&value=1&currency=EUR&pt={token}")
    key = workspace.keyring.site_key(SHOP, 1)
    assert call(client, key, clock(), order="2", value=1, currency="EUR", pt=token).status == "200 OK"
    assert call(client, key, clock(), order="3", value=1, currency="EUR", email=ANN).status == "200 OK"
    assert rows(workspace, "select order_id, campaign_id, message from conversions order by 1") == [
        *(("1", 0, 0), ("2", 0, 0), ("3", 0, 0))
    ]
    assert rows(workspace, "select campaign_id, crowd from page_counters") == [(0, 0)]
    assert rows(workspace, "select * from views") == []


@pytest.mark.parametrize("by", ["pt", "email"])
def test_a_shop_says_that_a_browser_asks_not_to_be_followed(
    workspace: Workspace, client: Client, inject: Inject, clock: Clock, goal: Goal, by: str
) -> None:
    token = token_of(workspace, client, inject)
    said = {"pt": token, "email": ANN}[by]
    key = workspace.keyring.site_key(SHOP, 1)
    assert call(client, key, clock(), order="1", gpc=True, **{by: said}).status == "200 OK"
    assert rows(workspace, "select campaign_id, message, signal from conversions") == [(0, 0, 1)]
    assert rows(workspace, "select purpose, decision from consents") == [("retargeting", "denied")]


def test_goals_say_of_how_many_people_a_browser_asked_not_to_be_followed(
    workspace: Workspace, client: Client, inject: Inject, goal: Goal
) -> None:
    first, second, _third = copies(inject(ANN, "bea@x.example", "cal@x.example"))
    assert "not to be followed" not in command(workspace, "goal").out
    client.environ["HTTP_SEC_GPC"] = "1"
    client.get(second.open)
    for _ in range(2):
        client.get(first.click(1))
    assert "Browsers of 1 person asked not to be followed" in command(workspace, "goal").out
    client.get(second.click(1))
    assert "Browsers of 2 people asked not to be followed" in command(workspace, "goal").out


@pytest.mark.parametrize(("mode", "kept"), [("pseudonymous", 1), ("company", 0), ("aggregate", 0)])
def test_an_order_is_kept_as_its_mail_was_measured(
    workspace: Workspace, client: Client, inject: Inject, goal: Goal, mode: Any, kept: int
) -> None:
    token = token_of(workspace, client, inject, opens=mode, clicks=mode, free=frozenset({mode}))
    ask(client, f"/v/order.gif?order=1&value=1&currency=EUR&pt={token}")
    assert rows(workspace, "select campaign_id, message <> 0 from conversions") == [(1, kept)]


def test_whom_a_signature_names_stands_above_whom_a_pixel_names(
    workspace: Workspace, client: Client, inject: Inject, clock: Clock, goal: Goal
) -> None:
    first = token_of(workspace, client, inject)
    second = token_of(workspace, client, inject, name="summer")
    ask(client, f"/v/order.gif?order=1&value=1&currency=EUR&pt={first}")
    key = workspace.keyring.site_key(SHOP, 1)
    assert call(client, key, clock(), order="1", value=1, currency="EUR", pt=second).status == "200 OK"
    ask(client, f"/v/order.gif?order=1&value=1&currency=EUR&pt={first}")
    assert rows(workspace, "select campaign_id, source, verified from conversions") == [(2, 3, 1)]


def test_moments_are_rounded_as_the_settings_say(
    workspace: Workspace, settings: Settings, clock: Clock, inject: Inject, goal: Goal
) -> None:
    (folder := workspace.store.path.parent).joinpath("c.toml").write_text('[privacy]\ntime = "hour"\n')
    rounding = config.load(
        folder / "c.toml", options={"db": str(workspace.store.path), "base_url": BASE}, environment={}
    )
    client = Client(make_app(workspace.store, workspace.keyring, Pages(), rounding, clock))
    token = token_of(workspace, client, inject)
    ask(client, f"/s/{SHOP}.gif?p=/a&pt={token}")
    key = workspace.keyring.site_key(SHOP, 1)
    assert call(client, key, clock(), order="1", at=START // 1000 - 5_000).status == "200 OK"
    assert rows(workspace, "select at % 3600000 from views") == [(0,)]
    assert rows(
        workspace, "select at % 3600000, at < ? - 3600000 from conversions".replace("?", str(START))
    ) == [(0, 1)]


@pytest.mark.parametrize(
    ("said", "at"),
    [
        (START // 1000 - 60, START - 60_000 - START % 1000 + 999),
        (START // 1000, START),
        ("2026-09-21T14:00:00Z", 1_789_999_200_999),
        ("2026-09-21T14:00:00.250Z", 1_789_999_200_250),
        ("2026-09-21T16:00+02:00", 1_789_999_259_999),
        ("20260921T14Z", START),
        ("2026-09-20", int(datetime(2026, 9, 21).timestamp() * 1000) - 1),
        ("2099-01-01T00:00:00Z", START),
        ("yesterday", None),
        ("1" * 30, None),
        ("²", None),
    ],
)
def test_when_an_order_was(
    workspace: Workspace, client: Client, clock: Clock, goal: Goal, said: object, at: int | None
) -> None:
    answer = call(client, workspace.keyring.site_key(SHOP, 1), clock(), order="1", at=said)
    assert answer.status == ("400 Bad Request" if at is None else "200 OK")
    assert rows(workspace, "select at from conversions") == ([] if at is None else [(at,)])


# -- how long ----------------------------------------------------------------------------------------


def test_what_is_old_is_nobodys_and_totals_stay(
    workspace: Workspace, client: Client, inject: Inject, clock: Clock, settings: Settings, goal: Goal
) -> None:
    token = token_of(workspace, client, inject)
    for agent in (FIREFOX, "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Safari/604.1"):
        client.get(f"/s/{SHOP}.gif?p=/old&pt={token}", agent, referer=f"https://{SHOP}/")
    for order in ("order=1&", ""):
        ask(client, f"/v/order.gif?{order}value=5&currency=EUR&pt={token}")
    clock.forward(100 * 86_400)
    client.get(f"/s/{SHOP}.gif?p=/new&pt={token}", FIREFOX, referer=f"https://{SHOP}/")
    now = reading(START + 181 * DAY)
    due = purging.look(workspace.store, settings, now)
    assert (due.views, due.conversions) == (2, 2)
    assert len(rows(workspace, "select * from views")) == 3
    asked = ("report", "--conversions", "--json")
    (total,) = json.loads(command(workspace, *asked).out)["totals"]
    assert total["unverified"]["revenue"] == "10.00"
    done = purging.purge(workspace.store, settings, now)
    assert (done.rows["views"], done.rows["conversions"], done.rows["names"]) == (2, 2, 1)
    assert not rows(workspace, "select 1 from agents where agent like '%Chrome%'")
    assert rows(workspace, "select path from views join pages using (page_id)") == [("/new",)]
    assert rows(
        workspace, "select path, campaign_id, views from page_counters join pages using (page_id)"
    ) == [("/old", 1, 2)]
    kept = rows(workspace, "select order_id, campaign_id, message, value from conversions order by 1")
    assert kept == [("", 1, 0, 50_000), ("1", 1, 0, 50_000)]
    told = json.loads(command(workspace, *asked).out)
    assert (told["totals"], told["together"]) == ([], [])  # two are fewer than ten
    message = next(iter(rows(workspace, "select message from messages")))[0]
    assert not rows(workspace, f"select 1 from conversions where entry like '%{message:x}%'")
    (agent,) = rows(workspace, "select agent from views join agents using (agent_id)")
    assert "Firefox/140" in agent[0]
    assert purging.purge(workspace.store, settings, now).rows["conversions"] == 0


def test_forget_looks_for_every_visit_token(workspace: Workspace, keyring: Keyring, inject: Inject) -> None:
    campaign = inject(ANN)
    keys = keyring.campaign(campaign.code)
    patterns = patterns_of(workspace.store, keyring, ANN)["token"]
    person = person_of(workspace.store, keyring, ANN)
    assert len(person.pseudonyms) == 2
    for kind, pseudonym in (("message", keys.pseudonym(ANN)), ("pseudonymous", keys.unlinked_pseudonym(ANN))):
        token = keys.visit_token(kind, pseudonym).encode()  # type: ignore[arg-type]
        assert any(token.startswith(each) for each in patterns)


@pytest.fixture
def keyring(workspace: Workspace) -> Keyring:
    return workspace.keyring


# -- from the shell ----------------------------------------------------------------------------------

CSV = """order,value,currency,at,email,pt,refund
17,49.90,EUR,2026-09-01T10:00:00Z,ann@x.example,,
18,5,USD,1789000000,,,
17,10,EUR,,,,r1
18,,,,,,all
"""


def test_orders_of_a_file_count_once(workspace: Workspace, inject: Inject, goal: Goal) -> None:
    inject(ANN)
    file = workspace.store.path.parent / "orders.csv"
    file.write_text(CSV, "utf-8-sig")
    first = command(workspace, "goal", "tell", "order", "--from-file", "orders.csv")
    assert (first.code, first.err) == (0, "order: 2 orders and 2 refunds recorded\n")
    expected = [
        ("17", "", 499_000, "EUR", 0, 1, 1, 0, 0),
        ("17", "r1", -100_000, "EUR", 0, 0, 1, 0, 0),
        ("18", "", 50_000, "USD", 0, 0, 1, 0, 0),
        ("18", "whole", 0, "", 1, 0, 1, 0, 0),
    ]
    assert rows(workspace, ORDERS) == expected
    file.write_text(CSV + "19,1,EUR,,,,\n")
    again = command(workspace, "goal", "tell", "order", "--from-file", "orders.csv")
    assert again.err == "order: 1 orders and 0 refunds recorded, 4 known already\n"
    assert [row[:7] for row in rows(workspace, ORDERS)][:4] == [row[:7] for row in expected]
    assert [row[:3] for row in rows(workspace, ORDERS)][4] == ("19", "", 10_000)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("order,value\n1,5\n", "line 2: currency is missing"),
        ("order,value,currency\n1,5,EUR\n2,5;0,EUR\n", "line 3: value '5;0' is no amount"),
        ("order,value,currency\n1,5,EUR\n2,5\n", "line 3: 2 cells, but 3 columns"),
        ("order,email\n1,ann\n", "line 2: email: 'ann' is not an email address"),
        ("order,at\n1,never\n", "line 2: at is 'never'"),
        ("order,price\n1,5\n", "line 1: no column 'price'"),
        ("value\n5\n", "line 1: each column once, and order among them"),
        ('order,value\n"1,5\n', "unexpected end of data"),
        ("order\n\n ann@x.example\n", "line 3: order is an address"),
        ("order\n\xff\n", "is not in UTF-8"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_recorded(
    workspace: Workspace, goal: Goal, tmp_path: Path, content: str, said: str
) -> None:
    (tmp_path / "orders.csv").write_bytes(content.encode("latin-1"))
    wrong = command(workspace, "goal", "tell", "order", "--from-file", "orders.csv")
    assert (wrong.code, said in wrong.err, "orders.csv " in wrong.err) == (2, True, True), wrong.err
    assert rows(workspace, ORDERS) == []


def test_an_order_is_told_by_options(
    workspace: Workspace, goal: Goal, client: Client, inject: Inject
) -> None:
    token = token_of(workspace, client, inject)
    tell = ("goal", "tell", "order", "--order", "5")
    worth = ("--value", "20", "--currency", "EUR")
    for more in ((*worth, "--pt", token), ("--refund", *worth, "--id", "a"), ("--refund",)):
        assert command(workspace, *tell, *more).code == 0
    assert [row[:6] for row in rows(workspace, ORDERS)] == [
        *(("5", "", 200_000, "EUR", 0, 1), ("5", "a", -200_000, "EUR", 0, 0), ("5", "whole", 0, "", 1, 0))
    ]
    for argv, what in (
        (("goal", "tell", "order"), "give --order, or --from-file"),
        ((*tell, "--from-file", "x.csv"), "give --order, or --from-file"),
        (("goal", "tell", "order", "--from-file", "gone.csv"), "cannot read gone.csv"),
        ((*tell, "--refund", *worth), "id is missing"),
        ((*tell, "--value", "5"), "currency is missing"),
        (("goal", "tell", "sale", "--order", "1"), "no goal 'sale'"),
    ):
        wrong = command(workspace, *argv)
        assert (wrong.code, what in wrong.err) == (2, True), wrong.err


# -- pages -------------------------------------------------------------------------------------------


def test_pages_show_people_others_and_machines_apart(
    workspace: Workspace, client: Client, inject: Inject, clock: Clock, goal: Goal
) -> None:
    token = token_of(workspace, client, inject)
    page = f"/s/{SHOP}.gif?p=/pricing"
    on_shop = {"referer": f"https://{SHOP}/"}
    for each in (token, token, token_of(workspace, client, inject, name="summer")):
        client.get(f"{page}&pt={each}", CHROME, **on_shop)
        clock.forward(86_400)
    client.get(f"{page}&pt={token}", "curl/8", **on_shop)
    for number in range(25):
        client.get(page, FIREFOX, **on_shop)
        client.get(f"/s/{SHOP}.gif?p=/a", FIREFOX, **on_shop, **({"sec_gpc": "1"} if number < 12 else {}))
        client.get(f"/s/{SHOP}.gif?p=/a", "Googlebot/2.1", **on_shop)
    (site,) = json.loads(command(workspace, "goal", "pages", "--site", SHOP, "--json").out)
    figures = {each["path"]: tuple(each.values())[1:] for each in site["pages"]}
    moments = "2026-09-21T14:13:20.000+00:00", "2026-09-23T14:13:20.000+00:00"
    assert figures == {"/pricing": (1, 3, 20, 0, 1, *moments), "/a": (0, 0, 20, 10, 20, None, None)}
    assert tuple(site["total"].values()) == (1, 3, 50, 10, 21, *moments)
    one = {"by_people": 1, "others": 0}
    days = {f"2026-09-{day}": one for day in (21, 22, 23)}
    assert site["days"] == {**days, "2026-09-24": {"by_people": 0, "others": 50}}
    assert site["devices"] == {
        "computer": {"by_people": 3, "others": 0},
        "phone": {"by_people": 0, "others": 50},
    }
    assert site["browsers"] == {"Chrome": 3}
    said = command(workspace, "goal", "pages").out
    assert "/pricing" in said and "<10" in said and "together" in said and "2026-09-23 14:13" in said
    assert "2026-09-23 1 + –" in said or "2026-09-23 1 + <10" in said
    assert command(workspace, "goal", "pages", "--site", "gone.example").code == 2


def test_a_list_of_goals_says_how_they_were_told(
    workspace: Workspace, client: Client, clock: Clock, goal: Goal
) -> None:
    ask(client, "/v/order.gif?order=1&value=1&currency=EUR", sec_gpc="1")
    ask(client, "/v/order.gif?order=2&value=1&currency=EUR")
    key = workspace.keyring.site_key(SHOP, 1)
    for said in ({"order": "2", "value": 3, "currency": "EUR"}, {"refund": "2"}):
        assert call(client, key, clock(), **said).status == "200 OK"
    (told,) = json.loads(command(workspace, "goal", "--json").out)
    assert {
        name: told[name] for name in ("reached", "signed", "unverified", "contradicted", "signal_honoured")
    } == {**{"reached": 2, "signed": 1, "unverified": 1, "contradicted": 1, "signal_honoured": 1}}
    assert "unverified" in command(workspace, "goal").out


# -- what the documentation says ---------------------------------------------------------------------


@pytest.mark.parametrize(("language", "program"), [("sh", "sh"), ("python", sys.executable)])
def test_the_documented_calls_are_signed_as_the_collector_checks(
    workspace: Workspace, served: Served, language: str, program: str
) -> None:
    page = (Path(__file__).parents[1] / "docs" / "conversions.md").read_text("utf-8")
    (code,) = (text for text in re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL) if "sha256" in text)
    needed = [program, "curl", "openssl"] if language == "sh" else [program]
    if not all(shutil.which(each) for each in needed):
        pytest.skip(f"{language} cannot be run here")
    goal = workspace.store.add_goal("order", workspace.store.add_site(SHOP, START), START)
    key = workspace.keyring.site_key(goal.host, 1).hex()
    (file := workspace.store.path.parent / "call").write_text(code, "utf-8")
    done = subprocess.run(
        [program, str(file)],
        env={**os.environ, "KEY": key, "COLLECTOR": f"http://127.0.0.1:{served.port}"},
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert '{"accepted": true}' in done.stdout
    assert len(rows(workspace, "select * from conversions where verified and value > 0")) == 1
