"""What ``inject`` does once its options are read: plans, one workspace, one job for each mail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from pixeltrack import lint, output, urls
from pixeltrack.addressed import Given, inject_addressed
from pixeltrack.cli import lawful, looking, planning
from pixeltrack.cli.asked import Asked
from pixeltrack.cli.common import Call
from pixeltrack.cli.filtering import write_filtered
from pixeltrack.cli.inject_options import Chosen
from pixeltrack.cli.planning import Mail, Wishes
from pixeltrack.cli.progress import progress
from pixeltrack.cli.versions import Drawn
from pixeltrack.clock import now_ms
from pixeltrack.compile import Task
from pixeltrack.delivery import Delivery, rehearse
from pixeltrack.errors import InputError, Interrupted
from pixeltrack.formats import RECIPE, SYSTEMS, Tags, given_tags
from pixeltrack.inject import Summary, inject_list
from pixeltrack.lint.mail import domain
from pixeltrack.placing import Versions
from pixeltrack.restoring import follow
from pixeltrack.setup import Workspace, open_workspace
from pixeltrack.show.injection import (
    addressed_lines,
    summary_json,
    summary_lines,
    versions_json,
    versions_lines,
)
from pixeltrack.show.lint import said
from pixeltrack.single import check_merge, inject_single
from pixeltrack.sinks import MESSAGE_FORMATS, Format
from pixeltrack.terms import terms

if TYPE_CHECKING:
    from pixeltrack.listing import RecipientList
    from pixeltrack.rewrite import Plan


class _Planned(NamedTuple):
    """One mail, ready to be injected."""

    mail: Mail
    plan: Plan
    folder: Path
    findings: tuple[lint.Finding, ...]


class Run:
    """One call of ``inject``."""

    def __init__(self, call: Call, asked: Asked, chosen: Chosen, wishes: Wishes) -> None:
        self._call, self._asked, self._chosen, self._wishes = call, asked, chosen, wishes
        if asked.drawn:
            self._mails = planning.read_versions(asked.drawn.files)
            self._boxes: list[Path] = []
        else:
            self._mails, self._boxes = planning.gather(asked.source, text=wishes.text)
        if self._boxes and asked.list_file:
            raise InputError(
                f"{self._boxes[0]} holds messages that are addressed already",
                hint="leave --recipients out, or give one mail",
            )
        if asked.campaign and asked.list_file and len(self._mails) > 1 and not asked.drawn:
            raise InputError("each mail of a folder is a campaign of its own", hint="leave --campaign out")
        self._addresses = urls.addresses(call.settings.base_url)
        self._people = self._read_list() if asked.list_file else None
        fields = self._people.columns if self._people and wishes.personalize else ()
        self._policy = chosen.policy(self._addresses, fields)
        self._terms = terms(call.settings, asked.modes)
        self._now = now_ms()

    # -- what is looked at, and not done ------------------------------------------------------------

    def show_plans(self) -> None:
        """Print each mail's links with what would be done to them."""
        looking.show_plans(list(self._plans()), as_json=self._asked.as_json)

    def show_changes(self) -> None:
        """Print every span that would be changed, as it is and as it would be."""
        looking.show_changes(self._plans(), self._task, self._call.settings)

    def _plans(self) -> Iterator[Plan]:
        for mail in self._mails:
            if mail.kind != "message":
                yield self._plan(mail)
        for given in planning.addressed(self._mails, self._boxes):
            yield planning.plan_given(given.data, given.name, self._policy, self._wishes)

    # -- what is done -------------------------------------------------------------------------------

    def do(self) -> None:
        """Inject everything that was given. All is planned and checked before anything is written."""
        asked = self._asked
        by_list = self._people is not None or asked.merge_tag is not None
        own = [mail for mail in self._mails if by_list or mail.kind != "message"]
        letters = not by_list and len(own) < len(self._mails) + len(self._boxes)
        if not asked.list_file and not letters and self._format_of(own[0]) not in ("html", "text", "eml"):
            raise InputError(
                f"--format {asked.format} needs --recipients", hint="the copies are for the people on it"
            )
        filters = asked.out is None and self._people is None and asked.source == Path("-")
        if asked.manifest and not filters:
            raise InputError(
                "--manifest is for --undo, and for a filter (inject - without --out and --recipients)",
                hint="other runs write manifest.json into the output folder",
            )
        several = len(own) + letters > 1 and not asked.drawn
        planned = [self._planned(mail, self._asked.folder(mail.path, several=several)) for mail in own]
        if by_list or self._terms.fixed:
            for each in planned:
                lawful.require(self._call.settings, asked, self._terms.rules, each.plan, each.mail.name)
        for each in planned:
            self._check(each, filters=filters)
        if asked.drawn:
            for of, found in asked.drawn.grouped([each.findings for each in planned]):
                self._say(found, of)
        letters_to = self._asked.folder(asked.source, several=several)
        if letters and not filters:
            output.check(letters_to, force=asked.force, campaign=self._asked.name(asked.source))
        with self._workspace() as workspace:
            if filters:
                self._filter(workspace)
                return
            if asked.drawn:
                self._inject_versions(planned, asked.drawn, workspace)
                planned = []
            for each in planned:
                self._inject(each, workspace)
            if letters:
                self._inject_letters(letters_to, workspace)
        self._say_what_is_assumed()

    def _planned(self, mail: Mail, folder: Path) -> _Planned:
        plan = self._plan(mail)
        return _Planned(mail, plan, folder, self._looked_at(plan))

    def _looked_at(self, plan: Plan) -> tuple[lint.Finding, ...]:
        sender = domain(self._wishes.from_ or "")
        context = lint.Context(self._addresses, sender, list_headers=self._people is not None)
        return lint.check(plan, context)

    def _say(self, findings: tuple[lint.Finding, ...], of: str = "") -> None:
        for finding in findings:
            if finding.severity == "warning":
                self._call.warn(of + said(finding))
            elif self._call.verbose:
                self._call.say(f"Note: {of}{said(finding)}")

    def _check(self, planned: _Planned, *, filters: bool) -> None:
        """Refuse what cannot be done, before anything is made; warn of what may be a mistake."""
        mail, plan, folder, findings = planned
        if not filters:
            versions = [file.name for file in self._asked.drawn.files] if self._asked.drawn else ()
            output.check(
                folder, force=self._asked.force, campaign=self._asked.name(mail.path), versions=versions
            )
        if plan.changes_nothing and not any(link.decision == "fill" for link in plan.links):
            self._call.warn(
                f"{mail.name} is injected already, or has nothing to inject: copies will be the same as it"
            )
        if self._asked.drawn is None:
            self._say(findings)
        if self._asked.merge_tag is not None and not self._people:
            check_merge(plan)
        copied = not self._wishes.personalize and self._format_of(mail) not in ("recipe", "esp")
        if copied and self._people and (tags := planning.columns_in(mail.data, self._people.columns)):
            self._call.warn(
                f"{mail.name} has {{{{ {tags[0]} }}}} in it, a column of the list: copies keep it as it"
                " stands; --personalize fills it in"
            )
        if self._people and self._wishes.personalize and not self._call.settings.db.exists():
            rehearse(plan, self._people)

    @contextmanager
    def _workspace(self) -> Iterator[Workspace]:
        workspace = open_workspace(self._call.settings, create=True)
        if self._addresses.is_loopback:
            self._call.warn(
                f"links go to {self._addresses.base}, which only this machine can reach;"
                " for mail to others give --base-url https://track.example.com"
            )
        if self._chosen.attribute and not workspace.store.sites():
            self._call.warn(
                "--attribute knows no site of yours yet; pixeltrack goal add order --site shop.example"
            )
        try:
            follow(workspace.store, workspace.keyring, now_ms())
            yield workspace
        except Interrupted:
            raise  # what is kept for --resume needs the key
        except BaseException:
            workspace.discard()
            raise
        workspace.store.close()
        self._call.created(workspace.created)

    def _inject(self, planned: _Planned, workspace: Workspace) -> None:
        mail, plan, folder, findings = planned
        asked = self._asked
        task = self._task(plan, self._asked.name(mail.path), folder)
        if self._people:
            delivery = Delivery(self._format_of(mail), self._tags(), self._wishes.personalize, asked.resume)
            with progress(len(self._people), self._call) as step:
                summary = inject_list(
                    *(task, self._people, workspace.store, workspace.keyring),
                    *(self._terms, delivery, step),
                    only_new=asked.only_new,
                    skip_bounced=asked.skip_bounced,
                )
        else:
            summary = inject_single(task, asked.merge_tag, workspace.store, workspace.keyring, self._terms)
        if asked.as_json:
            click.echo(summary_json(summary, plan, findings))
        elif not self._call.quiet:
            for line in summary_lines(summary, plan, asked.merge_tag, verbose=self._call.verbose):
                click.echo(line)
        if asked.list_file:
            self._warn_of_no_way_to_stop(planned, "the mail")

    def _inject_versions(self, planned: list[_Planned], drawn: Drawn, workspace: Workspace) -> None:
        """Inject a mail in several versions, one for each recipient."""
        asked, people = self._asked, self._people
        assert people is not None  # without a list nobody could be given a version
        tasks = tuple(
            replace(self._task(each.plan, self._asked.name(each.mail.path), each.folder), version=file.name)
            for each, file in zip(planned, drawn.files, strict=True)
        )
        delivery = Delivery(
            self._format_of(planned[0].mail), self._tags(), self._wishes.personalize, asked.resume
        )
        with progress(len(people), self._call) as step:
            summary = inject_list(
                *(tasks[0], people, workspace.store, workspace.keyring),
                *(self._terms, delivery, step, Versions(tasks, drawn.split)),
                only_new=asked.only_new,
                skip_bounced=asked.skip_bounced,
            )
        plans = [each.plan for each in planned]
        if asked.as_json:
            click.echo(versions_json(summary, plans, [each.findings for each in planned]))
        elif not self._call.quiet:
            for line in versions_lines(summary, plans, verbose=self._call.verbose):
                click.echo(line)
        for each, file in zip(planned, drawn.files, strict=True):
            self._warn_of_no_way_to_stop(each, f"version {file.name}")

    def _warn_of_no_way_to_stop(self, planned: _Planned, name: str) -> None:
        unnamed = any(finding.rule == "no-unsubscribe-link" for finding in planned.findings)
        if not unnamed and not planning.can_be_stopped(planned.plan):
            self._call.warn(lawful.UNSTOPPABLE % name)

    def _inject_letters(self, folder: Path, workspace: Workspace) -> None:
        """Inject messages for whom they are addressed to."""
        name = self._asked.name(self._asked.source)
        format_: Format = self._asked.format or ("mbox" if self._boxes else "eml")
        if format_ not in MESSAGE_FORMATS:
            raise InputError(
                f"{self._asked.source} holds whole messages, which --format {format_} does not hold",
                hint=f"use one of {', '.join(MESSAGE_FORMATS)}",
            )

        looked_at, unchanged = False, 0

        def task_of(given: Given) -> Task:
            nonlocal looked_at, unchanged
            plan = planning.plan_given(given.data, given.name, self._policy, self._wishes)
            if not looked_at:  # the others are most likely alike
                self._say(self._looked_at(plan))
                looked_at = True
            lawful.require(self._call.settings, self._asked, self._terms.rules, plan, given.name)
            unchanged += plan.changes_nothing
            return self._task(plan, name, folder)

        with progress(None if self._boxes else len(self._mails), self._call) as step:
            summary: Summary = inject_addressed(
                planning.addressed(self._mails, self._boxes),
                task_of,
                *(workspace.store, workspace.keyring, self._terms),
                *(Delivery(format_), step),
            )
        if unchanged:
            self._call.warn(f"{unchanged:,} of the messages have nothing to inject, or are injected already")
        if self._asked.as_json:
            click.echo(summary_json(summary, None))
        elif not self._call.quiet:
            for line in addressed_lines(summary):
                click.echo(line)

    def _filter(self, workspace: Workspace) -> None:
        (mail,), asked = self._mails, self._asked
        task = self._task(self._plan(mail), self._asked.name(mail.path), Path())
        if mail.kind == "message":
            lawful.require(self._call.settings, asked, self._terms.rules, task.plan, mail.name)
        write_filtered(self._call, mail, task, workspace, self._terms, asked.merge_tag, asked.manifest)

    # -- parts of it --------------------------------------------------------------------------------

    def _read_list(self) -> RecipientList:
        from pixeltrack import recipients
        from pixeltrack.cli import inputs, members
        from pixeltrack.listing import RecipientList

        list_file = self._asked.list_file or ""
        name = "standard input" if list_file == "-" else list_file
        merge, audience = self._asked.merge_twins, self._asked.audience
        if audience is None:
            with inputs.open_list(list_file, name) as stream:
                listed = RecipientList(recipients.read(stream, name), name, merge=merge)
                return lawful.with_warnings(listed, self._call)
        with members.members(self._call, audience) as people:
            if list_file == f"audience {audience}":
                return RecipientList(people.rows(), name)
            with inputs.open_list(list_file, name) as stream:
                both = people.only(recipients.read(stream, name), name)
                return RecipientList(both, f"{name} within audience {audience}", merge=merge)

    def _plan(self, mail: Mail) -> Plan:
        return planning.plan_mail(mail, self._policy, self._format_of(mail), self._wishes)

    def _format_of(self, mail: Mail) -> Format:
        own: dict[planning.Kind, Format] = {"html": "html", "text": "text", "message": "eml"}
        return self._asked.format or own[mail.kind]

    def _task(self, plan: Plan, campaign: str, folder: Path) -> Task:
        # what is resumed has the date of its beginning in it
        now = (output.interrupted_at(folder) if self._asked.resume else None) or self._now
        return Task(
            *(plan, campaign, self._addresses, folder, now),
            readable=self._chosen.readable,
            honeypot=self._chosen.honeypot,
            bind=self._chosen.bind_links,
            attribute=self._chosen.attribute or "",
            join_buttons=self._chosen.join_buttons,
            envelope=plan.kind == "message" and self._people is not None,
            test=self._asked.test,
        )

    def _tags(self) -> Tags:
        if self._asked.merge_tag:
            return given_tags(self._asked.merge_tag)
        return SYSTEMS[self._asked.esp] if self._asked.esp else RECIPE

    def _say_what_is_assumed(self) -> None:
        settings = self._call.settings
        if self._asked.list_file and settings.consent == "assumed" and settings.config is None:
            self._call.say(lawful.ASSUMED)
