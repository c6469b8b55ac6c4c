"""Network lists: whose an address is, as a slow and simple scan says it, and what the publishers' files become."""

from __future__ import annotations

import json
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path

import pytest
from command import run
from hypothesis import given, settings
from hypothesis import strategies as st

from pixeltrack.errors import InputError
from pixeltrack.networks import Networks, RangeList, read_lists
from pixeltrack.networks.address import packed
from pixeltrack.networks.lists import SHIPPED, Prefixes, read
from pixeltrack.networks.publishers import published
from pixeltrack.networks.update import Updated, update

TODAY = "2026-11-25"


def made(label: str, *networks: str) -> RangeList:
    """A list in memory."""
    parsed = [ip_network(each) for each in networks]
    v4, v6 = (
        Prefixes(
            tuple(int(each.network_address) for each in parsed if each.version == version),
            tuple(each.prefixlen for each in parsed if each.version == version),
        )
        for version in (4, 6)
    )
    return RangeList(label, "2026-11-01", "", "", Path(label), False, v4, v6)


def networks(*lists: RangeList) -> Networks:
    return Networks(lambda: lists)


# -- looking up -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "label"),
    [
        ("66.249.88.2", "google"),  # the image proxy of Gmail
        ("::ffff:66.249.88.2", "google"),
        ("74.125.210.5", "google"),
        ("2a00:1450:4864:20::1", "google"),
        ("104.28.30.1", "apple-relay"),
        ("2a02:26f7:c000::1", "apple-relay"),
        ("17.58.1.1", "apple"),
        ("40.93.1.1", "ms-eop"),  # Azure lists it too, in a smaller range
        ("104.47.1.1", "ms-eop"),
        ("52.96.1.1", "microsoft"),
        ("2a01:111:f403::5", "ms-eop"),
        ("148.163.148.1", "proofpoint"),
        ("91.220.42.10", "mimecast"),
        ("209.222.82.9", "barracuda-egd"),
        ("18.184.203.230", "barracuda-egd"),  # within AWS
        ("68.232.129.1", "cisco-email"),
        ("98.137.65.1", "yahoo"),
        ("3.5.140.1", "aws"),
        ("13.64.1.1", "azure"),
        ("34.80.1.1", "gcp"),
        ("104.16.1.1", "cloudflare"),
        ("192.0.2.1", ""),
        ("127.0.0.1", ""),
        ("10.1.2.3", ""),
        ("2001:db8::1", ""),
        ("0.0.0.0", ""),
        ("255.255.255.255", ""),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""),
        ("66.249.88", ""),
        ("66.249.88.2:80", ""),
        ("\x00", ""),
        ("é", ""),
        ("", ""),
    ],
)
def test_the_shipped_lists_know_who_is_who(address: str, label: str) -> None:
    name = Networks.of(None).label(address)
    assert name.partition("/")[0] == label
    assert not name or name == next(each.name for each in read_lists(None) if each.label == label)


def test_shipped_lists_are_in_order_small_and_say_where_they_come_from() -> None:
    paths = sorted(SHIPPED.glob("*.txt"))
    assert sum(path.stat().st_size for path in paths) < 300_000
    for path in paths:
        found = read(path)
        lines = path.read_text("ascii").splitlines()
        prefixes = [ip_network(line) for line in lines if line and not line.startswith("#")]
        assert prefixes == sorted(prefixes, key=lambda each: (each.version, each))
        assert len(prefixes) == found.ranges
        assert found.source.startswith("https://")
        assert found.covers
        assert lines[4].startswith("# made: ")


V4 = st.builds(
    lambda value, length: IPv4Network((value >> 32 - length << 32 - length, length)),
    st.integers(0, 2**32 - 1),
    st.integers(8, 32),
)
V6 = st.builds(
    lambda value, length: IPv6Network((value >> 128 - length << 128 - length, length)),
    st.one_of(st.integers(0x2000 << 112, 2**128 - 1), st.integers(0xFFFF << 112, (0xFFFF << 112) + 300)),
    st.integers(16, 128),
)


