"""The commands of the gateway: `serve`, and `contract` to write down what it serves."""

from __future__ import annotations

import argparse
from pathlib import Path

from shelfcast_servicekit import event_loop

from shelfcast_gateway.application.openapi import openapi, route_lines
from shelfcast_gateway.bootstrap import contract, serve
from shelfcast_gateway.settings import GatewaySettings


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m shelfcast_gateway", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("serve", help="serve until SIGTERM")
    writer = commands.add_parser("contract", help="write openapi.json and routes.md")
    writer.add_argument("folder", type=Path)
    given = parser.parse_args()
    if given.command == "contract":
        write_contract(given.folder)
        return
    event_loop.run(serve(GatewaySettings.load()))


def write_contract(folder: Path) -> None:
    """Write the OpenAPI document and the table of routes, which a test compares with the code."""
    stated = contract()
    (folder / "openapi.json").write_bytes(openapi(stated) + b"\n")
    (folder / "routes.md").write_text(f"# Routes\n\n{route_lines(stated.bindings)}", encoding="utf-8")


if __name__ == "__main__":
    main()
