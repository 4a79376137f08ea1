"""Ids of our own: a word that says of what, and 128 random bits."""

from __future__ import annotations

import os
import secrets
import socket
import string

_EPOCH = string.ascii_lowercase + string.digits


def new_id(kind: str) -> str:
    """Such as ``turn_5f3a…``: unguessable, and readable in a log."""
    return f"{kind}_{secrets.token_hex(16)}"


def new_process_id(kind: str) -> str:
    """Such as ``worker_host-1_4711_5f3a…``: an operator sees by it which process holds a thread."""
    return f"{kind}_{socket.gethostname()}_{os.getpid()}_{secrets.token_hex(8)}"


def pid_of(process_id: str) -> int:
    """The process's number on its host."""
    return int(process_id.rsplit("_", 2)[1])


def new_epoch() -> str:
    """8 random characters: what marks one history of a thread's events."""
    return "".join(secrets.choice(_EPOCH) for _ in range(8))
