"""What the words of an answer decide.

A rule looks for beginnings of words, whatever their case: "convinc" finds "convinced". Of negation it knows
only that what stands right behind "not", "no", "never" or "n't" is not said. So it is for questions whose
right answer has words of its own. An answer that repeats the question gets nothing for that.
"""

from __future__ import annotations

import re
from functools import cache

from teachwhy.constitution.questions.records import AnswerVerdict, Question
from teachwhy.visible_text import strip_invisible

_NOT_SAID = r"(?<!\bnot )(?<!\bno )(?<!\bnever )(?<!n't )"


def judge_by_rule(question: Question, answer: str, asked: str = "") -> AnswerVerdict:
    """The verdict on an answer without its thoughts: right where it holds all of `must` and none of `never`,
    wrong where it holds one of `never` and not all of `must`, else missing: what says both has not answered.

    `asked`: the wording that was answered; where the answer repeats it whole, that does not count.
    """
    text = _plain(answer)
    if asked:
        text = text.replace(_plain(asked), " ")
    is_right = all(_finder(words, "").search(text) for words in question.must)
    is_wrong = any(_finder(words, _NOT_SAID).search(text) for words in question.never)
    if is_right == is_wrong:
        return "missing"
    return "right" if is_right else "wrong"


@cache
def _finder(words: str, before: str) -> re.Pattern[str]:
    alternatives = (re.escape(_plain(part)) for part in words.split("|"))
    return re.compile(rf"(?<!\w){before}(?:{'|'.join(alternatives)})")


def _plain(text: str) -> str:
    return " ".join(strip_invisible(text).replace("’", "'").casefold().split())
