"""One mail for nobody yet: a preview, or a template that the sender's own mail system fills in."""

from __future__ import annotations

from pixeltrack.compile import Compiled, Task, compile_mail
from pixeltrack.consent import Rules
from pixeltrack.copytokens import Whose
from pixeltrack.errors import InputError
from pixeltrack.inject import Summary, check_fields
from pixeltrack.manifest import manifest
from pixeltrack.minting import EVERYBODY
from pixeltrack.model import CampaignKind
from pixeltrack.output import Output
from pixeltrack.rewrite import Plan
from pixeltrack.signals import uninterrupted
from pixeltrack.store import Store
from pixeltrack.template import Tokens
from pixeltrack.terms import Terms
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


def inject_single(
    task: Task, merge_tag: str | None, store: Store, keyring: Keyring, terms: Terms | None = None
) -> Summary:
    """Write a preview, whose links and pixel work and are never counted, or a template.

    That is one for a merge tag, or with ``terms`` whose modes were named the same mail for everybody,
    which is counted together. Raises InputError when a template asks for personal pages.
    """
    compiled, kind, values = _compiled(task, merge_tag, store, keyring, terms)
    content = compiled.tracked.renderer()(values)
    folder = _FOLDERS[task.plan.kind]
    name = f"{'preview' if kind == 'preview' else 'template'}.{_SUFFIXES[task.plan.kind]}"
    with Output(task.out) as output:
        output.make_folder(folder).write(name, content)
        summary = Summary(
            *(task.campaign, compiled.keys.code, task.out, 1, len(content), {}, compiled.proof),
            shared=kind == "merge" and merge_tag is None,
        )
        output.write("manifest.json", manifest(task, compiled, kind, 1, folder, values))
        with uninterrupted():
            campaign = store.save_campaign(compiled.draft)
            store.note("inject", campaign.name, counts={campaign.kind: 1})
            output.publish()
    return summary


def render_single(
    task: Task, merge_tag: str | None, store: Store, keyring: Keyring, terms: Terms | None = None
) -> bytes:
    """Return the same as bytes, for use as a filter. The campaign is stored before this returns."""
    compiled, _kind, values = _compiled(task, merge_tag, store, keyring, terms)
    with uninterrupted():
        campaign = store.save_campaign(compiled.draft)
        store.note("inject", campaign.name, counts={campaign.kind: 1})
    return compiled.tracked.renderer()(values)


def _compiled(
    task: Task, merge_tag: str | None, store: Store, keyring: Keyring, terms: Terms | None
) -> tuple[Compiled, CampaignKind, Tokens]:
    rules = terms.rules if terms else Rules("assumed")
    modes = rules.opens, rules.clicks
    if merge_tag is not None:
        check_merge(task.plan)
        compiled = compile_mail(task, "merge", store, keyring, modes)
        within = (terms or Terms(rules)).within(compiled.draft.campaign)
        if not within.opens == within.clicks == "individual":
            raise InputError(
                "--merge-tag measures by the number that your mail system gives each recipient, which is more"
                f" than opens {within.opens}, clicks {within.clicks}",
                hint="--mode aggregate without it makes one mail for everybody",
            )
        _check_unasked(within)
        return compiled, "merge", {"message": compiled.keys.merge_token(merge_tag)}
    if terms is None or not terms.fixed or task.test:
        compiled = compile_mail(task, "preview", store, keyring, modes)
        return compiled, "preview", compiled.minter("preview")(bytes(8))
    if not set(modes) <= {"aggregate", "off"}:
        raise InputError(
            f"opens {modes[0]}, clicks {modes[1]} need a recipient list",
            hint="give --recipients; --mode aggregate makes one mail for everybody",
        )
    _check_unasked(rules)
    check_merge(task.plan)
    check_fields(task.plan, rules)
    compiled = compile_mail(task, "merge", store, keyring, modes)
    terms.within(compiled.draft.campaign)
    _variant, mint = compiled.copies(*modes, test=False, rowless=False)
    return compiled, "merge", mint(Whose(EVERYBODY))


def _check_unasked(rules: Rules) -> None:
    """Raise InputError where it takes a consent to measure so: whose it is nobody can say without a list."""
    if rules.policy != "required":
        return
    for axis, mode in (("opens", rules.opens), ("clicks", rules.clicks)):
        if mode != "off" and mode not in rules.free:
            raise InputError(
                f"{axis} as {mode} are measured of who has agreed to it, and without a list nobody is known",
                hint="give --recipients; with --format esp your mail system fills in tokens of ours",
            )
