"""What conversions earned, from hits and calls in a real store, through the report's own door."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from command import Ran, run
from conftest import CHROME, START, Inject
from test_report import READERS, Hits

from pixeltrack import earnings, money, report, verdicts
from pixeltrack.attribution import DAY, HOUR, ONE, Rule
from pixeltrack.earned import Earnings
from pixeltrack.earnings import Wanted
from pixeltrack.errors import InputError
from pixeltrack.heard import Span
from pixeltrack.model import EventKind, Flag, Mode
from pixeltrack.replay import LIMIT
from pixeltrack.rules import rules
from pixeltrack.setup import Workspace
from pixeltrack.sitecalls import NOBODY, Conversion, View, Visitor, drawn, travelling
from pixeltrack.store import earners

MINUTE = 60
SCANNER = "python-requests/2.31"
NOW = START + 400 * DAY


class Shop:
    """A site that tells of orders, and two campaigns to the same readers."""

    def __init__(self, workspace: Workspace, inject: Inject) -> None:
        self.store = workspace.store
        self._goal = self.store.add_goal("order", self.store.add_site("shop.example", START), START)
        self.mail = {}
        for name in ("spring", "summer"):
            inject(*READERS, campaign=name)
            self.mail[name] = Hits(workspace, name)

    def says(
        self,
        order: str,
        value: str = "50",
        *,
        by: tuple[str, int] | None = ("spring", 0),
        seconds: float = 10 * MINUTE,
        entry: str = "",
        currency: str = "EUR",
        whole: bool = False,
        verified: bool = True,
        goal: str = "order",
        mode: Mode = "individual",
    ) -> None:
        """Tell of an order, or of an entry of it; ``by`` is the mail of a reader that led there."""
        visitor = NOBODY
        if by:
            campaign = self.store.campaign(by[0])
            visitor = Visitor(campaign.campaign_id, self.mail[by[0]].message(by[1]), mode)
        number = self.store.add_goal(goal, self.store.site("shop.example"), START).goal_id
        call = Conversion(
            *(drawn(), number, order, entry, money.read_amount(value), currency, whole, visitor),
            *("server" if verified else "pixel", verified, True, 0, False),
        )
        self.store.put_events([travelling(call, START + round(seconds * 1000))])

    def saw(self, reader: int, campaign: str = "spring", client: int = 0) -> None:
        """Tell of a page that a reader saw."""
        its = self.store.campaign(campaign).campaign_id
        visitor = Visitor(its, self.mail[campaign].message(reader), "individual")
        view = View(drawn(), 1, "/pricing", visitor, client, CHROME, False)
        self.store.put_events([travelling(view, START + 700_000)])

    def earned(self, campaign: str | None = None, **asked: Any) -> Earnings:
        verdicts.update(self.store, rules())
        its = None if campaign is None else self.store.campaign(campaign)
        return earnings.build(self.store, NOW, its, **asked)


@pytest.fixture
def shop(workspace: Workspace, inject: Inject) -> Shop:
    return Shop(workspace, inject)


def revenue(found: Earnings) -> dict[str, str]:
    return {row.name: money.say(row.verified.revenue, row.currency) for row in found.campaigns}


def one(found: Earnings) -> Any:
    (row,) = found.totals
    return row.verified


def test_a_click_earns_what_the_same_person_orders_by_other_mail_too(shop: Shop) -> None:
    shop.mail["summer"].click(0, 5 * MINUTE, link=2)
    shop.says("A1", "49.90")
    shop.says("A2", "10", by=("spring", 1))  # who clicked nothing
    found = shop.earned()
    assert revenue(found) == {"summer": "49.90 EUR", "spring": "10.00 EUR"}
    assert (one(found).by_click, one(found).no_touch) == (ONE, ONE)
    assert [(row.campaign, row.name) for row in found.links] == [("summer", "2")]


def test_machines_earn_nothing(shop: Shop) -> None:
    shop.mail["spring"].click(0, 5 * MINUTE, agent=SCANNER)
    shop.mail["spring"].click(0, 6 * MINUTE, flags=Flag.HEAD)
    shop.says("A1")
    assert one(shop.earned()).no_touch == ONE


def test_opens_earn_only_what_no_click_does(shop: Shop) -> None:
    shop.mail["spring"].open(0, 3 * MINUTE)
    shop.mail["summer"].click(0, 4 * MINUTE)
    shop.mail["spring"].open(0, 5 * MINUTE)
    shop.mail["spring"].open(1, 5 * MINUTE)
    shop.says("A1", "1")
    shop.says("A2", "2", by=("summer", 1))
    found = shop.earned()
    assert revenue(found) == {"summer": "1.00 EUR", "spring": "2.00 EUR"}
    assert (one(found).by_click, one(found).by_view) == (ONE, ONE)
    assert (one(found).revenue_by_click, one(found).revenue_by_view) == (10_000, 20_000)


def test_the_window_is_before_the_order_and_has_both_ends(shop: Shop) -> None:
    shop.mail["spring"].click(0, 600)
    shop.says("A1", seconds=600 + 7 * 86_400)
    shop.says("A2", seconds=601 + 7 * 86_400)
    shop.says("A3", seconds=600)
    shop.says("A4", seconds=599)
    found = shop.earned()
    assert (one(found).by_click, one(found).no_touch) == (2 * ONE, 2 * ONE)
    assert one(shop.earned(rule=Rule(window=8 * DAY))).by_click == 3 * ONE


def test_one_persons_clicks_share_by_the_model_and_a_campaign_has_its_part(shop: Shop) -> None:
    for minute, campaign, link in ((1, "spring", 1), (2, "summer", 1), (3, "summer", 2)):
        shop.mail[campaign].click(0, minute * MINUTE, link=link)
    shop.says("A1", "49.90")
    found = shop.earned(rule=Rule("linear"))
    assert revenue(found) == {"summer": "33.26 EUR", "spring": "16.64 EUR"}
    assert one(found).revenue == 499_000
    its = shop.earned("summer", rule=Rule("linear"))
    assert one(its).revenue == 332_600
    assert {row.name: row.verified.revenue for row in its.links} == {"1": 166_300, "2": 166_300}
    assert revenue(shop.earned(rule=Rule("first-click"))) == {"spring": "49.90 EUR"}


@pytest.mark.parametrize("mode", ["pseudonymous"])
def test_a_pseudonymous_copy_stands_by_itself(
    workspace: Workspace, inject: Inject, shop: Shop, mode: Mode
) -> None:
    inject(*READERS, campaign="quiet", opens=mode, clicks=mode)
    shop.mail["quiet"] = Hits(workspace, "quiet")
    shop.mail["quiet"].click(0, 5 * MINUTE)
    shop.mail["spring"].click(1, 5 * MINUTE)
    shop.says("A1", "1")  # the same reader by other mail: nobody may know that
    shop.says("A2", "2", by=("quiet", 0), mode=mode)
    shop.says("A3", "4", by=("quiet", 1), mode=mode)
    found = shop.earned()
    by_click = {row.name: row.verified.revenue_by_click for row in found.campaigns}
    assert by_click == {"spring": 0, "quiet": 20_000}
    assert one(found).no_touch == 2 * ONE


def test_refunds_take_from_who_earned(shop: Shop) -> None:
    shop.mail["spring"].click(0, 5 * MINUTE)
    shop.mail["summer"].click(0, 6 * MINUTE)
    shop.says("A1", "100")
    shop.says("A1", "-20.01", entry="c1")
    shop.says("A2", "30", by=("spring", 0))
    shop.says("A2", "0", entry="whole", whole=True, currency="")
    found = shop.earned(rule=Rule("linear"))
    assert one(found).revenue == 799_900
    assert (one(found).orders, one(found).refunded) == (ONE, ONE)
    assert one(found).refunds == 500_100
    assert revenue(found) == {"spring": "40.00 EUR", "summer": "39.99 EUR"}


def test_what_is_unsigned_is_apart_and_takes_nothing_from_what_is_signed(shop: Shop) -> None:
    shop.mail["spring"].click(0, 5 * MINUTE)
    shop.says("A1", "10")
    shop.says("A2", "999", verified=False)
    shop.says("A1", "-10", entry="forged", verified=False)
    shop.says("A9", "-5", entry="c1")
    found = shop.earned()
    (row,) = found.totals
    assert (row.verified.revenue, row.unverified.revenue) == (100_000, 9_990_000)
    assert (found.unproved, found.stray) == (1, 1)


def test_a_call_that_is_said_again_counts_once_and_is_told(shop: Shop) -> None:
    shop.says("A1", "10", verified=False)
    shop.says("A1", "11", verified=False)
    shop.says("A1", "12")
    found = shop.earned()
    (row,) = found.totals
    assert (row.verified.revenue, row.unverified.orders) == (120_000, 0)
    assert (found.repeats, found.contradicted) == (2, 2)


def test_currencies_and_goals_are_apart_and_campaigns_add_up_to_them(shop: Shop) -> None:
    shop.mail["spring"].click(0, 5 * MINUTE)
    shop.says("A1", "10")
    shop.says("A2", "20", currency="USD", by=None)
    shop.says("", "0", currency="", goal="signup", entry="1-ab")
    shop.says("", "0", currency="", goal="signup", entry="1-cd")
    found = shop.earned()
    assert {(row.name, row.currency): row.verified.orders for row in found.goals} == {
        ("order", "EUR"): ONE,
        ("order", "USD"): ONE,
        ("signup", ""): 2 * ONE,
    }
    for rows in (found.goals, found.campaigns):
        for total in found.totals:
            its = [row.verified for row in rows if row.currency == total.currency]
            assert sum(each.orders for each in its) == total.verified.orders
            assert sum(each.revenue for each in its) == total.verified.revenue
    assert [row.name for row in found.campaigns if row.currency == "USD"] == [""]
    assert [row.name for row in shop.earned(goal="signup").goals] == ["signup"]
    with pytest.raises(InputError, match="no goal 'sale'"):
        shop.earned(goal="sale")


def test_a_stretch_of_time_is_one_of_orders(shop: Shop) -> None:
    shop.mail["spring"].click(0, 5 * MINUTE)
    shop.says("A1", "1", seconds=600)
    shop.says("A2", "2", seconds=7_200)
    found = shop.earned(span=Span(START + HOUR, START + 3 * HOUR))
    assert (one(found).revenue, one(found).by_click) == (20_000, ONE)


def test_who_is_asked_for_over_and_over_is_judged_as_a_whole(shop: Shop) -> None:
    spring = shop.mail["spring"]
    for number in range(LIMIT + 5):
        spring.click(0, 60 + number, link=1 + number % 2)
    shop.says("A1", seconds=7_200)
    verdicts.update(shop.store, rules())
    people = report.build(shop.store, "spring").clicks.unique
    assert bool(one(shop.earned()).by_click) == bool(people)


@pytest.mark.parametrize("hits_a_copy", [0, 1 << 40])
def test_both_ways_to_read_hits_find_the_same(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, hits_a_copy: int
) -> None:
    for reader in range(5):
        shop.mail["summer"].click(reader, 60 + reader, link=2)
        shop.mail["spring"].open(reader, 600 + reader)
        shop.says(f"A{reader}", str(reader + 1), seconds=7_200)
    shop.says("A9", "9", by=("spring", 9))
    monkeypatch.setattr(earners, "_HITS_A_COPY", hits_a_copy)
    found = shop.earned()
    assert revenue(found) == {"summer": "15.00 EUR", "spring": "9.00 EUR"}
    assert revenue(shop.earned("summer")) == {"summer": "15.00 EUR"}


def test_costs(shop: Shop) -> None:
    for reader in range(4):
        shop.mail["spring"].click(reader, 5 * MINUTE)
    shop.says("A1", "600")
    shop.says("A2", "5", currency="USD")
    shop.says("A3", "400", verified=False)
    campaign = shop.store.campaign("spring")
    shop.store.set_cost(campaign.campaign_id, 4_000_000, "EUR")
    (its,) = shop.earned("spring").costs
    assert (its.people, its.orders, its.cost_per_click, its.cost_per_order) == (
        4,
        2 * ONE,
        1_000_000,
        2_000_000,
    )
    assert (its.return_rate, its.return_of_all) == (0.5, 1.5)
    assert its.why_not == ("Revenue in USD is not in the return, as the cost is in EUR.",)
    shop.store.set_cost(campaign.campaign_id, 4_000_000, "CHF")
    (its,) = shop.earned("spring").costs
    assert its.return_rate is None
    assert "Revenue is in EUR, USD, the cost in CHF" in its.why_not[0]
    (its,) = shop.earned("spring", span=Span(START)).costs
    assert (its.cost_per_click, its.return_rate) == (None, None)
    shop.store.set_cost(campaign.campaign_id, None, "")
    assert shop.earned("spring").costs == ()


def test_a_cost_without_clicks_and_orders_says_why(shop: Shop) -> None:
    shop.store.set_cost(shop.store.campaign("summer").campaign_id, 0, "EUR")
    (its,) = shop.earned("summer").costs
    assert (its.cost_per_click, its.cost_per_order, its.return_rate) == (None, None, None)
    assert len(its.why_not) == 3


def test_who_is_counted_together_is_published_in_tens(
    workspace: Workspace, inject: Inject, shop: Shop
) -> None:
    inject(*READERS, campaign="crowd", opens="aggregate", clicks="aggregate")
    shop.mail["crowd"] = shop.mail["spring"]
    for number in range(27):
        shop.says(f"C{number}", str(number + 1), by=("crowd", 0), mode="aggregate", seconds=number)
    for number in range(9):
        shop.says(f"C{number}", "0", by=None, entry="whole", whole=True, currency="")
    found = shop.earned()
    (its,) = found.together
    assert (its.campaign, its.orders, its.revenue) == ("crowd", 20, sum(range(1, 21)) * 10_000)
    assert (its.refunded, its.refunds) == (0, 0)  # nine are too few to be told
    assert found.totals == ()
    assert shop.earned("spring").together == ()


def test_the_funnel_is_of_people_and_goes_down(shop: Shop) -> None:
    spring = shop.mail["spring"]
    for reader in range(6):
        spring.open(reader, 60)
    for reader in range(4):
        spring.click(reader, 120)
    spring.click(8, 120, agent=SCANNER)
    for reader in (0, 1, 8):
        shop.saw(reader)
    shop.saw(2, client=4)
    shop.says("A1", by=("spring", 0))
    shop.says("A2", by=("spring", 8))
    shop.says("A3", by=("spring", 1), verified=False)
    shop.says("A4", by=("spring", 2))
    shop.says("A4", "-50", entry="r1")
    found = report.build(shop.store, "spring", wanted=Wanted()).funnel
    assert found is not None
    assert {step.name: step.people for step in found.steps} == {
        **{"sent": 10, "delivered": None, "opened": 6, "clicked": 4, "viewed": 2, "converted": 1}
    }
    assert [step.of_all for step in found.steps] == [None, None, 0.6, 0.4, 0.2, 0.1]
    assert found.steps[-1].of_before == 0.5
    assert found.unverified == 1


def test_without_sites_a_report_has_neither(workspace: Workspace, inject: Inject) -> None:
    inject(*READERS)
    found = report.build(workspace.store, "spring", wanted=Wanted())
    assert (found.conversions, found.funnel) == (None, None)


# -- the command --------------------------------------------------------------------------------------


def command(shop: Shop, *arguments: str, code: int = 0) -> Ran:
    folder = Path(shop.store.path).parent
    ran = run(folder, *arguments, "--db", str(shop.store.path))
    assert ran.code == code, ran.err
    return ran


@pytest.fixture
def sold(shop: Shop) -> Shop:
    shop.mail["spring"].click(0, 5 * MINUTE)
    shop.mail["summer"].click(0, 6 * MINUTE)
    shop.says("A1", "1249.90")
    shop.says("A2", "10", by=None)
    shop.says("A3", "7", verified=False)
    return shop


def test_every_format_has_the_same_figures(sold: Shop, tmp_path: Path) -> None:
    command(sold, "campaigns", "set", "spring", "--cost", "400 EUR")
    asked = ("report", "--conversions", "--model", "linear", "--window", "2d")
    value = json.loads(command(sold, *asked, "--json").out)
    assert value["window"] == "2d"
    assert value["totals"][0]["verified"]["revenue"] == "1259.90"
    by_campaign = {row["name"]: row["verified"] for row in value["campaigns"]}
    assert by_campaign["spring"]["revenue"] == "624.95"
    assert by_campaign["spring"]["orders"] == 0.5
    assert by_campaign[""]["no_touch"] == 1
    assert value["costs"][0]["return_rate"] == 0.562375

    rows = list(csv.DictReader(io.StringIO(command(sold, *asked, "--csv").out)))
    (spring,) = [
        row for row in rows if (row["by"], row["name"], row["signed"]) == ("campaign", "spring", "yes")
    ]
    assert (spring["revenue"], spring["orders"]) == ("624.95", "0.5")
    assert (
        sum(float(row["revenue"]) for row in rows if row["by"] == "goal" and row["signed"] == "yes") == 1259.9
    )

    shown = command(sold, *asked).out
    for text in (
        "linear, window 2d",
        "624.95 EUR",
        "1,259.90 EUR",
        "no campaign",
        "56.2 %",
        "window: ",
    ):
        assert text in shown

    page = tmp_path / "page.html"
    command(sold, *asked, "--html", str(page))
    html = page.read_text("utf-8")
    assert '<data value="624.95" data-figure="campaigns.' in html
    assert "1,259.90 EUR" in html


def test_the_report_of_a_campaign_has_them_too(sold: Shop, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    command(sold, "report", "--campaign", "summer", "--html", str(page), "--model", "last-click")
    html = page.read_text("utf-8")
    assert (
        '<data value="1249.90" data-figure="conversions.totals.0.verified.revenue">1,249.90 EUR</data>'
        in html
    )
    assert 'data-figure="funnel.steps.0.people">10</data>' in html
    value = json.loads(command(sold, "report", "--campaign", "summer", "--json").out)
    assert value["conversions"]["totals"][0]["verified"]["revenue"] == "1249.90"
    assert value["funnel"]["steps"][3] == {"name": "clicked", "people": 1, "of_all": 0.1, "of_before": None}
    wide = {row["campaign"]: row for row in csv.DictReader(io.StringIO(command(sold, "report", "--csv").out))}
    assert wide["summer"]["conversions.revenue"] == "1249.90 EUR"
    assert wide["spring"]["conversions.orders"] == "0"
    full = command(sold, "report", "--campaign", "summer", "--full").out
    assert "1,249.90 EUR" in full
    assert "of the step before" in full


def test_the_funnel_in_every_format(sold: Shop, tmp_path: Path) -> None:
    asked = ("report", "--campaign", "summer", "--funnel")
    assert "of the step before" in command(sold, *asked).out
    assert json.loads(command(sold, *asked, "--json").out)["steps"][0]["people"] == 10
    rows = list(csv.DictReader(io.StringIO(command(sold, *asked, "--csv").out)))
    assert [row["step"] for row in rows][:6] == [
        "sent",
        "delivered",
        "opened",
        "clicked",
        "viewed",
        "converted",
    ]
    page = tmp_path / "page.html"
    command(sold, *asked, "--html", str(page))
    assert "How far people came" in page.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--conversions", "--window", "soon"), "--window 'soon' is no length of time"),
        (("--conversions", "--model", "best"), "--model 'best' is no model"),
        (("--conversions", "--half-life", "2d"), "--half-life is for --model time-decay"),
        (("--conversions", "--goal", "sale"), "no goal 'sale'"),
        (("--conversions", "--by", "link", "--campaign", "spring"), "--by and --conversions are two runs"),
        (("--funnel",), "--funnel needs --campaign"),
        (("--campaign", "spring", "--model", "linear"), "--model is about conversions"),
        (("--html", "all.html", "--window", "3d"), "--window is about conversions"),
        (("--conversions", "--campaign", "winter"), "no such campaign: 'winter'"),
    ],
)
def test_options_that_cannot_be_say_so(sold: Shop, arguments: tuple[str, ...], said: str) -> None:
    ran = run(Path(sold.store.path).parent, "report", *arguments, "--db", str(sold.store.path))
    assert ran.code in (1, 2)
    assert said in ran.err


def test_costs_are_set_listed_and_forgotten(sold: Shop) -> None:
    assert "it cost 1,249.90 CHF" in command(sold, "campaigns", "set", "spring", "--cost", "CHF 1249.90").err
    listed = {each["campaign"]: each for each in json.loads(command(sold, "campaigns", "--json").out)}
    assert (listed["spring"]["cost"], listed["spring"]["cost_currency"]) == ("1249.90", "CHF")
    assert "1,249.90 CHF" in command(sold, "campaigns").out
    command(sold, "campaigns", "set", "spring", "--cost", "none")
    assert sold.store.campaign("spring").cost is None
    for cost, said in (("-5 EUR", "below 0"), ("400", "no amount of money"), ("4 XXX", "no currency")):
        assert said in command(sold, "campaigns", "set", "spring", "--cost", cost, code=2).err
    assert "nothing to set" in command(sold, "campaigns", "set", "spring", code=2).err


def test_without_a_goal_the_command_says_how_to_begin(workspace: Workspace, inject: Inject) -> None:
    inject(*READERS)
    ran = run(Path(workspace.store.path).parent, "report", "--conversions", "--db", str(workspace.store.path))
    assert (ran.code, "pixeltrack goal add" in ran.err) == (2, True)


def test_kinds_are_numbered_as_copies_tell_them() -> None:
    assert (EventKind.OPEN, EventKind.CLICK) == (1, 2)  # bits in ``people_of``
