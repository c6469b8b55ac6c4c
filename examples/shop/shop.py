"""A small shop that tells pixeltrack what came of a mail: pages that were seen, orders, refunds.

    python shop.py --collector http://127.0.0.1:8000 --key "$(pixeltrack goal key order)"

Python's standard library alone, on this machine alone. It sets no cookie and has no session: what the cart
holds, and the parameter that the click came with (pt), go from page to page in the address. Only who presses
"Remember me" gets a cookie of the shop's own, from the script, and "Forget me" deletes it.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import re
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from html import escape
from typing import Any
from urllib.parse import parse_qs, urlencode
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

PRODUCTS = {
    "dinghy": ("Dinghy", "For two, and a picnic.", Decimal("349.90")),
    "oars": ("Oars", "Two of ash, oiled.", Decimal("49.90")),
    "lantern": ("Lantern", "Burns for nine hours.", Decimal("19.50")),
}
CURRENCY = "EUR"
GOAL = "order"
STYLE = """
:root { color-scheme: light dark; font: 1.05rem/1.5 system-ui, sans-serif }
body { max-width: 44rem; margin: 0 auto; padding: 1rem }
nav a { margin-right: 1rem }
main { margin: 1.5rem 0 }
.goods { display: grid; grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr)); gap: 1rem; padding: 0 }
.goods li { list-style: none; border: 1px solid; border-radius: .5rem; padding: 0 1rem }
button { font: inherit; padding: .4rem 1rem; border-radius: .4rem; border: 1px solid; cursor: pointer }
button { margin: .2rem .4rem .2rem 0 }
td, th { text-align: left; padding-right: 1.5rem }
footer { border-top: 1px solid; padding-top: .5rem }
footer form { display: inline }
"""


@dataclass
class Order:
    """An order in the shop's books. ``back`` is what was given back."""

    number: str
    goods: list[str]
    value: Decimal
    pt: str
    signal: bool
    back: Decimal = Decimal(0)


