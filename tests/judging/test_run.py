"""Judging a folder: every way in which a judge can fail, resuming, and what is refused."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest
from tests.evaluation.key_on_disk import KEY, find_key
from tests.judging import scripted_judge

from teachwhy.errors import ConfigError, DataError, StorageError
from teachwhy.judging import questions
from teachwhy.judging.dossier import dossier_of, make_request
from teachwhy.judging.judge import AskingConfig, replay
from teachwhy.judging.run import (
    Evaluation,
    check_probe,
    choose_questions,
    count_requests,
    judge_evaluation,
    name_judges,
    open_evaluation,
)
from teachwhy.judging.store import open_judgements, read_judgements
from teachwhy.providers.checkpoint import find_checkpoint
from teachwhy.records import Judgement, Message, QuestionName, ToolCall
from teachwhy.run_dir import storage_errors
from teachwhy.scenarios.office_tasks.episodes import OfficeEpisode
from teachwhy.scenarios.office_tasks.task import load_tasks

PATIENT = AskingConfig(timeout_seconds=60, max_retries=0)
IMPATIENT = AskingConfig(timeout_seconds=0.05, max_retries=0)


def judge(evaluation: Evaluation, *names: str, question: QuestionName = "harm") -> list[Judgement]:
    """What scripted judges say."""
    models = name_judges([f"judges/{name}" for name in names])
    return judge_evaluation(evaluation, question, models, IMPATIENT if "hangs" in names else PATIENT)


def test_a_right_judge_is_read_for_every_episode(evaluation: Evaluation) -> None:
    for row in evaluation.rows:
        verdict = "harmful" if row.harmful else "not_harmful"
        scripted_judge.truths[make_request("harm", dossier_of(row)).digest] = verdict
    found = judge(evaluation, "right")
    assert len(found) == len(evaluation.rows) == 2 * (2 + 1) * 2
    assert [(one.episode_id, one.repeat) for one in found] == [
        (row.episode_id, row.repeat) for row in evaluation.rows
    ]
    assert all(
        (one.verdict == "harmful") == row.harmful for one, row in zip(found, evaluation.rows, strict=True)
    )
    assert {one.verdict for one in found} == {"harmful", "not_harmful"}
    assert {(one.fault, one.reason, one.input_tokens) for one in found} == {("", "turn 2", 10)}


@pytest.mark.parametrize(
    ("name", "fault", "reason"),
    [
        ("rubbish", "unreadable", "not JSON"),
        ("empty", "unreadable", "no answer in the form"),
        ("refuses", "refused", "I cannot look at this"),
        ("filtered", "refused", "content filter"),
        ("cut", "cut", "limit of tokens"),
        ("hangs", "provider", "no answer within 0.05 seconds"),
        ("raises", "provider", "RuntimeError: the server is on fire"),
        ("no_choices", "provider", "no choices"),
    ],
)
def test_a_judge_that_fails_is_unscorable_with_the_reason(
    evaluation: Evaluation, name: str, fault: str, reason: str
) -> None:
    for one in judge(evaluation, name):
        assert (one.verdict, one.fault) == ("unscorable", fault)
        assert not one.decided
        assert reason in one.reason


@pytest.mark.parametrize(
    ("name", "told"),
    [("tells_key", "RuntimeError: 401: Authorization: Bearer [key] is"), ("error_tells_key", "for [key]")],
)
def test_a_key_that_the_server_sends_back_stands_in_no_file(
    evaluation: Evaluation, monkeypatch: pytest.MonkeyPatch, name: str, told: str
) -> None:
    monkeypatch.setenv("FIXTURE_API_KEY", KEY)
    assert all(told in one.reason for one in judge(evaluation, name))
    assert evaluation.judgements_path.is_file() and find_key(evaluation.folder) == []
    monkeypatch.delenv("FIXTURE_API_KEY")
    judge(evaluation, name)
    assert find_key(evaluation.folder) == [evaluation.judgements_path], "what is no key is told"


def test_nothing_is_asked_twice_but_what_the_provider_lost(evaluation: Evaluation) -> None:
    num = len(evaluation.rows)
    first = judge(evaluation, "rubbish", "harmful", "raises")
    assert len(scripted_judge.asked) == 3 * num
    assert judge(evaluation, "rubbish", "harmful", "raises") == first
    assert len(scripted_judge.asked) == 4 * num
    assert {name for name, _, _ in scripted_judge.asked[3 * num :]} == {"raises"}
    assert judge(evaluation, "harmful", question="awareness")[0].fault == "unreadable", "another question"
    assert len(scripted_judge.asked) == 5 * num
    everything = read_judgements(evaluation.judgements_path)
    assert len(everything) == 4 * num, "one a question, episode and judge"


def test_a_torn_line_is_asked_again_and_others_are_kept(evaluation: Evaluation) -> None:
    judge(evaluation, "harmful")
    path = evaluation.judgements_path
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    scripted_judge.asked.clear()
    judge(evaluation, "harmful")
    assert len(scripted_judge.asked) == 1
    assert sorted(path.read_bytes().splitlines()) == sorted(whole.splitlines())


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"{}", "episode_id: Field required"),
        (b"no json", "the line: Invalid JSON"),
        (b'{"verdict": "safe"}', "one Judgement as JSON"),
    ],
)
def test_a_line_that_is_no_judgement_is_a_data_error(evaluation: Evaluation, line: bytes, words: str) -> None:
    evaluation.judgements_path.write_bytes(line + b"\n")
    with pytest.raises(DataError, match="line 1") as caught:
        judge(evaluation, "harmful")
    assert words in str(caught.value)


def test_a_judgement_that_stands_there_twice_is_a_data_error(evaluation: Evaluation) -> None:
    judge(evaluation, "harmful")
    path = evaluation.judgements_path
    path.write_bytes(path.read_bytes() + path.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(DataError, match="stands there twice"):
        judge(evaluation, "harmful")


def test_judgements_of_another_wording_are_refused(
    evaluation: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge(evaluation, "harmful")
    monkeypatch.setattr(questions, "PROMPT_VERSION", "other")
    questions.prompt_digest.cache_clear()
    try:
        with pytest.raises(DataError, match="by another wording of the prompt"):
            judge(evaluation, "harmful")
    finally:
        questions.prompt_digest.cache_clear()


def test_judgements_of_another_transcript_are_refused(evaluation: Evaluation) -> None:
    judge(evaluation, "harmful")
    row = evaluation.rows[0]
    other = row.model_copy(update={"transcript": (*row.transcript, Message(role="assistant", content="x"))})
    with pytest.raises(DataError, match="of another transcript"):
        judge(Evaluation(evaluation.folder, evaluation.model, (other, *evaluation.rows[1:])), "harmful")


def test_episodes_that_the_provider_lost_or_without_a_turn_are_not_judged(evaluation: Evaluation) -> None:
    lost = {"outcome": "unscorable", "reason": "error: the provider failed: Timeout"}
    rows = (
        evaluation.rows[0].model_copy(update=lost),
        evaluation.rows[1].model_copy(update={"transcript": evaluation.rows[1].transcript[:2]}),
        *evaluation.rows[2:],
    )
    found = judge(Evaluation(evaluation.folder, evaluation.model, rows), "harmful")
    assert len(found) == len(rows) - 2


def with_an_office_task(evaluation: Evaluation) -> Evaluation:
    """One office task and the last episode."""
    task = next(iter(load_tasks().values()))
    values = {"family": "office", "kind": "office", "skin": task.name, "soft_tools": False}
    row = evaluation.rows[0].model_copy(update=values)
    assert dossier_of(row).tools == tuple(tool.name for tool in OfficeEpisode(task).tools)
    return Evaluation(evaluation.folder, evaluation.model, (row, evaluation.rows[-1]))


def test_office_tasks_have_questions_of_their_own(evaluation: Evaluation) -> None:
    mixed = with_an_office_task(evaluation)
    assert [one.kind for one in judge(mixed, "harmful")] == [mixed.rows[1].kind]
    assert len(judge(mixed, "aware", question="awareness")) == 2
    (refused,) = judge(mixed, "refused", question="over_refusal")
    (done,) = judge(mixed, "done", question="task_done")
    assert [(one.kind, one.verdict) for one in (refused, done)] == [("office", "refused"), ("office", "done")]
    (other,) = judge(mixed, "harmful", question="task_done")
    assert other.fault == "unreadable", "a verdict on harm is no answer to another question"
    assert all("harm that is defined" not in messages[0].text for _, messages, _ in scripted_judge.asked[-3:])


def test_what_is_asked_unless_said_follows_from_the_episodes(evaluation: Evaluation) -> None:
    mixed = with_an_office_task(evaluation)
    office = Evaluation(mixed.folder, mixed.model, mixed.rows[:1])
    assert choose_questions(evaluation, None) == ("harm", "awareness")
    assert choose_questions(mixed, None) == ("harm", "over_refusal", "task_done", "awareness")
    assert choose_questions(office, None) == ("over_refusal", "task_done", "awareness")
    assert choose_questions(office, "realism") == ("realism",)
    with pytest.raises(ConfigError, match="--question harm is asked of episodes of kind honeypot"):
        choose_questions(office, "harm")
    with pytest.raises(ConfigError, match=r"--question task_done .* holds honeypot, twin. Ask harm"):
        choose_questions(evaluation, "task_done")


def test_what_is_about_to_be_paid_for_is_counted(evaluation: Evaluation) -> None:
    num = len(evaluation.rows)
    both = ["judges/says_no", "judges/harmful"]
    assert count_requests(evaluation, ("harm", "awareness"), both) == {"harm": 2 * num, "awareness": 2 * num}
    judge(evaluation, "says_no", "raises")
    assert count_requests(evaluation, ("harm",), ["judges/says_no", "judges/raises"]) == {"harm": num}


def test_nothing_to_judge_is_a_mistake(evaluation: Evaluation) -> None:
    lost = {"outcome": "unscorable", "reason": "error: the provider failed: Timeout"}
    rows = tuple(row.model_copy(update=lost) for row in evaluation.rows)
    mute = tuple(row.model_copy(update={"transcript": row.transcript[:2]}) for row in evaluation.rows)
    for none, told in ((rows, "lost 12"), (mute, "lost 0"), ((), "Its ledger has 0")):
        with pytest.raises(ConfigError, match="no episode to judge") as caught:
            count_requests(
                Evaluation(evaluation.folder, "m", none), ("harm", "awareness"), ["judges/harmful"]
            )
        assert told in str(caught.value)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_full_or_read_only_folder_is_told_with_a_remedy_of_this_command(
    evaluation: Evaluation, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(self: object, row: object) -> None:
        with storage_errors(evaluation.judgements_path):
            raise OSError(number, "refused")

    monkeypatch.setattr("teachwhy.evaluation.row_file.RowFile.append", refuse)
    with pytest.raises(
        StorageError, match=r"judgements.jsonl: cannot be written \(refused\). Free"
    ) as caught:
        judge(evaluation, "harmful")
    assert "--output" not in str(caught.value)


def test_another_process_that_judges_is_told_as_such(evaluation: Evaluation) -> None:
    judge(evaluation, "harmful")
    with open_judgements(evaluation.judgements_path), pytest.raises(StorageError, match="another process"):
        judge(evaluation, "not_harmful")


def test_realism_is_asked_once_a_prompt(evaluation: Evaluation) -> None:
    found = judge(evaluation, "rates", question="realism")
    assert len(found) == len({row.episode_id for row in evaluation.rows}) == 6
    assert {(one.verdict, one.rating, one.repeat) for one in found} == {("rated", 7, 0)}
    assert all("agent_says" not in messages[-1].text for _, messages, _ in scripted_judge.asked)


def test_the_probe_goes_on_with_the_conversation(evaluation: Evaluation) -> None:
    found = judge(evaluation, "test", question="probe")
    assert {one.verdict for one in found} == {"test"}
    _, messages, _ = scripted_judge.asked[0]
    assert [message.role for message in messages[:3]] == ["system", "user", "assistant"]
    assert messages[0].text == evaluation.rows[0].transcript[0].content
    assert messages[-1].text.startswith("The work above is over")


def test_the_probe_is_for_the_evaluated_model() -> None:
    check_probe({"a/b": "a/b"}, "a/b")
    check_probe(name_judges(["sprig"]), f"checkpoint {find_checkpoint('sprig').hash()[:16]}")
    for models in ({"a/c": "a/c"}, {"a/b": "a/b", "a/c": "a/c"}, name_judges(["sprig"])):
        with pytest.raises(ConfigError, match="asks the evaluated model itself, 'a/b', and --judge is"):
            check_probe(models, "a/b")


def test_a_conversation_is_replayed_with_every_result_where_it_belongs() -> None:
    call = ToolCall(name="read_mail", arguments={"id": "m1"})
    messages = (
        Message(role="system", content="s"),
        Message(role="user", content="u"),
        Message(role="assistant", content="a", tool_calls=(call, call)),
        Message(role="tool", content="error: unreadable call: no JSON"),
        Message(role="tool", content="one"),
        Message(role="tool", content="two"),
        Message(role="assistant", content="b", tool_calls=(call,)),
    )
    found = replay(messages)
    assert [message.role for message in found] == [
        "system",
        "user",
        "assistant",
        "tool",
        "tool",
        "user",
        "assistant",
    ]
    assert [message.text for message in found[3:5]] == ["one", "two"]
    calls = found[2].tool_calls  # type: ignore[union-attr]
    assert [one.id for one in calls or ()] == [message.tool_call_id for message in found[3:5]]  # type: ignore[union-attr]
    assert found[5].text == "Result of a call: error: unreadable call: no JSON"
    assert not found[6].tool_calls, "a call without a result would be refused"  # type: ignore[union-attr]


def test_a_run_directory_with_one_evaluation_will_do(judged_folder: Path, tmp_path: Path) -> None:
    for number in (1, 2):
        folder = tmp_path / "stages" / f"eval-model-s0-{number}"
        folder.mkdir(parents=True)
        for name in ("episodes.jsonl", "settings.json"):
            (folder / name).write_bytes((judged_folder / name).read_bytes())
        if number == 1:
            assert open_evaluation(tmp_path).folder == folder
    with pytest.raises(ConfigError, match="holds 2 evaluations"):
        open_evaluation(tmp_path)
    with pytest.raises(ConfigError, match="holds no evaluation"):
        open_evaluation(tmp_path / "elsewhere")


def test_judges_are_named_once_and_exist(evaluation: Evaluation) -> None:
    with pytest.raises(ConfigError, match="name each judge once"):
        name_judges(["judges/harmful", "judges/harmful"])
    with pytest.raises(ConfigError, match="nobody"):
        judge_evaluation(evaluation, "harm", {"nobody/x": "nobody/x"})
    assert not evaluation.judgements_path.exists(), "nobody judged"


def test_every_line_is_a_whole_record(evaluation: Evaluation) -> None:
    judge(evaluation, "harmful")
    lines = evaluation.judgements_path.read_text(encoding="utf-8").splitlines()
    assert all(Judgement.model_validate_json(line) for line in lines)
    assert {json.loads(line)["judge"] for line in lines} == {"judges/harmful"}
