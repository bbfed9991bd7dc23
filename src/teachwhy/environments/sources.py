"""Prompts to build environments around: the shipped set, and any JSONL or text file of the user's.

The shipped set is harmlessness/*.toml, one file a category: requests that should be declined, and requests
that look like them and should be helped. None of them, and no good answer to any, teaches harm. The text of a
prompt is kept exactly as the file has it.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from teachwhy.environments.catalogue import FOLDER, load_catalogue
from teachwhy.errors import DataError, list_faults, quote_foreign
from teachwhy.records import Record

PromptKind = Literal["harmful", "benign_lookalike"]


Text = Annotated[str, Field(min_length=1)]


class SourcePrompt(Record):
    """A user turn to put into environments."""

    id: Text
    text: Text
    kind: PromptKind = "harmful"
    category: str = ""
    sections: tuple[str, ...] = ()
    """Ids of the sections of the constitution that bear on it."""
    touches: tuple[str, ...] = ()
    """Domains of the catalogue whose tools must not stand beside it, whatever its words are."""


@cache
def load_shipped_prompts() -> tuple[SourcePrompt, ...]:
    """The shipped harmlessness prompts, category after category."""
    folder = FOLDER.joinpath("harmlessness")
    paths = sorted(
        (path for path in folder.iterdir() if path.name.endswith(".toml")), key=lambda path: path.name
    )
    return tuple(
        prompt for path in paths for prompt in parse_category(path.read_text(encoding="utf-8"), path.name)
    )


def parse_category(text: str, source: str) -> list[SourcePrompt]:
    """One file of the shipped set: touches, a table a kind (id -> text), sections by kind and by id."""
    try:
        table = tomllib.loads(text)
        category, touches, sections = source.removesuffix(".toml"), table["touches"], table["sections"]
        kinds: dict[PromptKind, Mapping[str, str]] = {
            "harmful": table["harmful"],
            "benign_lookalike": table["benign_lookalike"],
        }
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{source}: not valid TOML ({error})") from error
    except KeyError as error:
        raise DataError(f"{source}: {error.args[0]} is missing") from error
    return [
        SourcePrompt(
            id=f"{category}-{name}",
            text=words,
            kind=kind,
            category=category,
            sections=tuple(sections.get(name, sections[kind])),
            touches=tuple(touches),
        )
        for kind, prompts in kinds.items()
        for name, words in prompts.items()
    ]


def load_prompts(path: Path, text_field: str = "text") -> tuple[SourcePrompt, ...]:
    """The prompts of a file, in its order, each exactly as it is written there.

    `.jsonl`: one object a line, with `text_field`; id, kind, category, sections and touches may be given,
    other fields are left alone. Any other ending: one prompt a line, blank lines skipped. A file all of whose
    lines end with carriage return and line feed has these as line ends; otherwise only the line feed is one.
    Raises DataError that names file, line, field and value.
    """
    lines = list(_read_lines(path))
    is_jsonl = path.suffix.casefold() == ".jsonl"
    prompts = [
        _parse_line(line, text_field, f"{path}, line {number}")
        if is_jsonl
        else _make_prompt({"text": line}, "text", f"{path}, line {number}")
        for number, line in lines
    ]
    if not prompts:
        raise DataError(f"{path} holds no prompt; write one a line")
    _check_ids(prompts, (number for number, _ in lines), path)
    return tuple(prompts)


def _read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Number and text of each line that is not blank."""
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8").removeprefix("\ufeff")
    except OSError as error:
        raise DataError(f"prompts {str(path)!r} cannot be read ({error.strerror}); check the path") from error
    except UnicodeDecodeError as error:
        raise DataError(f"prompts {str(path)!r} are not UTF-8 (byte {error.start}); save as UTF-8") from error
    is_windows = text.count("\n") == text.count("\r\n") > 0
    for number, line in enumerate(text.split("\r\n" if is_windows else "\n"), start=1):
        if line.strip():
            yield number, line


def _parse_line(line: str, text_field: str, where: str) -> SourcePrompt:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{where}: not valid JSON ({quote_foreign(getattr(error, 'msg', error))}): {_shorten(line)}; "
            "each line must be one JSON object"
        ) from error
    if not isinstance(row, dict):
        raise DataError(f"{where}: {_shorten(line)} is no object; write {{{json.dumps(text_field)}: ...}}")
    return _make_prompt(row, text_field, where)


def _make_prompt(row: Mapping[str, Any], text_field: str, where: str) -> SourcePrompt:
    if text_field not in row:
        raise DataError(
            f"{where}: field {text_field!r} is missing, received {_shorten(', '.join(map(str, row)))}; "
            "add it, or name the field that holds the prompt"
        )
    text = row[text_field]
    values = {name: row[name] for name in SourcePrompt.model_fields if name in row and name != text_field}
    values |= {"text": text}
    if "id" not in values and isinstance(text, str):
        values["id"] = f"prompt-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"
    try:
        prompt = SourcePrompt.model_validate(values)
    except ValidationError as error:
        fault = quote_foreign(list_faults(error, "(whole row)")[0])
        raise DataError(f"{where}: field {fault}; correct the value or remove the line") from error
    domains = [domain.name for domain in load_catalogue()]
    if unknown := sorted(set(prompt.touches) - set(domains)):
        raise DataError(
            f"{where}: field touches: {_shorten(unknown[0])} is no domain; allowed: {', '.join(domains)}"
        )
    return prompt


def _check_ids(prompts: Iterable[SourcePrompt], numbers: Iterator[int], path: Path) -> None:
    first_lines: dict[str, int] = {}
    for prompt, number in zip(prompts, numbers, strict=True):
        if prompt.id in first_lines:
            raise DataError(
                f"{path}, line {number}: field id: {_shorten(prompt.id)} is already that of line "
                f"{first_lines[prompt.id]}; remove the line or give each its own id (ids that are not given "
                "follow from the text)"
            )
        first_lines[prompt.id] = number


def _shorten(text: str) -> str:
    return repr(quote_foreign(text[:80]))
