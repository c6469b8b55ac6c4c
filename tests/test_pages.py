"""The pages: no value becomes markup, nothing is loaded, and a user's own templates come first."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
from html.parser import HTMLParser
from itertools import product
from pathlib import Path

import pytest
from markupsafe import Markup

from pixeltrack import resources
from pixeltrack.errors import InputError, PixeltrackError
from pixeltrack.pages import VARIABLES, Pages

HOSTILE = [
    "<script>alert(1)</script>",
    "</style></title><script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "' autofocus onfocus='alert(1)",
    "{{ 7 * 191 }}{% include 'style.css' %}{# gone #}",
    "--><svg/onload=alert(1)>",
    "&lt;script&gt; &amp; Söhne",
]
Values = dict[str, object]
MAIL: Values = {"sender": "Blue Boat Books", "preview": False, "action": "/p/t0ken"}
UNSUBSCRIBE: Values = {**MAIL, "preferences_url": "/p/t0ken"}
NOTICE: Values = {
    "notice": Markup("<h1>Privacy notice</h1>\n<p>This is what is recorded.</p>"),
    "version": "Version 1, since 2026-11-25",
    "wording": f"Wording {'0' * 64}",
    "sender": "Blue Boat Books",
    "controller": "Blue Boat Books Ltd, 3 Quay Road, Porthaven",
    "contact": "privacy@blueboat.example",
    "retention_days": 180,
    "consent_required": True,
    "country_noted": False,
}
ERASE: Values = {"sender": "Blue Boat Books", "action": "/p/t0ken"}
BY_PERSON = ["noted_device", "noted_network", "noted_day_number", "noted_program", "moment_hour"]
NOTED = {
    "opens": {"what": "opens", "mode": "individual", "fields": ["noted_open", *BY_PERSON]},
    "clicks": {"what": "clicks", "mode": "aggregate", "fields": ["counted_hour", "counted_link"]},
}
TRACKING = {  # what is noted, of what
    "on": [NOTED["opens"], {**NOTED["clicks"], "elsewhere": "individual", "more": ["noted_click"]}],
    "opens": [NOTED["opens"], {"what": "clicks", "mode": "off", "counted": True}],
    "clicks": [{"what": "opens", "mode": "off"}, NOTED["clicks"]],
    "off": [{"what": "both", "mode": "off", "counted": True}],
}
AGREED: Values = {
    **{"what": "opens", "why": "agreed", "date": "3 March 2026", "iso": "2026-03-03", "mark": "17ab"},
    **{"method": "signup form", "wording": "We note what you open."},
}
NOT_ASKED: Values = {"what": "clicks", "why": "nothing_assumed", "date": "", "iso": "", "mark": ""}
NOT_ASKED |= {"method": "", "wording": ""}


def preferences_of(tracking: str) -> Values:
    """What the preferences page is given; with a browser's signal where opens alone are on."""
    signal = tracking == "opens"
    return {
        **MAIL,
        "tracking": tracking,
        "noted": [
            {"fields": [], "elsewhere": None, "more": [], "counted": False, **each}
            for each in TRACKING[tracking]
        ],
        "choices": [AGREED, NOT_ASKED],
        "never": ["never_ip", "never_browser", "never_elsewhere"] if tracking == "on" else [],
        "by_person": tracking in ("on", "opens"),
        "own_rights": tracking != "clicks",
        "signal": signal,
        "may_refuse": signal,
        "retargeting": None if tracking == "on" else {**AGREED, "what": "retargeting", "wording": ""},
        "unsubscribed": "",
        "unsubscribe_url": "/u/t0ken",
        "privacy_url": "/privacy",
    }


