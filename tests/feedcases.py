"""Reports as mail systems make them: our own small ones, with the fields that each documents.

SendGrid   https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
SES        https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
           https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html
           https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
Mailgun    https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-payloads
           https://documentation.mailgun.com/docs/mailgun/user-manual/events/event-structure
Postmark   https://postmarkapp.com/developer/webhooks/bounce-webhook and its neighbours
           https://postmarkapp.com/developer/api/bounce-api
Brevo      https://developers.brevo.com/docs/transactional-webhooks
           https://developers.brevo.com/reference/get-email-event-report
DSN, ARF   RFC 3464, RFC 5965
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

AT = 1_795_600_800  # seconds: 2026-11-25 10:00:00 UTC
ISO = "2026-11-25T10:00:00.000Z"
WHO = "ada@example.com"
TAG = {"pixeltrack_campaign": "spring"}


def sendgrid(event: str, **more: Any) -> dict[str, Any]:
    known = f"sg-{event}-{more.get('type', '')}-{more.get('email', WHO)}"
    given = {"email": WHO, "timestamp": AT, "smtp-id": "<1@geopod>", "event": event, "sg_event_id": known}
    return {**given, "sg_message_id": "1.filter", "category": ["news"], **TAG, **more}


def ses(event: str, part: str, *, old: bool = False, **body: Any) -> dict[str, Any]:
    mail: dict[str, Any] = {
        "timestamp": "2026-11-25T09:59:58.000Z",
        "messageId": "0100-1",
        "destination": [WHO],
    }
    if not old:
        mail["tags"] = {"ses:configuration-set": ["main"], "pixeltrack_campaign": ["spring"]}
    name = "notificationType" if old else "eventType"
    return {name: event, "mail": mail, part: {"timestamp": ISO, **body}}


def sns(record: dict[str, Any]) -> dict[str, Any]:
    return {
        **{"Type": "Notification", "MessageId": "22b8", "TopicArn": "arn:aws:sns:eu-west-1:1:ses"},
        **{"Message": json.dumps(record), "Timestamp": ISO, "SignatureVersion": "1", "Signature": "x"},
    }


def mailgun(event: str, **more: Any) -> dict[str, Any]:
    return {
        **{"event": event, "timestamp": AT + 0.5, "id": f"mg-{event}-{more.get('severity', '')}"},
        **{"recipient": WHO, "log-level": "info", "tags": ["news"], "user-variables": TAG},
        **{"message": {"headers": {"to": WHO, "message-id": "1@mg.example"}}, **more},
    }


def webhook(data: dict[str, Any]) -> dict[str, Any]:
    return {"signature": {"timestamp": str(AT), "token": "t" * 50, "signature": "5" * 64}, "event-data": data}


def postmark(kind: str, **more: Any) -> dict[str, Any]:
    return {
        "RecordType": kind,
        "MessageID": "883953f4",
        "ServerID": 23,
        "Tag": "news",
        "Metadata": TAG,
        **more,
    }


def brevo(event: str, **more: Any) -> dict[str, Any]:
    return {
        **{"event": event, "email": WHO, "id": 26_224, "date": "2026-11-25 11:00:00", "ts": AT + 3_600},
        **{"message-id": f"<{event}@relay>", "ts_event": AT, "ts_epoch": AT * 1000, "tags": ["news"]},
        **{"X-Mailin-custom": json.dumps(TAG), **more},
    }


class Case(NamedTuple):
    """A record, and what it must be read as: type, bounce, or why nothing is taken."""

    service: str
    record: dict[str, Any]
    kind: str
    bounce: str = ""
    reason: str = ""


BOUNCED = {"bouncedRecipients": [{"emailAddress": WHO, "status": "5.1.1"}], "feedbackId": "f-1"}
COMPLAINED = {"complainedRecipients": [{"emailAddress": WHO}], "feedbackId": "f-2"}
FAILED = {"severity": "permanent", "reason": "bounce"}

CASES = (
    Case("sendgrid", sendgrid("delivered", response="250 OK"), "delivered"),
    Case("sendgrid", sendgrid("bounce", type="bounce", status="5.1.1", reason="no such user"), "bounced", "hard"),
    Case("sendgrid", sendgrid("bounce", type="blocked", reason="try later"), "bounced", "soft"),
    Case("sendgrid", sendgrid("dropped", reason="Bounced Address"), "rejected"),
    Case("sendgrid", sendgrid("deferred", attempt="3"), "deferred"),
    Case("sendgrid", sendgrid("spamreport"), "complained"),
    Case("sendgrid", sendgrid("unsubscribe"), "unsubscribed"),
    Case("sendgrid", sendgrid("group_unsubscribe", asm_group_id=7), "unsubscribed"),
    Case("sendgrid", sendgrid("processed"), "", reason="queued"),
    Case("sendgrid", sendgrid("open", ip="192.0.2.1", useragent="x"), "", reason="opened"),
    Case("sendgrid", sendgrid("click", url="https://x.example"), "", reason="clicked"),
    Case("sendgrid", sendgrid("group_resubscribe"), "", reason="subscribed"),
    Case("sendgrid", sendgrid("account_status_change"), "", reason="unknown"),
    Case("sendgrid", sendgrid("delivered", email=None), "", reason="no_recipient"),
    Case("sendgrid", sendgrid("delivered", timestamp="soon"), "", reason="no_time"),
    Case("ses", ses("Send", "send"), "sent"),
    Case("ses", ses("Delivery", "delivery", recipients=[WHO], smtpResponse="250 ok"), "delivered"),
    Case("ses", sns(ses("Delivery", "delivery", recipients=[WHO])), "delivered"),
    Case("ses", ses("Bounce", "bounce", bounceType="Permanent", bounceSubType="General", **BOUNCED), "bounced", "hard"),
    Case("ses", ses("Bounce", "bounce", old=True, bounceType="Transient", **BOUNCED), "bounced", "soft"),
    Case("ses", ses("Bounce", "bounce", bounceType="Undetermined", **BOUNCED), "bounced", "unknown"),
    Case("ses", sns(ses("Complaint", "complaint", old=True, **COMPLAINED)), "complained"),
    Case(
        "ses",
        ses("Complaint", "complaint", complaintSubType="OnAccountSuppressionList", **COMPLAINED),
        "rejected",
    ),
    Case("ses", ses("Reject", "reject", reason="Bad content"), "rejected"),
    Case("ses", ses("Rendering Failure", "failure", errorMessage="no attribute", templateName="t"), "rejected"),
    Case(
        "ses",
        ses("DeliveryDelay", "deliveryDelay", delayType="MailboxFull", delayedRecipients=[{"emailAddress": WHO}]),
        "deferred",
    ),
    Case(
        "ses",
        ses("Subscription", "subscription", contactList="c", newTopicPreferences={"unsubscribeAll": True}),
        "unsubscribed",
    ),
    Case(
        "ses",
        ses("Subscription", "subscription", contactList="c", newTopicPreferences={"unsubscribeAll": False}),
        "",
        reason="subscribed",
    ),
    Case("ses", ses("Open", "open", userAgent="x"), "", reason="opened"),
    Case("ses", ses("Click", "click", link="https://x.example"), "", reason="clicked"),
    Case(
        "ses",
        {"Type": "SubscriptionConfirmation", "TopicArn": "arn:aws:sns:1", "Message": "You have chosen …"},
        "",
        reason="unknown",
    ),
    Case("mailgun", webhook(mailgun("delivered")), "delivered"),
    Case("mailgun", mailgun("delivered"), "delivered"),
    Case("mailgun", {"items": [mailgun("delivered")], "paging": {"next": "https://api.example"}}, "delivered"),
    Case("mailgun", webhook(mailgun("failed", **FAILED, **{"delivery-status": {"code": 550}})), "bounced", "hard"),
    Case(
        "mailgun",
        webhook(mailgun("failed", severity="permanent", reason="old", **{"delivery-status": {"code": 602}})),
        "bounced",
        "soft",
    ),
    Case(
        "mailgun",
        mailgun("failed", **FAILED, **{"delivery-status": {"code": 552, "bounce-type": "soft"}}),
        "bounced",
        "soft",
    ),
    Case("mailgun", mailgun("failed", **FAILED), "bounced", "unknown"),
    Case("mailgun", mailgun("failed", severity="permanent", reason="suppress-complaint"), "rejected"),
    Case("mailgun", mailgun("failed", severity="temporary", reason="greylisted"), "deferred"),
    Case("mailgun", mailgun("rejected", reject={"reason": "sandbox"}), "rejected"),
    Case("mailgun", webhook(mailgun("complained")), "complained"),
    Case("mailgun", webhook(mailgun("unsubscribed")), "unsubscribed"),
    Case("mailgun", mailgun("accepted"), "", reason="queued"),
    Case("mailgun", mailgun("opened"), "", reason="opened"),
    Case("mailgun", mailgun("clicked", url="https://x.example"), "", reason="clicked"),
    Case("mailgun", mailgun("stored"), "", reason="unknown"),
    Case("postmark", postmark("Delivery", Recipient=WHO, DeliveredAt=ISO, Details="250"), "delivered"),
    Case("postmark", postmark("Bounce", ID=42, Type="HardBounce", TypeCode=1, Email=WHO, BouncedAt=ISO), "bounced", "hard"),
    Case(
        "postmark",
        postmark("Bounce", ID=43, Type="SoftBounce", TypeCode=4096, Email=WHO, BouncedAt="2026-11-25T05:00:00.1234567-05:00"),
        "bounced",
        "soft",
    ),
    Case("postmark", postmark("Bounce", ID=44, Type="Transient", TypeCode=2, Email=WHO, BouncedAt=ISO), "deferred"),
    Case("postmark", postmark("Bounce", ID=45, Type="Blocked", TypeCode=1, Email=WHO, BouncedAt=ISO), "bounced", "soft"),
    Case("postmark", postmark("Bounce", ID=46, Type="Unsubscribe", TypeCode=16, Email=WHO, BouncedAt=ISO), "unsubscribed"),
    Case("postmark", postmark("Bounce", ID=47, Type="ManuallyDeactivated", TypeCode=1, Email=WHO, BouncedAt=ISO), "rejected"),
    Case("postmark", postmark("Bounce", ID=48, Type="AutoResponder", TypeCode=64, Email=WHO, BouncedAt=ISO), "", reason="autoresponded"),
    Case("postmark", postmark("SpamComplaint", ID=49, Type="SpamComplaint", TypeCode=1, Email=WHO, BouncedAt=ISO), "complained"),
    Case(
        "postmark",
        postmark("SubscriptionChange", Recipient=WHO, ChangedAt=ISO, Origin="Recipient", SuppressSending=True, SuppressionReason="ManualSuppression"),
        "unsubscribed",
    ),
    Case(
        "postmark",
        postmark("SubscriptionChange", Recipient=WHO, ChangedAt=ISO, SuppressSending=True, SuppressionReason="HardBounce"),
        "bounced",
        "hard",
    ),
    Case("postmark", postmark("SubscriptionChange", Recipient=WHO, ChangedAt=ISO, SuppressSending=False), "", reason="subscribed"),
    Case("postmark", postmark("Open", Recipient=WHO, ReceivedAt=ISO), "", reason="opened"),
    Case("postmark", postmark("Click", Recipient=WHO, ReceivedAt=ISO), "", reason="clicked"),
    Case(
        "postmark",
        {"TotalCount": 1, "Bounces": [{"ID": 50, "Type": "HardBounce", "TypeCode": 1, "Email": WHO, "BouncedAt": ISO}]},
        "bounced",
        "hard",
    ),
    Case("brevo", brevo("delivered"), "delivered"),
    Case("brevo", brevo("hard_bounce", reason="550 unknown"), "bounced", "hard"),
    Case("brevo", brevo("soft_bounce", reason="mailbox full"), "bounced", "soft"),
    Case("brevo", brevo("invalid_email"), "bounced", "hard"),
    Case("brevo", brevo("blocked"), "rejected"),
    Case("brevo", brevo("error"), "rejected"),
    Case("brevo", brevo("deferred"), "deferred"),
    Case("brevo", brevo("spam"), "complained"),
    Case("brevo", brevo("unsubscribed"), "unsubscribed"),
    Case("brevo", brevo("request"), "", reason="queued"),
    Case("brevo", brevo("unique_proxy_open"), "", reason="opened"),
    Case("brevo", brevo("click", link="https://x.example"), "", reason="clicked"),
    Case("brevo", brevo("list_addition"), "", reason="subscribed"),
    Case(
        "brevo",
        {"events": [{"email": WHO, "date": "2026-11-25T11:00:00.000+01:00", "messageId": "<1@r>", "event": "hardBounces", "tag": "[\"pixeltrack_campaign:spring\"]"}]},
        "bounced",
        "hard",
    ),
)  # fmt: skip


def dsn(
    *, to: str = WHO, action: str = "failed", status: str = "5.1.1", returned: str = "", known: str = "<d1@mx>", diagnostic: str = "smtp; 550 5.1.1 unknown", original: str = ""
) -> bytes:  # fmt: skip
    """A delivery report as RFC 3464 has it in its appendix, of one recipient."""
    first = f"Original-Recipient: rfc822;{original}\r\n" if original else ""
    return (
        "From: Mail Delivery Subsystem <MAILER-DAEMON@mx.example>\r\nTo: bounces@sender.example\r\n"
        f"Date: Wed, 25 Nov 2026 10:00:30 +0000\r\nMessage-ID: {known}\r\nSubject: Undelivered\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="B"\r\n\r\n'
        "--B\r\nContent-Type: text/plain\r\n\r\nYour message did not get through.\r\n"
        "--B\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.example\r\nArrival-Date: Wed, 25 Nov 2026 09:59:00 +0000\r\n\r\n"
        f"{first}Final-Recipient: rfc822; {to}\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: {diagnostic}\r\nLast-Attempt-Date: Wed, 25 Nov 2026 11:00:00 +0100\r\n\r\n"
        f"--B\r\nContent-Type: {'message/rfc822' if returned else 'text/rfc822-headers'}\r\n\r\n"
        f"{returned or 'From: news@sender.example'}\r\n\r\n--B--\r\n"
    ).encode()


def arf(*, kind: str = "abuse", to: str = WHO, returned: str = "", known: str = "<a1@fbl>") -> bytes:
    """A complaint as RFC 5965 has it in its appendix B."""
    named = f"Original-Rcpt-To: <{to}>\r\n" if to else ""
    return (
        "From: <abuse@provider.example>\r\nTo: <abuse@sender.example>\r\nSubject: FW: News\r\n"
        f"Date: Wed, 25 Nov 2026 10:00:00 +0000\r\nMessage-ID: {known}\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="B"\r\n\r\n'
        "--B\r\nContent-Type: text/plain\r\n\r\nThis is an email abuse report.\r\n"
        "--B\r\nContent-Type: message/feedback-report\r\n\r\n"
        f"Feedback-Type: {kind}\r\nUser-Agent: SomeGenerator/1.0\r\nVersion: 1\r\n{named}"
        "Arrival-Date: Tue, 24 Nov 2026 20:00:00 +0000\r\n\r\n"
        "--B\r\nContent-Type: message/rfc822\r\n\r\n"
        f"{returned or 'From: news@sender.example'}\r\n\r\n--B--\r\n"
    ).encode()
