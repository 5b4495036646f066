"""Foreign text is made safe; numbers and durations read well at their edges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from orchestrator.cli.terminal import text


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0.00 s"),
        (-1, "0.00 s"),
        (9.994, "9.99 s"),
        (9.996, "10.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1m 00s"),
        (3599.4, "59m 59s"),
        (3599.6, "1h 00m"),
        (90061, "1d 01h"),
    ],
)
def test_duration(seconds: float, said: str) -> None:
    assert text.duration(seconds) == said


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;a title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("right\u202eleft", "rightleft"),
        ("half \ud800 of a pair", "half  of a pair"),
        ("a\x08\x00b", "ab"),
        ("\x1b[", ""),
    ],
)
def test_clean(raw: str, clean: str) -> None:
    assert text.clean(raw) == clean


@given(st.text(), st.integers(min_value=0, max_value=60))
def test_shortened_text_fits(raw: str, width: int) -> None:
    shown = text.one_line(raw)
    assert cell_len(text.shorten(shown, width)) <= max(width, 0)


@given(st.text())
def test_cleaned_text_has_no_control_characters_and_can_be_encoded(raw: str) -> None:
    shown = text.clean(raw)
    assert not [c for c in shown if (ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160]
    shown.encode("utf-8")
    assert text.clean(shown) == shown
