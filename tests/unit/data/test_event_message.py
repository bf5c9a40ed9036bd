"""Whatever is told can be put into a message, and the message says it."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, date, datetime
from typing import cast

import orjson
import pytest
from redis.asyncio import Redis
from shelfcast.events.v1 import event_pb2
from shelfcast_data.adapters.redis.event_stream import RedisEventStream
from shelfcast_data.domain.event import (
    Happening,
    ImportFinished,
    ImportUndone,
    SalesChanged,
    StockCounted,
    StockMoved,
    StoredEvent,
    entries_changed,
)
from shelfcast_data.ports.outbox import EventUnreadable

AT = datetime(2026, 3, 1, 4, 5, 6, 789_000, tzinfo=UTC)
STREAM = RedisEventStream(cast("Redis", None), 1000)


def stored(name: str, facts: str) -> StoredEvent:
    return StoredEvent(1, "e-1", "acme", name, facts, "dv-4", "00-trace", AT, 0, "")


@pytest.mark.parametrize(
    "happening",
    [
        SalesChanged("mitte", "oats", date(2026, 3, 1)),
        ImportFinished("i-1", 3),
        ImportUndone("i-1"),
        entries_changed("terms", [("farm", "oats"), ("farm", "milk")]),
        StockMoved("m-1", "mitte", "oats", -2.5),
        StockCounted(4),
    ],
)
def test_a_message_says_what_happened(happening: Happening) -> None:
    body = STREAM.packed(stored(happening.name, orjson.dumps(happening).decode()))

    message = event_pb2.Event.FromString(body)
    said = getattr(message, happening.name)

    assert message.WhichOneof("happening") == happening.name
    assert (message.event_id, message.tenant, message.data_version) == ("e-1", "acme", "dv-4")
    assert message.occurred_at.ToDatetime(UTC) == AT
    assert {field.name for field, _ in said.ListFields()} == {field.name for field in fields(happening)}


@pytest.mark.parametrize(
    ("name", "facts"),
    [("unheard_of", "{}"), ("stock_counted", "not json"), ("stock_counted", '{"count": "many"}')],
)
def test_what_is_no_message_is_refused(name: str, facts: str) -> None:
    with pytest.raises(EventUnreadable, match=name):
        STREAM.packed(stored(name, facts))


def test_of_many_entries_the_first_hundred_are_named() -> None:
    told = entries_changed("product", [(f"p{number}",) for number in range(150)])

    assert (len(told.entries), told.count) == (100, 150)