CHOICES: list[tuple[str, Values]] = [
    ("unsubscribe.html", UNSUBSCRIBE),
    ("unsubscribe.html", {**UNSUBSCRIBE, "sender": None, "preview": True}),
    *(
        ("preferences.html", {**preferences_of(tracking), "unsubscribed": unsubscribed, "preview": preview})
        for tracking, unsubscribed, preview in product(TRACKING, ("", "3 March 2026"), (True, False))
    ),
    ("erase.html", ERASE),
    ("erase.html", {**ERASE, "sender": None}),
    ("privacy.html", NOTICE),
    ("privacy.html", {**NOTICE, "sender": None, "version": None}),
    ("done.html", {"title": "Done", "message": "You are unsubscribed.", "back": ""}),
    ("done.html", {"title": "Done", "message": "You are unsubscribed.", "back": "/p/t0ken"}),
    ("missing.html", {}),
]
EVERY = pytest.mark.parametrize(("name", "values"), CHOICES)


class Outline(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page.decode("utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def shape(self) -> list[tuple[str, list[str]]]:
        return [(tag, sorted(attributes)) for tag, attributes in self.elements]

    def of(self, wanted: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag == wanted]


def own_links(outline: Outline, tag: str, key: str) -> list[str | None]:
    """Where a page leads; not its links to itself in other languages."""
    return [each[key] for each in outline.of(tag) if not (each[key] or "").startswith("?lang=")]


@pytest.fixture(scope="module")
def pages() -> Pages:
    return Pages()


def written(values: Values, text: str) -> Values:
    """Give every value that is printed a text; not those that choose a branch, or one of our texts."""
    found: Values = {}
    for key, value in values.items():
        if isinstance(value, dict):
            found[key] = written(value, text)
        elif isinstance(value, list):
            found[key] = [written(each, text) if isinstance(each, dict) else each for each in value]
        else:
            chooses = key in ("tracking", "what", "mode", "elsewhere", "why") or value == ""
            found[key] = text if isinstance(value, str) and not chooses else value
    return found


@EVERY
@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_value_is_text_and_nothing_else(
    pages: Pages, name: str, values: Values, hostile: str
) -> None:
    # Rule S9. "tracking" is one of four words that choose a branch; it is never printed. The notice is
    # markup already: tests/test_notice.py attacks it.
    plain = Outline(pages.render(name, **written(values, "Zoë")))
    attacked = Outline(pages.render(name, **written(values, hostile)))
    assert attacked.shape() == plain.shape()
    assert attacked.text.count(hostile) == plain.text.count("Zoë")
    for tag, key in (("form", "action"), ("a", "href")):
        assert own_links(attacked, tag, key) == [hostile] * len(own_links(plain, tag, key))


@EVERY
def test_the_policy_admits_the_style_of_the_page_and_nothing_else(
    pages: Pages, name: str, values: Values
) -> None:
    (style,) = re.findall(rb"<style>(.*?)</style>", pages.render(name, **values), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
    assert pages.content_security_policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    )


@EVERY
def test_a_page_runs_no_script_and_loads_nothing(pages: Pages, name: str, values: Values) -> None:
    page = pages.render(name, **values)
    assert not re.search(rb"https?:|//[a-z]|@import|url\(|javascript:", page, re.IGNORECASE)
    for tag, attributes in Outline(page).elements:
        assert tag not in {"script", "link", "img", "iframe", "object", "embed", "base"}
        assert not [key for key in attributes if key.startswith("on") or key in ("src", "style")]


@EVERY
def test_a_name_does_not_run_into_the_words_around_it(pages: Pages, name: str, values: Values) -> None:
    assert not re.search(r"\wBlue Boat|Books\w", Outline(pages.render(name, **values)).text)


@EVERY
def test_a_page_says_its_language_and_has_one_heading_and_a_title(
    pages: Pages, name: str, values: Values
) -> None:
    outline = Outline(pages.render(name, **values))
    assert outline.of("html") == [{"lang": "en"}]
    assert [len(outline.of(tag)) for tag in ("title", "h1", "main")] == [1, 1, 1]
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in outline.of("meta")


def test_unsubscribing_is_one_button_that_posts(pages: Pages) -> None:
    # Rule S25: following the link, which scanners do, changes nothing.
    outline = Outline(pages.render("unsubscribe.html", **UNSUBSCRIBE))
    assert outline.of("form") == [{"method": "post", "action": "/p/t0ken"}]
    assert len(outline.of("button")) == 1
    assert not outline.of("input")


@pytest.mark.parametrize("name", ["unsubscribe.html", "preferences.html"])
def test_the_page_of_a_preview_has_no_form_and_says_so(pages: Pages, name: str) -> None:
    shown = [Outline(pages.render(n, **v)) for n, v in CHOICES if n == name and v["preview"]]
    assert shown
    for outline in shown:
        assert not outline.of("form")
        assert "This is a preview." in outline.text
        assert all(button["type"] == "button" for button in outline.of("button"))


def preferences(pages: Pages, **values: object) -> Outline:
    given = preferences_of(str(values.get("tracking", "on")))
    return Outline(pages.render("preferences.html", **{**given, **values}))


RIGHTS = ["data", "erase"]


def test_tracking_is_stopped_by_one_button(pages: Pages) -> None:
    outline = preferences(pages)
    assert outline.of("form")[0] == {"method": "post", "action": "/p/t0ken"}
    buttons = [(button["name"], button["value"]) for button in outline.of("button")]
    assert buttons == [("action", each) for each in ("stop", "stop-opens", "stop-clicks", *RIGHTS)]
    assert "Stop tracking, keep the mails" in outline.text
    assert "IP\N{NO-BREAK SPACE}address" in outline.text


@pytest.mark.parametrize(("left", "gone"), [("opens", "clicked"), ("clicks", "opened")])
def test_who_stopped_one_kind_is_told_of_the_other_and_may_stop_it(
    pages: Pages, left: str, gone: str
) -> None:
    outline = preferences(pages, tracking=left, may_refuse=False, own_rights=True)
    assert [button["value"] for button in outline.of("button")] == ["stop", *RIGHTS]
    noted = outline.text.partition("What is noted")[2].partition("Since when")[0]
    assert gone not in noted
    assert {"opens": "opened", "clicks": "which link"}[left] in noted


def test_nothing_is_left_to_press_once_tracking_is_off(pages: Pages) -> None:
    outline = preferences(pages, tracking="off")
    assert [button["value"] for button in outline.of("button")] == RIGHTS
    assert "Tracking is off" in outline.text


def test_erasing_is_a_second_button_and_a_way_back(pages: Pages) -> None:
    outline = Outline(pages.render("erase.html", **ERASE))
    assert outline.of("form") == [{"method": "post", "action": "/p/t0ken"}]
    assert outline.of("button") == [{"name": "action", "value": "erase-now"}]
    assert outline.of("a") == [{"href": "/p/t0ken"}]


def test_someone_unsubscribed_is_told_so_and_not_asked_again(pages: Pages) -> None:
    outline = preferences(pages, unsubscribed="3 March 2026")
    assert "You are unsubscribed." in outline.text
    assert "(3 March 2026)" in outline.text
    assert "/u/t0ken" not in [a["href"] for a in outline.of("a")]


def test_a_forgotten_value_is_an_error_rather_than_a_gap(pages: Pages) -> None:
    with pytest.raises(PixeltrackError, match=r"unsubscribe\.html cannot be shown.*'sender'"):
        pages.render("unsubscribe.html", preview=False, action="/u/t")


def test_a_lone_surrogate_does_not_hide_the_page(pages: Pages) -> None:
    assert b"Caf?" in pages.render("unsubscribe.html", **{**UNSUBSCRIBE, "sender": "Caf\udce9"})


@EVERY
def test_the_values_of_a_page_are_the_ones_listed_for_it(name: str, values: Values) -> None:
    assert set(values) == VARIABLES[name]


def test_every_template_has_its_variables_listed() -> None:
    folder = resources.templates_dir() / "pages"
    assert {path.name for path in folder.iterdir()} == {*VARIABLES, "base.html", "style.css", "texts"}


# A user's own templates


def test_a_template_of_the_user_wins_and_the_others_stay_ours(tmp_path: Path, pages: Pages) -> None:
    (tmp_path / "done.html").write_text("<p>{{ title }}: {{ message }}", encoding="utf-8")
    own = Pages(tmp_path)
    assert own.render("done.html", title="Adiós", message="<b>") == "<p>Adiós: &lt;b&gt;".encode()
    assert own.render("missing.html") == pages.render("missing.html")


def test_a_template_of_the_user_may_extend_the_one_it_replaces(tmp_path: Path) -> None:
    (tmp_path / "missing.html").write_text(
        '{% extends "pixeltrack/missing.html" %}'
        "{% block language %}de{% endblock %}"
        "{% block content %}{{ super() }}<p>Moin.</p>{% endblock %}",
        encoding="utf-8",
    )
    page = Pages(tmp_path).render("missing.html").decode()
    assert '<html lang="de">' in page
    assert "This link leads nowhere" in page
    assert "<p>Moin.</p>" in page


def test_a_style_of_the_user_has_its_own_hash(tmp_path: Path, pages: Pages) -> None:
    (tmp_path / "style.css").write_bytes(b'a::after { content: "<&" }\r\n')
    own = Pages(tmp_path)
    # Browsers hash the text after line ends are made one: so do we.
    style = b'a::after { content: "<&" }\n'
    assert b"<style>" + style.rstrip() in own.render("missing.html")
    test_the_policy_admits_the_style_of_the_page_and_nothing_else(own, "missing.html", {})
    assert own.content_security_policy != pages.content_security_policy


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("done.html", "{{ titel }}", r"done\.html: unknown variable: 'titel'"),
        ("missing.html", "{{ sender }}", r"missing\.html: unknown variable: 'sender'"),
        ("done.html", "one\n{% if %}", r"done\.html, line 2: "),
        ("base.html", "{% block %}", r"base\.html, line 1: "),
        ("done.html", '{% extends "done.html" %}', r"done\.html extends itself"),
        ("done.html", '{% extends "nope.html" %}', r"done\.html: no such template: 'nope\.html'"),
        ("done.html", b"\xff", r"done\.html is not UTF-8"),
    ],
)
def test_a_template_that_cannot_work_is_refused_before_anyone_needs_it(
    tmp_path: Path, name: str, text: str | bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=said):
        Pages(tmp_path)


