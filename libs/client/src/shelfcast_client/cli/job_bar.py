"""A progress bar for a job that is waited for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from shelfcast_client.cli.output import Output
from shelfcast_client.job import Job
from shelfcast_client.job import Progress as OnProgress


@contextmanager
def job_bar(output: Output, title: str) -> Iterator[OnProgress]:
    """Show what a job does while the block runs; give what is to be told about each change.

    The bar counts what the service has counted; there is no invented time of arrival.
    """
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} / {task.fields[total_text]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=output.remarks, transient=False) as bar:
        task = bar.add_task(title, total=None, total_text="?")

        def show(job: Job) -> None:
            total = job.total_count or None
            done = job.total_count if job.status == "completed" and total else job.done_count
            word = job.phase or job.status
            bar.update(
                task,
                description=f"{title}: {word if job.status == 'processing' else job.status}",
                completed=done,
                total=total,
                total_text=f"{total:,.0f}" if total else "?",
            )

        yield show
