"""Which provider a domain belongs to."""

from __future__ import annotations

import pytest

from pixeltrack.providers import OTHER, PROVIDERS, provider_of


@pytest.mark.parametrize(
    ("domain", "provider"),
    [
        ("gmail.com", "Gmail"),
        ("googlemail.com", "Gmail"),
        ("hotmail.co.uk", "Outlook.com"),
        ("live.nl", "Outlook.com"),
        ("msn.com", "Outlook.com"),
        ("yahoo.fr", "Yahoo"),
        ("yahoo.com.br", "Yahoo"),
        ("aol.com", "Yahoo"),
        ("yahoo.co.jp", "Yahoo Japan"),
        ("me.com", "Apple"),
        ("web.de", "GMX and WEB.DE"),
        ("proton.me", "Proton"),
        ("wanadoo.fr", "Orange"),
        ("libero.it", "Libero"),
        ("ya.ru", "Yandex"),
        ("163.com", "NetEase"),
        ("comcast.net", "Comcast"),
        ("t-online.de", "T-Online"),
    ],
)
def test_providers_by_their_domains(domain: str, provider: str) -> None:
    assert provider_of(domain) == provider


@pytest.mark.parametrize(
    "domain", ["shop.example", "gmail.com.shop.example", "mail.gmail.com", "yahoo.shop", ""]
)
def test_a_domain_that_only_looks_like_a_providers_is_another(domain: str) -> None:
    assert provider_of(domain) == OTHER


def test_domains_are_written_as_identities_are() -> None:
    assert all(domain == domain.lower() and domain.isascii() and "." in domain for domain in PROVIDERS)
