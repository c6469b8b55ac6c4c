"""One thing that was looked at, and what came out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Check:
    """``hint`` says what to do; it is empty when all is well."""

    name: str
    outcome: Outcome
    message: str
    hint: str = ""


def ok(name: str, message: str) -> Check:
    return Check(name, "ok", message)


def warning(name: str, message: str, hint: str) -> Check:
    return Check(name, "warning", message, hint)


def failed(name: str, message: str, hint: str) -> Check:
    return Check(name, "failed", message, hint)
