"""pixeltrack webhook"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from pixeltrack.cli.common import Call, global_options, pass_on
from pixeltrack.errors import InputError, PixeltrackError

if TYPE_CHECKING:
    from pixeltrack.setup import Workspace

_KINDS = "open,click,conversion,opt-out,delivery"  # as payload.KINDS, imported when called

EPILOG = """\
Examples:

\b
  pixeltrack webhook add https://crm.example/hooks/mail --events click,conversion --people-only
      what people click and order, from now on; prints the key that the receiver checks
  pixeltrack webhook test 1
      send it an example
  pixeltrack webhook send
      send what is new, from cron every minute; with --follow as a service
  pixeltrack webhook
      which there are, how far they are, and what is wrong
"""
ADD = """\
Examples:

\b
  pixeltrack webhook add https://crm.example/hooks/mail
      everything, of all campaigns
  pixeltrack webhook add https://crm.example/hooks/mail --events click --campaign spring --with-address
      clicks of one campaign, with the addresses of people who are measured by name
  pixeltrack webhook add http://127.0.0.1:9000/ --events opt-out
      a program on this machine
"""
SEND = """\
Examples:

\b
  pixeltrack webhook send
      what is new and what is due again, then end; for cron
  pixeltrack webhook send --follow
      go on until Ctrl-C, for a service
