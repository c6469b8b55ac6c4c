"""Postmark: its webhooks, and exports of the bounce API.

After https://postmarkapp.com/developer/webhooks/bounce-webhook, …/delivery-webhook,
…/spam-complaint-webhook, …/subscription-change-webhook and
https://postmarkapp.com/developer/api/bounce-api (types of bounces). Lists of that API have no RecordType.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pixeltrack.feedback.event import Bounce, Kind, Reason, Skipped, Told, campaign_of, event, of_iso, text

NAME = "postmark"

_SKIPPED: Mapping[str, Reason] = {"Open": "opened", "Click": "clicked"}
#: Types of bounces: what became of the message, or why the record says nothing of that.
_BOUNCES: Mapping[str, tuple[Kind, Bounce] | Reason] = {
    "HardBounce": ("bounced", "hard"),
    "BadEmailAddress": ("bounced", "hard"),
    "SoftBounce": ("bounced", "soft"),
    "DnsError": ("bounced", "soft"),
    "SpamNotification": ("bounced", "soft"),  # a filter's word, not the recipient's
    "VirusNotification": ("bounced", "soft"),
    "OpenRelayTest": ("bounced", "soft"),
    "Blocked": ("bounced", "soft"),
    "DMARCPolicy": ("bounced", "soft"),
    "Unknown": ("bounced", "unknown"),
    "Transient": ("deferred", ""),
    "SpamComplaint": ("complained", ""),
    "Unsubscribe": ("unsubscribed", ""),
    "ManuallyDeactivated": ("rejected", ""),
    "Unconfirmed": ("rejected", ""),
    "SMTPApiError": ("rejected", ""),
    "TemplateRenderingFailed": ("rejected", ""),
    "Subscribe": "subscribed",
    "AutoResponder": "autoresponded",
    "AddressChange": "autoresponded",
    "ChallengeVerification": "autoresponded",
}
_SUPPRESSIONS: Mapping[str, tuple[Kind, Bounce]] = {
    "HardBounce": ("bounced", "hard"),
    "SpamComplaint": ("complained", ""),
    "ManualSuppression": ("unsubscribed", ""),
}


def fits(record: Mapping[str, Any]) -> bool:
    """Whether a record looks like one of Postmark's."""
    if isinstance(record.get("Bounces"), list):
        return True
    return "RecordType" in record or ("BouncedAt" in record and "TypeCode" in record)


def events(record: Mapping[str, Any]) -> Told:
    """Yield what a webhook, or a list of bounces, says."""
    if isinstance(record.get("Bounces"), list):
        for bounce in record["Bounces"]:
            yield from events(bounce) if isinstance(bounce, Mapping) else [Skipped("unknown")]
        return
    name = text(record, "RecordType") or "Bounce"
    told: tuple[Kind, Bounce] | Reason
    if name == "Delivery":
        told = ("delivered", "")
    elif name in ("Bounce", "SpamComplaint"):
        told = _BOUNCES.get(text(record, "Type") or name, "unknown")
    elif name == "SubscriptionChange" and record.get("SuppressSending") is True:
        told = _SUPPRESSIONS.get(text(record, "SuppressionReason"), ("unsubscribed", ""))
    else:
        told = "subscribed" if name == "SubscriptionChange" else _SKIPPED.get(name, "unknown")
    if isinstance(told, str):
        yield Skipped(told)
        return
    kind, bounce = told
    moments = (of_iso(record.get(field)) for field in ("DeliveredAt", "BouncedAt", "ChangedAt"))
    at = next((moment for moment in moments if moment is not None), None)
    known = record.get("ID")
    yield event(
        *(NAME, kind, at),
        [known] if known else [record.get("MessageID"), at],
        record.get("Recipient") or record.get("Email"),
        bounce=bounce,
        campaign=campaign_of(record.get("Metadata"), record.get("Tag")),
        returned=[text(record, "Content")],
    )
