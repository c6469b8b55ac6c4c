"""How the copies of a run are made and handed over: from compiled templates to what writes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter
from typing import Protocol

from pixeltrack.compile import Compiled, Task
from pixeltrack.copies import Copy
from pixeltrack.formats import (
    MESSAGE_FORMATS,
    RECIPE,
    FilesWriter,
    Format,
    Render,
    StreamWriter,
    Tags,
    UploadWriter,
    Writer,
    json_line,
    json_values,
    message_values,
    message_writer,
)
from pixeltrack.listing import RecipientList
from pixeltrack.output import Output
from pixeltrack.personalize import compile_personalized
from pixeltrack.rewrite import Plan, cut_plan
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


def writer(
    output: Output, task: Task, compiled: Compiled, delivery: Delivery, people: RecipientList
) -> Writer:
    """Return what writes the copies in the format that is asked for."""
    source, addresses = task.plan.source, task.addresses
    templates = {True: compiled.tracked, False: compiled.untracked}
    if delivery.format in ("recipe", "esp"):
        single = {tracked: mail for tracked, mail in templates.items() if isinstance(mail, Template)}
        return UploadWriter(output, delivery.tags, single, people.columns, addresses)

    def renders(shape: Shape, values: Callable[[Copy], Tokens]) -> dict[bool, Render]:
        return {
            tracked: _render(template, source, addresses, delivery, partial(shape, tracked=tracked), values)
            for tracked, template in templates.items()
        }

    if delivery.format == "jsonl":
        line = partial(json_line, source=source, addresses=addresses)
        return StreamWriter(output, "messages.jsonl", renders(line, json_values))
    if delivery.format in MESSAGE_FORMATS:
        return message_writer(output, delivery.format, renders(_as_it_is, message_values), task.now)
    return FilesWriter(output, "html", renders(_as_it_is, attrgetter("values")))


class Shape(Protocol):
    """Puts a mail into what a format holds it in."""

    def __call__(self, template: Template, *, tracked: bool) -> Template: ...


def _as_it_is(template: Template, *, tracked: bool) -> Template:  # noqa: ARG001 - as every shape
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
    if isinstance(mail, Mixture):
        if not delivery.personalize:
            mix = mail.renderer()
            return lambda copy: mix(values(copy))
        pieces = [
            (piece, _render(piece.template, replace(source, charset=piece.charset), addresses,
                            delivery if piece.encode else Delivery(), shape, values))
            for piece in mail.pieces
        ]  # fmt: skip
        return lambda copy: b"".join(
            piece.encode(render(copy)) if piece.encode else render(copy) for piece, render in pieces
        )
    if delivery.personalize:
        fill = compile_personalized(mail, source, addresses)
        return lambda copy: shape(Template((fill(copy),))).renderer()(values(copy))
    join = shape(mail).renderer()
    return lambda copy: join(values(copy))


def rehearse(plan: Plan, people: RecipientList) -> None:
    """Personalise a mail for everybody without keeping it; raise InputError where that fails.

    For a first run: a field that the list does not have is then known before anything is made.
    """
    whole = partial(_as_it_is, tracked=True)
    delivery = Delivery(personalize=True)
    fill = _render(cut_plan(plan, ()), plan.source, Addresses(""), delivery, whole, attrgetter("values"))
    nowhere: dict[Slot, str] = {"message": "", "unsubscribe": "", "preferences": ""}
    for recipient in people:
        fill(Copy(0, recipient, True, "", nowhere, f"{people.name} line {recipient.line}"))
