"""Which links are too private to track, and which texts show an address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixeltrack.destinations import base_domain, same_base_domain, sensitive, shown_host

SECRET = "a8F3k2Lq9ZxB71mN"


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("https://a.example/password/reset/abc", "password reset"),
        ("https://a.example/reset-password?x=1", "password reset"),
        ("https://a.example/account/forgot-password", "password reset"),
        ("https://a.example/magic-link/abc", "magic sign-in link"),
        ("https://a.example/auth/email-login", "magic sign-in link"),
        ("https://a.example/one-time/abc", "one-time link"),
        ("https://a.example/verify-email/abc", "one-time link"),
        ("https://a.example/invite/7f3a9c0d1e2b", "one-time link"),
        (f"https://a.example/x?token={SECRET}", "one-time link"),
        (f"https://a.example/x?a=1&reset_token={SECRET}#y", "one-time link"),
        ("https://b.s3.amazonaws.com/f.pdf?X-Amz-Expires=9&X-Amz-Signature=ab", "pre-signed link"),
        ("https://d1.cloudfront.net/f?Expires=1&Signature=x&Key-Pair-Id=K", "pre-signed link"),
        ("https://storage.googleapis.com/b/f?X-Goog-Signature=ab", "pre-signed link"),
        ("https://x.blob.core.windows.net/c/f?sv=2022&se=2030&sr=b&sig=ab", "pre-signed link"),
        ("https://checkout.stripe.com/c/pay/cs_live_x", "payment link"),
        ("https://invoice.stripe.com/i/acct", "payment link"),
        ("https://shop.example/pay/1234", "payment link"),
        ("https://shop.example/invoices/77", "payment link"),
    ],
)
def test_private_links_are_known_with_their_reason(address: str, reason: str):
    assert sensitive(address, "Click here") == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Reset your password", "password reset"),
        ("Change my password", "password reset"),
        ("Confirm your email", "one-time link"),
        ("Pay now", "payment link"),
    ],
)
def test_a_links_text_says_it_too(text: str, reason: str):
    assert sensitive("https://a.example/x", text) == reason


@pytest.mark.parametrize(
    "address",
    [
        "https://shop.example/sale?utm_source=news&utm_medium=email",
        "https://shop.example/p/red-shoes?sig=no",
        "https://shop.example/blog/how-to-choose-a-password",
        "https://shop.example/payroll-software",
        "https://shop.example/?token=short",
        "https://shop.example/tokens?hash=introduction-to-hashes",
        "https://shop.example/invitations",
        "https://shop.example/inviting-spaces",
        "https://[broken",
    ],
)
def test_what_is_for_everybody_is_not_private(address: str):
    assert sensitive(address, "Read more about spring") is None


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("https://Shop.example/x?y", "shop.example"),
        ("www.shop.example", "www.shop.example"),
        ("shop.example/sale", "shop.example"),
        ("booking.com", "booking.com"),
        ("https://bücher.example", "bücher.example"),
        ("Visit shop.example/sale", ""),
        ("Node.js", ""),
        ("e.g.", ""),
        ("3.11", ""),
        ("Shop now", ""),
        ("", ""),
    ],
)
def test_a_text_that_is_an_address_is_known(text: str, host: str):
    assert shown_host(text) == host


@pytest.mark.parametrize(
    ("host", "base"),
    [
        ("track.shop.co.uk", "shop.co.uk"),
        ("example.com", "example.com"),
        ("a.b.example.com", "example.com"),
        ("127.0.0.1", "127.0.0.1"),
        ("localhost", "localhost"),
    ],
)
def test_the_base_domain_is_what_one_registers(host: str, base: str):
    assert base_domain(host) == base


def test_two_customers_of_one_host_are_not_the_same():
    assert same_base_domain("track.shop.com", "www.shop.com")
    assert not same_base_domain("ann.github.io", "bob.github.io")
    assert not same_base_domain("", "")


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_breaks_the_rules(address: str, text: str):
    sensitive(address, text)
    sensitive(f"https://{address}", text)
    shown_host(text)
