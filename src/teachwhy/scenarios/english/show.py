"""Episodes and skins in words for people: what `teachwhy scenarios` prints."""

from __future__ import annotations

from collections.abc import Iterator

from teachwhy.records import ToolSpec
from teachwhy.scenarios.english.episodes import EnglishEpisode, describe_state
from teachwhy.scenarios.english.office import FullOffice
from teachwhy.scenarios.english.skin import Skin
from teachwhy.scenarios.english.tool_deeds import format_mail
from teachwhy.scenarios.office_tasks.episodes import OfficeEpisode
from teachwhy.scenarios.office_tasks.task import OfficeTask

RULE = "-" * 72


def describe_episode(episode: EnglishEpisode) -> str:
    """An episode as the model meets it: prompts, tools, and what the tools would show as it begins."""
    return "\n\n".join(part for part in _parts(episode) if part) + "\n"


def _parts(episode: EnglishEpisode) -> Iterator[str]:
    factors = ", ".join(f"{name}={value}" for name, value in episode.condition.model_dump().items())
    yield f"{episode.id}\n({factors})"
    yield from (_title("SYSTEM PROMPT"), episode.system.strip())
    yield from (_title("USER"), episode.user.strip())
    yield from (_title("TOOLS"), "\n".join(map(describe_tool, episode.tools)))
    if episode.condition.presentation != "prompt":  # else all of it stands in the user's turn
        yield from office_parts(episode.new_office())


def describe_task(episode: OfficeEpisode) -> str:
    """An office task as the model meets it."""
    task = episode.task
    parts = [
        f"{episode.id}\n({task.title})",
        *(_title("SYSTEM PROMPT"), episode.system, _title("USER"), episode.user),
        *(_title("TOOLS"), "\n".join(map(describe_tool, episode.tools))),
        *office_parts(episode.new_office()),
    ]
    return "\n\n".join(parts) + "\n"


def summarize_task(task: OfficeTask) -> str:
    """A task in one line."""
    looks = f"; looks like {task.looks_like}" if task.looks_like else ""
    return f"{task.name}: {task.title}; {task.sector}; {len(task.letters)} letters{looks}"


def office_parts(office: FullOffice) -> Iterator[str]:
    """What the tools would show of an office, with titles."""
    yield from (_title("MAILBOX"), f"\n\n{RULE}\n\n".join(map(format_mail, office.mailbox)))
    if office.share:
        files = (f"{path}\n\n{text.strip()}" for path, text in sorted(office.share.items()))
        yield from (_title("FILES"), f"\n\n{RULE}\n\n".join(files))
    if state := [text for text in describe_state(office) if text]:
        yield from (_title("CONSOLES AND LEDGERS"), f"\n\n{RULE}\n\n".join(state))


def _title(text: str) -> str:
    return f"=== {text} {'=' * (67 - len(text))}"


def describe_tool(tool: ToolSpec) -> str:
    """A tool in one line: its arguments (optional ones in brackets) and what the model is told of it."""
    needed = tool.parameters["required"]
    names = [name if name in needed else f"[{name}]" for name in tool.parameters["properties"]]
    return f"{tool.name}({', '.join(names)}): {tool.description}"


def describe_skin(skin: Skin) -> str:
    """A skin in one line."""
    where = f"{skin.name}: {skin.sector}; {skin.firm}; {skin.now:%a %d %b %Y %H:%M}"
    sealed = "; sealed" if skin.sealed else ""
    return f"{where}; {len(skin.letters)} letters, {len(skin.files)} files{sealed}"
