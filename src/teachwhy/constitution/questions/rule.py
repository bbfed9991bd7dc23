"""What the words of an answer decide.

A rule looks for beginnings of words, whatever their case: "convinc" finds "convinced". It knows no negation
beyond what a question's `never` holds, so that it is for questions whose right answer has words of its own.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from teachwhy.constitution.questions.records import AnswerVerdict, Question
from teachwhy.visible_text import strip_invisible


def judge_by_rule(question: Question, answer: str) -> AnswerVerdict:
    """The verdict on an answer without its thoughts: right where it holds all of `must` and none of `never`,
    wrong where it holds one of `never` and not all of `must`, else missing: what says both has not answered.
    """
    text = _plain(answer)
    is_right = all(_finder(words).search(text) for words in question.must)
    is_wrong = any(_finder(words).search(text) for words in question.never)
    if is_right == is_wrong:
        return "missing"
    return "right" if is_right else "wrong"


@cache
def _finder(words: str) -> re.Pattern[str]:
    alternatives = (r"\s+".join(map(re.escape, part.split())) for part in _plain(words).split("|"))
    return re.compile(rf"(?<!\w)(?:{'|'.join(alternatives)})")


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", strip_invisible(text)).replace("’", "'").casefold()
