"""What a provider's batch API is asked: make a batch, find one, read what came of it.

Goes through the batchers of Inspect's providers, method by method. Three things are done here in their place,
as seen in Inspect 0.3.285: failed lines of OpenAI's result files (its reader fails the whole batch for one),
lines with separators of Unicode inside a text, and batches that expired without any result file (it waits for
these for ever).
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from inspect_ai._util.notgiven import sanitize_notgiven
from inspect_ai.model._providers.util.batch import Batch, Batcher, BatchRequest, pop_batch_headers
from inspect_ai.model._providers.util.file_batcher import FileBatcher

from teachwhy.service.sending import CarriedFailureError, Failed

AnyBatcher = Batcher[Any, Any]
_ENDED = ("completed", "expired", "cancelled")
_PASSING_CODES = ("expired", "cancel", "rate_limit", "token_limit", "server_error", "timeout", "overloaded")
_CLOCKS_APART = timedelta(minutes=10)


def size_of(request: BatchRequest[Any]) -> int:
    """Bytes of a request in a batch, about."""
    return len(json.dumps(sanitize_notgiven(request.request), default=str)) + 200


async def create_batch(
    batcher: AnyBatcher, requests: list[BatchRequest[Any]], note_file: Callable[[str], None]
) -> str:
    """The provider's id of a new batch. A file that it goes by is noted before the batch is begun."""
    if not isinstance(batcher, FileBatcher):
        return await batcher._create_batch(requests)
    headers = pop_batch_headers(requests)
    with tempfile.NamedTemporaryFile(suffix=".jsonl", mode="w+b") as file:
        for request in requests:
            line = batcher._jsonl_line_for_request(request, request.custom_id)
            file.write(json.dumps(line).encode() + b"\n")
        file.flush()
        file.seek(0)
        file_id = await batcher._upload_batch_file(file.file, headers)
    note_file(file_id)
    return await batcher._submit_batch_for_file(file_id, headers)


async def find_batch(
    batcher: AnyBatcher, file: str | None, began: datetime, num_calls: int, is_known: Callable[[str], bool]
) -> str | None:
    """The id of a batch whose making was cut off; None where the provider does not have it.

    OpenAI's are found by their file. Anthropic's by their time and size: a wrong one holds no answer to any
    of the calls and costs time alone. Other providers are not asked: None.
    """
    if isinstance(batcher, FileBatcher) and file is None:
        return None
    if (openai := getattr(batcher, "_openai_client", None)) is not None:
        async for batch in openai.batches.list(limit=100):
            if batch.input_file_id == file:
                return str(batch.id)
            if batch.created_at < (began - _CLOCKS_APART).timestamp():
                break
        return None
    messages = getattr(getattr(batcher, "_client", None), "messages", None)
    if messages is None or not hasattr(messages, "batches"):
        return None
    found = None
    async for batch in messages.batches.list(limit=100):
        if batch.created_at < began - _CLOCKS_APART:
            break
        counts = batch.request_counts
        total = counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired
        if total == num_calls and not is_known(str(batch.id)):
            found = str(batch.id)
    return found


def is_gone(error: Exception) -> bool:
    """The provider says that there is no such batch."""
    return getattr(error, "status_code", None) == 404


def is_refused(error: Exception) -> bool:
    """The provider says that it did not take a batch."""
    status = getattr(error, "status_code", None)
    return isinstance(status, int) and 400 <= status < 500 and status != 408


class _Result:
    """Takes the result of one request, where Inspect's batchers hand it out themselves."""

    def __init__(self, place: dict[str, Any], call_id: str) -> None:
        self._place, self._call_id = place, call_id

    async def send(self, result: object) -> None:
        """Keep it."""
        self._place[self._call_id] = result