"""


@click.group("webhook", invoke_without_command=True, epilog=EPILOG)
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@global_options
@click.pass_context
def command(ctx: click.Context, /, as_json: bool, **options: Any) -> None:
    """Tell other programs of opens, clicks, orders, opt-outs and deliveries.

    Each webhook gets JSON by signed POST requests, in the order of storing and at least once: what fails is
    tried again for three days. webhook send does it, and nothing else: serve answers readers.
    """
    if ctx.invoked_subcommand:
        pass_on(ctx, options)
        return
    _list(Call(options, {}), as_json)


@command.command("list", epilog="Example:\n\n\b\n  pixeltrack webhook list --json\n")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@global_options
def list_command(as_json: bool, **options: Any) -> None:
    """Show webhooks, and what is wrong.

    How much each was sent, what fails and since when, what was given up.
    """
    _list(Call(options, {}), as_json)


def _list(call: Call, as_json: bool) -> None:
    from pixeltrack.show.webhooks import hooks_json, show_hooks

    with closing(_open(call).store) as store:
        hooks, tries = store.hooks(), store.hook_tries()
        names = {each.campaign_id: each.name for each in store.campaigns()}
    if as_json:
        click.echo(hooks_json(hooks, tries, names))
    elif hooks:
        from rich.console import Console

        show_hooks(Console(highlight=False), hooks, tries, names)
    else:
        call.say("no webhook yet; pixeltrack webhook add https://crm.example/hooks/mail")


@command.command("add", epilog=ADD)
@click.argument("url")
@click.option("--events", default=_KINDS, metavar="KINDS", show_default=True, help="Of what it is told.")
@click.option("--campaign", metavar="NAME", help="Of one campaign alone.")
@click.option("--people-only", is_flag=True, help="Of opens and clicks, only those by people.")
@click.option("--with-address", is_flag=True, help="Name people who are measured by name by their address.")
@click.option("--allow-private", is_flag=True, help="Its host may be in a private network.")
@global_options
def add_command(url: str, events: str, campaign: str | None, **options: Any) -> None:
    """Make a webhook, and print its key.

    The key, in hex, signs what it gets: keep it secret. It is told of what is stored from now on.
    """
    flags = {name: options.pop(name) for name in ("people_only", "with_address", "allow_private")}
    call = Call(options, {})
    from pixeltrack.clock import now_ms
    from pixeltrack.webhooks import target
    from pixeltrack.webhooks.payload import KINDS

    given = [kind.strip() for kind in events.split(",")]
    for kind in given:
        if kind not in KINDS:
            raise InputError(f"--events has {kind!r}, which is no kind", hint=f"there are {', '.join(KINDS)}")
    target.read(url)
    workspace = _open(call)
    with closing(workspace.store) as store:
        campaign_id = store.campaign(campaign).campaign_id if campaign is not None else 0
        kinds = [kind for kind in KINDS if kind in given]
        hook = store.add_hook(url, kinds, now_ms(), campaign_id=campaign_id, **flags)
    click.echo(workspace.keyring.hook_key(hook.nonce, hook.generation).hex())
    call.say(f"webhook {hook.hook_id}; pixeltrack webhook test {hook.hook_id} sends it an example")
    call.say("pixeltrack webhook send sends what is new: from cron, or with --follow as a service")
    if not any(hook.host in named for named in call.settings.data_recipients):
        call.say(f"{hook.host} gets data of your readers: your privacy notice names it by notice.recipients")


@command.command("key", epilog="Example:\n\n\b\n  pixeltrack webhook key 1 --renew\n")
@click.argument("number", metavar="ID", type=int)
@click.option("--renew", is_flag=True, help="Make another, which signs from now on.")
@global_options
def key_command(number: int, renew: bool, **options: Any) -> None:
    """Print the key of a webhook, or make another.

    In hex; it signs what the webhook gets. Keep it secret.
    """
    call = Call(options, {})
    workspace = _open(call)
    with closing(workspace.store) as store:
        hook = store.renew_hook_key(number) if renew else store.hook(number)
    click.echo(workspace.keyring.hook_key(hook.nonce, hook.generation).hex())
    call.say(
        f"the key of webhook {hook.hook_id}, number {hook.generation}; docs/webhooks.md says how to check"
    )


@command.command("test", epilog="Example:\n\n\b\n  pixeltrack webhook test 1\n")
@click.argument("number", metavar="ID", type=int)
@global_options
def test_command(number: int, **options: Any) -> None:
    """Send an example, and say what came back.

    It has an event of each kind, and is marked as a test.
    """
    call = Call(options, {})
    from pixeltrack.clock import now_ms
    from pixeltrack.webhooks import sending

    workspace = _open(call)
    with closing(workspace.store) as store:
        hook = store.hook(number)
    answer = sending.example(workspace.keyring, hook, now_ms())
    if not 200 <= answer.status < 300:
        raise PixeltrackError(
            f"webhook {number} did not take the example: {sending.said(answer)}",
            hint="it is taken where the answer is 2xx; docs/webhooks.md has a receiver",
        )
    call.say(f"webhook {number} took the example: {answer.status}")


@command.command("remove", epilog="Example:\n\n\b\n  pixeltrack webhook remove 1\n")
@click.argument("number", metavar="ID", type=int)
@global_options
def remove_command(number: int, **options: Any) -> None:
    """Send nothing to a webhook any more.

    What it was to be told is forgotten.
    """
    call = Call(options, {})
    with closing(_open(call).store) as store:
        hook = store.remove_hook(number)
    call.say(f"webhook {number} to {hook.host} is removed")


@command.command("resume", epilog="Example:\n\n\b\n  pixeltrack webhook resume 1\n")
@click.argument("number", metavar="ID", type=int)
@global_options
def resume_command(number: int, **options: Any) -> None:
    """Go on with a paused or failing webhook.

    From where it was when it was paused; one that fails is tried again at once.
    """
    call = Call(options, {})
    with closing(_open(call).store) as store:
        hook = store.resume_hook(number)
    call.say(f"webhook {number} to {hook.host} goes on with the next pixeltrack webhook send")


@command.command("send", epilog=SEND)
@click.option("--follow", is_flag=True, help="Go on until Ctrl-C or SIGTERM.")
@global_options
def send_command(follow: bool, **options: Any) -> None:
    """Send what is new, and what is due again.

    New hits are judged first. One at a time: a second one says so and ends with exit code 1.
    """
    call = Call(options, {})
    from pixeltrack.cli.telling import send, send_on
    from pixeltrack.webhooks.sending import alone

    call.use_rules()
    workspace = _open(call, follow=follow)
    with closing(workspace.store), alone(call.settings.db):
        (send_on if follow else send)(call, workspace)


def _open(call: Call, *, follow: bool = False) -> Workspace:
    from pixeltrack.setup import open_workspace

    return open_workspace(call.settings, create=False, follow=follow)
