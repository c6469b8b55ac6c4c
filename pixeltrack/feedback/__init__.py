"""What mail systems report of messages: webhooks and exports of senders' services, and reports by mail.

A module for each of them, after its own documentation; what they say is one value (``event``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, Literal, get_args

from pixeltrack.feedback import arf, brevo, dsn, mailgun, postmark, sendgrid, ses
from pixeltrack.feedback.event import KINDS, METADATA, Bounce, Kind, Reason, Skipped, Told, TrackingEvent
from pixeltrack.feedback.mime import parsed

__all__ = [
    "KINDS",
    "METADATA",
    "SERVICES",
    "Bounce",
    "Kind",
    "Reason",
    "Service",
    "Skipped",
    "Told",
    "TrackingEvent",
    "detect",
    "of_mail",
    "reader",
]

Service = Literal["sendgrid", "ses", "mailgun", "postmark", "brevo"]
SERVICES: tuple[Service, ...] = get_args(Service)

_MODULES: Mapping[Service, ModuleType] = {
    "sendgrid": sendgrid,
    "ses": ses,
    "mailgun": mailgun,
    "postmark": postmark,
    "brevo": brevo,
}


def detect(record: Mapping[str, Any]) -> Service | None:
    """Return whose record it looks like; None for nobody's."""
    return next((name for name, module in _MODULES.items() if module.fits(record)), None)


def reader(service: Service) -> Callable[[Mapping[str, Any]], Told]:
    """Return what reads one record of a service."""
    read: Callable[[Mapping[str, Any]], Told] = _MODULES[service].events
    return read


def of_mail(raw: bytes) -> Told:
    """Yield what a message says that may be a delivery report or a complaint; it may be neither."""
    message = parsed(raw)
    for module in (arf, dsn):
        if module.fits(message):
            yield from module.events(message, raw)
            return
    yield Skipped("not_a_report")
