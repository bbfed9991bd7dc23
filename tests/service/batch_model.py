"""The local server with OpenAI's batch API: files, batches, and results that misbehave on purpose.

A batch ends when it was looked at `num_looks` times, so that no clock decides. What an answer is worth is
counted in `served` when a batch ends, as a provider would charge for it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.service.http_model import ModelServer, make_completion, make_reply

Fate = Literal[
    "answered",
    "rate_limit",  # a line with status 429 in the file of errors
    "bad_request",  # likewise 400
    "expired",  # a line without any response, as OpenAI writes for what a batch did not come to
    "missing",  # in neither file
    "garbled",  # a line of the results that is no completion
]
BatchFate = Literal["completed", "expired", "refused", "gone", "lost_reply"]


@dataclass
class BatchServer(ModelServer):
    """A provider with a batch API; it speaks chat completions for ordinary requests as well."""

    find_fate: Callable[[Mapping[str, Any], int], Fate] = lambda request, number: "answered"
    """What becomes of a request in a batch, by its body and how often it was in one before."""
    batch_fates: tuple[BatchFate, ...] = ()
    """Of the first batches; "expired": nothing in it was done; "lost_reply": made, and answered by a 500."""
    num_looks: int = 1
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    on_batch: Callable[[BatchServer], None] = lambda server: None
    """Called when a batch was made, before the reply goes out."""

    def route(self, method: str, path: str, body: bytes) -> tuple[bytes, bool, str]:
        place = path.partition("?")[0].split("/v1/", 1)[1].split("/")
        if place == ["files"] and method == "POST":
            return self._reply(self._take_file(body))
        if place[0] == "files":
            return make_reply(200, self.files[place[1]].decode()), False, ""
        if place == ["batches"] and method == "POST":
            return self._make_batch(json.loads(body))
        if place == ["batches"]:
            newest = list(reversed(self.batches.values()))
            return self._reply({"object": "list", "data": newest, "has_more": False})
        if place[0] == "batches":
            return self._look(place[1])
        return super().route(method, path, body)

    def _reply(self, told: dict[str, Any], status: int = 200) -> tuple[bytes, bool, str]:
        return make_reply(status, json.dumps(told)), False, ""

    def _take_file(self, body: bytes) -> dict[str, Any]:
        lines = [line for line in body.split(b"\n") if line.startswith(b'{"custom_id"')]
        return self._add_file(b"\n".join(lines))

    def _add_file(self, data: bytes) -> dict[str, Any]:
        name = f"file-{len(self.files)}"
        self.files[name] = data
        return {
            "id": name,
            "object": "file",
            "bytes": len(data),
            "created_at": 2_000_000_000,
            "filename": "x.jsonl",
            "purpose": "batch",
            "status": "processed",
        }

    def _make_batch(self, asked: Mapping[str, Any]) -> tuple[bytes, bool, str]:
        number = len(self.batches)
        fate = self.batch_fates[number] if number < len(self.batch_fates) else "completed"
        batch = {
            "id": f"batch-{number}",
            "object": "batch",
            "endpoint": asked["endpoint"],
            "input_file_id": asked["input_file_id"],
            "completion_window": "24h",
            "status": "in_progress",
            "created_at": 2_000_000_000,
        }
        self.batches[f"batch-{number}"] = batch
        self._fates = {**getattr(self, "_fates", {}), f"batch-{number}": fate}
        self._looks = {**getattr(self, "_looks", {}), f"batch-{number}": 0}
        self.on_batch(self)
        if fate == "lost_reply":
            return self._reply({"error": {"message": "the reply is lost"}}, 500)
        return self._reply(batch)

    def _look(self, name: str) -> tuple[bytes, bool, str]:
        batch, fate = self.batches[name], self._fates[name]
        self._looks[name] += 1
        if fate == "gone":
            return self._reply({"error": {"message": "no such batch", "code": "not_found"}}, 404)
        if batch["status"] == "in_progress" and self._looks[name] >= self.num_looks:
            self._end(batch, fate)
        return self._reply(batch)

    def _end(self, batch: dict[str, Any], fate: BatchFate) -> None:
        if fate == "refused":
            fault = {"code": "token_limit_exceeded", "message": "too many enqueued tokens", "object": "x"}
            batch |= {"status": "failed", "errors": {"object": "list", "data": [fault]}}
            return
        if fate == "expired":
            batch |= {"status": "expired"}
            return
        results, errors = [], []
        for line in self.files[batch["input_file_id"]].split(b"\n"):
            told = json.loads(line)
            body = json.dumps(told["body"], sort_keys=True)
            digest = hashlib.sha256(body.encode()).hexdigest()[:16]
            number = self.asked[digest]
            self.asked[digest] += 1
            fate_of_line = self.find_fate(told["body"], number)
            result, is_error = self._write_line(told, fate_of_line)
            if result is not None:
                (errors if is_error else results).append(json.dumps(result, ensure_ascii=False))
            if fate_of_line == "answered":
                self.served[digest] += 1
        batch |= {"status": "completed"}
        for key, lines in (("output_file_id", results), ("error_file_id", errors)):
            if lines:
                batch[key] = self._add_file("\n".join(lines).encode())["id"]

    def _write_line(self, told: Mapping[str, Any], fate: Fate) -> tuple[dict[str, Any] | None, bool]:
        line: dict[str, Any] = {"id": "x", "custom_id": told["custom_id"], "response": None, "error": None}
        if fate == "missing":
            return None, False
        if fate == "expired":
            return line | {"error": {"code": "batch_expired", "message": "not done in time"}}, True
        if fate in ("rate_limit", "bad_request"):
            status = 429 if fate == "rate_limit" else 400
            body = {"error": {"message": f"the server says {fate}", "code": fate}}
            return line | {"response": {"status_code": status, "request_id": "r", "body": body}}, True
        body = (
            {"no": "completion"} if fate == "garbled" else make_completion(self.write(told["body"]), "stop")
        )
        return line | {"response": {"status_code": 200, "request_id": "r", "body": body}}, False


def find_words(request: Mapping[str, Any]) -> str:
    """The last message of a request."""
    content = request["messages"][-1]["content"]
    return content if isinstance(content, str) else re.sub(r"\s+", " ", str(content))
