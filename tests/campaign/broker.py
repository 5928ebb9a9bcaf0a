"""Takes what the product put into Celery's queues; who runs it, when and how often is the world's business."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from celery import current_app

QUEUES = ("orders", "trailing", "sweeps", "reconcile")


@dataclass(frozen=True, slots=True)
class Hint:
    task: str
    arguments: tuple[Any, ...]

    def run(self) -> None:
        current_app.tasks[self.task](*self.arguments)

    def __str__(self) -> str:
        return f"{self.task.replace('.tasks.', ' ')}({', '.join(map(str, self.arguments))})"


class Broker:
    def __init__(self) -> None:
        self._connection = current_app.connection_for_read()
        self._channel = self._connection.channel()
        self._take_all()

    def take(self) -> list[Hint]:
        return list(self._take_all())

    def _take_all(self) -> list[Hint]:
        return [hint for queue in QUEUES for hint in self._of(queue)]

    def _of(self, queue: str) -> Iterator[Hint]:
        while (message := self._channel.basic_get(queue, no_ack=True)) is not None:
            arguments, _, _ = message.decode()
            yield Hint(message.headers["task"], tuple(arguments))

    def close(self) -> None:
        self._connection.release()
