"""A queue before an exporter: never blocks, drops and counts when the receiver is away."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, set_value
from prometheus_client import Counter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

QUEUE_LIMIT: Final = 8192
BATCH_SIZE: Final = 512
EVERY_SECONDS: Final = 0.5

_DROPPED: Final = Counter("telemetry_dropped_total", "Spans and logs that were not sent.", ("signal", "why"))
_SENT: Final = Counter("telemetry_sent_total", "Spans and logs that were sent.", ("signal",))
_LOG: Final = logging.getLogger("opentelemetry.shelfcast")  # below `opentelemetry`: never exported itself


class ExportQueue(Generic[T]):
    """Sends items in batches from one daemon thread; `put` costs a few hundred nanoseconds."""

    def __init__(self, signal: str, send: Callable[[Sequence[T]], bool]) -> None:
        """signal: `spans` or `logs`. send: gives whether the receiver took the batch; may block."""
        self._signal = signal
        self._send = send
        self._queue: deque[T] = deque()
        self._full = _DROPPED.labels(signal, "queue_full")
        self._refused = _DROPPED.labels(signal, "receiver_away")
        self._sent = _SENT.labels(signal)
        self._wake = threading.Event()
        self._idle = threading.Event()
        self._closing = False
        self._is_away = False
        self._thread = threading.Thread(target=self._work, name=f"telemetry-{signal}", daemon=True)
        self._thread.start()

    def put(self, item: T) -> None:
        """Queue an item; drop and count it when the queue is full or closed."""
        if self._closing or len(self._queue) >= QUEUE_LIMIT:
            self._full.inc()
            return
        self._queue.append(item)
        if len(self._queue) >= BATCH_SIZE and not self._wake.is_set():
            self._wake.set()

    def _work(self) -> None:
        attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        while not self._closing:
            self._wake.wait(EVERY_SECONDS)
            self._wake.clear()
            self._drain()
        self._drain()
        self._idle.set()

    def _drain(self) -> None:
        while self._queue:
            batch = [self._queue.popleft() for _ in range(min(BATCH_SIZE, len(self._queue)))]
            self._deliver(batch)

    def _deliver(self, batch: Sequence[T]) -> None:
        try:
            taken = self._send(batch)
        except Exception:  # noqa: BLE001 - the outermost frame of this thread: telemetry must not end it
            taken = False
        (self._sent if taken else self._refused).inc(len(batch))
        if taken is self._is_away:
            self._is_away = not taken
            _LOG.warning("telemetry receiver %s for %s", "away" if self._is_away else "back", self._signal)

    def flush(self, timeout_seconds: float) -> bool:
        """Send what is queued; say whether all of it went before the time was over."""
        deadline = threading.Event()
        self._wake.set()
        step = 0.01
        for _ in range(max(1, int(timeout_seconds / step))):
            if not self._queue:
                return True
            deadline.wait(step)
        return not self._queue

    def close(self, timeout_seconds: float) -> None:
        """Send what is left within the time, then stop."""
        self._closing = True
        self._wake.set()
        self._idle.wait(timeout_seconds)
