"""Writes small files in MaxMind's format, as its specification says it (version 2.0, records of 24 bits)."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path

Value = str | int | list["Value"] | dict[str, "Value"]
Tree = list["Tree | int | None"]  # two branches; a leaf is the number of a record

_STRING, _UINT16, _UINT32, _MAP, _UINT64, _ARRAY = 2, 5, 6, 7, 9, 11


def _head(sort: int, size: int) -> bytes:
    """The control byte of a value, which says its type and size; the types from 8 on take another one."""
    more = bytes([size - 29]) if size >= 29 else b""
    first = (sort if sort <= 7 else 0) << 5 | min(size, 29)
    return bytes([first]) + (bytes([sort - 7]) if sort > 7 else b"") + more


def _packed(value: Value, sort: int = _UINT32) -> bytes:
    if isinstance(value, str):
        return _head(_STRING, len(value.encode())) + value.encode()
    if isinstance(value, int):
        raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
        return _head(sort, len(raw)) + raw
    if isinstance(value, list):
        return _head(_ARRAY, len(value)) + b"".join(map(_packed, value))
    sorts = {"build_epoch": _UINT64, "ip_version": _UINT16, "record_size": _UINT16}
    sorts |= {"binary_format_major_version": _UINT16, "binary_format_minor_version": _UINT16}
    pairs = (_packed(key) + _packed(each, sorts.get(key, _UINT32)) for key, each in value.items())
    return _head(_MAP, len(value)) + b"".join(pairs)


def write_mmdb(path: Path, records: Mapping[str, Value], *, version: int = 6, sort: str = "Country") -> Path:
    """Write a file with a record for each network, none of which is in another; return its path."""
    tree: Tree = [None, None]
    data = b""
    for network, record in records.items():
        parsed = ip_network(network)
        bits = f"{int(parsed.network_address):0{parsed.max_prefixlen}b}"[: parsed.prefixlen]
        if version == 6 and parsed.version == 4:
            bits = "0" * 96 + bits
        node = tree
        for bit in map(int, bits[:-1]):
            if not isinstance(node[bit], list):
                node[bit] = [None, None]
            below = node[bit]
            assert isinstance(below, list)
            node = below
        node[int(bits[-1])] = len(data)
        data += _packed(record)
    nodes = [tree]
    for node in nodes:  # grows while it is gone through
        nodes += [branch for branch in node if isinstance(branch, list)]
    numbers = {id(node): number for number, node in enumerate(nodes)}

    def pointer(branch: Tree | int | None) -> bytes:
        if isinstance(branch, list):
            number = numbers[id(branch)]
        else:
            number = len(nodes) if branch is None else len(nodes) + 16 + branch
        return number.to_bytes(3, "big")

    about: dict[str, Value] = {
        "node_count": len(nodes),
        "record_size": 24,
        "ip_version": version,
        "database_type": sort,
        "languages": ["en"],
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "build_epoch": 1_795_000_000,
        "description": {"en": "a test"},
    }
    search = b"".join(pointer(branch) for node in nodes for branch in node)
    path.write_bytes(search + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + _packed(about))
    return path