def test_a_templates_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such templates folder: '.*nowhere'"):
        Pages(tmp_path / "nowhere")


# Where our files are


def test_the_folder_in_the_package_is_taken_before_the_one_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "pixeltrack")
    with pytest.raises(PixeltrackError, match="own examples are missing"):
        resources.examples_dir()
    (tmp_path / "examples").mkdir()
    assert resources.examples_dir() == tmp_path / "examples"
    (tmp_path / "pixeltrack" / "examples").mkdir(parents=True)
    assert resources.examples_dir() == tmp_path / "pixeltrack" / "examples"


def test_importing_pages_does_not_import_jinja2() -> None:
    code = "import sys, pixeltrack.pages; sys.exit('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Contrast


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("front", "back", "least"),
    [
        *(("text", back, 4.5) for back in ("ground", "sheet", "tint")),
        *(("quiet", back, 4.5) for back in ("ground", "sheet")),
        *((front, back, 4.5) for front in ("accent", "accent-over") for back in ("ground", "sheet")),
        *(("on-accent", back, 4.5) for back in ("accent", "accent-over")),
        *(("focus", back, 3) for back in ("ground", "sheet")),
    ],
)
def test_colours_keep_the_contrast_of_wcag_aa(scheme: int, front: str, back: str, least: float) -> None:
    css = (resources.templates_dir() / "pages" / "style.css").read_text(encoding="utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", (light, dark)[scheme]))
    one, two = sorted((luminance(colours[front]), luminance(colours[back])), reverse=True)
    assert (one + 0.05) / (two + 0.05) >= least