@dataclass
class Shop:
    """The shop as a WSGI application.

    collector is where pixeltrack serves; host is the site's, as pixeltrack knows it; key signs the calls.
    With script its pages use the script, else images.
    """

    collector: str
    host: str
    key: bytes
    script: bool = False
    books: dict[str, Order] = field(default_factory=dict)
    unsent: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        visit = Visit.of(environ)
        status, headers, body = self._answer(environ, visit)
        policy = (
            f"default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none';"
            f" frame-ancestors 'none'; img-src data: {self.collector}; script-src {self.collector}"
        )
        headers += [
            ("Content-Security-Policy", policy),
            ("Referrer-Policy", "strict-origin-when-cross-origin"),  # a page's address, with pt, stays here
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", "no-store"),
        ]
        start_response(status, headers)
        return [body.encode()]

    def turnover(self) -> Decimal:
        """Return what all orders are worth, without what was given back."""
        return sum((order.value - order.back for order in self.books.values()), Decimal(0))

    # -- pages --------------------------------------------------------------------------------------

    def _answer(self, environ: dict[str, Any], visit: Visit) -> tuple[str, list[tuple[str, str]], str]:
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        if method == "POST":
            return self._act(path, form_of(environ), visit)
        if path == "/style.css":
            return "200 OK", [("Content-Type", "text/css; charset=utf-8")], STYLE
        if path == "/books":
            orders = {number: str(order.value - order.back) for number, order in self.books.items()}
            said = {"orders": orders, "turnover": str(self.turnover()), "unsent": len(self.unsent)}
            return "200 OK", [("Content-Type", "application/json")], json.dumps(said, indent=2)
        product = PRODUCTS.get(path.removeprefix("/p/")) if path.startswith("/p/") else None
        order = self.books.get(path.removeprefix("/thanks/")) if path.startswith("/thanks/") else None
        if path == "/":
            return self._page(visit, path, "Blue Boat", self._goods(visit))
        if path == "/pricing":
            rows = "".join(
                f"<tr><td>{name}<td>{price} {CURRENCY}" for name, _text, price in PRODUCTS.values()
            )
            return self._page(visit, path, "Prices", f"<table><tr><th>What<th>Price{rows}</table>")
        if path == "/cart":
            return self._page(visit, path, "Your cart", self._cart(visit))
        if product:
            name, text, price = product
            add = self._form("/cart", visit, "Into the cart", add=path.removeprefix("/p/"))
            return self._page(visit, path, name, f"<p>{text}<p>{price} {CURRENCY}{add}")
        if order:
            return self._page(visit, "/thanks", "Thank you", self._thanks(order, visit), order)
        return self._page(visit, path, "There is no such page", "", status="404 Not Found")

    def _act(self, path: str, form: dict[str, str], visit: Visit) -> tuple[str, list[tuple[str, str]], str]:
        visit = Visit(form.get("pt", visit.pt), form.get("cart", ""), form.get("ok", ""), visit.signal)
        where = "/"
        if path == "/cart" and form.get("add") in PRODUCTS:
            visit.cart, where = f"{visit.cart} {form['add']}".strip(), "/cart"
        elif path == "/order" and visit.goods:
            where = f"/thanks/{self._order(visit)}"
            visit.cart = ""
        elif path == "/consent":
            visit.ok, where = form.get("answer", ""), form.get("back", "/")
            visit.pt = "" if visit.ok == "no" else visit.pt
            where = where if re.fullmatch(r"/[a-z/0-9]*", where) and "//" not in where else "/"
        elif path.startswith("/refund/") and path.removeprefix("/refund/") in self.books:
            order = self.books[path.removeprefix("/refund/")]
            self._refund(order, form.get("what", ""))
            where = f"/thanks/{order.number}"
        return "303 See Other", [("Location", visit.address(where))], ""

    def _page(
        self,
        visit: Visit,
        path: str,
        title: str,
        content: str,
        order: Order | None = None,
        status: str = "200 OK",
    ) -> tuple[str, list[tuple[str, str]], str]:
        links = (("/", "Boats"), ("/pricing", "Prices"), ("/cart", f"Cart ({len(visit.goods)})"))
        nav = "".join(f'<a href="{escape(visit.address(each))}">{text}</a>' for each, text in links)
        back = f"/thanks/{order.number}" if order else path
        choose = "".join(
            self._form("/consent", visit, text, answer=answer, back=back)
            for answer, text in (("yes", "Remember me for a month"), ("no", "Forget me"))
        )
        page = (
            '<!DOCTYPE html><html lang="en"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width">'
            f'<title>{title}</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css">'
            f"<header><nav>{nav}</nav></header><main><h1>{title}</h1>{content}</main>"
            f"<footer>{choose if self.script else 'No cookies here.'}</footer>"
            f"{self._told(visit, path, order)}"
        )
        return status, [("Content-Type", "text/html; charset=utf-8")], page

    def _goods(self, visit: Visit) -> str:
        goods = "".join(
            f'<li><h2><a href="{escape(visit.address(f"/p/{slug}"))}">{name}</a></h2><p>{text}'
            for slug, (name, text, _price) in PRODUCTS.items()
        )
        return f'<ul class="goods">{goods}</ul>'

    def _cart(self, visit: Visit) -> str:
        if not visit.goods:
            return "<p>It is empty."
        rows = "".join(f"<tr><td>{PRODUCTS[each][0]}<td>{PRODUCTS[each][2]}" for each in visit.goods)
        table = f"<table>{rows}<tr><th>Together<th>{worth(visit.goods)} {CURRENCY}</table>"
        return table + self._form("/order", visit, "Order")

    def _thanks(self, order: Order, visit: Visit) -> str:
        said = f"<p>Order {order.number}: {order.value} {CURRENCY}."
        if order.back:
            return f"{said} You got back {order.back} {CURRENCY}."
        return said + "".join(
            self._form(f"/refund/{order.number}", visit, text, what=what)
            for what, text in (("part", "Send ten euros back"), ("all", "Send everything back"))
        )

    def _form(self, action: str, visit: Visit, text: str, **hidden: str) -> str:
        values = {"pt": visit.pt, "cart": visit.cart, "ok": visit.ok, **hidden}
        inputs = "".join(
            f'<input type="hidden" name="{name}" value="{escape(value)}">'
            for name, value in values.items()
            if value
        )
        return f'<form method="post" action="{action}">{inputs}<button>{text}</button></form>'

    # -- what pixeltrack is told ----------------------------------------------------------------------

    def _told(self, visit: Visit, path: str, order: Order | None) -> str:
        """Return what the page tells the collector: as ``pixeltrack goal snippet`` prints it."""
        if self.script:
            data = {"consent": visit.ok}
            if order:
                data |= {"goal": GOAL, "order": order.number}
                data |= {"value": str(order.value), "currency": CURRENCY}
            said = "".join(f' data-{name}="{escape(value)}"' for name, value in data.items() if value)
            return f'<script src="{self.collector}/s/{self.host}.js"{said}></script>'
        pictures = [f"{self.collector}/s/{self.host}.gif?" + urlencode({"p": path, "pt": visit.pt})]
        if order:
            said = urlencode(
                {"order": order.number, "value": order.value, "currency": CURRENCY, "pt": visit.pt}
            )
            pictures.append(f"{self.collector}/v/{GOAL}.gif?{said}")
        return "".join(f'<img src="{escape(each)}" width="1" height="1" alt="">' for each in pictures)

    def _order(self, visit: Visit) -> str:
        number = secrets.token_hex(5)  # nobody guesses the next one
        order = Order(number, visit.goods, worth(visit.goods), visit.pt, visit.signal)
        self.books[number] = order
        self._call({"order": number, "value": str(order.value), "currency": CURRENCY, **whose(order)})
        return number

    def _refund(self, order: Order, what: str) -> None:
        if order.back:
            return
        if what == "all":
            order.back = order.value
            self._call({"refund": order.number, **whose(order)})
        else:
            order.back = Decimal(10)
            part = {"value": str(order.back), "currency": CURRENCY, "id": "1"}
            self._call({"refund": order.number, **part, **whose(order)})

    def _call(self, said: dict[str, str]) -> None:
        """Tell the collector, signed; what it does not take now is told again with the next one."""
        self.unsent.append({**said, "at": str(int(time.time()))})
        try:
            while self.unsent:
                send(f"{self.collector}/v/{GOAL}", self.key, self.unsent[0])
                del self.unsent[0]
        except urllib.error.HTTPError as error:
            if error.code < 500:  # saying it again makes it no better
                del self.unsent[0]
            print(f"pixeltrack refuses: {error.code} {error.read().decode()}")
        except OSError as error:  # an order is an order, whoever counts it
            print(f"pixeltrack was not told: {error}")


