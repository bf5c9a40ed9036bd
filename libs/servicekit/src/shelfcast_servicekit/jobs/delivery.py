"""Celery as the messenger: it carries a job's id to a worker and knows nothing else."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from collections.abc import Callable

TASK_NAME: Final = "shelfcast.run_job"
PUBLISH_TIMEOUT_SECONDS: Final = 1.0
CONSUME_TIMEOUT_SECONDS: Final = 15.0

_LOG: Final = logging.getLogger("shelfcast.jobs")


def job_app(redis_url: str, queue: str, timeout_seconds: float) -> Celery:
    """Make the Celery app of a queue: JSON only, prefetch 1, early ack, no result backend.

    timeout_seconds: longest wait for one answer of the broker.
    """
    app = Celery(f"shelfcast.{queue}", broker=redis_url, backend=None, set_as_current=False)
    app.conf.update(
        task_default_queue=queue,
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=False,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=timeout_seconds,
        broker_transport_options={
            "socket_timeout": timeout_seconds,
            "socket_connect_timeout": PUBLISH_TIMEOUT_SECONDS,
            "socket_keepalive": True,
            "health_check_interval": 10,
        },
    )
    return app


class JobPublisher:
    """Puts job ids on a service's queue; when Redis is away the job simply waits in SQL."""

    def __init__(self, redis_url: str, queue: str) -> None:
        """queue: short name of the service whose workers take the jobs."""
        self._queue = queue
        self._app = job_app(redis_url, queue, PUBLISH_TIMEOUT_SECONDS)
        self._is_away = False

    def publish(self, job_id: str) -> bool:
        """Announce a pending job; say whether the broker took the message. Blocks about a second at most."""
        try:
            self._app.send_task(TASK_NAME, args=[job_id], queue=self._queue, retry=False)
        except (OperationalError, RedisError, OSError) as error:
            self._note(is_away=True, why=type(error).__name__)
            return False
        self._note(is_away=False)
        return True

    def _note(self, *, is_away: bool, why: str = "") -> None:
        if is_away is not self._is_away:
            self._is_away = is_away
            _LOG.warning("broker of queue %s is %s %s", self._queue, "away" if is_away else "back", why)

    def close(self) -> None:
        """Close the connections to the broker."""
        self._app.close()


def register_task(app: Celery, run: Callable[[str], bool]) -> None:
    """Let a worker's app run `run(job_id)` for each message."""

    def run_job(job_id: str) -> None:
        run(job_id)

    app.task(name=TASK_NAME)(run_job)
