"""Run the command: `python -m shelfcast_client.cli`."""

from __future__ import annotations

from shelfcast_client.cli.app import main

if __name__ == "__main__":
    main()
