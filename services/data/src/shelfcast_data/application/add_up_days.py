"""Add up the rows that an import has staged: one row a day, some days in each transaction.

What is added up is unstaged in the same transaction, so that a run that goes on after a crash finds only
what is left, and days do not depend on where the chunks of the file ended.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np

from shelfcast_data.application.import_run import ImportRun
from shelfcast_data.domain.import_record import Counts, ImportProgress
from shelfcast_data.domain.same_day import first_of_days, summed
from shelfcast_data.ports.store import Tx

PHASE: Final = "adding up"


def add_up_days(run: ImportRun, rows_at_once: int) -> None:
    """Turn all staged rows of a run into rows of days, about `rows_at_once` in a transaction.

    Raises: FileRefused; what the job's watch raises.
    """
    total = float(run.progress.row)
    done = 0.0
    work = partial(_added_up, run, rows_at_once)
    while (part := run.store.transact_sync(work)) is not None:
        run.progress, count = part
        done += count
        run.watch.progress(PHASE, done, max(total, done))


def _added_up(run: ImportRun, rows_at_once: int, tx: Tx) -> tuple[ImportProgress, int] | None:
    """Give the progress with the next days and the rows that they took; None when nothing waits."""
    load = tx.load(run.tenant, run.load_no)
    staged = load.first_staged(rows_at_once)
    if not len(staged.sales):
        return None
    first = first_of_days(staged.sales)
    days = summed(staged.sales.with_only(run.record.file.columns))
    loaded = load.write(days, staged.is_new[first])
    load.unstage(staged)
    sizes = np.diff(first, append=len(staged.sales))
    repeated = int(sizes[loaded.repeated].sum())
    counts = run.progress.counts.plus(Counts(accepted=-repeated, repeated=repeated))
    progress = replace(run.progress, counts=counts)
    tx.imports(run.tenant).save_progress(run.import_id, progress)
    run.watch.guard(tx)
    return progress, len(staged.sales)
