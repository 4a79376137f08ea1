"""jira-chatkit: an assistant that answers in Jira Cloud. The way of a message, by file names:

1. Jira tells of a comment: ``web/webhooks.py``, behind the guards of ``web/guards.py``.
2. The delivery is parsed into ids and times: ``doors/connect/webhooks.py``, ``doors/arrivals.py``.
3. It is stored once, unseen, and the thread is due: ``turns/intake.py``. Only then comes the 2xx.
4. A worker takes the thread's lease: ``turns/scheduler.py``; what it does there: ``working.py``.
5. The thread is caught up: ``turns/catching_up.py`` looks at Jira (``sightings.py``, with
   ``firewall/given.py`` telling public from internal) and files what it saw (``filing.py``).
6. Who is answered, and when: ``turns/answering.py``; recorded by ``deciding.py``.
7. The turn: ``turns/turn.py`` gathers (``reading.py``), admits (``budget.py``), generates
   (``generating.py``, with ``assistant/server.py``) and posts (``posting.py``, with ``jira/``).
8. Every word on its way stands in the thread's log: ``stream/log.py``. A commit wakes who waits,
   here and in other processes: ``store/signals.py``, ``store/listening.py``.
9. Whoever watches is told: ``stream/hub.py`` reads the log once for all, ``web/events.py`` sends.

``main.py`` wires it, ``cli.py`` and ``commands.py`` start it, ``sandbox/`` is the world around it
for tests and demo.
"""
