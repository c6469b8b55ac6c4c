"""One mail for nobody yet: a preview, or a template that the sender's own mail system fills in."""

from __future__ import annotations

from pixeltrack.compile import Compiled, Task, compile_mail
from pixeltrack.errors import InputError
from pixeltrack.inject import Summary
from pixeltrack.manifest import manifest
from pixeltrack.model import CampaignKind
from pixeltrack.output import Output
from pixeltrack.rewrite import Plan
from pixeltrack.signals import uninterrupted
from pixeltrack.store import Store
from pixeltrack.template import Tokens
from pixeltrack.tokens import Keyring

_SUFFIXES = {"html": "html", "text": "txt", "message": "eml"}
_FOLDERS = {"html": "html", "text": "text", "message": "eml"}


def check_merge(plan: Plan) -> None:
    """Raise InputError when a mail asks for personal pages: those need a token of ours per person."""
    for link in plan.links:
        if link.decision == "fill" and link.reason != "privacy":
            raise InputError(
                f"{plan.source.name} line {link.line}: {link.destination} needs a recipient list",
                hint="use your mail system's own unsubscribe tag there, or give --recipients",
            )


def inject_single(task: Task, merge_tag: str | None, store: Store, keyring: Keyring) -> Summary:
    """Write a preview, whose links and pixel work and are never counted, or a template for a merge tag.

    Raises InputError when a template asks for personal pages.
    """
    compiled, kind, values = _compiled(task, merge_tag, store, keyring)
    content = compiled.tracked.renderer()(values)
    folder = _FOLDERS[task.plan.kind]
    name = f"{'preview' if kind == 'preview' else 'template'}.{_SUFFIXES[task.plan.kind]}"
    with Output(task.out) as output:
        output.make_folder(folder).write(name, content)
        summary = Summary(task.campaign, compiled.keys.code, task.out, 1, len(content), {}, compiled.proof)
        output.write("manifest.json", manifest(task, compiled, kind, 1, folder, values))
        with uninterrupted():
            campaign = store.save_campaign(compiled.draft)
            store.note("inject", campaign.name, counts={campaign.kind: 1})
            output.publish()
    return summary


def render_single(task: Task, merge_tag: str | None, store: Store, keyring: Keyring) -> bytes:
    """Return the same as bytes, for use as a filter. The campaign is stored before this returns."""
    compiled, _kind, values = _compiled(task, merge_tag, store, keyring)
    with uninterrupted():
        campaign = store.save_campaign(compiled.draft)
        store.note("inject", campaign.name, counts={campaign.kind: 1})
    return compiled.tracked.renderer()(values)


def _compiled(
    task: Task, merge_tag: str | None, store: Store, keyring: Keyring
) -> tuple[Compiled, CampaignKind, Tokens]:
    if merge_tag is None:
        compiled = compile_mail(task, "preview", store, keyring)
        return compiled, "preview", compiled.minter("preview")(bytes(8))
    check_merge(task.plan)
    compiled = compile_mail(task, "merge", store, keyring)
    return compiled, "merge", {"message": compiled.keys.merge_token(merge_tag)}
