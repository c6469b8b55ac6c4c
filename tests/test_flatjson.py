"""JSON of flat objects is what the standard library writes."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from pixeltrack.flatjson import flat, flat_sorted


@given(st.dictionaries(st.text(), st.text()))
def test_a_flat_object_is_written_as_the_standard_library_does(fields: dict[str, str]) -> None:
    assert flat(fields) == json.dumps(fields, ensure_ascii=False)
    assert flat_sorted(fields) == json.dumps(fields, ensure_ascii=False, sort_keys=True)
