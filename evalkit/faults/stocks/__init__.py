"""The stocks of phrases by name: what was looked at while rules were written, and what was not."""

from __future__ import annotations

from collections.abc import Mapping

from evalkit.faults.stocks import familiar, second, third
from evalkit.faults.wording import Stock

FAMILIAR = familiar.STOCK.name
STOCKS: Mapping[str, Stock] = {
    stock.name: stock for stock in (familiar.STOCK, second.STOCK, third.STOCK)
}


def stock_named(name: str) -> Stock:
    """The stock of that name."""
    if name not in STOCKS:
        raise ValueError(f"no stock of phrases is called {name!r}; there are {', '.join(STOCKS)}")
    return STOCKS[name]
