"""Three kinds of senders. Each keeps its own list of what it sent and what it was answered, and asks us nothing."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

import aiohttp
import redis.asyncio as redis
from redis.exceptions import RedisError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tests.intake_campaign.frames import Frame

STREAM = "signals_stream"
STREAM_BATCH = 50
WINDOW = 100  # frames of a socket that may wait for their answers
ANSWER_SECONDS = 20.0
RETRY_SECONDS = 0.2


@dataclass
class Record:
    """sent counts attempts, resent ones too; answers are (frame, status) in the order they came."""

    source: str
    frames: Sequence[Frame]
    sent: int = 0
    answers: list[tuple[Frame, str]] = field(default_factory=list)
    odd: Counter[str] = field(default_factory=Counter)

    @property
    def share(self) -> float:
        return len(self.answers) / len(self.frames)


def _now() -> datetime:
    return datetime.now(UTC)


class Pace:
    """All has been said after so many seconds and not before, so that it meets the trouble."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._began = seconds, time.monotonic()

    async def keep(self, record: Record) -> None:
        due = self._began + record.share * self._seconds
        await asyncio.sleep(max(0.0, due - time.monotonic()))


async def send_by_stream(url: str, pace: Pace, record: Record, told: Callable[[int], None]) -> None:
    """Where the answer to XADD is lost the batch is added again: more entries, and never fewer."""
    client = redis.Redis.from_url(url, socket_timeout=5)
    todo = deque(record.frames)
    while todo:
        await pace.keep(record)
        batch = [todo[place] for place in range(min(STREAM_BATCH, len(todo)))]
        try:
            await _add(client, batch)
        except (RedisError, OSError):
            record.odd["XADD again"] += 1
            await asyncio.sleep(RETRY_SECONDS)
            continue
        record.sent += len(batch)
        record.answers += [(todo.popleft(), "added") for _ in batch]
        told(len(batch))
    await client.aclose()


async def _add(client: redis.Redis, batch: list[Frame]) -> None:
    async with client.pipeline(transaction=True) as pipe:
        for frame in batch:
            entry = frame.entry(_now()) if frame.uid else {"rubbish": frame.rubbish or "-"}
            pipe.xadd(STREAM, entry | {"source": "chaos"})
        await pipe.execute()


async def send_by_socket(
    url: str, token: str, pace: Pace, record: Record, told: Callable[[int], None]
) -> None:
    """Frames in their order, a window of them ahead of the answers; after a break the unanswered once more."""
    todo = deque(record.frames)
    while todo:
        with suppress(OSError, WebSocketException, TimeoutError, asyncio.IncompleteReadError):
            headers = {"Authorization": f"Bearer {token}"}
            async with connect(url, additional_headers=headers, open_timeout=10, max_size=2**21) as socket:
                await _signed_in(socket, record)
                await _converse(socket, todo, pace, record, told)
        if todo:
            record.odd["connected again"] += 1
            await asyncio.sleep(RETRY_SECONDS)


async def _signed_in(socket: ClientConnection, record: Record) -> None:
    answer = json.loads(await asyncio.wait_for(socket.recv(), ANSWER_SECONDS))
    if answer["type"] != "auth_success":
        record.odd[f"not let in: {answer.get('reason')}"] += 1
        raise OSError("not let in")


async def _converse(
    socket: ClientConnection, todo: deque[Frame], pace: Pace, record: Record, told: Callable[[int], None]
) -> None:
    waiting: deque[Frame] = deque()
    while todo:
        if not waiting:
            await pace.keep(record)
        while len(waiting) < min(WINDOW, len(todo)):
            frame = todo[len(waiting)]
            record.sent += 1
            await socket.send(frame.text(_now()))
            waiting.append(frame)
        answer = json.loads(await asyncio.wait_for(socket.recv(), ANSWER_SECONDS))
        if not _is_final(answer, waiting[0], record):
            raise OSError("the same frames once more, in their order")
        record.answers.append((waiting.popleft(), answer["status"]))
        todo.popleft()
        told(1)


def _is_final(answer: dict[str, object], frame: Frame, record: Record) -> bool:
    if answer.get("status") not in ("new", "duplicate", "ignored"):
        record.odd[f"answered {answer.get('status')}: {answer.get('reason')}"] += 1
        return False
    if answer.get("uid") != frame.uid:
        record.odd["an answer with another uid"] += 1
    return True


async def send_by_webhook(
    url: str, token: str, pace: Pace, record: Record, told: Callable[[int], None]
) -> None:
    """One after the other; whatever is no verdict is asked again."""
    limit = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    async with aiohttp.ClientSession(timeout=limit, headers=headers) as session:
        for frame in record.frames:
            await pace.keep(record)
            await _post_until_judged(session, url, frame, record)
            told(1)


async def _post_until_judged(session: aiohttp.ClientSession, url: str, frame: Frame, record: Record) -> None:
    for _ in count():
        if await _posted(session, url, frame, record):
            return
        await asyncio.sleep(RETRY_SECONDS)


async def _posted(session: aiohttp.ClientSession, url: str, frame: Frame, record: Record) -> bool:
    record.sent += 1
    try:
        async with session.post(url, data=frame.text(_now()).encode("utf-8", "surrogatepass")) as response:
            status, answer = response.status, await response.json(content_type=None)
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
        record.odd["no answer"] += 1
        return False
    if status in (200, 202, 400, 413, 422) and answer.get("status") in ("new", "duplicate", "ignored"):
        _is_final(answer, frame, record)
        record.answers.append((frame, answer["status"]))
        return True
    record.odd[f"HTTP {status}"] += 1
    return False
