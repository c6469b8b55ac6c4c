"""``inject -`` as a filter: one mail in, the same mail injected on standard output."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pixeltrack.addressed import Given, addressee, render_addressed
from pixeltrack.cli import inputs
from pixeltrack.cli.common import Call
from pixeltrack.cli.planning import Mail
from pixeltrack.compile import Task, compile_mail
from pixeltrack.copies import VARIANTS
from pixeltrack.manifest import manifest
from pixeltrack.model import CampaignKind
from pixeltrack.setup import Workspace
from pixeltrack.single import render_single
from pixeltrack.template import Tokens
from pixeltrack.terms import Terms


def write_filtered(
    call: Call,
    mail: Mail,
    task: Task,
    workspace: Workspace,
    terms: Terms,
    merge_tag: str | None,
    kept: Path | None,
) -> None:
    """Write a message for whom it is addressed to, other mail as a preview; its manifest goes to kept."""
    output = inputs.standard_output()
    store, keyring = workspace.store, workspace.keyring
    addressed = mail.kind == "message" and merge_tag is None
    with _manifest(task, workspace, terms, merge_tag, kept, addressed=addressed):
        if addressed:
            given = Given(mail.name, mail.data)
            content, mode = render_addressed(given, task, store, keyring, terms)
            said = f"{mode.outcome}: {mode.reason}"
            if mode.outcome == "suppressed":
                recipient = addressee(given)
                call.warn(f"{recipient.address if recipient else ''} has unsubscribed: do not send it")
        else:
            content = render_single(task, merge_tag, store, keyring, terms)
            said = (
                "a template"
                if merge_tag
                else "the same for everybody, counted together"
                if terms.fixed
                else "a preview, never counted"
            )
    output.write(content)
    output.flush()
    call.say(f"{task.campaign}: {len(task.plan.wrapped)} links, {said}")


@contextmanager
def _manifest(
    task: Task,
    workspace: Workspace,
    terms: Terms,
    merge_tag: str | None,
    kept: Path | None,
    *,
    addressed: bool,
) -> Iterator[None]:
    """Write the manifest first, so that no mail goes out that cannot be undone; none is left of a failure."""
    if kept is None:
        yield
        return
    same = merge_tag is not None or terms.fixed
    kind: CampaignKind = "recipients" if addressed else "merge" if same else "preview"
    modes = terms.rules.opens, terms.rules.clicks
    compiled = compile_mail(task, kind, workspace.store, workspace.keyring, modes)
    if addressed:  # which kind of copy it will be is decided for its recipient
        for variant in VARIANTS:
            compiled.copy(variant)
    known: Tokens = {} if merge_tag is None else {"message": compiled.keys.merge_token(merge_tag)}
    inputs.write_new(kept, manifest(task, compiled, kind, 1, task.plan.kind, known), option="--manifest")
    try:
        yield
    except BaseException:
        kept.unlink(missing_ok=True)
        raise
