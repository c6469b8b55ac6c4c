"""What the benchmarks work on, always the same: a newsletter, a recipient list, and hostile input."""

from __future__ import annotations

import random
from collections.abc import Iterator

_WORDS = (
    *("the", "a", "our", "this", "every", "new", "early", "late", "warm", "green", "small", "bright"),
    *("garden", "meadow", "seed", "bulb", "root", "leaf", "orchard", "hedge", "spade", "basket", "barrow"),
    *("frost", "rain", "spring", "summer", "autumn", "morning", "neighbour", "grows", "keeps", "brings"),
    *("under", "over", "beside", "until", "after", "with", "without", "for", "and", "but"),
)

_STYLE = "font-family:Ubuntu, Helvetica, Arial, sans-serif;font-size:15px;color:#2f3b2f;"
_HEAD = """\
<!doctype html>
<html lang="en" xmlns="http://www.w3.org/1999/xhtml" xmlns:v="urn:schemas-microsoft-com:vml">
<head>
<title>News from the garden</title>
<meta http-equiv="Content-Type" content="text/html; charset=UTF-8">
<style type="text/css">
body { margin: 0; padding: 0; } table, td { border-collapse: collapse; } p { display: block; margin: 13px 0; }
@media only screen and (min-width: 480px) { .column { width: 50% !important; max-width: 50%; } }
</style>
</head>
<body style="word-spacing:normal;background-color:#eef2e6;">
"""
_FOOT = "</body>\n</html>\n"
_LINK = '<a href="{url}" style="{style}display:inline-block;padding:10px 25px;" target="_blank">{text}</a>'
_VML_LINK = """\
<!--[if mso]><v:roundrect href="{url}" style="height:44px;width:220px;" arcsize="12%" stroke="f">\
<w:anchorlock/><center style="{style}">{text}</center></v:roundrect><![endif]-->"""
# One card of the shape that mail builders write: tables in a column, Outlook's table round it.
_CARD = """\
<!--[if mso | IE]><table align="center" border="0" cellpadding="0" cellspacing="0"><tr><td><![endif]-->
<div style="margin:0px auto;max-width:600px;">
<table align="center" border="0" cellpadding="0" cellspacing="0" role="presentation" style="width:100%;">
<tbody><tr><td style="direction:ltr;font-size:0px;padding:20px 0;text-align:center;"><div class="column">
<table border="0" cellpadding="0" cellspacing="0" role="presentation" width="100%"><tbody>
<tr><td align="center" style="padding:10px 25px;"><img src="https://img.example.com/{number}.png" \
width="200" alt="{alt}" style="display:block;"></td></tr>
<tr><td align="left" style="padding:10px 25px;"><div style="{style}"><p>{text}</p></div></td></tr>
<tr><td align="center"><table border="0" role="presentation"><tbody><tr><td align="center">
{link}
</td></tr></tbody></table></td></tr></tbody></table></div></td></tr></tbody></table></div>
<!--[if mso | IE]></td></tr></table><![endif]-->
"""

NEWSLETTER_BYTES = 61_116
NEWSLETTER_LINKS = 40
_VML_LINKS = 2


def newsletter(size: int = NEWSLETTER_BYTES, links: int = NEWSLETTER_LINKS) -> str:
    """Return a table-built mail of so many ASCII characters, with links in Outlook's comments too."""
    words = random.Random(size)  # the same for the same size

    def prose(length: int) -> str:
        text = ""
        while len(text) < length:
            text += words.choice(_WORDS) + " "
        return text[:length]

    cards = []
    for number in range(links):
        link = (_VML_LINK if number < _VML_LINKS else _LINK).format(
            url=f"https://shop.example.com/spring/{number}?from=news&amp;item={number * 37}",
            style=_STYLE,
            text=prose(14),
        )
        cards.append(
            _CARD.replace("{link}", link).replace("{style}", _STYLE).replace("{number}", str(number))
        )
    cards = [card.replace("{alt}", prose(20)) for card in cards]
    room, rest = divmod(
        size - len(_HEAD) - len(_FOOT) - sum(len(card) - len("{text}") for card in cards), links
    )
    body = "".join(card.replace("{text}", prose(room + (at < rest))) for at, card in enumerate(cards))
    return f"{_HEAD}{body}{_FOOT}"


def recipient_rows(count: int) -> Iterator[str]:
    """Yield the lines of a CSV list with two fields beside the address."""
    yield "email,first_name,plan\n"
    for number in range(count):
        yield f"reader{number:07d}@example.com,Reader {number},{'basic' if number % 3 else 'full'}\n"
