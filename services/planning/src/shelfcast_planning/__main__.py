"""Start the planning service: `python -m shelfcast_planning [serve]`."""

from __future__ import annotations

import argparse

from shelfcast_servicekit import event_loop

from shelfcast_planning.bootstrap import run
from shelfcast_planning.settings import PlanningSettings


def main() -> None:
    """Read the command line and the environment, and serve."""
    parser = argparse.ArgumentParser(
        prog="shelfcast_planning", description="Decisions from forecasts and stock."
    )
    parser.add_argument("command", nargs="?", choices=["serve"], default="serve")
    parser.parse_args()
    event_loop.run(run(PlanningSettings.load()))


if __name__ == "__main__":
    main()
