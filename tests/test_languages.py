"""Every page in every language: the same keys and placeholders, and the language that a reader asks for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import Client, Inject
from inbox import copies
from test_pages import CHOICES, Outline

from pixeltrack import languages
from pixeltrack.errors import InputError
from pixeltrack.pages import Pages
from pixeltrack.resources import templates_dir

OURS = templates_dir() / "pages" / "texts"
TRANSLATED = ("unsubscribe.html", "preferences.html", "erase.html", "privacy.html")
STOPPED = {
    **{"en": "Tracking is off", "fr": "Le suivi est désactivé", "de": "Tracking ist ausgeschaltet"},
    **{"it": "Il tracciamento è disattivato", "es": "El seguimiento está desactivado"},
}


@pytest.mark.parametrize("language", languages.LANGUAGES)
def test_every_language_has_every_text_with_its_placeholders(language: str) -> None:
    plain, texts = (languages._file(OURS / f"{each}.toml") for each in ("en", language))
    assert list(texts) == list(plain)
    assert all(text.strip() for text in texts.values())
    assert {key: languages.placeholders(text) for key, text in texts.items()} == {
        key: languages.placeholders(text) for key, text in plain.items()
    }


@pytest.mark.parametrize("language", languages.LANGUAGES)
def test_a_page_is_in_its_language_and_leads_to_the_others(language: str) -> None:
    pages = Pages()
    for name, values in CHOICES:
        if name in TRANSLATED:
            outline = Outline(pages.render(name, language, **values))
            assert outline.of("html") == [{"lang": language}]
            assert not re.search(r"\{(sender|notice)\}", outline.text)
            if name == "erase.html":  # which a button leads to, and so no address in another language
                continue
            others = [each["href"] for each in outline.of("a") if each.get("hreflang")]
            assert others == [f"?lang={each}" for each in languages.LANGUAGES if each != language]


@pytest.mark.parametrize(
    ("accepted", "asked", "language"),
    [
        ("", "", "en"),
        ("fr-CH, fr;q=0.9, en;q=0.8", "", "fr"),
        ("en;q=0.2, DE-at;q=0.7, tlh", "", "de"),
        ("it;q=0, es;q=0.1", "", "es"),
        ("it;q=nan, fr;q=9, de;q=x", "", "en"),
        ("fr", "it", "it"),
        ("fr", "tlh", "fr"),
    ],
)
def test_the_language_is_the_one_asked_for_else_the_best_of_the_browser(
    accepted: str, asked: str, language: str
) -> None:
    assert languages.choose(accepted, asked) == language


@pytest.mark.parametrize("language", languages.LANGUAGES)
def test_a_button_is_answered_in_the_language_of_its_page(
    client: Client, inject: Inject, language: str
) -> None:
    copy = copies(inject("ann@x.example"))[0]
    client.environ["QUERY_STRING"] = f"lang={language}"
    page = client.get(copy.preferences).body.decode()
    assert f'<form method="post" action="{copy.preferences}?lang={language}">' in page
    answer = client.post(copy.preferences, b"action=stop")
    assert (answer.status, "Location" in answer.headers) == ("200 OK", False)
    assert Outline(answer.body).of("html") == [{"lang": language}]
    assert f"<h1>{STOPPED[language]}</h1>" in answer.body.decode()


@pytest.mark.parametrize(
    ("text", "said"),
    [("unknwon = 'x'", "unknown key 'unknwon'"), ("stop = 1", "stop is 1"), ("stop", "not valid TOML")]
    + [(f"why = '{text}'", "placeholders of why differ") for text in ("x", "{sendr}", "{sender} {", "{}")],
)
def test_texts_of_the_user_that_cannot_work_are_refused_at_the_start(
    tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "fr.toml").write_text(text)
    with pytest.raises(InputError, match=said):
        Pages(tmp_path)


def test_a_text_of_the_user_wins_and_the_others_stay_ours(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "fr.toml").write_text("stop = 'Stop'")
    own, ours = Pages(tmp_path).texts, Pages().texts
    assert own == {**ours, "fr": {**ours["fr"], "stop": "Stop"}}
