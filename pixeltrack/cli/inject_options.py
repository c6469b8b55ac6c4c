"""The options of ``inject`` that say what is done to links and pixel."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import urlsplit

import click

from pixeltrack.errors import InputError

if TYPE_CHECKING:
    from pixeltrack.links import Policy
    from pixeltrack.terms import Asked
    from pixeltrack.urls import Addresses

F = TypeVar("F", bound=Callable[..., Any])

_LINKS = (
    click.option(
        "--skip-host", multiple=True, metavar="HOST", help="Leave links to a host, and below it, alone."
    ),
    click.option(
        "--skip-pattern", multiple=True, metavar="REGEX", help="Leave links alone whose address matches."
    ),
    click.option(
        "--wrap-sensitive",
        is_flag=True,
        help="Wrap also password resets, sign-in, one-time, pre-signed and payment links.",
    ),
    click.option(
        "--wrap-visible-urls",
        is_flag=True,
        help="Wrap also links whose text shows an address: mail programs may warn of phishing.",
    ),
    click.option("--skip-schemeless", is_flag=True, help="Leave links such as //shop.example alone."),
    click.option(
        "--resolve-base",
        is_flag=True,
        help="Wrap relative links, too, as the mail's <base href> says where they lead.",
    ),
    click.option(
        "--join-buttons",
        is_flag=True,
        help="Count the Outlook and the HTML half of one button as one link.",
    ),
    click.option(
        "--strip-labels",
        is_flag=True,
        help="Take data-pt-label, data-pt-group and data-pt-utm out of the copies.",
    ),
    click.option(
        "--utm",
        metavar="TAGS",
        help="Add UTM tags to destinations, such as source=news,medium=email,campaign={campaign}.",
    ),
    click.option(
        "--attribute",
        metavar="PARAM",
        help="Let the redirect add this parameter to destinations on your own sites (goal add), such as pt:"
        " with it these tell what came of a click. Not for people who refuse to be measured.",
    ),
    click.option(
        "--bind-links",
        is_flag=True,
        help="Give each link a token of its own: one that leaks does not reveal the others.",
    ),
    click.option("--readable", is_flag=True, help="Show each destination's host in its wrapped link."),
    click.option(
        "--pixel",
        type=click.Choice(["bottom", "top", "none"]),
        default="bottom",
        show_default=True,
        help="Where the pixel goes; top is before what Gmail clips.",
    ),
    click.option(
        "--honeypot", is_flag=True, help="Add a hidden link that only machines follow, and tells them apart."
    ),
)


_MESSAGES = (
    click.option("--from", "from_", metavar="SENDER", help="From header of messages made of HTML."),
    click.option("--subject", metavar="TEXT", help="Their subject  [default: the mail's <title>]"),
    click.option(
        "--headers",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="More of their headers, as lines of Name: value.",
    ),
    click.option(
        "--text-part",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        metavar="FILE",
        help="Their plain-text part  [default: the .txt beside the mail, if there]",
    ),
    click.option("--text", is_flag=True, help="Wrap the links of plain-text parts, too."),
    click.option(
        "--resign-later",
        is_flag=True,
        help="Change a signed message all the same: you sign it again afterwards.",
    ),
)
MESSAGE_OPTIONS = ("from_", "subject", "headers", "text_part", "text", "resign_later")

_MODES = ("off", "aggregate", "company", "hygiene", "pseudonymous", "individual")
_MEASURES = (
    click.option(
        "--mode",
        type=click.Choice(_MODES),
        help="How much this campaign may measure at most, of opens and clicks: by person (individual), by a"
        " number that nobody can take back to the person, the day of the last open alone (hygiene), by"
        " company, all together, or nothing  [default: what the settings allow]",
    ),
    click.option("--opens", type=click.Choice(_MODES), help="The same for opens alone."),
    click.option("--clicks", type=click.Choice(_MODES), help="The same for clicks alone."),
    click.option(
        "--without-consent",
        type=click.Choice(_MODES),
        help="How much of people whose consent is asked for and not given  [default: off]",
    ),
    click.option(
        "--mail-basis",
        type=click.Choice(["requested", "transactional", "cold"]),
        help="Why people get this mail; preset fr asks.",
    ),
)


def measures(function: F) -> F:
    """Add the options about how much is measured to a command."""
    for option in reversed(_MEASURES):
        function = option(function)
    return function


def taken_measures(options: dict[str, Any]) -> Asked:
    """Take these options out of a command's."""
    from pixeltrack.terms import Asked

    names = ("mode", "opens", "clicks", "without_consent", "mail_basis")
    return Asked(*(options.pop(name) for name in names))


def messages(function: F) -> F:
    """Add the options about whole messages to a command."""
    for option in reversed(_MESSAGES):
        function = option(function)
    return function


def links(function: F) -> F:
    """Add the options about links and pixel to a command."""
    for option in reversed(_LINKS):
        function = option(function)
    return function


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was chosen by these options."""

    skip_host: tuple[str, ...]
    skip_pattern: tuple[str, ...]
    wrap_sensitive: bool
    wrap_visible_urls: bool
    skip_schemeless: bool
    resolve_base: bool
    join_buttons: bool
    strip_labels: bool
    utm: str | None
    attribute: str | None
    bind_links: bool
    readable: bool
    pixel: Literal["top", "bottom", "none"]
    honeypot: bool

    def policy(self, addresses: Addresses, fields: Iterable[str]) -> Policy:
        """Return the policy for links; raise InputError for a value that means nothing."""
        from pixeltrack import utm
        from pixeltrack.links import Policy
        from pixeltrack.urls import ATTRIBUTE

        if self.attribute is not None and not ATTRIBUTE.fullmatch(self.attribute):
            raise InputError(
                f"--attribute {self.attribute!r} is no name of a parameter",
                hint="for instance --attribute pt",
            )
        if self.honeypot and self.pixel == "none":
            raise InputError(
                "--honeypot and --pixel none exclude each other", hint="the hidden link stands by the pixel"
            )
        return Policy(
            addresses.owns,
            urlsplit(addresses.base).hostname or "",
            tuple(map(_host, self.skip_host)),
            tuple(map(_pattern, self.skip_pattern)),
            self.wrap_sensitive,
            self.wrap_visible_urls,
            frozenset(fields),
            utm.parse(self.utm, "--utm") if self.utm else None,
            self.pixel,
            self.resolve_base,
            self.skip_schemeless,
            self.strip_labels,
        )


def taken(options: dict[str, Any]) -> Chosen:
    """Take these options out of a command's."""
    return Chosen(**{name: options.pop(name) for name in Chosen.__slots__})


def _host(given: str) -> str:
    host = given.strip().lower().removeprefix("*.").strip(".")
    if not re.fullmatch(r"[^\s/@?#]+", host):
        raise InputError(
            f"--skip-host {given!r} is no host", hint="for instance --skip-host shop.example.com"
        )
    return host


def _pattern(given: str) -> re.Pattern[str]:
    try:
        return re.compile(given)
    except re.error as error:
        raise InputError(
            f"--skip-pattern {given!r} is no regular expression: {error}",
            hint="a dot and a question mark are written \\. and \\?",
        ) from None
