"""The demo retailer: a generated chain of shops whose true demand is known.

`generate(DemoSettings())` gives the sales as a shop would record them and the truth behind them. What is in
it, in the order in which it is applied to the expected units of a day:

1. a level per product and per shop, drawn log-normally; every fifth product is intermittent (a few a week);
2. a trend per product of -15 % to +25 % a year;
3. a weekly pattern per shop (weekends are strong) and a yearly season per category (`season.py`);
4. price changes and promotions with an effect of known size (`price.py`);
5. demand is drawn around that rate from a negative binomial distribution (`demand.py`);
6. stock is counted, ordered and delivered; what is not on the shelf cannot be sold, so that stock-outs censor
   sales and `was_available` is false on such days (`stock.py`);
7. shops are closed on a few days, which have no rows, and every tenth product is launched late, so it is new.

The same settings give the same bytes.
"""

from __future__ import annotations

from shelfcast_testing.demo.retailer import Retailer, generate
from shelfcast_testing.demo.settings import DemoSettings

__all__ = ["DemoSettings", "Retailer", "generate"]
