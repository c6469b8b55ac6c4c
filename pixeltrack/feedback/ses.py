"""Amazon SES: event publishing and the older notifications, bare or in the envelope of Amazon SNS.

After https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html and
https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html. One record can be about several
recipients. Message tags are in event publishing alone; the headers of the message, with our own
List-Unsubscribe among them, are in both where the settings of SES say so. The envelope is described in
https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pixeltrack.feedback.event import (
    Bounce,
    Kind,
    Reason,
    Skipped,
    Told,
    as_object,
    at,
    campaign_of,
    event,
    listed,
    of_iso,
    text,
)

NAME = "ses"

_BOUNCES: Mapping[str, Bounce] = {"Permanent": "hard", "Transient": "soft", "Undetermined": "unknown"}
_SKIPPED: Mapping[str, Reason] = {"Open": "opened", "Click": "clicked"}


def fits(record: Mapping[str, Any]) -> bool:
    """Whether a record looks like one of SES, or an envelope of SNS."""
    if "mail" in record and ("eventType" in record or "notificationType" in record):
        return True
    return "TopicArn" in record and "Type" in record


def events(record: Mapping[str, Any]) -> Told:
    """Yield what one record says, for each of its recipients."""
    if "TopicArn" in record:
        record = as_object(record.get("Message"))  # a confirmation of a subscription has a text there
    name = text(record, "eventType") or text(record, "notificationType")
    told = _READERS.get(name)
    if told is None:
        yield Skipped(_SKIPPED.get(name, "unknown"))
        return
    part, kind, recipients = told
    body = record.get(part)
    bounce: Bounce = ""
    if kind == "bounced":
        bounce = _BOUNCES.get(text(body, "bounceType"), "unknown")
    if kind == "complained" and text(body, "complaintSubType") == "OnAccountSuppressionList":
        kind = "rejected"  # not sent at all, for an earlier complaint
    if kind == "unsubscribed" and not _opted_out(at(body, "newTopicPreferences")):
        yield Skipped("subscribed")
        return
    moment = of_iso(at(body, "timestamp")) or of_iso(at(record, "mail", "timestamp"))
    addresses = _recipients(body, recipients) or listed(at(record, "mail", "destination"))
    if not addresses:
        yield Skipped("no_recipient")
    for address in addresses:
        yield event(
            *(NAME, kind, moment),
            [at(record, "mail", "messageId"), at(body, "feedbackId"), moment],
            address,
            bounce=bounce,
            campaign=campaign_of(at(record, "mail", "tags")),
            returned=_headers(record) if len(addresses) == 1 else (),  # else whose URLs these are is not told
        )


_READERS: Mapping[str, tuple[str, Kind, str]] = {
    "Send": ("send", "sent", ""),
    "Delivery": ("delivery", "delivered", "recipients"),
    "Bounce": ("bounce", "bounced", "bouncedRecipients"),
    "Complaint": ("complaint", "complained", "complainedRecipients"),
    "Reject": ("reject", "rejected", ""),
    "Rendering Failure": ("failure", "rejected", ""),
    "DeliveryDelay": ("deliveryDelay", "deferred", "delayedRecipients"),
    "Subscription": ("subscription", "unsubscribed", ""),
}


def _recipients(body: object, name: str) -> list[object]:
    """Return the addresses in a part: texts, or objects with emailAddress."""
    found = listed(at(body, name)) if name else []
    return [at(each, "emailAddress") if isinstance(each, Mapping) else each for each in found]


def _opted_out(preferences: object) -> bool:
    """Return whether somebody is off the list now, or off one of its topics."""
    topics = listed(at(preferences, "topicSubscriptionStatus"))
    return at(preferences, "unsubscribeAll") is True or any(
        text(topic, "subscriptionStatus") in ("OptOut", "OPT_OUT") for topic in topics
    )


def _headers(record: Mapping[str, Any]) -> Iterable[str]:
    """Yield the headers of the message that may have URLs of ours."""
    for header in listed(at(record, "mail", "headers")):
        if text(header, "name").lower() == "list-unsubscribe":
            yield text(header, "value")
