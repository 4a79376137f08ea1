"""What is taken in is kept, what is posted stands once, what is spent has an end."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

DELIVERING = "app/turns/delivering.py"
DRAFTS = "app/turns/drafts.py"
BUDGET = "app/turns/budget.py"
COSTS = "tests/turns/test_budget.py"

INTAKE = (
    Mutant(
        "a repeated delivery has no second effect",
        "app/turns/intake.py",
        "if one.key in new and one is first[one.key]",
        "",
        "tests/turns/test_intake.py::test_a_repeated_delivery_has_no_second_effect[sqlite]",
    ),
    Mutant(
        "what is answered for is committed",
        "app/store/writer.py",
        "        try:\n            results = self._commit(connection, group)\n",
        "        _settle((operation, None, None) for operation in group)\n"
        "        try:\n            results = self._commit(connection, group)\n",
        "tests/store/test_writer.py::test_an_answer_comes_after_its_commit[sqlite]",
    ),
    Mutant(
        "a commit outlives a power cut",
        "app/store/database.py",
        "PRAGMA synchronous=FULL",
        "PRAGMA synchronous=OFF",
        "tests/store/test_database.py::test_sqlite_writes_durably_and_minds_foreign_keys",
    ),
    Mutant(
        "the same message again is no second one",
        "app/turns/talking.py",
        "        return _asked(item)\n    acting.heed_stop(db, thread, now)\n    return",
        "        pass\n    acting.heed_stop(db, thread, now)\n    return",
        "tests/turns/test_intake.py::test_the_same_message_again_is_the_same_message[sqlite]",
    ),
    Mutant(
        "who lost the lease writes nothing",
        "app/store/threads.py",
        '        Thread.fence == bindparam("fence"),\n',
        "",
        "tests/store/test_threads.py::test_the_same_worker_may_not_use_its_older_lease[sqlite]",
    ),
    Mutant(
        "who lost the lease tells nothing more, also where many tell at once",
        "app/turns/recording.py",
        "        if one.lease not in held:\n",
        "        if not held:\n",
        "tests/turns/test_telling.py::"
        "test_who_lost_the_lease_tells_nothing_and_hinders_nobody[sqlite]",
    ),
    Mutant(
        "an ended attempt tells nothing more, also where many tell at once",
        "app/turns/recording.py",
        '(turn.attempt, turn.state) != (one.running.attempt, "generating")',
        "not turn.attempt",
        "tests/turns/test_telling.py::"
        "test_an_attempt_that_was_ended_beside_itself_tells_nothing[sqlite]",
    ),
)

POSTED = (
    Mutant(
        "before it is posted again it is looked for",
        DELIVERING,
        "    if tried.posts:\n",
        "    if tried.posts < 0:\n",
        "tests/turns/test_bad_days.py::"
        "test_a_comment_that_jira_took_is_found_again_behind_many_others[sqlite]",
    ),
    Mutant(
        "that it will be posted is recorded first",
        "app/turns/recording.py",
        "    turn.posts += 1\n",
        "",
        "tests/turns/test_bad_days.py::"
        "test_a_comment_that_jira_took_is_found_again_behind_many_others[sqlite]",
    ),
    Mutant(
        "an answer once written is only delivered",
        "app/turns/deciding.py",
        '    if turn is not None and turn.state == "posting":\n',
        '    if turn is not None and turn.state == "posted":\n',
        "tests/turns/test_bad_days.py::test_one_comment_although_posting_it_went_wrong"
        "[sqlite-status]",
    ),
    Mutant(
        "our comment, deleted by a person, is not posted again",
        DELIVERING,
        "    if tried.comment_id is not None:\n"
        "        return await _as_told(place, tried, tried.comment_id)\n",
        "",
        "tests/turns/test_posting.py::"
        "test_our_comment_deleted_before_we_knew_of_it_is_no_item[sqlite]",
    ),
    Mutant(
        "a note that customers can read is taken back",
        DELIVERING,
        "    if internal and not await comments.verify_internal(",
        "    if not internal and not await comments.verify_internal(",
        "tests/turns/test_posting.py::test_a_note_that_is_public_all_the_same_is_taken_back"
        "[sqlite]",
    ),
    Mutant(
        "an answer never stands above its question",
        "app/turns/posting.py",
        "            raise TooSoon(later)",
        "            pass",
        "tests/turns/test_bringing.py::test_an_answer_never_stands_above_its_question",
    ),
    Mutant(
        "what the team writes in a service project is a note",
        "app/turns/bringing.py",
        '    note = issue.service_project is not False and standing != "customer"',
        "    note = False",
        "tests/turns/test_bringing.py::test_in_a_service_project_what_the_team_writes_is_a_note",
    ),
    Mutant(
        "what waited when the tenant left is not brought after a reinstall",
        "app/turns/brought.py",
        "    return row.created_at < db.get_one(Tenant, row.tenant_id).installed_at",
        "    return False",
        "tests/turns/test_bringing.py::"
        "test_what_waited_when_the_tenant_left_is_not_brought_after_a_reinstall[sqlite]",
    ),
)

DRAFT = (
    Mutant(
        "a draft is posted by nobody but a person",
        "app/turns/posting.py",
        '    if delivery.turn.reply_as in {"public", "internal"}:',
        '    if delivery.turn.reply_as != "private":',
        "tests/turns/test_who_is_answered.py::test_in_draft_mode_nothing_is_posted[sqlite]",
    ),
    Mutant(
        "the team's own talk is posted nowhere",
        "app/turns/posting.py",
        '{"public", "internal"}:\n',
        '{"public", "internal", "private"}:\n',
        "tests/turns/test_talking.py::test_the_teams_own_talk_is_posted_nowhere[sqlite]",
    ),
    Mutant(
        "two who approve have one comment",
        "app/turns/outgoing.py",
        "    row = by_item(db, tenant_id, item.id)\n    if row is None:\n",
        "    if (row := None) is None:\n",
        "tests/turns/test_bringing.py::test_an_item_is_queued_once_and_its_thread_is_due[sqlite]",
    ),
    Mutant(
        "to approve again is no error and no second comment",
        DRAFTS,
        '    if state_of(desk.item) in {"approved", "posted"}:\n        return False\n',
        "",
        "tests/turns/test_drafts.py::"
        "test_two_who_approve_at_once_and_again_have_one_comment[sqlite]",
    ),
    Mutant(
        "what was decided is not decided anew",
        DRAFTS,
        "        raise Conflict(state, mine if",
        "        _ = Conflict(state, mine if",
        "tests/turns/test_drafts.py::test_a_rejected_draft_keeps_who_and_why_and_is_posted_never",
    ),
    Mutant(
        "what was shown as a note is not posted publicly",
        DRAFTS,
        '    internal = shown != "public" or stands(',
        "    internal = stands(",
        "tests/turns/test_drafts.py::test_what_was_shown_as_a_note_is_not_posted_publicly",
    ),
    Mutant(
        "another draft heeds the team's hint",
        "app/turns/reading.py",
        "        hint=turn.hint,\n",
        "        hint=None,\n",
        "tests/turns/test_drafts.py::"
        "test_another_draft_takes_the_place_of_the_old_one_and_heeds_the_hint",
    ),
    Mutant(
        "a move withdraws what was drafted for other readers",
        "app/turns/filing.py",
        "    return known != (seen.project_id, seen.security_level)",
        "    return False",
        "tests/turns/test_drafts.py::test_a_move_or_a_security_level_withdraws_what_is_open",
    ),
    Mutant(
        "where it was switched off no approved draft is posted",
        "app/turns/brought.py",
        'return "switched_off" if policy_of(db, issue, settings).mode == "off" else None',
        "return None",
        "tests/turns/test_drafts.py::test_switched_off_as_it_is_approved_it_is_withdrawn",
    ),
)

SPENT = (
    Mutant(
        "at the cap nothing is sent to a model",
        "app/turns/turn.py",
        "        if not admitted:\n",
        "        if admitted is None:\n",
        "tests/turns/test_bad_days.py::"
        "test_at_the_cap_nothing_is_sent_and_a_person_is_promised[sqlite]",
    ),
    Mutant(
        "what is held counts as spent",
        BUDGET,
        "usage.reserved + usage.spent + tokens > cap",
        "usage.spent + tokens > cap",
        f"{COSTS}::test_held_and_spent_count_together[sqlite]",
    ),
    Mutant(
        "a call is held for before it is made",
        BUDGET,
        "    usage.reserved += tokens\n",
        "",
        f"{COSTS}::test_held_and_spent_count_together[sqlite]",
    ),
    Mutant(
        "what nobody knows the cost of counts in full",
        BUDGET,
        "held.tokens if taken is None else taken",
        "taken or 0",
        f"{COSTS}::test_where_nobody_knows_what_a_call_took_it_counts_in_full[sqlite]",
    ),
    Mutant(
        "a call is settled once",
        BUDGET,
        "    db.delete(held)\n",
        "",
        f"{COSTS}::test_a_call_is_settled_once[sqlite]",
    ),
    Mutant(
        "what a dead worker held does not hold for ever",
        BUDGET,
        "    for one in left:\n        settle(",
        "    for one in left[:0]:\n        settle(",
        f"{COSTS}::test_what_a_dead_worker_held_is_counted_in_full_after_an_hour[sqlite]",
    ),
)

MUTANTS = (*INTAKE, *POSTED, *DRAFT, *SPENT)
