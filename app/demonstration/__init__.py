"""``make demo``: the whole system on one machine, with no account and no key.

A simulated Jira Cloud site and a simulated OpenAI run in this process, the app itself in a
process of its own, as an operator would run it, over real HTTP.
"""

from __future__ import annotations

from app.demonstration.running import Ports, run

__all__ = ["Ports", "run"]
