"""Start the data service or do a task of its operator: `python -m shelfcast_data --help`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from functools import partial
from pathlib import Path

import orjson
from shelfcast_servicekit import event_loop
from shelfcast_servicekit.errors import StorageFull

from shelfcast_data.adapters.archive.archiver import ArchiveReport
from shelfcast_data.adapters.backup.refusal import OperationRefused
from shelfcast_data.bootstrap.archive import archive, tenants, unarchive
from shelfcast_data.bootstrap.commands import (
    backup,
    create_api_key,
    erase_principal,
    export_principal,
    restore,
)
from shelfcast_data.bootstrap.database import at_newest, migrate
from shelfcast_data.bootstrap.maintenance import keep_maintained, maintain
from shelfcast_data.bootstrap.outbox import OutboxDesk
from shelfcast_data.bootstrap.server import examine_server
from shelfcast_data.bootstrap.service import run
from shelfcast_data.bootstrap.worker import work
from shelfcast_data.domain.archive import month_named
from shelfcast_data.domain.server_finding import ServerFinding
from shelfcast_data.errors import ArchiveDamaged, RoleUnknown
from shelfcast_data.settings import DataSettings


def main() -> None:
    """Read the command line and the environment, and do what is asked."""
    arguments = _parser().parse_args()
    settings = DataSettings.load()
    if arguments.command == "migrate":
        migrate(settings)
    elif arguments.command == "worker":
        work(settings)
    elif arguments.command == "create-api-key":
        _create_api_key(settings, arguments)
    elif arguments.command in {"backup", "restore"}:
        _move_backup(settings, arguments)
    elif arguments.command in {"archive", "unarchive"}:
        _move_months(settings, arguments)
    elif arguments.command == "maintain":
        _maintain(settings)
    elif arguments.command == "doctor":
        _doctor(settings, arguments)
    elif arguments.command in {"export-person", "erase-person", "erase-principal"}:
        _person(settings, arguments)
    elif arguments.command == "outbox":
        _outbox(settings, arguments)
    else:
        rounds = [partial(keep_maintained, settings.maintenance_hours)] if settings.maintenance_hours else []
        event_loop.run(run(settings, rounds))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="shelfcast_data", description="The system of record.")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("serve", help="serve gRPC (default)")
    commands.add_parser("worker", help="run imports and checks of quality")
    commands.add_parser("migrate", help="bring the database to the newest revision")
    key = commands.add_parser("create-api-key", help="make an API key and print it once")
    key.add_argument("--tenant", required=True, help="tenant that the key belongs to")
    key.add_argument("--role", required=True, help="viewer, planner, buyer, admin or service")
    key.add_argument("--name", default="command line", help="name for people")
    away = commands.add_parser("archive", help="move old months of sales into files, while everything runs")
    away.add_argument("--before", required=True, type=month_named, help="first month that stays, YYYY-MM")
    away.add_argument("--tenant", help="tenant whose sales are moved; all tenants if it is not given")
    back = commands.add_parser("unarchive", help="bring archived months of sales back")
    back.add_argument("--from", dest="first", required=True, type=month_named, help="first month, YYYY-MM")
    back.add_argument("--tenant", required=True, help="tenant whose sales are brought back")
    commands.add_parser("maintain", help="do what the server does daily: archive, prune, let go of old files")
    doctor = commands.add_parser("doctor", help="hold the database server against what is promised")
    doctor.add_argument("--json", action="store_true", help="print the findings as JSON")
    take = commands.add_parser("backup", help="write database and files into a new folder while all runs")
    take.add_argument("folder", type=Path, help="folder that is not there yet")
    load = commands.add_parser("restore", help="load a backup into an empty, migrated database")
    load.add_argument("folder", type=Path, help="folder that `backup` has made")
    outbox = commands.add_parser("outbox", help="look after events: state, dead letters, another try")
    actions = outbox.add_subparsers(dest="action", required=True)
    actions.add_parser("status", help="print how many events wait, since when, and how many are dead letters")
    actions.add_parser("dead", help="print the dead letters, one JSON object a line")
    again = actions.add_parser("requeue", help="let dead letters be tried again")
    again.add_argument("event_ids", nargs="*", metavar="event_id", help="dead letter; none means all of them")
    export = commands.add_parser("export-person", help="print what is stored of a person")
    erase = commands.add_parser(
        "erase-person", aliases=["erase-principal"], help="print what is stored of a person, then erase it"
    )
    for each in (export, erase):
        each.add_argument("name", help="e-mail address, name of API keys, or principal (api-key:Ab3dE6gH)")
        each.add_argument("--tenant", required=True, help="tenant that the person belongs to")
    return parser


def _create_api_key(settings: DataSettings, arguments: argparse.Namespace) -> None:
    try:
        secret = asyncio.run(create_api_key(settings, arguments.tenant, arguments.role, arguments.name))
    except RoleUnknown as error:
        sys.exit(f"There is no role {error.metadata['role']}; use one of: {error.metadata['roles']}.")
    sys.stdout.write(f"{secret}\n")


def _move_months(settings: DataSettings, arguments: argparse.Namespace) -> None:
    try:
        if arguments.command == "unarchive":
            _tell_moved(arguments.tenant, unarchive(settings, arguments.tenant, arguments.first))
            return
        for tenant in [arguments.tenant] if arguments.tenant else tenants(settings):
            _tell_moved(tenant, archive(settings, tenant, arguments.before))
    except OperationRefused as error:
        sys.exit(str(error))
    except ArchiveDamaged as error:
        sys.exit(f"The file {error.metadata['store_path']} is damaged or gone; restore it from a backup.")
    except StorageFull:
        sys.exit("There is no room left. Nothing was deleted; make room and try again.")


def _tell_moved(tenant: str, report: ArchiveReport) -> None:
    sys.stdout.write(f"{tenant}: {report.month_count} months, {report.row_count} rows\n")


def _maintain(settings: DataSettings) -> None:
    try:
        report = maintain(settings)
    except OperationRefused as error:
        sys.exit(str(error))
    except StorageFull:
        sys.exit("There is no room left. Nothing was deleted; make room and try again.")
    sys.stdout.buffer.write(orjson.dumps(report, option=orjson.OPT_APPEND_NEWLINE))
    sys.exit(bool(report.refused))


def _doctor(settings: DataSettings, arguments: argparse.Namespace) -> None:
    try:
        findings = examine_server(settings)
    except OperationRefused as error:
        sys.exit(str(error))
    if arguments.json:
        sys.stdout.buffer.write(orjson.dumps(findings, option=orjson.OPT_APPEND_NEWLINE))
    else:
        sys.stdout.writelines(f"{_told(finding)}\n" for finding in findings)
    sys.exit(any(finding.is_wrong for finding in findings))


def _told(finding: ServerFinding) -> str:
    state = f"{finding.subject} = {finding.found}"
    return (
        f"WRONG {state}, promised {finding.promised}. {finding.remedy}"
        if finding.is_wrong
        else f"fine  {state}"
    )


def _move_backup(settings: DataSettings, arguments: argparse.Namespace) -> None:
    move = backup if arguments.command == "backup" else restore
    try:
        manifest = move(settings, arguments.folder)
    except OperationRefused as error:
        sys.exit(str(error))
    except StorageFull:
        sys.exit("There is no room left. Nothing was changed; make room and try again.")
    counts = f"{len(manifest.tables)} tables, {manifest.row_count} rows, {len(manifest.files)} files"
    sys.stdout.write(f"{arguments.folder}: {counts}, of {manifest.taken_at}\n")


def _person(settings: DataSettings, arguments: argparse.Namespace) -> None:
    try:
        sys.stdout.buffer.write(export_principal(settings, arguments.tenant, arguments.name))
        sys.stdout.buffer.flush()  # what cannot be written is not erased
    except OperationRefused as error:
        sys.exit(str(error))
    if arguments.command == "export-person":
        return
    pseudonym = erase_principal(settings, arguments.tenant, arguments.name)
    sys.stderr.write(f"The names are erased; {pseudonym} stands in their place.\n")


def _outbox(settings: DataSettings, arguments: argparse.Namespace) -> None:
    try:
        with at_newest(settings) as (engine, _):
            desk = OutboxDesk(engine)
            if arguments.action == "requeue":
                sys.stdout.write(desk.requeue(arguments.event_ids))
            else:
                sys.stdout.write(desk.dead() if arguments.action == "dead" else desk.status())
    except OperationRefused as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