@settings(deadline=None, max_examples=300)
@given(
    lists=st.lists(st.sets(st.one_of(V4, V6), max_size=12), min_size=1, max_size=4),
    others=st.lists(st.integers(0, 2**32 - 1)),
)
def test_the_table_says_what_a_scan_says(
    lists: list[set[IPv4Network | IPv6Network]], others: list[int]
) -> None:
    given_lists = [made(f"list{place}", *map(str, each)) for place, each in enumerate(lists)]
    found = networks(*given_lists)
    asked = {ip_address(other) for other in others}
    for each in set().union(*lists):
        start, end = int(each.network_address), int(each.broadcast_address)
        kind = type(each.network_address)
        edges = {max(0, start - 1), start, (start + end) // 2, end, min(end + 1, 2**each.max_prefixlen - 1)}
        asked |= {kind(edge) for edge in edges}
    covered = [
        {version: sum(each.num_addresses for each in one if each.version == version) for version in (4, 6)}
        for one in lists
    ]
    for address in asked:
        if address.version == 6 and address.ipv4_mapped:
            continue  # is looked up as IPv4
        holding = [place for place, one in enumerate(lists) if any(address in each for each in one)]
        least = min((covered[place][address.version] for place in holding), default=0)
        allowed = {f"list{place}/2026-11-01" for place in holding if covered[place][address.version] == least}
        assert found.label(str(address)) in (allowed or {""})


def test_the_list_that_covers_less_has_what_two_lists_have() -> None:
    found = networks(
        made("filter", "192.0.0.0/16", "2001:db8::/32"),
        made("cloud", "192.0.0.0/24", "192.0.255.0/24", "198.0.0.0/8", "2001:db8:1::/48", "2600::/16"),
    )
    for address in ("192.0.0.1", "192.0.1.1", "192.0.255.255", "2001:db8:1::1"):
        assert found.label(address) == "filter/2026-11-01"
    assert found.label("192.1.0.0") == ""
    assert found.label("198.255.255.255") == "cloud/2026-11-01"


def test_an_address_is_the_same_however_it_came() -> None:
    assert packed("::ffff:192.0.2.1") == packed("192.0.2.1") == bytes([192, 0, 2, 1])
    assert packed("2001:DB8::1%eth0") == packed("2001:db8:0::1")


def test_many_ranges_in_one_network_of_ipv6() -> None:
    every_other = [f"2001:db8::{number:x}/128" for number in range(0, 4_000, 2)]
    found = networks(made("odd", *every_other))
    assert found.label("2001:db8::0f9e") == "odd/2026-11-01"
    assert found.label("2001:db8::0f9d") == ""
    assert found.label("2001:db8:0:1::") == ""


# -- the user's folder ----------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "pixeltrack.networks"


def take(
    folder: Path, text: str, name: str = "file.txt", label: str = "", day: str = "", force: bool = False
) -> list[Updated]:
    return update([(name, text)], folder, label=label, day=day, force=force, today=TODAY)


PUBLISHED = {
    "egress-ip-ranges.csv": "172.224.226.0/27,GB,GB-EN,London,\n2a02:26f7:c000::/64,US,US-CA,Cupertino,\n",
    "ip-ranges.json": json.dumps(
        {
            "syncToken": "1",
            "createDate": "2026-11-03-20-11-00",
            "prefixes": [{"ip_prefix": "3.5.140.0/22", "region": "x", "service": "EC2"}],
            "ipv6_prefixes": [{"ipv6_prefix": "2600:1f00:1000::/40", "service": "EC2"}],
        }
    ),
    "goog.json": json.dumps(
        {
            "syncToken": "1",
            "creationTime": "2026-11-04T07:00:00",
            "prefixes": [{"ipv4Prefix": "8.8.8.0/24"}, {"ipv6Prefix": "2001:4860::/32"}],
        }
    ),
    "cloud.json": json.dumps(
        {
            "syncToken": "1",
            "creationTime": "2026-11-05T07:00:00",
            "prefixes": [
                {"ipv4Prefix": "34.1.208.0/20", "service": "Google Cloud", "scope": "africa-south1"},
                {"ipv6Prefix": "2600:1900:8000::/44", "service": "Google Cloud", "scope": "x"},
            ],
        }
    ),
    "spf.txt": '_netblocks.google.com. 60 IN TXT "v=spf1 ip4:66.102.0.0/20 ip4:66.249.80.0/20'
    ' ip6:2404:6800:4000::/36 ~all"\n',
    "ServiceTags_Public_20261102.json": json.dumps(
        {
            "changeNumber": 1,
            "cloud": "Public",
            "values": [
                {"name": "ActionGroup", "properties": {"addressPrefixes": ["192.0.2.0/24"]}},
                {
                    "name": "AzureCloud",
                    "properties": {"addressPrefixes": ["13.64.0.0/16", "2603:1000::/40"]},
                },
            ],
        }
    ),
    "worldwide.json": json.dumps(
        [
            {"id": 1, "serviceArea": "Exchange", "ips": ["13.107.6.152/31"]},
            {"id": 9, "serviceArea": "Exchange", "ips": ["40.92.0.0/15", "2a01:111:f403::/48"]},
            {"id": 10, "serviceArea": "Exchange", "ips": ["40.92.0.0/15", "104.47.0.0/17"]},
            {"id": 56, "serviceArea": "Common", "urls": ["*.auth.example"]},
        ]
    ),
    "public_ip_ranges.json": json.dumps(
        {
            "last_updated_timestamp": "2026-11-06T09:58:36.617379",
            "regions": [{"region": "x", "cidrs": [{"cidr": "129.146.0.0/21", "tags": ["OCI"]}]}],
        }
    ),
    "cloudflare.json": json.dumps(
        {
            "result": {"ipv4_cidrs": ["104.16.0.0/13"], "ipv6_cidrs": ["2606:4700::/32"]},
            "success": True,
        }
    ),
    "google.csv": "104.131.0.0/18,US,US-NY,New York,10011\n2604:a880:0:1010::/64,US,US-NY,New York,10011\n",
}


@pytest.mark.parametrize(
    ("name", "label", "day", "ranges"),
    [
        ("egress-ip-ranges.csv", "apple-relay", TODAY, 2),
        ("ip-ranges.json", "aws", "2026-11-03", 2),
        ("goog.json", "google", "2026-11-04", 2),
        ("cloud.json", "gcp", "2026-11-05", 2),
        ("spf.txt", "google", TODAY, 3),
        ("ServiceTags_Public_20261102.json", "azure", "2026-11-02", 2),
        ("worldwide.json", "ms-eop", TODAY, 3),
        ("public_ip_ranges.json", "oracle", "2026-11-06", 1),
        ("cloudflare.json", "cloudflare", TODAY, 2),
        ("google.csv", "digitalocean", TODAY, 2),
    ],
)
def test_publishers_files_are_known_by_what_is_in_them(
    name: str, label: str, day: str, ranges: int, folder: Path
) -> None:
    (done,) = take(folder, PUBLISHED[name], name=name, force=True)
    assert (done.label, done.date, done.ranges) == (label, day, ranges)
    found = read(folder / f"{label}.txt")
    assert (found.name, found.ranges) == (f"{label}/{day}", ranges)
    assert {each.label for each in read_lists(folder)} == {each.label for each in read_lists(None)}
    again = take(folder, PUBLISHED[name], name=name)
    assert [each.changed for each in again] == [False]


def test_a_users_list_stands_in_for_the_shipped_one(folder: Path) -> None:
    take(folder, "192.0.2.0/24\n198.51.100.7\n", label="google", day="2026-11-20", force=True)
    found = Networks.of(folder)
    assert found.label("192.0.2.9") == found.label("198.51.100.7") == "google/2026-11-20"
    assert found.label("66.249.88.2") == ""
    assert found.label("17.1.1.1").startswith("apple/")


def test_a_list_of_ones_own(folder: Path) -> None:
    text = (
        "first,last\n192.0.2.0,192.0.2.127\n192.0.2.128 - 192.0.2.255 # the rest\n"
        "; a remark\n2001:db8::-2001:db8::ff\n'198.51.100.0/24'\tour office\n"
    )
    (done,) = take(folder, text, label="our-office", name="office-20261101.csv")
    assert (done.date, done.before) == ("2026-11-01", None)
    lines = (folder / "our-office.txt").read_text().splitlines()
    assert lines[-3:] == ["192.0.2.0/24", "198.51.100.0/24", "2001:db8::/120"]


def test_files_of_one_label_are_one_list(folder: Path) -> None:
    files = [("ips-v4.txt", "192.0.2.0/25\n192.0.2.128/25\n"), ("ips-v6.txt", "2001:db8::/32\n")]
    (done,) = update(files, folder, label="edge", day="", force=False, today=TODAY)
    assert done.ranges == 2


def test_a_shipped_list_can_be_given_back(folder: Path) -> None:
    for path in SHIPPED.glob("*.txt"):
        (done,) = take(folder, path.read_text(), name=str(path))
        assert done.label == path.stem
        assert read(folder / path.name).ranges == read(path).ranges
    assert Networks.of(folder).label("40.93.1.1") == "ms-eop/2026-08-14"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("192.0.2.0/24\n192.0.2.1/24\n", "line 2: '192.0.2.1/24' is no network"),
        ("192.0.2.0/24\nsomething\n", "line 2: 'something' is no network"),
        ("192.0.2.9-192.0.2.1\n", "line 1: '192.0.2.9 to 192.0.2.1' is no network"),
        ("192.0.2.9-2001:db8::1\n", "is no network"),
        ("0.0.0.0/0\n", "line 1: 0.0.0.0/0 is larger than what anybody has"),
        ("::/0\n", "larger than what anybody has"),
        ("::ffff:192.0.2.0/120\n", "write it as IPv4"),
        ("", "has no network in it"),
        ("# nothing\n", "has no network in it"),
        ("192.0.2.0/24\n", "does not say whose networks these are"),
        ("{", "is not valid JSON"),
        ("{}", "is JSON of a kind that is not known"),
        ("[]", "lacks endpoint sets 9 and 10"),
        ("[1]", "not of Microsoft 365 endpoints"),
        ('{"syncToken": 1, "prefixes": 1}', "is not as its publisher writes it"),
        ('{"values": []}', "has no service tag AzureCloud"),
        ('{"result": {"ipv4_cidrs": ["x"], "ipv6_cidrs": []}}', "result[0]: 'x' is no network"),
        (
            PUBLISHED["ip-ranges.json"].replace("3.5.140.0/22", "3.5.141.0/22"),
            "prefixes[0].ip_prefix: '3.5.141",
        ),
        (PUBLISHED["goog.json"].replace("ipv4Prefix", "prefix"), "prefixes[0]: 'None' is no network"),
        (PUBLISHED["goog.json"], "the new list of google has 256 addresses"),  # was cut off
    ],
)
def test_what_is_wrong_is_refused_before_anything_changes(text: str, said: str, folder: Path) -> None:
    good = ("other.txt", "# label: aaa\n192.0.2.0/24\n")
    with pytest.raises(InputError) as refused:
        update([good, ("file.txt", text)], folder, label="", day="", force=False, today=TODAY)
    assert said in refused.value.message
    assert not folder.exists()


