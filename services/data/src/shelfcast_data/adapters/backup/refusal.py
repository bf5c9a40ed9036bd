"""Why a command of the operator cannot be done."""

from __future__ import annotations


class OperationRefused(Exception):
    """A command that changes nothing because something is not as it must be.

    Its text is for the person at the command line: what is wrong, and what to do about it.
    """
