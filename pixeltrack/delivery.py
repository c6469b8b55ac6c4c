"""How the copies of a run are made and handed over: from compiled templates to what writes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter
from typing import Protocol

from pixeltrack.compile import Compiled, Task
from pixeltrack.copies import Copy, Variant
from pixeltrack.edits import cut_regions
from pixeltrack.formats import (
    RECIPE,
    ByVersion,
    Render,
    Tags,
    UploadWriter,
    WholeCopies,
    Writer,
    boxed,
    json_line,
    json_values,
    message_values,
    with_line_feeds,
)
from pixeltrack.listing import RecipientList
from pixeltrack.output import Output
from pixeltrack.personalize import compile_personalized
from pixeltrack.rewrite import Plan
from pixeltrack.sinks import MESSAGE_FORMATS, Format, open_sink
from pixeltrack.source import Source
from pixeltrack.template import Mixture, Slot, Template, Tokens
from pixeltrack.urls import Addresses


@dataclass(frozen=True, slots=True)
class Delivery:
    """How copies are handed over. ``tags`` are those of the mail system that a template is for."""

    format: Format = "html"
    tags: Tags = RECIPE
    personalize: bool = False
    resume: bool = False


class Shape(Protocol):
    """Puts a mail into what a format holds it in."""

    def __call__(self, template: Template, *, variant: Variant) -> Template: ...


def writer(
    output: Output, mails: Sequence[tuple[Task, Compiled]], delivery: Delivery, people: RecipientList
) -> Writer:
    """Return what writes the copies for a list in the format that is asked for; mails are the versions."""
    upload = delivery.format in ("recipe", "esp")
    if upload:
        writers: list[Writer] = [_uploads(output, *mail, delivery, people) for mail in mails]
    else:
        sink = open_sink(output, delivery.format)
        writers = [WholeCopies(sink, partial(render_of, *mail, delivery)) for mail in mails]
    if len(writers) == 1:
        return writers[0]
    names = [task.version for task, _compiled in mails]
    return ByVersion(dict(zip(names, writers, strict=True)), shared=not upload)


def _uploads(
    output: Output, task: Task, compiled: Compiled, delivery: Delivery, people: RecipientList
) -> UploadWriter:
    def template_of(variant: Variant) -> Template:
        mail = compiled.copy(variant).template
        assert isinstance(mail, Template)  # no message comes as a template
        return mail

    suffix = "txt" if task.plan.kind == "text" else "html"
    return UploadWriter(
        *(output, delivery.tags, template_of, suffix, people.columns, task.addresses), version=task.version
    )


def render_of(task: Task, compiled: Compiled, delivery: Delivery, variant: Variant) -> Render:
    """Return the function that makes the bytes of one kind of copy."""
    source, addresses = task.plan.source, task.addresses
    shape: Shape = _as_it_is
    values: Callable[[Copy], Tokens] = attrgetter("values")
    if delivery.format == "jsonl":
        key = "text" if task.plan.kind == "text" else "html"
        shape = partial(json_line, key=key, source=source, addresses=addresses, version=task.version)
        values = json_values
    elif delivery.format in MESSAGE_FORMATS:
        values = message_values
        if delivery.format == "mbox":
            shape = partial(boxed, now=compiled.draft.campaign.created)
        elif delivery.format == "maildir":
            shape = with_line_feeds
    mail = compiled.copy(variant).template
    return _render(mail, source, addresses, delivery, partial(shape, variant=variant), values)


def _as_it_is(template: Template, *, variant: Variant) -> Template:  # noqa: ARG001 - as every shape
    return template


def _render(
    mail: Template | Mixture,
    source: Source,
    addresses: Addresses,
    delivery: Delivery,
    shape: Callable[[Template], Template],
    values: Callable[[Copy], Tokens],
) -> Render:
    """Return what makes the bytes of one copy."""
    if isinstance(mail, Template) and not delivery.personalize:
        join = shape(mail).renderer()
        return lambda copy: join(values(copy))
    whole = _whole(mail, source, addresses, values, personalize=delivery.personalize)
    return lambda copy: shape(Template((whole(copy),))).renderer()(values(copy))


def _whole(
    mail: Template | Mixture,
    source: Source,
    addresses: Addresses,
    values: Callable[[Copy], Tokens],
    *,
    personalize: bool,
) -> Render:
    """Return what makes a copy that is different in more than its tokens."""
    if isinstance(mail, Template):
        return compile_personalized(mail, source, addresses)
    if not personalize:
        mix = mail.renderer()
        return lambda copy: mix(values(copy))

    def filled(template: Template, charset: str, html: bool, encode: Callable[[bytes], bytes]) -> Render:
        fill = compile_personalized(template, replace(source, charset=charset), addresses, html=html)
        return lambda copy: encode(fill(copy))

    def plain(template: Template) -> Render:
        join = template.renderer()
        return lambda copy: join(values(copy))

    pieces = [
        plain(template) if encode is None else filled(template, charset, html, encode)
        for template, encode, charset, html in mail.pieces
    ]
    return lambda copy: b"".join([piece(copy) for piece in pieces])


def rehearse(plan: Plan, people: RecipientList) -> None:
    """Personalise a mail for everybody without keeping it; raise InputError where that fails.

    For a first run: a field that the list does not have is then known before anything is made.
    """
    mail = cut_regions(plan.source, plan.regions, ())
    fill = _whole(mail, plan.source, Addresses(""), attrgetter("values"), personalize=True)
    nowhere: dict[Slot, str] = {"message": "", "unsubscribe": "", "preferences": ""}
    for recipient in people:
        fill(Copy(0, recipient, "both", "", nowhere, f"{people.name} line {recipient.line}"))