async def read_results(batcher: AnyBatcher, batch_id: str, call_ids: Sequence[str]) -> dict[str, Any] | None:
    """Call id -> response, or the exception in its place; None while the batch is under way.

    What is missing in it never got an answer. Raises what the provider raises.
    """
    rejected: dict[str, Any] = {}
    requests = {
        call_id: BatchRequest[Any](
            request={},
            result_stream=_Result(rejected, call_id),  # type: ignore[arg-type]
            custom_id=call_id,
        )
        for call_id in call_ids
    }
    view = Batch(id=batch_id, requests=requests)
    batcher._inflight_batches[batch_id] = view
    try:
        checked = await batcher._check_batch(view)
        client = getattr(batcher, "_openai_client", None)
        if batch_id not in batcher._inflight_batches:
            errors = (await client.batches.retrieve(batch_id)).errors if client is not None else None
            return _read_refusal(call_ids, rejected, (errors and errors.data) or [])
        if checked.completion_info is not None:
            if client is not None and isinstance(batcher, FileBatcher):
                return await _read_files(batcher, checked.completion_info)
            return dict(await batcher._handle_batch_result(view, checked.completion_info))
        return None if client is None else await _find_empty_end(client, batch_id, call_ids)
    finally:
        batcher._inflight_batches.pop(batch_id, None)


async def _find_empty_end(client: Any, batch_id: str, call_ids: Sequence[str]) -> dict[str, Any] | None:
    """What an ended batch without any result file comes to; None for one that goes on, or just ended."""
    batch = await client.batches.retrieve(batch_id)
    if batch.status not in _ENDED or batch.output_file_id or batch.error_file_id:
        return None
    failed = Failed(f"the batch is {batch.status} and holds no answer", "passing")
    return {call_id: CarriedFailureError(failed) for call_id in call_ids}


def _read_refusal(
    call_ids: Sequence[str], rejected: Mapping[str, Any], faults: Sequence[Any]
) -> dict[str, Any]:
    """Of a batch that was refused as a whole: lines at fault failed for good, the others may go again."""
    by_line = {fault.line: f"{fault.code}: {fault.message}" for fault in faults if fault.line}
    whole = "; ".join(f"{fault.code}: {fault.message}" for fault in faults[:3])
    found = {}
    for line, call_id in enumerate(call_ids, 1):
        told = by_line.get(line) or whole or str(rejected.get(call_id))
        is_lasting = line in by_line if by_line else not _is_passing(told)
        failed = Failed(f"the batch was refused: {told}", "lasting" if is_lasting else "passing")
        found[call_id] = CarriedFailureError(failed)
    return found


async def _read_files(batcher: FileBatcher[Any, Any], completion_info: object) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for uri in batcher._uris_from_completion_info(completion_info):
        data = await batcher._download_result_file(uri)
        found.update(_read_lines(batcher, data.decode("utf-8", "replace").split("\n")))
    return found


def _read_lines(batcher: FileBatcher[Any, Any], lines: Iterable[str]) -> Iterable[tuple[str, Any]]:
    for line in lines:
        try:
            told = json.loads(line)
            call_id = told["custom_id"]
        except (ValueError, KeyError, TypeError):
            continue  # no line of ours; its call has no answer then, which is told
        try:
            yield call_id, _read_line(batcher, told)
        except Exception as error:  # noqa: BLE001 - a line that its reader cannot read is that call's alone
            failed = Failed(
                f"the answer in the batch cannot be read: {type(error).__name__}: {error}", "passing"
            )
            yield call_id, CarriedFailureError(failed)


def _read_line(batcher: Any, told: dict[str, Any]) -> object:
    """The response of one line of OpenAI's format, or the exception that it stands for."""
    response = told.get("response") or {}
    status = response.get("status_code") or 200
    if error := told.get("error"):
        code = error.get("code")
        if not isinstance(code, int) or not 400 <= code < 600:
            kind = "passing" if _is_passing(str(code)) else "lasting"
            failed = Failed(f"{code}: {error.get('message')}", kind)  # type: ignore[arg-type]
            return CarriedFailureError(failed)
        status, response = code, {"body": {"error": error}}
    if status >= 400:
        import httpx2  # comes with the openai client

        asked = httpx2.Request("POST", str(batcher._openai_client.base_url))
        given = httpx2.Response(status, json=response.get("body") or {}, request=asked)
        return batcher._openai_client._make_status_error_from_response(given)
    return batcher._parse_jsonl_line(told)[1]


def _is_passing(told: str) -> bool:
    return any(code in told for code in _PASSING_CODES)
