"""The command line of `shelfcast`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import ValidationError

from shelfcast_client.cli.connection import Connection, ConnectionUnknown, find_connection
from shelfcast_client.cli.doctor import examine
from shelfcast_client.cli.job_bar import job_bar
from shelfcast_client.cli.main_job import StepFailed
from shelfcast_client.cli.output import Output
from shelfcast_client.cli.up import Up, UpOptions
from shelfcast_client.client import rejects_path
from shelfcast_client.errors import RequestRefused, ServiceUnreachable, ShelfcastClientError
from shelfcast_client.report import ImportReport
from shelfcast_client.request import ForecastOptions, TrainOptions
from shelfcast_client.settings import ClientSettings
from shelfcast_client.stack.database import DatabaseUnavailable
from shelfcast_client.stack.port import PortTaken
from shelfcast_client.stack.stack import StackNotStarted
from shelfcast_client.upload import ImportOptions

FAILED: Final = 1
MISUSED: Final = 2
UNREACHABLE: Final = 3
REFUSED: Final = 4
INTERRUPTED: Final = 130
URL_BEGINNINGS: Final = ("https://", "http://")
DAY: Final = "%Y-%m-%d"

app = typer.Typer(
    name="shelfcast",
    help="Demand forecasts of your own. Exit codes: 0 done, 1 failed, 2 misused, 3 no answer, 4 refused",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Json = Annotated[bool, typer.Option("--json", help="Write results as JSON on standard output.")]
Url = Annotated[str | None, typer.Option("--url", help="Base URL of the gateway. [SHELFCAST_URL]")]
ApiKey = Annotated[str | None, typer.Option("--api-key", help="Credential. [SHELFCAST_API_KEY]")]
Horizon = Annotated[int, typer.Option("--horizon", min=1, max=365, help="Days to forecast.")]


@app.command()
def up(
    demo: Annotated[bool, typer.Option("--demo", help="Load, train and forecast the demo retailer.")] = False,
    data: Annotated[Path | None, typer.Option("--data", help="The same with a file of your own.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Stop when that is done; fail if a step did.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show the logs of all services.")] = False,
    as_json: Json = False,
) -> None:
    """Start all services, restart what dies, and stop them on Ctrl-C."""
    output = Output(is_json=as_json)
    if data is not None and not data.is_file():
        output.fail(f"There is no file {data}", "misused")
        raise typer.Exit(MISUSED)
    options = UpOptions(sales=data, is_demo=demo, is_once=once, is_verbose=verbose)
    _run(Up(_settings(output), options, output).run(), output)


@app.command("import")
def import_sales(  # noqa: PLR0913, PLR0917 - one parameter an option
    file: Annotated[str, typer.Argument(help="File of sales, or its URL: CSV, JSON, Parquet or XLSX.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the rows, store nothing.")] = False,
    column: Annotated[list[str] | None, typer.Option("--column", help="FIELD=COLUMN of the file.")] = None,
    shop_id: Annotated[
        str | None, typer.Option("--shop", help="Shop of all rows, if no column names it.")
    ] = None,
    is_summed: Annotated[
        bool, typer.Option("--sum", help="Add up rows of the same shop, product and date: receipts.")
    ] = False,
    mapping_name: Annotated[
        str | None, typer.Option("--mapping", help="Saved mapping that says how the file is read.")
    ] = None,
    pipeline: Annotated[
        str | None, typer.Option("--pipeline", help="Pipeline that prepares the file first.")
    ] = None,
    rejects: Annotated[
        Path | None, typer.Option("--rejects", help="Save the refused rows here, to be mended.")
    ] = None,
    url: Url = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Load a file of sales and tell what became of its rows."""
    output = Output(is_json=as_json)
    mapping = dict(pair.partition("=")[::2] for pair in column or ())
    options = ImportOptions(
        mapping=mapping,
        is_dry_run=dry_run,
        shop_id=shop_id,
        same_day="sum" if is_summed else None,
        mapping_name=mapping_name,
        pipeline=pipeline,
    )
    _run(_import(_connection(output, url, api_key), (file, rejects), options, output), output)


