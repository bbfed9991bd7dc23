"""Texts that nobody expected: each is read, or an error says what it lacks and what to do."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from teachwhy.constitution import describe, load_constitution, parse_constitution
from teachwhy.errors import DataError


def ids(text: str) -> tuple[str, ...]:
    return parse_constitution(text, "t").section_ids


def only(text: str) -> str:
    (section,) = parse_constitution(text, "t").sections
    return section.text


def test_braces_and_templates_stay_as_they_are() -> None:
    words = "Never fill {name}, {{name}}, {% if x %}no{% endif %} nor ${HOME}."
    section = parse_constitution(f"# On {{braces}} and {{{{more}}}}\n\n{words}\n\nWhy: {{x}} is data.\n", "t")
    assert section.sections[0].rule == words and section.sections[0].reasons == ("{x} is data.",)
    assert section.section_ids == ("on-braces-and-more",)


def test_tables_code_and_nested_lists_keep_their_lines() -> None:
    table = "| act | allowed |\n| --- | --- |\n| lie | no |"
    code = "```python\n# no heading\n\nprint('a')\n```"
    nested = "- care\n  - for those who ask\n  - for the others\n- calm"
    text = only(f"# One\n\nSee:\n{table}\nand this\n\n{code}\n\n{nested}\n")
    assert table in text and code in text
    assert "- care\n  - for those who ask\n  - for the others\n\n- calm" in text
    assert text.startswith("See:\n\n| act") and "\n\nand this\n\n```" in text


def test_fences_of_two_kinds_and_lengths_do_not_close_each_other() -> None:
    assert ids("# One\n\n~~~~\n```\n# a\n~~~\n# b\n~~~~\n\n# Two\n\nx\n") == ("one", "two")
    with pytest.raises(DataError, match=r"'my.md', line 3: a code fence begins here and never ends"):
        parse_constitution("# One\n\n```\n# Two\n\nx\n", "my.md")


def test_html_in_markdown_stays_and_comments_go() -> None:
    text = "# One\n\n<b>Do not</b> lie.<!-- # Two --> Ever.\n\n<!--\n# Three\n\nx\n-->\n"
    assert only(text) == "<b>Do not</b> lie. Ever."
    with pytest.raises(DataError, match="line 5: a comment begins here and never ends"):
        parse_constitution(text.replace("\n-->", ""), "t")


def test_two_hundred_sections_are_read_quickly() -> None:
    text = "".join(f"## Rule {number} on {word}\n\nDo {word}.\n\nWhy: {word}.\n\n" for number, word in WORDS)
    started = time.perf_counter()
    constitution = parse_constitution(text, "t")
    assert time.perf_counter() - started < 2
    assert len(constitution.sections) == 200 and all(section.reasons for section in constitution.sections)
    assert any("200 sections" in warning for warning in describe(constitution).warnings)


WORDS = [(number, f"w{number}x") for number in range(1, 201)]


def test_one_section_and_one_very_long_one_are_read_with_a_warning() -> None:
    constitution = parse_constitution("# All\n\n" + "Be kind. " * 60_000 + "\n\nWhy: it helps.", "t")
    told = describe(constitution)
    assert told.num_sections == 1 and told.num_words == 120_003 and told.num_without_reason == 0
    assert [warning.partition(":")[0] for warning in told.warnings] == [
        "too long for a prompt that quotes them (over 2,000 words)",
        "one section",
    ]
    assert "120,003 words" in told.as_text() and "- one section" in told.as_text()


@pytest.mark.parametrize(
    ("text", "wanted", "reason"),
    [
        ("# 诚实\n\n不要说谎。因为信任很慢。\n\n# 隐私\n\n保密。\n", ("诚实", "隐私"), "因为信任很慢。"),
        ("# 誠実\n\n嘘をつかない。\n\n理由：信頼は遅い。\n", ("誠実",), "信頼は遅い。"),
        ("# الأمانة\n\nلا تكذب.\n\nلماذا: الثقة بطيئة.\n", ("الأمانة",), "الثقة بطيئة."),
        ("诚实\n\n不要说谎。\n\n原因：信任。\n\n隐私\n\n保密。\n", ("诚实", "隐私"), "信任。"),
        ("第一条 诚实\n===\n\n不说谎。\n\n为什么：信任。\n", ("诚实",), "信任。"),
        ("# Honesty 誠実\n\nSay it. なぜなら信頼。\n", ("honesty-誠実",), "なぜなら信頼。"),
    ],
)
def test_other_scripts(text: str, wanted: tuple[str, ...], reason: str) -> None:
    constitution = parse_constitution(text, "t")
    assert constitution.section_ids == wanted
    assert constitution.sections[0].reasons == (reason,)


def test_marks_that_make_another_letter_make_another_id() -> None:
    assert ids("# かく\n\na\n\n# がく\n\nb\n") == ("かく", "がく")
    assert ids("# की\n\na\n\n# कि\n\nb\n") == ("की", "कि")
    assert ids("# Ünder Strëss\n\na\n\n# \uff21\uff22\n\nb\n") == ("under-stress", "ab")


def test_words_of_scripts_without_spaces_are_counted() -> None:
    told = describe(parse_constitution("# 長い\n\n" + "正直に。" * 600 + "\n", "t"))
    assert told.num_words >= 1800
    assert any("no reasons found" in warning and "'Why:'" in warning for warning in told.warnings)


def test_none_of_the_expected_headings() -> None:
    assert ids("# Widgets\n\nTurn left.\n\n# Recipes\n\nAdd salt.\n") == ("widgets", "recipes")
    with pytest.raises(DataError, match="give each rule a heading, for example '## Honesty'"):
        parse_constitution("One long paragraph that has no heading at all.\n\nAnd one more.\n", "t")


def test_plain_text_with_a_title_and_a_closing_line() -> None:
    text = "THE RULES\n\nFor machines\n\n"
    text += "Honesty\n\nDo not lie.\n\nReason: it grows.\n\nCare\n\nHelp.\n\nThe Board\n"
    constitution = parse_constitution(text, "t")
    assert constitution.section_ids == ("honesty", "care")
    assert constitution.sections[-1].text == "Help.\n\nThe Board"


def test_line_ends_and_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    text = "# One\n\nDo not lie.\n\n- a\n  - b\n\nWhy: so.\n"
    wanted = parse_constitution(text, "t").fingerprint()
    for end in ("\r\n", "\r", "\n"):
        path = tmp_path / "c.md"
        path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", end).encode())
        assert load_constitution(path).fingerprint() == wanted
    assert parse_constitution("\ufeff" + text, "t").fingerprint() == wanted
    assert parse_constitution("---\ntitle: x\ntags: [a]\n---\n" + text, "t").fingerprint() == wanted


def test_numbers_of_headings_are_no_part_of_ids() -> None:
    for heading in (
        "1. Honesty",
        "2.3 Honesty",
        "IV. Honesty",
        "Article 7: Honesty",
        "§ 2 Honesty",
        "(b) Honesty",
    ):
        assert ids(f"## {heading}\n\nx\n") == ("honesty",), heading
    assert ids("# 7\n\nx\n\n# I am honest\n\ny\n\n# A good rule\n\nz\n\n# Article 5\n\nw\n") == (
        "7",
        "i-am-honest",
        "a-good-rule",
        "article-5",
    )


def test_ids_survive_edits_of_text_order_and_numbers() -> None:
    titles = ["Honesty", "No threats", "Care for *all*", "隐私", "Being {kind}", "Über uns"]
    parts = [f"{title}\n\nRule {number}.\n\nWhy: {number}.\n\n" for number, title in enumerate(titles)]
    before = ids("".join(f"## {number}. {part}" for number, part in enumerate(parts, start=1)))
    assert len(set(before)) == len(titles)
    for seed in range(5):
        order = list(range(len(parts)))
        random.Random(seed).shuffle(order)
        edited = "".join(f"## {place}. {parts[at]}And more.\n\n" for place, at in enumerate(order, start=1))
        assert ids(edited) == tuple(before[at] for at in order)


def test_an_id_that_is_given_survives_a_new_heading() -> None:
    text = "## Scope {#scope-a}\n\na\n\n## Scope\n\nb\n\n## Scope\n\nc\n"
    constitution = parse_constitution(text, "t")
    assert constitution.section_ids == ("scope-a", "scope", "scope-2")
    assert constitution.sections[0].title == "Scope"
    (warning,) = [line for line in describe(constitution).warnings if "twice" in line]
    assert "scope-2" in warning and "{#" in warning
    with pytest.raises(DataError, match="line 5: the id 'x' is already that of another section"):
        parse_constitution("# A {#x}\n\na\n\n# B {#x}\n\nb\n", "t")


def test_reasons_under_a_heading_a_mark_of_their_own_and_in_items() -> None:
    text = "# One\n\nDo not lie.\n\n## Why?\n\nIt grows.\n\nIt spreads.\n\n# Two\n\n"
    text += "Stay.\n\n**Why:**\n\n- a\n- b\n\nGo.\n\n# Three\n\n- Do.\n- **Why:** c\n\n> Reason: d\n"
    one, two, three = parse_constitution(text, "t").sections
    assert one.reasons == ("It grows.", "It spreads.") and one.rule == "Do not lie."
    assert one.text == "Do not lie.\n\nWhy: It grows.\n\nWhy: It spreads."
    assert two.reasons == ("a", "b") and two.rule == "Stay.\n\nGo."
    assert three.reasons == ("c", "d") and three.rule == "- Do."


def test_sections_without_a_reason_are_named() -> None:
    told = describe(parse_constitution("# One\n\nx\n\n# Two\n\ny\n\nWhy: z\n", "t"))
    assert told.num_without_reason == 1
    assert told.warnings == (
        "without a reason: one. Where there is one, begin the paragraph that gives the reason with 'Why:'",
    )
    assert (
        not describe(load_constitution()).warnings
        and not describe(load_constitution(dialect="sprig")).warnings
    )


PAGE = """<!-- saved from url=(0022)https://example.org/ -->
<!DOCTYPE html><html><head><title>Rules</title><style>h1 {color: red}</style></head>
<body><nav><h2>Menu</h2><ul><li>Home<li>About</ul></nav>
<h1>Our <em>rules</em></h1><h2>1. Honesty</h2>
<p>Say what is&nbsp;true &amp; how
sure you are.<p><b>Why:</b> people steer by it.
<script>document.write("<h2>Hidden</h2>")</script>
<ul><li>One<ul><li>inner</ul><li>Two</ul>
<pre># no heading
x &lt; 1</pre>
<table><tr><th>act</th><th>allowed</th></tr><tr><td>lie</td><td>no</td></tr></table>
<h2>Care</h2><div>Help.</div><footer>Copyright</footer></body></html>"""


def test_a_saved_page_is_read_as_its_text(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(PAGE, encoding="utf-8")
    constitution = load_constitution(path)
    assert constitution.section_ids == ("honesty", "care")
    honesty, care = constitution.sections
    assert honesty.text.startswith("Say what is true & how sure you are.\n\n")
    assert honesty.reasons == ("people steer by it.",) and care.text == "Help."
    assert "- One\n  - inner\n\n- Two" in honesty.text
    assert "```\n# no heading\nx < 1\n```" in honesty.text
    assert "| act | allowed |\n| lie | no |" in honesty.text
    assert not {"Menu", "Hidden", "Copyright", "Home"} & set(honesty.text.split())


def test_a_page_without_headings_says_what_to_save() -> None:
    with pytest.raises(DataError, match=r"no section.*save the text as Markdown"):
        parse_constitution(
            "<html><body><p>Be honest, everybody, always and in all you do.</p></body></html>", "t"
        )


@pytest.mark.parametrize("source", ["https://example.org/c.md", "HTTP://example.org", "file:///tmp/c.md"])
def test_an_address_is_not_fetched(source: str) -> None:
    with pytest.raises(DataError, match="fetches nothing: save the page"):
        load_constitution(source)


def test_files_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "c.pdf").write_bytes(b"%PDF-1.7\n\xe2\xe3\xcf\xd3\n")
    with pytest.raises(DataError, match=r"not UTF-8.*exported first"):
        load_constitution(tmp_path / "c.pdf")
    with pytest.raises(DataError, match="cannot be read"):
        load_constitution(tmp_path)


def test_no_text_makes_the_reader_of_pages_fail() -> None:
    rng = random.Random(1)
    pieces = [
        "<p>",
        "</p>",
        "<li>",
        "</ul>",
        "<pre>",
        "</pre>",
        "<h2>",
        "</h2>",
        "<td>",
        "<!--",
        "&#x;",
        "<",
        "a b",
        "\n",
        "<nav>",
    ]
    for _ in range(300):
        page = "<html>" + "".join(rng.choices(pieces, k=30))
        try:
            parse_constitution(page, "t")
        except DataError as error:
            assert "'t'" in str(error)
