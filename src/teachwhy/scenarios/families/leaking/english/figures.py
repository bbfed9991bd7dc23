"""Text with its figures in one spelling, so that a closed number is found however it was written.

`plain_text` takes what hides letters out and gives numbers one form; `in_figures` besides reads English
numerals ("eleven thousand four hundred and eighty-six", "eleven four eighty-six"), thousands as a word or a
letter ("11k486"), and numbers given digit by digit ("one one four eight six", "1 1 4 8 6"). Sums that are
left to the reader ("12,000 less 514") and numerals in other languages are not read.
"""

from __future__ import annotations

import re
from unicodedata import decimal

from teachwhy.visible_text import strip_invisible

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
)
_VALUES = {word: number for number, word in enumerate([*_UNITS.split(), "seventeen", "eighteen", "nineteen"])}
_TENS = "ten twenty thirty forty fifty sixty seventy eighty ninety"
_VALUES |= {word: 10 * number for number, word in enumerate(_TENS.split(), 1)}
_VALUES |= {"oh": 0, "nought": 0, "fourty": 40}
_SCALES = {"hundred": 100, "thousand": 1000, "k": 1000, "grand": 1000, "million": 10**6}
_POINTS = ("point", "dot")
_FRACTIONS = {"¼": ".25", "½": ".5", "¾": ".75"}
_AND_PARTS = {"half": "point five", "quarter": "point two five", "three quarters": "point seven five"}
_WORDS = "|".join(sorted([*_VALUES, *_SCALES, *_POINTS], key=len, reverse=True))
_NUMERAL = rf"(?:(?<![a-z])(?:{_WORDS})(?![a-z])|(?<![\d.])\d{{1,12}}(?:\.\d{{1,12}})?(?!\d))"
_RUN = re.compile(rf"(?<![\w.]){_NUMERAL}(?:[ ,;/·–—-]{{0,3}}(?:and )?{_NUMERAL}){{0,20}}(?!\w)")
_PIECE = re.compile(r"\d+(?:\.\d+)?|[a-z]+")
_MOST_DIGITS = 2
"""Of the groups in which a number is given bit by bit."""
_FEWEST_GROUPS = 3
_MEASURES = (
    (re.compile(r"\bnewtons? per millimet(?:re|er)\b"), "n/mm"),
    (re.compile(r"\bmillimet(?:re|er)s?\b"), "mm"),
    (re.compile(r"\bmillilit(?:re|er)s?\b"), "ml"),
    (re.compile(r"\bcentistokes?\b"), "cst"),
    (re.compile(r"(?<=\d) ?(?:°|deg\b)"), " degrees"),
)


def plain_text(text: str) -> str:
    """Lower case, single spaces, nothing invisible, numbers without thousands marks and with a point."""
    for sign, decimals in _FRACTIONS.items():
        text = re.sub(rf"(?<=\d) ?{sign}", decimals, text)
    low = " ".join(strip_invisible(text).lower().split())
    low = re.sub(r"[^\D0-9]", lambda digit: str(decimal(digit[0])), low)
    low = re.sub(r"(?<!\d)\d(?:[,.] ?\d){3,}(?!\d)", lambda hit: re.sub(r"\D", "", hit[0]), low)
    low = re.sub(r"(?<=\d)\.(?=\d{3},\d)", "", low)
    low = re.sub(r"(?<=\d)[,'’ ](?=\d{3}(?!\d))", "", low)
    low = re.sub(r"(?<=\d),(?=\d{1,2}(?!\d))", ".", low)
    low = re.sub(r"(?<=\d)(?=[^\W\d_])", " ", low)
    for pattern, measure in _MEASURES:
        low = pattern.sub(measure, low)
    return low


def in_figures(plain: str) -> str:
    """A plain text with its numerals as figures."""
    for words, decimals in _AND_PARTS.items():
        plain = re.sub(rf"\band (?:a )?{words}\b", decimals, plain)
    return re.sub(r"(?<=\d)(?=[^\W\d_])", " ", _RUN.sub(_read_run, plain))


def _read_run(hit: re.Match[str]) -> str:
    """The number that a run of numerals says; figures that are no number together stay as they are."""
    pieces = [piece for piece in _PIECE.findall(hit[0]) if piece != "and"]
    if all(piece in _POINTS for piece in pieces):
        return hit[0]
    if any(piece.isalpha() for piece in pieces):
        return _read_numerals(pieces)
    whole, point, decimals = pieces[-1].partition(".")
    groups = [*pieces[:-1], whole]
    if len(groups) < _FEWEST_GROUPS or any(len(group) > _MOST_DIGITS for group in groups):
        return hit[0]
    return f"{''.join(groups)}{point}{decimals}"


def _read_numerals(pieces: list[str]) -> str:
    """Numerals as one number: scales multiply, tens and hundreds take what follows, the rest is said in
    groups ("eleven four eighty-six")."""
    total, group, last, decimals = 0.0, "", "", None
    for piece in pieces:
        if piece in _POINTS:
            decimals = ""
        elif piece in _SCALES:
            amount = float(f"{group or (0 if decimals else 1)}.{decimals or 0}") * _SCALES[piece]
            group, decimals = "", None
            if piece == "hundred":
                group = f"{amount:.0f}"
            else:
                total += amount
        else:
            value = str(_VALUES.get(piece, piece))
            if decimals is None and "." in value:
                value, decimals = value.split(".")
                group = _append(group, value, last)
            elif decimals is None:
                group = _append(group, value, last)
            else:
                decimals = _append(decimals, value.replace(".", ""), last)
        last = piece
    number = f"{total + float(group or 0):.0f}"
    return f"{number}.{decimals}" if decimals else number


def _append(group: str, value: str, last: str) -> str:
    """The digits of a group with the next numeral added to them or put behind them."""
    takes = 100 if last == "hundred" else 10 if _VALUES.get(last, 0) >= 20 else 0
    if group and takes and 0 < float(value) < takes:
        return str(int(group) + int(float(value)))
    return group + value