@app.command()
def export(  # noqa: PLR0913, PLR0917 - one parameter an option
    name: Annotated[str, typer.Argument(help="List: sales, products, shops, ...")],
    file: Annotated[Path, typer.Argument(help="File to write; .csv, .xlsx or .parquet chooses the form.")],
    shop_id: Annotated[str | None, typer.Option("--shop", help="Only this shop.")] = None,
    product_id: Annotated[str | None, typer.Option("--product", help="Only this product.")] = None,
    start: Annotated[datetime | None, typer.Option("--from", formats=[DAY], help="First day.")] = None,
    end: Annotated[datetime | None, typer.Option("--to", formats=[DAY], help="Last day.")] = None,
    url: Url = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Save a whole list as a file."""
    output = Output(is_json=as_json)
    connection = _connection(output, url, api_key)

    async def save() -> None:
        first, last = (day and day.date() for day in (start, end))
        async with connection.client() as client:
            await client.export(name, file, shop_id=shop_id, product_id=product_id, start=first, end=last)
        output.result({"file": str(file), "size_bytes": file.stat().st_size})

    _run(save(), output)


@app.command()
def train(
    model: Annotated[list[str] | None, typer.Option("--model", help="Forecaster; none means all.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of all random choices.")] = None,
    url: Url = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Train models on the newest data and show their figures."""
    output = Output(is_json=as_json)
    options = TrainOptions(models=model or (), seed=seed)
    _run(_train(_connection(output, url, api_key), options, output), output)


@app.command()
def forecast(
    product_id: Annotated[str | None, typer.Argument(help="Product; none means all series.")] = None,
    shop_id: Annotated[str | None, typer.Option("--shop", help="Shop.")] = None,
    horizon: Horizon = 14,
    url: Url = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Forecast a product, or all series, day by day."""
    output = Output(is_json=as_json)
    _run(_forecast(_connection(output, url, api_key), (product_id, shop_id, horizon), output), output)


@app.command()
def doctor(as_json: Json = False) -> None:
    """Check this machine and the services, and name a remedy for what is wrong."""
    output = Output(is_json=as_json)
    findings = asyncio.run(examine(_settings(output)))
    output.frame(findings, "What was found")
    if (findings["state"] == "wrong").any():
        raise typer.Exit(FAILED)


def main() -> None:
    """Run the command line."""
    app()


async def _import(
    connection: Connection, files: tuple[str, Path | None], options: ImportOptions, output: Output
) -> None:
    file, rejects = files
    async with connection.client() as client:
        with job_bar(output, "Import") as show:
            is_url = file.startswith(URL_BEGINNINGS)
            order = client.fetch_import(file, options) if is_url else client.import_sales(file, options)
            job = await client.wait(await order, show)
        report = await client.import_report(job.job_id)
        if rejects is not None and report.rejected_count:
            await client.save_rejects(report.import_id, rejects)
    if len(report.rejections) and not output.is_json:
        output.frame(report.rejections, "The first refused rows")
    output.result(
        {
            "import_id": report.import_id,
            "accepted_count": report.accepted_count,
            "rejected_count": report.rejected_count,
            "repeated_count": report.repeated_count,
            "filtered_count": report.filtered_count,
            "data_version": report.data_version,
            "repeated_import_id": report.repeated_import_id,
            "reject_file": _reject_file(connection, report, rejects),
        }
    )


def _reject_file(connection: Connection, report: ImportReport, saved: Path | None) -> str | None:
    """Say where the refused rows are, or can be had; nothing if no row was refused."""
    if not report.rejected_count:
        return None
    return str(saved) if saved is not None else connection.url.rstrip("/") + rejects_path(report.import_id)


async def _train(connection: Connection, options: TrainOptions, output: Output) -> None:
    async with connection.client() as client:
        with job_bar(output, "Training") as show:
            job = await client.wait(await client.train(options), show)
    output.result({"job_id": job.job_id, **job.result})


async def _forecast(
    connection: Connection, series: tuple[str | None, str | None, int], output: Output
) -> None:
    product_id, shop_id, horizon = series
    async with connection.client() as client:
        if product_id is None:
            shops = [shop_id] if shop_id else []
            frame = await client.forecast_batch(shop_ids=shops, horizon=horizon)
        else:
            frame = await client.forecast(product_id, shop_id, horizon, ForecastOptions())
    output.forecasts(frame)


def _settings(output: Output) -> ClientSettings:
    """Read the environment; name every wrong variable and leave with the code of misuse."""
    try:
        return ClientSettings()
    except ValidationError as error:
        faults = [f"SHELFCAST_{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors()]
        output.fail("\n".join(["Settings are wrong:", *faults]), "misused")
        raise typer.Exit(MISUSED) from None


def _connection(output: Output, url: str | None, api_key: str | None) -> Connection:
    try:
        return find_connection(_settings(output), url, api_key)
    except ConnectionUnknown as error:
        output.fail(str(error), "misused")
        raise typer.Exit(MISUSED) from None


def _run(work: Coroutine[None, None, None], output: Output) -> None:
    """Run a command to its end; a failure that is foreseen becomes one message and an exit code."""
    try:
        asyncio.run(work)
    except RequestRefused as error:
        output.fail(str(error), error.problem.reason or "refused")
        raise typer.Exit(REFUSED) from None
    except ServiceUnreachable as error:
        output.fail(str(error), "unreachable")
        raise typer.Exit(UNREACHABLE) from None
    except (ShelfcastClientError, StepFailed, StackNotStarted, DatabaseUnavailable, PortTaken) as error:
        output.fail(str(error), "failed")
        raise typer.Exit(FAILED) from None
    except FileNotFoundError as error:
        output.fail(str(error), "misused")
        raise typer.Exit(MISUSED) from None
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(INTERRUPTED)
