"""A page saved from the web as Markdown: headings, paragraphs, lists, code and tables, and no other markup.

What is no text of the page (scripts, styles, forms, navigation, header and footer of the site) is left out.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

_LOOKS_LIKE_PAGE = re.compile(
    r"\s*(?:<!--.*?-->\s*|<\?xml.*?\?>\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)
_LEFT_OUT = re.compile(
    "head|script|style|noscript|template|svg|button|select|textarea|iframe|nav|aside|footer"
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = re.compile(
    "p|div|section|article|main|header|blockquote|dl|dt|dd|figure|hr|table|figcaption|details|summary|address"
    "|ul|ol|body|html|caption"
)
_VOID = re.compile("br|hr|img|input|meta|link|source|wbr|area|base|col|embed")


def is_page(text: str) -> bool:
    """Whether a text is a whole HTML page and not Markdown with some HTML in it."""
    return bool(_LOOKS_LIKE_PAGE.match(text.lstrip("\ufeff")))


def page_to_markdown(page: str) -> str:
    """The text of an HTML page, as Markdown. Never raises: what is broken is read as browsers do, roughly."""
    reader = _PageReader()
    reader.feed(page)
    reader.close()
    return reader.as_text()


class _PageReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._line = ""
        self._prefix = ""
        self._hidden: list[str] = []
        self._depth = 0
        self._code: list[str] | None = None
        self._is_cell_open = False

    def as_text(self) -> str:
        self._end_line()
        return re.sub(r"\n{3,}", "\n\n", "\n".join(self._lines)).strip() + "\n"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if _LEFT_OUT.fullmatch(tag) or self._hidden:
            if not _VOID.fullmatch(tag):
                self._hidden.append(tag)
        elif tag == "pre":
            self._begin("")
            self._code = []
        elif tag in _HEADINGS:
            self._begin("#" * _HEADINGS[tag] + " ")
        elif tag == "li":
            self._end_line()
            self._prefix = "  " * max(self._depth - 1, 0) + "- "
        elif tag in ("ul", "ol"):
            self._begin("") if not self._depth else self._end_line()
            self._depth += 1
        elif tag == "tr":
            self._end_line()
            self._prefix = "| "
        elif tag == "br":
            self._line += " " if self._prefix else "\n"
        elif _BLOCKS.fullmatch(tag) and not self._prefix.endswith("- "):
            self._begin("")

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            if tag in self._hidden:
                while self._hidden.pop() != tag:
                    pass
        elif tag == "pre" and self._code is not None:
            code = "".join(self._code).strip("\n")
            fence = "`" * max(3, 1 + max(map(len, re.findall(r"`+", code)), default=0))
            self._lines += [fence, *code.split("\n"), fence, ""]
            self._code = None
        elif tag in ("td", "th"):
            self._line = self._line.rstrip() + " | "
        elif tag in ("ul", "ol"):
            self._end_line()
            self._depth = max(self._depth - 1, 0)
            if not self._depth:
                self._lines.append("")
        elif tag in ("li", "tr"):
            self._end_line()
        elif tag in _HEADINGS or (_BLOCKS.fullmatch(tag) and self._prefix != "| "):
            self._begin("")

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        if self._code is not None:
            self._code.append(data)
        else:
            words = re.sub(r"\s+", " ", data)
            self._line += words.lstrip() if not self._line or self._line[-1] in " \n" else words

    def _begin(self, prefix: str) -> None:
        """End the line, and begin a paragraph."""
        self._end_line()
        self._lines.append("")
        self._prefix = prefix

    def _end_line(self) -> None:
        for line in self._line.split("\n"):
            if line.strip():
                shown = line.strip() if self._prefix else _escape(line.strip())
                self._lines.append(self._prefix + shown)
        self._line = ""
        self._prefix = ""


def _escape(line: str) -> str:
    """A line of text that Markdown would take for a heading or a fence, so that it takes it for text."""
    return f"\\{line}" if re.match(r"#{1,6}\s|`{3}|~{3}|={1,}$|-{2,}$", line) else line
