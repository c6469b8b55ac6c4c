"""Settings: an option wins over the environment, the environment over the file, the file over defaults."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pixeltrack import config
from pixeltrack.errors import InputError


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _write(text: str, path: str = "pixeltrack.toml") -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def _refused(text: str) -> InputError:
    _write(text)
    with pytest.raises(InputError) as refused:
        config.load(environment={})
    return refused.value


def test_without_anything_the_defaults_hold():
    assert config.load(environment={}) == config.Settings(
        db=Path("pixeltrack.db"),
        key=Path("pixeltrack.key"),
        networks=Path("pixeltrack.networks"),
        country_db=None,
        base_url="http://127.0.0.1:8000",
        consent="assumed",
        preset=None,
        opens="individual",
        clicks="individual",
        without="off",
        mail_basis=None,
        events_days=None,
        ip="none",
        ip_days=None,
        moment="exact",
        consent_years=3,
        sender=None,
        controller=None,
        contact=None,
        dpo=None,
        privacy_policy=None,
        data_recipients=(),
        transfers=None,
        authority=None,
        language="en",
        own_rights=True,
        host="127.0.0.1",
        port=8000,
        spool_mb=256,
        replay_limit=20,
        metrics="local",
        log_format="text",
        trusted_proxies=frozenset(),
        dashboard=None,
        dashboard_url=None,
        dashboard_token=Path("pixeltrack.token"),
        rules=None,
        config=None,
    )


@pytest.mark.parametrize(
    ("option", "environment", "file", "winner"),
    [
        ("o", "e", "f", "o"),
        (None, "e", "f", "e"),
        (None, "", "f", "f"),
        (None, None, "f", "f"),
        ("o", None, None, "o"),
        (None, "e", None, "e"),
    ],
)
@pytest.mark.parametrize("name", ["db", "key", "base_url"])
def test_option_then_environment_then_file(
    name: str, option: str | None, environment: str | None, file: str | None, winner: str
):
    if file is not None:
        _write(f'{name} = "{file}"')
    outside = {} if environment is None else {f"PIXELTRACK_{name.upper()}": environment}
    settings = config.load(options={name: option}, environment=outside)
    assert str(getattr(settings, name)) == winner


def test_every_key_of_the_file_arrives():
    _write(
        'db = "a.db"\nkey = "b.key"\nnetworks = "lists"\ncountry_db = "c.mmdb"\nbase_url = "https://t.example"\n'
        '[judging]\nrules = "my-rules.toml"\n'
        '[consent]\npolicy = "required"\npreset = "uk"\nopens = "company"\nclicks = "aggregate"\n'
        'without = "aggregate"\nmail_basis = "requested"\n[retention]\nevents_days = 30\n'
        '[sender]\nname = "N"\ncontroller = "C"\ncontact = "c@example.com"\n'
        '[notice]\ndpo = "D"\npolicy = "P"\nrecipients = ["R", "S"]\ntransfers = "T"\nauthority = "A"\n'
        '[pages]\nlanguage = "de"\nrights = "off"\n'
        '[serve]\nhost = "::1"\nport = 0\nspool_mb = 7\nreplay_limit = 5\nmetrics = "off"\nlog_format = "json"\n'
        'trusted_proxy = ["127.0.0.1", "2001:DB8::0:1"]\n'
        '[dashboard]\nlisten = "127.0.0.1:0"\nurl = "https://stats.example"\ntoken_file = "t"\n'
    )
    assert config.load(environment={}) == config.Settings(
        db=Path("a.db"),
        key=Path("b.key"),
        networks=Path("lists"),
        country_db=Path("c.mmdb"),
        base_url="https://t.example",
        consent="required",
        preset="uk",
        opens="company",
        clicks="aggregate",
        without="aggregate",
        mail_basis="requested",
        events_days=30,
        ip="none",
        ip_days=None,
        moment="exact",
        consent_years=3,
        sender="N",
        controller="C",
        contact="c@example.com",
        dpo="D",
        privacy_policy="P",
        data_recipients=("R", "S"),
        transfers="T",
        authority="A",
        language="de",
        own_rights=False,
        host="::1",
        port=0,
        spool_mb=7,
        replay_limit=5,
        metrics="off",
        log_format="json",
        trusted_proxies=frozenset({"127.0.0.1", "2001:db8::1"}),
        dashboard="127.0.0.1:0",
        dashboard_url="https://stats.example",
        dashboard_token=Path("t"),
        rules=Path("my-rules.toml"),
        config=Path("pixeltrack.toml"),
    )


def test_a_named_file_wins_over_the_one_in_the_folder():
    _write('base_url = "https://folder.example"')
    outside = {"PIXELTRACK_CONFIG": str(_write('base_url = "https://environment.example"', "e.toml"))}
    named = _write('base_url = "https://option.example"', "o.toml")
    assert config.load(environment=outside).base_url == "https://environment.example"
    assert config.load(named, environment=outside).base_url == "https://option.example"


def test_a_named_file_must_exist():
    with pytest.raises(InputError, match=r"no configuration file gone\.toml"):
        config.load(Path("gone.toml"), environment={})
    with pytest.raises(InputError, match=r"no configuration file gone\.toml"):
        config.load(environment={"PIXELTRACK_CONFIG": "gone.toml"})


def test_paths_in_the_file_are_relative_to_the_file_and_others_to_the_current_folder():
    named = _write('db = "data/t.db"\nkey = "/etc/t.key"\n[judging]\nrules = "r.toml"', "settings/p.toml")
    settings = config.load(named, environment={})
    assert settings.rules == Path("settings/r.toml")
    assert (settings.db, settings.key) == (Path("settings/data/t.db"), Path("/etc/t.key"))
    settings = config.load(named, {"db": "here.db"}, {"PIXELTRACK_KEY": "here.key"})
    assert (settings.db, settings.key) == (Path("here.db"), Path("here.key"))


def test_the_key_is_expected_beside_the_database():
    assert config.load(options={"db": "data/t.db"}, environment={}).key == Path("data/pixeltrack.key")


def test_a_byte_order_mark_before_the_file_is_no_fault():
    _write('\ufeffbase_url = "https://t.example"')
    assert config.load(environment={}).base_url == "https://t.example"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('databse = "x"', "databse"),
        ('[consent]\npolcy = "required"', "consent.polcy"),
        ('[serve.tls]\ncert = "x"', "serve.tls.cert"),
        ('consent = "required"', "consent"),
    ],
)
def test_an_unknown_key_is_refused_with_its_path(text: str, key: str):
    refused = _refused(text)
    assert refused.message == f"pixeltrack.toml: unknown key '{key}'"
    assert "consent.policy" in (refused.hint or "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("db = 1", "db is 1, expected text in quotes"),
        ("base_url = true", "base_url is True, expected text in quotes"),
        ('[serve]\nport = "8000"', "serve.port is '8000', expected a whole number"),
        ("[serve]\nport = true", "serve.port is True, expected a whole number"),
        ("[retention]\nevents_days = 1.5", "retention.events_days is 1.5, expected a whole number"),
        ("[serve]\nport = 65536", "serve.port is 65536, expected 0 to 65535"),
        ("[serve]\nport = -1", "serve.port is -1, expected 0 to 65535"),
        ("[retention]\nevents_days = 0", "retention.events_days is 0, expected 1 to 760"),
        ("[retention]\nevents_days = 761", "retention.events_days is 761, expected 1 to 760"),
        ("[retention]\nip_days = 31", "retention.ip_days is 31, expected 1 to 30"),
        ('[privacy]\nip = "truncated"', "privacy.ip is 'truncated', and nothing says for how long"),
        ('[privacy]\nip = "all"\n[retention]\nip_days = 3', "privacy.ip is 'all'"),
        ('[consent]\npolicy = "yes"', "consent.policy is 'yes'"),
        ('[serve]\nmetrics = "yes"', "serve.metrics is 'yes'"),
        ('[serve]\nlog_format = "xml"', "serve.log_format is 'xml'"),
        ("[serve]\nspool_mb = 0", "serve.spool_mb is 0, expected 1 to 1000000"),
        ("[serve]\nreplay_limit = 0", "serve.replay_limit is 0, expected 1 to 1000000"),
        (
            '[serve]\ntrusted_proxy = "::1"',
            "serve.trusted_proxy is '::1', expected a list such as [\"127.0.0.1\"]",
        ),
    ],
)
def test_a_wrong_value_is_refused_with_its_key(text: str, message: str):
    assert _refused(text).message == f"pixeltrack.toml: {message}"


def test_bad_toml_is_refused_with_its_line():
    assert "pixeltrack.toml is not valid TOML" in _refused('db = "x"\nkey =\n').message
    assert "line 2" in _refused('db = "x"\nkey =\n').message


def test_a_file_in_another_encoding_is_refused():
    Path("pixeltrack.toml").write_bytes(b'[sender]\nname = "Caf\xe9"\n')
    with pytest.raises(InputError, match=r"pixeltrack\.toml is not UTF-8 \(byte 20\)"):
        config.load(environment={})


@pytest.mark.parametrize("db", ["", ".", "/"])
def test_a_folder_is_no_database(db: str):
    with pytest.raises(InputError, match="is a folder"):
        config.load(options={"db": db}, environment={})


@pytest.mark.parametrize("proxy", ["", "*", "proxy.example", "10.0.0.0/8", "127.0.0.1:80", "127.1", 1])
def test_a_trusted_proxy_is_one_address(proxy: object):
    with pytest.raises(InputError, match=f"trusted proxy {re.escape(repr(proxy))} is no IP address"):
        config.load(options={"serve.trusted_proxy": [proxy]}, environment={})
