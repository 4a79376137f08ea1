"""What a model is given, what is shown of its words, and what a stream tells."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

GIVEN = "app/firewall/given.py"
INLINE = "app/firewall/inline.py"
REPLAY = "app/stream/replay.py"
HUB = "app/stream/hub.py"

READ = (
    Mutant(
        "what is not clearly public is internal",
        GIVEN,
        '        return "public"\n    return "internal"\n',
        '        return "public"\n    return "public"\n',
        "tests/firewall/test_given.py::test_what_is_not_clearly_public_is_internal",
    ),
    Mutant(
        "a note is internal by its property, too",
        GIVEN,
        '    return value.get("internal", False) is not False',
        "    return False",
        "tests/firewall/test_given.py::test_what_is_not_clearly_public_is_internal",
    ),
    Mutant(
        "no turn reads what is restricted to a role",
        GIVEN,
        "    if marks.restricted is not False:",
        "    if marks.restricted is None:",
        "tests/firewall/test_given.py::test_an_internal_turn_is_given_notes_too_but_nothing_restricted",
    ),
    Mutant(
        "a public turn reads no note",
        GIVEN,
        'return audience == "public" and found == "public"',
        'return audience == "public" and found != "restricted"',
        "tests/firewall/test_given.py::test_a_public_turn_is_given_public_text_alone",
    ),
    Mutant(
        "of an issue a model is told three fields",
        GIVEN,
        'summary=_bounded(fields.get("summary"), MAX_SUMMARY)',
        "summary=_bounded(str(fields), MAX_DESCRIPTION)",
        "tests/firewall/test_given.py::test_a_public_turn_is_given_public_text_alone",
    ),
    Mutant(
        "a public answer is given nothing that became a note",
        "app/assistant/store.py",
        ' and (context.notes or not item.meta.get("note"))',
        "",
        "tests/turns/test_talking.py::"
        "test_what_an_agent_writes_to_it_in_a_service_project_never_reaches_the_customer[sqlite]",
    ),
    Mutant(
        "nothing beyond what the turn has read is given",
        "app/assistant/store.py",
        "        through=context.read_through,\n",
        "",
        "tests/assistant/test_answers.py::test_nothing_is_read_beyond_what_the_turn_has_read",
    ),
    Mutant(
        "no text in an issue ends the block it stands in",
        "app/assistant/conversation.py",
        '.replace("<", "\\\\u003c")',
        "",
        "tests/assistant/test_answers.py::test_the_issue_is_given_as_data_that_cannot_end_itself",
    ),
)

SHOWN = (
    Mutant(
        "an answer loads no image",
        INLINE,
        "        self._out.put_alt(self._plain(link.text.strip(), _no_link))\n"
        "        return link.end",
        "        return self._put(text[at : link.end], link.end)",
        "tests/firewall/test_shown.py::test_what_may_not_be_shown_is_written_plainly",
    ),
    Mutant(
        "an answer mentions nobody",
        INLINE,
        '    return INVISIBLE if text.startswith(("~", "\\\\~"), at) else ""',
        '    return ""',
        "tests/firewall/test_shown.py::test_what_may_not_be_shown_is_written_plainly",
    ),
    Mutant(
        "an answer links to no strange host",
        INLINE,
        "        kept = linkable(url, self._link_allowed)\n        label",
        "        kept = url\n        label",
        "tests/firewall/test_shown.py::test_what_may_not_be_shown_is_written_plainly",
    ),
    Mutant(
        "a bare address in an answer is no link",
        INLINE,
        "        stays = word.alone and self._stays(word.text)",
        "        stays = True",
        "tests/firewall/test_shown.py::test_what_may_not_be_shown_is_written_plainly",
    ),
    Mutant(
        "an answer holds no HTML",
        INLINE,
        'return self._put("<" if inert else "\\\\<", at + 1)',
        "return self._put(text[at:stop], stop)",
        "tests/firewall/test_shown.py::test_what_may_not_be_shown_is_written_plainly",
    ),
    Mutant(
        "an answer says what wrote it",
        "app/turns/delivering.py",
        "    if policy is not None and not policy.attribution:",
        "    if policy is not None:",
        "tests/turns/test_answered_once.py::"
        "test_the_answer_says_what_wrote_it_in_the_language_of_the_question[sqlite]",
    ),
)

STREAM = (
    Mutant(
        "an id of another history is told the thread anew",
        REPLAY,
        "    if place is not None and place.epoch == newest.epoch:",
        "    if place is not None:",
        "tests/stream/test_replay.py::test_an_id_of_another_history_is_told_anew[sqlite-2]",
    ),
    Mutant(
        "an id ahead of the log is told the thread anew",
        REPLAY,
        "        if events[-1].id == newest if events else place == newest:",
        "        if events[-1].id == newest if events else place >= newest:",
        "tests/stream/test_replay.py::test_an_id_ahead_of_the_log_is_told_anew[sqlite]",
    ),
    Mutant(
        "a gap in the log is told, not skipped",
        REPLAY,
        "        if row.n == number\n",
        "",
        "tests/stream/test_replay.py::"
        "test_where_the_log_no_longer_reaches_back_it_is_told_anew[sqlite-gone2-anew2]",
    ),
    Mutant(
        "a deleted issue's thread has no stream",
        REPLAY,
        "        _ISSUES.deleted_at.is_(None),\n",
        "",
        "tests/stream/test_replay.py::test_what_is_gone_has_no_followers[sqlite]",
    ),
    Mutant(
        "no other tenant reads a thread's events",
        REPLAY,
        '        _THREADS.tenant_id == bindparam("tenant_id"),\n',
        "",
        "tests/stream/test_replay.py::test_what_is_gone_has_no_followers[sqlite]",
    ),
    Mutant(
        "the newest events of a thread grown long are kept",
        "app/stream/log.py",
        "col(Event.n) <= last - KEPT",
        "col(Event.n) <= last",
        "tests/stream/test_trimming.py::test_a_long_thread_keeps_its_newest_events[sqlite]",
    ),
    Mutant(
        "words that are taken back leave the log",
        "app/stream/log.py",
        "            event.data = one_line(without_words(data))",
        "            pass",
        "tests/stream/test_log.py::"
        "test_words_that_are_taken_back_leave_the_log_and_nothing_else_does[sqlite]",
    ),
    Mutant(
        "what is made internal leaves the log",
        "app/turns/items.py",
        '    """Out of every view, though it may come back: its place stays, its words do not."""\n'
        "    log.redact(db, item.tenant_id, item.thread_id, item.id)\n",
        "",
        "tests/turns/test_the_human_wins.py::"
        "test_what_is_hidden_later_leaves_the_thread_its_log_and_the_model[sqlite]",
    ),
    Mutant(
        "who loses the right to read is told no more",
        "app/web/events.py",
        "        if not may:\n            follower.end()",
        "        assert may is not None",
        "tests/web/test_event_stream.py::test_who_may_not_go_on_or_is_not_known_to_is_told_no_more",
    ),
    Mutant(
        "a stream outlives Jira's last yes by less than a minute",
        "app/turns/rights.py",
        "            found = self._remembered(key, UNSURE_FOR) or NONE",
        "            found = ALL",
        "tests/turns/test_rights.py::test_a_stream_ends_within_a_minute_of_jiras_last_yes",
    ),
    Mutant(
        "a tenant that leaves ends its streams",
        HUB,
        "                if follower.viewer.tenant.session_generation != generation:",
        "                if follower.viewer.tenant.session_generation is None:",
        "tests/stream/test_hub.py::test_streams_end_at_once_when_their_tenant_leaves",
    ),
    Mutant(
        "a stream ends with its session, also between two ticks",
        "app/stream/follower.py",
        "        if batch is None or self._clock.now() >= self.viewer.expires_at:",
        "        if batch is None:",
        "tests/stream/test_hub.py::test_a_stream_ends_with_its_session_and_tells_nothing_later",
    ),
    Mutant(
        "a database that does not answer looks like no silence",
        HUB,
        "            self._end_all()\n            return",
        "            return",
        "tests/stream/test_hub.py::"
        "test_where_the_database_does_not_answer_no_stream_looks_up_to_date",
    ),
)

MUTANTS = (*READ, *SHOWN, *STREAM)
