"""Write the demo retailer to files: `python -m shelfcast_testing.demo --out sales.csv`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from shelfcast_testing.demo.retailer import generate
from shelfcast_testing.demo.settings import DemoSettings


def main(arguments: Sequence[str]) -> int:
    """Write the files that the arguments name and say how many rows they hold."""
    chosen = _parser().parse_args(arguments)
    try:
        settings = DemoSettings(
            seed=chosen.seed, shop_count=chosen.shops, product_count=chosen.products, day_count=chosen.days
        )
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    retailer = generate(settings)
    retailer.write_sales(chosen.out)
    if chosen.truth is not None:
        retailer.write_truth(chosen.truth)
    sys.stdout.write(f"{retailer.sales.height} rows of sales in {chosen.out}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    usual = DemoSettings()
    parser = argparse.ArgumentParser(prog="python -m shelfcast_testing.demo", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="CSV file of the sales")
    parser.add_argument("--truth", type=Path, help="CSV file of the true demand")
    parser.add_argument("--seed", type=int, default=usual.seed, help="seed of all random choices")
    parser.add_argument("--shops", type=int, default=usual.shop_count, help="number of shops")
    parser.add_argument("--products", type=int, default=usual.product_count, help="number of products")
    parser.add_argument("--days", type=int, default=usual.day_count, help="number of business dates")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
