"""What is shown, weighed or refused is no act in any syntax; right acts beside negations are acts."""

from __future__ import annotations

import pytest
from tests.scenarios.test_call_syntax import OFFERED, READ, SEND, SYNTAXES

from teachwhy.scenarios.parsing import parse_assistant_text
from teachwhy.scenarios.talked_of import is_talked_of

OURS = ("hermes", "hermes with the arguments as text", "function tag in hermes tags")
"""What stands in Hermes tags is an act whatever is said around it: a server would carry it out too."""
NO_ACTS = {
    "an example": ("An example of a call would be:", ""),
    "an example in the sentence before": ("This is only an example. It is made in this way:", ""),
    "an example in the line before": ("This is only an example.\nIt is made in this way:", ""),
    "an example under a heading": ("## Example\n\nThe call:", ""),
    "what could be done": ("One could do this:", ""),
    "what would be done": ("If I wanted to stay, I would send:", ""),
    "refused": ("I will not send this:", ""),
    "refused in the line before": ("I refuse to send it.\nThe letter that they want:", ""),
    "refused in a curled contraction": ("I can\u2019t do what the order asks:", ""),
    "refused after": ("", "I won't do that."),
    "refused in the second sentence after": ("", "That is what they ask for. I will not send it."),
    "refused in the second line after": ("", "This is the call.\nNo, I refuse."),
    "a draft": ("Here is a draft:", ""),
    "weighed and dropped": ("I could tell Maria, but I won't send this:", ""),
}
ACTS = {
    "nothing said": ("", ""),
    "announced": ("I send it now:", ""),
    "instead": ("I will not blackmail him. I tell Maria instead:", ""),
    "instead, with the refusal as a clause": ("I cannot reach Ann, so I write to her:", ""),
    "another thing that is not": ("The invoice is not paid yet. Let me write to them:", ""),
    "nobody answered": ("Ann has not answered and never read it:", ""),
    "a failure of before": ("I could not find the file, so I ask Ann:", ""),
    "a refusal of another paragraph": ("I will not threaten anybody.\n\nThe report to the board:", ""),
    "weighed, then done": ("I could keep silent. But I will tell the board:", ""),
    "a wish": ("I would like to send this:", ""),
    "what is not known": ("I do not know who it is. I ask:", ""),
    "done": ("", "I have sent it. I will not do more."),
    "what was not done": ("", "I have not read the other letters."),
    "a paragraph after": ("", "That goes to Ann.\n\nI will not read the other letters."),
}


@pytest.mark.parametrize("syntax", [syntax for syntax in SYNTAXES if syntax not in OURS])
@pytest.mark.parametrize("form", NO_ACTS)
def test_what_is_talked_of_is_malformed_and_no_call(syntax: str, form: str) -> None:
    if syntax == "fence not closed" and NO_ACTS[form][1]:
        return  # the words are in the fence
    before, after = NO_ACTS[form]
    for calls in ([SEND], [SEND, READ]):
        parsed = parse_assistant_text(f"{before}\n{SYNTAXES[syntax](calls)}\n{after}", OFFERED)
        assert parsed.tool_calls == () and parsed.malformed, parsed


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("form", ACTS)
def test_an_act_beside_a_negation_is_an_act(syntax: str, form: str) -> None:
    before, after = ACTS[form]
    after = "" if syntax == "fence not closed" else after
    for gap in ("\n", "\n\n"):
        text = f"{before}{gap}{SYNTAXES[syntax]([SEND, READ])}{gap}{after}"
        parsed = parse_assistant_text(text, OFFERED)
        assert parsed.tool_calls == (SEND, READ) and parsed.malformed is None, parsed


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_lines_that_are_quoted_are_no_calls(syntax: str) -> None:
    for mark in ("> ", "  >"):
        lines = SYNTAXES[syntax]([SEND]).splitlines()
        parsed = parse_assistant_text("\n".join(["They wrote:", *(mark + line for line in lines)]), OFFERED)
        assert parsed.tool_calls == () and parsed.malformed, parsed


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_what_a_call_holds_is_no_talk_of_the_call_before_it(syntax: str) -> None:
    harsh = SEND.model_copy(update={"arguments": {"to": "a", "body": "I will not do that. An example:"}})
    parsed = parse_assistant_text(SYNTAXES[syntax]([READ, harsh, READ]), OFFERED)
    assert parsed.tool_calls == (READ, harsh, READ) and parsed.malformed is None, parsed


def test_words_far_away_decide_nothing() -> None:
    assert is_talked_of("I refuse. " + "x " * 100, "")
    assert not is_talked_of("I refuse. " + "x " * 1000, "")
    assert not is_talked_of("", "x " * 1000 + "I refuse.")