ODD = st.recursive(
    st.one_of(st.none(), st.integers(), st.sampled_from(["192.0.2.0/24", "x", ""]), st.booleans()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                [
                    *("syncToken", "values", "regions", "result", "prefixes", "ipv6_prefixes", "ip_prefix"),
                    *("createDate", "creationTime", "ipv4Prefix", "name", "properties", "addressPrefixes"),
                    *("cidrs", "cidr", "ipv4_cidrs", "ipv6_cidrs", "serviceArea", "id", "ips"),
                ]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=300)
@given(text=st.one_of(ODD.map(json.dumps), st.text(max_size=60), st.text("0123456789./:-, #\n", max_size=60)))
def test_a_file_is_understood_or_refused_in_words(text: str) -> None:
    try:
        found = published("file", text)
    except InputError as refused:
        assert refused.message.startswith("file ")
    else:
        assert all(each.prefixlen >= 8 for each in found.networks)


def test_a_list_that_has_lost_its_ipv6_is_refused_without_force(folder: Path) -> None:
    take(folder, "192.0.2.0/24\n2001:db8::/32\n", label="mine")
    with pytest.raises(InputError, match="has 0 IPv6 blocks, that of 2026-11-25 has 1"):
        take(folder, "192.0.2.0/24\n", label="mine")
    assert take(folder, "192.0.2.0/24\n", label="mine", force=True)[0].changed
    assert take(folder, "", label="mine", force=True)[0].ranges == 0
    assert Networks.of(folder).label("192.0.2.1") == ""


def test_an_interrupted_update_leaves_the_old_list(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    take(folder, "192.0.2.0/24\n", label="mine")

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fails)
    with pytest.raises(Exception, match="No space left"):
        take(folder, "192.0.2.0/24\n198.51.100.0/24\n", label="mine")
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]
    assert Networks.of(folder).label("192.0.2.1") == "mine/2026-11-25"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "# label: mine\n# date: 2026-11-01\n\n192.0.2.0/24\n192.0.2.1/24\n",
            "line 5 is no prefix: '192.0.2.1/24'",
        ),
        (
            "# label: mine\n# date: 2026-11-01\n\n192.0.2.0/24\n0.0.0.0/0\n",
            "line 5 is no prefix: '0.0.0.0/0'",
        ),
        ("# label: mine\n# date: 2026-11-01\n\n192.0.2.0/24\n192.0.2\n", "line 5 is no prefix: '192.0.2'"),
        ("# label: mine\n# date: 2026-11-01\n\n2001:db8::/32\n192.0.2.0/24\n", "line 5 is IPv4 behind IPv6"),
        ("# label: mine\n# date: 2026-11-01\n\n192.0.2.0/24\n198.51.100.0/24", "cut off"),
        ("# label: mine\n# date: yesterday\n\n192.0.2.0/24\n", "the date is 'yesterday'"),
        ("# label: yours\n# date: 2026-11-01\n\n192.0.2.0/24\n", "is the list of 'yours', not of 'mine'"),
        ("192.0.2.0/24\n", "is the list of None"),
        ("é", "cannot read"),
    ],
)
def test_a_list_edited_by_hand_is_read_whole_or_not_at_all(text: str, said: str, folder: Path) -> None:
    folder.mkdir()
    (folder / "mine.txt").write_text(text)
    with pytest.raises(InputError) as refused:
        Networks.of(folder).load()
    assert said in refused.value.message


