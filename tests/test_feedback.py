"""What each service's records, and reports by mail, are read as."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from feedcases import AT, CASES, WHO, Case, arf, brevo, dsn, mailgun, postmark, sendgrid, ses, sns
from hypothesis import given
from hypothesis import strategies as st

from pixeltrack import feedback, feedfile
from pixeltrack.errors import InputError
from pixeltrack.feedback import KINDS, Skipped, TrackingEvent
from pixeltrack.feedback.event import campaign_of


@pytest.mark.parametrize(
    "case", CASES, ids=lambda case: f"{case.service}-{case.kind or case.reason}-{case.bounce}"
)
def test_a_record_is_told_from_others_and_read(case: Case) -> None:
    assert feedback.detect(case.record) == case.service
    (told,) = feedback.reader(case.service)(case.record)  # type: ignore[arg-type]
    if case.reason:
        assert told == Skipped(case.reason)  # type: ignore[arg-type]
        return
    assert isinstance(told, TrackingEvent)
    assert (told.event_type, told.bounce, told.recipient, told.esp) == (
        case.kind,
        case.bounce,
        WHO,
        case.service,
    )
    assert abs(told.timestamp - AT * 1000) <= 500
    assert told.event_id
    assert (told.campaign == "spring") == ("spring" in json.dumps(case.record))


def test_every_kind_of_event_is_told_by_some_service() -> None:
    assert {case.kind for case in CASES if case.kind} == set(KINDS)


def test_a_record_about_several_recipients_is_one_event_for_each() -> None:
    several = [{"emailAddress": f"r{number}@example.com"} for number in range(3)]
    record = ses("Bounce", "bounce", bounceType="Permanent", bouncedRecipients=several, feedbackId="f")
    told = list(feedback.reader("ses")(sns(record)))
    assert [each.recipient for each in told if isinstance(each, TrackingEvent)] == [
        "r0@example.com",
        "r1@example.com",
        "r2@example.com",
    ]


@pytest.mark.parametrize(
    ("metadata", "tags", "found"),
    [
        ({"pixeltrack_campaign": "spring"}, None, "spring"),
        ({"pixeltrack_campaign": ["spring"]}, None, "spring"),
        ({"pixeltrack_campaign": 7}, None, "7"),
        ({}, ["news", "pixeltrack_campaign:spring sale"], "spring sale"),
        (None, "pixeltrack_campaign=spring", "spring"),
        ({"pixeltrack_campaign": None}, ["spring"], ""),
        (None, [{"name": "pixeltrack_campaign:x"}], ""),
    ],
)
def test_the_campaign_is_what_metadata_or_a_tag_name(metadata: object, tags: object, found: str) -> None:
    assert campaign_of(metadata, tags) == found


def test_brevo_custom_data_may_be_pairs_and_its_tags_a_list() -> None:
    pairs = brevo("delivered", **{"X-Mailin-custom": "a:1|pixeltrack_campaign:spring"})
    tagged = brevo("delivered", **{"X-Mailin-custom": None, "tags": ["x", "pixeltrack_campaign:spring"]})
    for record in (pairs, tagged):
        (told,) = feedback.reader("brevo")(record)
        assert isinstance(told, TrackingEvent)
        assert told.campaign == "spring"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(case=st.sampled_from(CASES), data=st.data())
def test_a_record_with_any_value_in_any_place_is_an_event_or_left_out(
    case: Case, data: st.DataObject
) -> None:
    record = json.loads(json.dumps(case.record))
    place, name = record, data.draw(st.sampled_from(sorted(record)))
    while isinstance(place[name], dict) and place[name] and data.draw(st.booleans()):
        place = place[name]
        name = data.draw(st.sampled_from(sorted(place)))
    place[name] = data.draw(json_values)
    for told in feedback.reader(case.service)(record):  # type: ignore[arg-type]
        assert isinstance(told, Skipped) or told.event_type in KINDS


# -- reports by mail -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "status", "diagnostic", "kind", "bounce"),
    [
        ("failed", "5.1.1", "smtp; 550 5.1.1 unknown", "bounced", "hard"),
        ("failed", "5.0.0", "smtp; 552 5.2.2 mailbox full", "bounced", "soft"),
        ("failed", "5.7.1", "smtp; 554 5.7.1 policy", "bounced", "soft"),
        ("failed", "4.4.7", "smtp; 421 later", "bounced", "soft"),
        ("failed", "", "smtp; 550 no such user", "bounced", "hard"),
        ("failed", "", "x-unix; gone", "bounced", "unknown"),
        ("delayed", "4.4.1", "", "deferred", ""),
        ("delivered", "2.0.0", "", "delivered", ""),
        ("relayed (to another system)", "2.0.0", "", "delivered", ""),
    ],
)
def test_a_delivery_report_is_read(action: str, status: str, diagnostic: str, kind: str, bounce: str) -> None:
    (told,) = feedback.of_mail(dsn(action=action, status=status, diagnostic=diagnostic))
    assert isinstance(told, TrackingEvent)
    assert (told.event_type, told.bounce, told.recipient) == (kind, bounce, WHO)
    assert told.timestamp == AT * 1000  # Last-Attempt-Date, in another zone


def test_the_address_that_was_sent_to_is_the_one_that_counts() -> None:
    (told,) = feedback.of_mail(dsn(to="forwarded@elsewhere.example", original=WHO))
    assert isinstance(told, TrackingEvent)
    assert told.recipient == WHO


def test_a_report_in_the_international_form_is_read() -> None:
    raw = dsn().replace(b"message/delivery-status", b"message/global-delivery-status")
    raw = raw.replace(b"rfc822; ada@example.com", "utf-8; ådå@example.com".encode())
    (told,) = feedback.of_mail(raw)
    assert isinstance(told, TrackingEvent)
    assert (told.event_type, told.bounce) == ("bounced", "hard")
    assert told.recipient.endswith("@example.com")


@pytest.mark.parametrize(
    ("kind", "event"),
    [("abuse", "complained"), ("fraud", "complained"), ("opt-out", "unsubscribed"), ("not-spam", ""), ("auth-failure", "")],
)  # fmt: skip
def test_a_complaint_is_read(kind: str, event: str) -> None:
    (told,) = feedback.of_mail(arf(kind=kind))
    if not event:
        assert isinstance(told, Skipped)
        return
    assert isinstance(told, TrackingEvent)
    assert (told.event_type, told.recipient, told.timestamp) == (event, WHO, AT * 1000)


def test_where_the_address_is_blanked_out_the_message_says_it() -> None:
    (told,) = feedback.of_mail(arf(to="", returned="To: Ada <ada@example.com>\r\n\r\nHello"))
    assert isinstance(told, TrackingEvent)
    assert told.recipient == WHO


@pytest.mark.parametrize(
    "raw",
    [
        b"From: a@x.example\r\nSubject: Out of office\r\n\r\nI am away.",
        b"Content-Type: multipart/report; boundary=B\r\n\r\n--B\r\n\r\nnothing\r\n--B--",
        b"\xff\xfe\x00",
        b"",
    ],
)
def test_mail_that_is_no_report_is_left_out(raw: bytes) -> None:
    assert list(feedback.of_mail(raw)) == [Skipped("not_a_report")]


@given(st.data())
def test_a_report_that_is_damaged_anywhere_raises_nothing(data: st.DataObject) -> None:
    raw = data.draw(st.sampled_from([dsn(), arf(), dsn(returned="To: x\r\n\r\nHi")]))
    at = data.draw(st.integers(0, len(raw)))
    cut = data.draw(st.integers(0, 80))
    broken = raw[:at] + data.draw(st.binary(max_size=20)) + raw[at + cut :]
    for told in feedback.of_mail(broken):
        assert isinstance(told, Skipped | TrackingEvent)


# -- files -----------------------------------------------------------------------------------------------

RECORDS = [sendgrid("delivered", email=f"r{number}@example.com") for number in range(3)]


def recipients(path: Path) -> Iterator[str]:
    for record in feedfile.read(path):
        for told in record.told:
            assert isinstance(told, TrackingEvent), told
            yield told.recipient


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(RECORDS),
        json.dumps(RECORDS, indent=2),
        "\n".join(map(json.dumps, RECORDS)),
        "\ufeff\n\n" + "\r\n".join(map(json.dumps, RECORDS)) + "\r\n\r\n",
        "\n".join([json.dumps(RECORDS[:2]), json.dumps(RECORDS[2:])]),
        "\n".join(json.dumps(each, indent=1) for each in RECORDS),
    ],
    ids=["array", "indented array", "lines", "lines with a mark", "lines of arrays", "indented one by one"],
)
@pytest.mark.parametrize("packed", [False, True])
def test_json_is_read_in_every_shape(tmp_path: Path, content: str, packed: bool) -> None:
    data = content.encode()
    file = tmp_path / "events"
    file.write_bytes(gzip.compress(data) if packed else data)
    expected = ["r0@example.com", "r1@example.com", "r2@example.com"]
    assert list(recipients(file)) == expected
    stdin = io.TextIOWrapper(io.BytesIO(file.read_bytes()))
    with mock.patch("sys.stdin", stdin):
        assert list(recipients(Path("-"))) == expected


def test_mail_is_read_in_every_shape(tmp_path: Path) -> None:
    mails = [dsn(to=f"r{number}@example.com", known=f"<{number}@mx>") for number in range(3)]
    expected = ["r0@example.com", "r1@example.com", "r2@example.com"]
    box = tmp_path / "bounces.mbox"
    box.write_bytes(b"".join(b"From MAILER-DAEMON Wed Nov 25 10:00:00 2026\n" + mail.replace(b"\r\n", b"\n") + b"\n" for mail in mails))  # fmt: skip
    assert list(recipients(box)) == expected
    packed = tmp_path / "bounces.mbox.gz"
    packed.write_bytes(gzip.compress(box.read_bytes()))
    assert list(recipients(packed)) == expected
    maildir, folder = tmp_path / "Maildir", tmp_path / "eml"
    for each in (maildir / "cur", maildir / "new", maildir / "tmp", folder):
        each.mkdir(parents=True)
    for number, mail in enumerate(mails):
        (maildir / ("new" if number else "cur") / f"17956008{number}.M1.host:2,S").write_bytes(mail)
        (folder / f"{number}.eml").write_bytes(mail)
    assert list(recipients(maildir)) == expected
    assert list(recipients(folder)) == expected
    assert list(recipients(folder / "1.eml")) == expected[1:2]
    ids = [[each.event_id for record in feedfile.read(path) for each in record.told if isinstance(each, TrackingEvent)] for path in (box, maildir)]  # fmt: skip
    assert ids[0] == ids[1]


def test_a_line_of_a_text_that_begins_with_from_ends_no_message(tmp_path: Path) -> None:
    text = dsn().replace(
        b"Your message did", b"Sadly.\r\n\r\nFrom here on it is lost.\r\n>From that, your message did"
    )
    (tmp_path / "box").write_bytes((b"From MAILER-DAEMON\n" + text.replace(b"\r\n", b"\n") + b"\n") * 2)
    found = [told for record in feedfile.read(tmp_path / "box") for told in record.told]
    assert [type(told) for told in found] == [TrackingEvent] * 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"event": "delivered"\n', "events line 2: not JSON"),
        (json.dumps(RECORDS[0]).encode() + b'\n{"event": ', "events line 2: not JSON"),
        (b'[\n{"a": 1},\n{"b": }\n]', "events line 3: not JSON"),
        (b'[{"a": 1}]', "events line 1, record 1: it cannot be told whose record this is: a"),
        (b"[7]", "events line 1, record 1: '7' is no JSON object"),
        (json.dumps(RECORDS[0]).encode() + b'\n{"email": "\xff"}', "events line 2 is not UTF-8"),
        (b"[" * 100_000, "no JSON that can be read"),
        (b"email;event\n", "neither JSON nor mail"),
        (gzip.compress(json.dumps(RECORDS).encode())[:-20], "cut off or damaged"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "events"
    file.write_bytes(content)
    with pytest.raises(InputError) as raised:
        list(feedfile.read(file))
    assert says in raised.value.message


def test_a_folder_without_reports_and_a_missing_file_are_said(tmp_path: Path) -> None:
    for path, says in ((tmp_path, "without reports"), (tmp_path / "none.json", "no such file")):
        with pytest.raises(InputError, match=says):
            list(feedfile.read(path))


def test_an_empty_file_has_no_records(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"\n \n")
    assert list(feedfile.read(tmp_path / "empty")) == []


def test_a_service_that_is_named_is_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(json.dumps({"event": "delivered", "email": WHO, "timestamp": AT}))
    with pytest.raises(InputError, match="whose record"):
        list(feedfile.read(tmp_path / "one.json"))
    (record,) = feedfile.read(tmp_path / "one.json", "sendgrid")
    assert isinstance(record.told[0], TrackingEvent)


def test_the_same_event_has_one_name_in_a_webhook_and_in_an_export() -> None:
    pairs = [
        (mailgun("delivered"), {"event-data": mailgun("delivered"), "signature": {}}),
        (ses("Delivery", "delivery", recipients=[WHO]), sns(ses("Delivery", "delivery", recipients=[WHO]))),
        (
            postmark("Bounce", ID=42, Type="HardBounce", TypeCode=1, Email=WHO, BouncedAt="2026-11-25T10:00:00Z"),
            {"ID": 42, "Type": "HardBounce", "TypeCode": 1, "Email": WHO, "BouncedAt": "2026-11-25T10:00:00Z"},
        ),
    ]  # fmt: skip
    for one, other in pairs:
        service = feedback.detect(one)
        assert service and service == feedback.detect(other)
        (left,), (right,) = (tuple(feedback.reader(service)(each)) for each in (one, other))
        assert isinstance(left, TrackingEvent) and isinstance(right, TrackingEvent)
        assert left.event_id == right.event_id