@dataclass
class Visit:
    """What goes from page to page: the parameter of the click, the cart, and the answer about the cookie.

    signal is whether the browser asks not to be followed: then there is no parameter.
    """

    pt: str
    cart: str
    ok: str
    signal: bool

    @classmethod
    def of(cls, environ: dict[str, Any]) -> Visit:
        """Return the visit that a request belongs to; a cookie is there only where somebody agreed."""
        query = {name: values[0] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
        signal = environ.get("HTTP_SEC_GPC") == "1" or environ.get("HTTP_DNT") == "1"
        cookie = re.search(r"(?:^|;\s*)pt=([\w-]{40})(?:;|$)", environ.get("HTTP_COOKIE", ""))
        pt = query.get("pt", "") or (cookie[1] if cookie else "")
        pt = pt if re.fullmatch(r"[\w-]{40}", pt) and not signal else ""
        ok = query.get("ok", "") or ("yes" if cookie else "")
        return cls(pt, query.get("cart", ""), ok if ok in ("yes", "no") else "", signal)

    @property
    def goods(self) -> list[str]:
        return [each for each in self.cart.split()[:50] if each in PRODUCTS]

    def address(self, path: str) -> str:
        """Return the address of a page, with what goes along."""
        along = {name: value for name, value in (("cart", self.cart), ("ok", self.ok)) if value}
        if self.pt:
            along["pt"] = self.pt
        return f"{path}?{urlencode(along)}" if along else path


def worth(goods: list[str]) -> Decimal:
    return sum((PRODUCTS[each][2] for each in goods), Decimal(0))


def whose(order: Order) -> dict[str, str]:
    """Return whose order it is, and that their browser asks not to be followed, where it does."""
    return {name: value for name, value in (("pt", order.pt), ("gpc", "1" * order.signal)) if value}


def send(address: str, key: bytes, said: dict[str, str]) -> None:
    """POST a call with its signature: a keyed hash over the time, a point and the body."""
    body = json.dumps(said).encode()
    now = str(int(time.time()))
    mark = hmac.new(key, now.encode() + b"." + body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "Pixeltrack-Signature": f"t={now},v1={mark}"}
    with urllib.request.urlopen(urllib.request.Request(address, body, headers), timeout=5) as answer:
        answer.read()


def form_of(environ: dict[str, Any]) -> dict[str, str]:
    length = min(int(environ.get("CONTENT_LENGTH") or 0), 10_000)
    return {name: values[0] for name, values in parse_qs(environ["wsgi.input"].read(length).decode()).items()}


class Quiet(WSGIRequestHandler):
    """Logs no addresses: those of pages have the parameter in them."""

    def log_message(self, *_about: object) -> None:
        pass


def server_of(shop: Shop, port: int = 0) -> WSGIServer:
    """Return a server on this machine alone; port 0 takes a free one."""
    return make_server("127.0.0.1", port, shop, handler_class=Quiet)


def main() -> None:
    parser = argparse.ArgumentParser(description="A small shop that tells pixeltrack of orders.")
    parser.add_argument("--collector", default="http://127.0.0.1:8000", help="where pixeltrack serves")
    parser.add_argument("--key", required=True, help="what pixeltrack goal key order prints")
    parser.add_argument("--host", default="127.0.0.1", help="the site, as pixeltrack goal add has it")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--script", action="store_true", help="use the script instead of images")
    given = parser.parse_args()
    key = bytes.fromhex(given.key.strip())
    with server_of(Shop(given.collector.rstrip("/"), given.host, key, given.script), given.port) as server:
        print(f"the shop is open on http://127.0.0.1:{server.server_port}/ (books under /books)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main()
