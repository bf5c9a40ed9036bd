from __future__ import annotations

import inspect

import shelfcast_client


def test_exported_names_are_sorted_and_there() -> None:
    names = shelfcast_client.__all__

    assert names == sorted(set(names))
    assert all(hasattr(shelfcast_client, name) for name in names)


def test_every_exported_name_is_documented() -> None:
    bare = [name for name in shelfcast_client.__all__ if not inspect.getdoc(getattr(shelfcast_client, name))]

    assert bare == []