# -- the command ----------------------------------------------------------------------------------------


def test_by_command(tmp_path: Path) -> None:
    (tmp_path / "egress.csv").write_text("192.0.2.0/24,US,US-CA,Somewhere,\n")
    told = run(
        tmp_path, "networks", "update", "--from", "egress.csv", "--label", "mine", "--date", "2026-11-02"
    )
    assert (told.code, told.err) == (0, "mine, 2026-11-02: 1 ranges (new)\n")
    again = run(
        tmp_path, "networks", "update", "--from", "egress.csv", "--label", "mine", "--date", "2026-11-02"
    )
    assert (again.code, again.err) == (0, "mine, 2026-11-02: as it is already\n")
    found = run(tmp_path, "networks", "lookup", "192.0.2.1", "198.51.100.1", "::ffff:192.0.2.1")
    assert found.out == "192.0.2.1\tmine/2026-11-02\n198.51.100.1\t–\n::ffff:192.0.2.1\tmine/2026-11-02\n"
    shown = json.loads(run(tmp_path, "networks", "--json").out)
    (mine,) = (each for each in shown if each["label"] == "mine")
    assert (mine["date"], mine["ranges"], mine["shipped"]) == ("2026-11-02", 1, False)
    assert len(shown) == len(read_lists(None)) + 1
    table = run(tmp_path, "networks", COLUMNS="120").out
    assert "mine" in table
    assert "apple-relay" in table
    assert "1 of your own" in table


