"""One POST (RFC 9112): to an address that was looked at, within ten seconds in all, wherever it hangs.

No redirect is followed, no proxy is asked, and of the answer its status counts, and Retry-After (RFC 9110,
10.2.3). A certificate must be valid for the host.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import NamedTuple

from pixeltrack.webhooks.target import Target, fault

CONNECT_SECONDS = 5.0
WHOLE_SECONDS = 10.0
_DRAIN_SECONDS = 1.0
_MOST = 65_536  # bytes of an answer that are read
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: |\r\n)")
_FIELD = re.compile(rb"\r\n(retry-after|content-length):[ \t]*([0-9]{1,9})[ \t]*(?=\r\n)", re.IGNORECASE)


class Answer(NamedTuple):
    """The status of an answer, or 0 and what went wrong; ``later`` is after how many seconds to ask again."""

    status: int
    error: str = ""
    later: int = 0


class _Failed(Exception):
    """No answer; the text says why."""


def post(target: Target, body: bytes, headers: Mapping[str, str], *, allow_private: bool) -> Answer:
    """Send a body and return the answer. What goes wrong on the way is an Answer, too, and never raised."""
    ends = time.monotonic() + WHOLE_SECONDS
    fields = {
        **{"Host": target.authority, "Content-Length": str(len(body)), "Connection": "close"},
        **{"Accept": "*/*", **headers},
    }
    head = f"POST {target.path} HTTP/1.1\r\n" + "".join(f"{name}: {fields[name]}\r\n" for name in fields)
    try:
        with closing(_connected(target, allow_private, ends)) as connection:
            _send(connection, head.encode("ascii") + b"\r\n" + body, ends)
            return _answer(connection, ends)
    except _Failed as failed:
        return Answer(0, str(failed))
    except TimeoutError:
        return Answer(0, f"no answer within {WHOLE_SECONDS:.0f} seconds")
    except ssl.SSLCertVerificationError as error:
        return Answer(0, f"the certificate of {target.host} is not valid: {error.verify_message}")
    except ssl.SSLError as error:
        return Answer(0, f"no TLS with {target.host}: {error.reason or error}")
    except OSError as error:
        return Answer(0, error.strerror or str(error))


def _connected(target: Target, allow_private: bool, ends: float) -> socket.socket:
    """Connect to the first address that answers, if all of them may be connected to."""
    connecting = time.monotonic() + CONNECT_SECONDS
    addresses = _addresses(target)
    for address in addresses:
        if said := fault(target, address, allow_private=allow_private):
            raise _Failed(said)
    why = f"{target.host} has no address"
    for address in addresses:
        left = connecting - time.monotonic()
        if left <= 0:
            break
        try:
            plain = socket.create_connection((address, target.port), left)
        except TimeoutError:
            why = f"no connection to {address} within {CONNECT_SECONDS:.0f} seconds"
        except OSError as error:
            why = f"no connection to {address}: {error.strerror or error}"
        else:
            return _secured(plain, target, min(connecting, ends)) if target.is_tls else plain
    raise _Failed(why)


def _secured(plain: socket.socket, target: Target, ends: float) -> socket.socket:
    try:
        plain.settimeout(_left(ends))
        return ssl.create_default_context().wrap_socket(plain, server_hostname=target.host)
    except BaseException:
        plain.close()
        raise


def _addresses(target: Target) -> list[str]:
    """Return the addresses of a host, which the system may take any time to find: nobody waits for longer."""
    found: SimpleQueue[list[str] | OSError] = SimpleQueue()

    def look() -> None:
        try:
            rows = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
            found.put(list(dict.fromkeys(str(row[4][0]) for row in rows)))
        except UnicodeError:
            found.put(OSError("is no host's name"))
        except OSError as error:
            found.put(error)

    Thread(target=look, daemon=True).start()
    try:
        answer = found.get(timeout=CONNECT_SECONDS)
    except Empty:
        raise _Failed(f"the address of {target.host} was not found in time") from None
    if isinstance(answer, OSError):
        raise _Failed(f"the address of {target.host} was not found: {answer.strerror or answer}")
    return answer


def _send(connection: socket.socket, content: bytes, ends: float) -> None:
    view = memoryview(content)
    while view:
        connection.settimeout(_left(ends))
        view = view[connection.send(view[:_MOST]) :]


def _answer(connection: socket.socket, ends: float) -> Answer:
    """Read until an answer's fields are there; one that only says to wait (1xx) is passed over."""
    seen = b""
    while True:
        head, found, rest = seen.partition(b"\r\n\r\n")
        if found:
            status = _STATUS.match(head + b"\r\n")
            if status is None:
                raise _Failed("it answered something that is not HTTP")
            if not status[1].startswith(b"1"):
                break
            seen = rest
            continue
        if len(seen) > _MOST:
            raise _Failed("the fields of its answer have no end")
        connection.settimeout(_left(ends))
        part = connection.recv(_MOST)
        if not part:
            raise _Failed("it closed the connection without an answer")
        seen += part
    fields = {name.lower(): int(value) for name, value in _FIELD.findall(head + b"\r\n")}
    with suppress(OSError):
        _drain(connection, min(_MOST, fields.get(b"content-length", _MOST)) - len(rest), ends)
    return Answer(int(status[1]), later=fields.get(b"retry-after", 0))


def _drain(connection: socket.socket, size: int, ends: float) -> None:
    """Take what is left of an answer, for a moment, so that its sender sees no broken connection."""
    ends = min(ends, time.monotonic() + _DRAIN_SECONDS)
    while size > 0:
        connection.settimeout(_left(ends))
        part = connection.recv(_MOST)
        if not part:
            return
        size -= len(part)


def _left(ends: float) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
