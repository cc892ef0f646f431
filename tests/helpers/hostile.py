"""Names that people and machines give, and that a page must show as text."""

from __future__ import annotations

HOSTILE = (
    "<script>window.broken = 1</script>",
    '<img src=x onerror="window.broken = 2">',
    "=cmd|' /C calc'!A0",
    "=1+1",
    "\u202egnp.exe\u202c and \u200fright to left\u200e",
    "x" * 300,
    "emoji \U0001f600 \U0001f469\u200d\U0001f4bb",
    'commas, "quotes" and \'more\'',
    "javascript:alert(1)",
    "{{7*7}} ${7*7} $x^2$ \\(y\\)",
    "漢字 and ünïcödé",
    "line\nbreak\tand tab",
    "</textarea></style></script>&amp;&lt;",
)