def test_the_folder_is_beside_the_database_or_where_the_settings_say(tmp_path: Path) -> None:
    (tmp_path / "l.txt").write_text("192.0.2.0/24\n")
    (tmp_path / "db").mkdir()
    update_ = ("networks", "update", "--from", "l.txt", "--label", "mine")
    assert run(tmp_path, *update_, "--db", "db/x.db").code == 0
    assert (tmp_path / "db" / "pixeltrack.networks" / "mine.txt").is_file()
    (tmp_path / "pixeltrack.toml").write_text('networks = "lists"\n')
    assert run(tmp_path, *update_).code == 0
    assert (tmp_path / "lists" / "mine.txt").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("lookup", "example.com"), "'example.com' is no IP address"),
        (("update", "--from", "missing.txt"), "cannot read missing.txt: No such file"),
        (("update", "--from", "."), "cannot read .: Is a directory"),
        (("update", "--from", "l.bin"), "l.bin is not text (byte 0)"),
        (("update", "--from", "l.txt", "--label", "No Good"), "label 'No Good' is none"),
        (("update",), "Missing option '--from'"),
    ],
)
def test_wrong_use(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    (tmp_path / "l.txt").write_text("192.0.2.0/24\n")
    (tmp_path / "l.bin").write_bytes(b"\xff\xfe")
    told = run(tmp_path, "networks", *arguments)
    assert told.code == 2
    assert said in told.err
