"""Input that means harm: 200 kB each, made to be slow in whatever is not linear."""

from __future__ import annotations

SIZE = 200_000


def fill(unit: str, *, head: str = "", tail: str = "") -> str:
    """Return unit again and again between head and tail, SIZE characters in all."""
    room = SIZE - len(head) - len(tail)
    return head + (unit * (room // len(unit) + 1))[:room] + tail


def markup() -> dict[str, str]:
    """Return HTML by what is wrong with it."""
    depth = SIZE // 40
    return {
        "<a without end": fill("<a "),
        "<a href= without end": fill('<a href="'),
        "<a href='": fill("<a href='x"),
        "links, never closed": fill('<a href="https://example.com/x">'),
        "66,000 open tags": fill("<b>"),
        "open tables": fill("<table><tr><td>"),
        "open and close, crossed": fill("<a><b></a></b>"),
        "</ without end": fill("</"),
        "</b> without a start": fill("</b>"),
        "<!-- without end": fill("<!--"),
        "<!-- --": fill("<!-- -"),
        "<!-->": fill("<!-->"),
        "nested conditional comments": fill("<!--[if mso]>"),
        "conditional comments": fill('<!--[if mso]><v:rect href="x"><![endif]-->'),
        "conditional, deep": "<!--[if mso]>" * depth + "<![endif]-->" * depth,
        "<![if": fill("<![if !mso]>"),
        "<![CDATA[": fill("<![CDATA["),
        "<! and <?": fill("<!<?"),
        "& in text": fill("&", head="<p>"),
        "& in a link": fill("&", head='<a href="https://example.com/?', tail='">x</a>'),
        "&#0000": fill("0", head='<a href="https://example.com/&#', tail='">x</a>'),
        "references": fill("&amp;", head='<a href="https://example.com/?', tail='">x</a>'),
        "{{ in text": fill("{{", head="<p>"),
        "{{ in a link": fill("{{", head='<a href="https://example.com/', tail='">x</a>'),
        "{% and *|": fill("{%*|%%[[", head='<a href="https://example.com/', tail='">x</a>'),
        "attributes": fill(" a", head="<p", tail=">"),
        "attributes of a link": fill(' a="x"', head="<a", tail=">"),
        "different attributes": "<a " + " ".join(f"a{n}=x" for n in range(SIZE // 8)) + ">",
        "= and quotes": fill("=\"'", head="<a ", tail=">"),
        "slashes in a tag": fill("/", head="<a"),
        "spaces in a tag": fill(" ", head="<a"),
        "less-than signs": fill("<", head="<p>"),
        "greater-than signs": fill(">", head="<p>"),
        "a long name": fill("a", head="<"),
        "a long address": fill("a/", head='<a href="https://example.com/', tail='">x</a>'),
        "a long host": fill("a.", head='<a href="https://', tail='/">x</a>'),
        "a long query": fill("a=b&", head='<a href="https://example.com/?', tail='">x</a>'),
        "spaces in an address": fill(" ", head='<a href="https://example.com/', tail='">x</a>'),
        "a long text in a link": fill("word ", head='<a href="https://example.com/">'),
        "addresses in a link's text": fill("example.com ", head='<a href="https://example.com/">'),
        "<script> in <script>": fill("<!--<script>", head="<script>"),
        "<style> without end": fill("<style>"),
        "<title> without end": fill("</titl", head="<title>"),
        "<textarea> closed at once": fill("<textarea></textarea>"),
        "<plaintext>": fill("<plaintext>"),
        "line ends": fill("\r\n", head="<p>"),
        "NUL": fill("\0<\0"),
        "one byte over ASCII": fill("\xe9", head="<p>"),
        "images": fill('<img src="https://track.example.com/o/">'),
        "<body> and </body>": fill("<body></body>"),
    }


def texts() -> dict[str, str]:
    """Return plain texts."""
    return {
        "http://": fill("http://"),
        "https:// and brackets": fill("(", head="https://example.com/"),
        "closing brackets": fill(")", head="https://example.com/"),
        "pairs of brackets": fill("()", head="https://example.com/"),
        "opened, then closed": f"https://example.com/{'(' * (SIZE // 2)}{')' * (SIZE // 2)}",
        "closing brackets of all kinds": fill(")]}»", head="https://example.com/"),
        "brackets and stops": fill(").", head="https://example.com/"),
        "full stops": fill(".", head="https://example.com/"),
        "an address with trailing stops, many": fill("https://a.example/).,;!? "),
        "@ before": fill("@https://a"),
        "h": fill("h"),
        "no spaces": fill("https://example.com/a"),
        "quotes": fill("https://e.example/'\"'"),
    }


def messages() -> dict[str, str]:
    """Return whole messages."""
    head = "From: a@example.com\r\nTo: b@example.com\r\nMIME-Version: 1.0\r\n"

    def multipart(boundary: str) -> str:
        return f'Content-Type: multipart/mixed; boundary="{boundary}"\r\n\r\n'

    def html(encoding: str) -> str:
        return f"{head}Content-Type: text/html\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"

    plain = f"{head}Content-Type: text/plain\r\n\r\n"
    nested = "".join(f"{multipart(f'b{n}')}--b{n}\r\n" for n in range(2_800))
    return {
        "nested multiparts": head + nested,
        "nested, the same boundary": fill(f"{multipart('b')}--b\r\n", head=head),
        "nested, boundaries that begin alike": head
        + "".join(f"{multipart('b' * n)}--{'b' * n}\r\n" for n in range(1, 330)),
        "parts without number": fill("--b\r\n\r\nx\r\n", head=head + multipart("b")),
        "parts without headers": fill("--b\r\n\r\n", head=head + multipart("b")),
        "html parts without number": fill(
            "--b\r\nContent-Type: text/html\r\n\r\n<p>x\r\n", head=head + multipart("b")
        ),
        "quoted-printable parts without number": fill(
            "--b\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=41\r\n",
            head=head + multipart("b"),
        ),
        "base64 parts without number": fill(
            "--b\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPHA+\r\n",
            head=head + multipart("b"),
        ),
        "a boundary over and over": fill("--b", head=head + multipart("b")),
        "boundary and spaces": fill(" ", head=head + multipart("b") + "--b"),
        "boundaries and spaces": fill("--b   x\r\n", head=head + multipart("b")),
        "almost the boundary": fill("\r\n--", head=head + multipart("b")),
        "a long boundary": head + multipart("b" * 60_000) + f"--{'b' * 60_000}\r\n\r\nx",
        "line ends": fill("\r\n", head=plain),
        "headers": fill("X-A: b\r\n", head=head, tail="\r\n\r\nx"),
        "headers of one kind": fill("Content-Type: text/html\r\n", head=head, tail="\r\n\r\nx"),
        "a folded header": fill(" x\r\n", head=f"{head}Subject: x\r\n", tail="\r\n\r\nx"),
        "a header without end": fill("x", head=f"{head}Subject: "),
        "no header": fill("x\r\n"),
        "parameters": fill("; a=b", head=f"{head}Content-Type: text/html", tail="\r\n\r\nx"),
        "continued parameters": head
        + "Content-Type: text/html"
        + "".join(f'; a*{n}="b"' for n in range(13_000))
        + "\r\n\r\nx",
        "quotes in parameters": fill('"\\', head=f'{head}Content-Type: text/html; a="', tail="\r\n\r\nx"),
        "comments in a header": fill("(", head=f"{head}Content-Type: text/html ", tail="\r\n\r\nx"),
        "encoded words": fill("=?utf-8?q?=41?= ", head=f"{head}Subject: ", tail="\r\n\r\nx"),
        "QP escapes": fill("=41", head=html("quoted-printable")),
        "QP soft breaks": fill("=\r\n", head=html("quoted-printable")),
        "QP soft breaks with spaces": fill("=  ", head=html("quoted-printable")),
        "QP of an equals sign and spaces": fill(" ", head=html("quoted-printable") + "="),
        "QP of nothing but =": fill("=", head=html("quoted-printable")),
        "QP links": fill('<a href=3D"https://example.com/=\r\n">', head=html("quoted-printable")),
        "base64": fill("PGEg", head=html("base64")),
        "base64, a character a line": fill("P\r\n", head=html("base64")),
        "base64 padding": fill("=", head=html("base64")),
        "links in UTF-8": fill('é<a href="https://e.example/">', head=html("8bit")),
        "addresses in text": fill("https://e.example/a ", head=plain),
    }
