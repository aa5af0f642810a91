"""JSON that breaks off is told from JSON that is wrong, wherever it breaks off."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.formats.jsontext import NotJsonError, loads

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(VALUES, st.booleans(), st.data())
def test_a_document_is_cut_off_wherever_it_ends(
    value: object, ascii_only: bool, data: st.DataObject
) -> None:
    text = json.dumps({"data": [value]}, ensure_ascii=ascii_only)
    end = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(NotJsonError) as told:
        loads(text[:end])
    assert told.value.cut_off


@pytest.mark.parametrize("text", ["{'a': 1}", '{"a": nope}', "[1 2]", '{"a": NaN}', "[tru, 1]"])
def test_what_is_wrong_is_not_called_cut_off(text: str) -> None:
    with pytest.raises(NotJsonError) as told:
        loads(text)
    assert not told.value.cut_off
