"""Whom the assistant answers, and that people have the last word."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

ANSWERING = "app/turns/answering.py"
RULES = "tests/turns/test_answering_rules.py"
COMMENTS = "app/turns/comments.py"
HUMAN = "tests/turns/test_the_human_wins.py"

ANSWERED = (
    Mutant(
        "no app is answered, ourselves least of all",
        ANSWERING,
        'message.standing in {"ourselves", "app"} or ',
        "",
        f"{RULES}::test_who_is_answered_depends_on_who_is_asked_to_be[everyone-answered1]",
    ),
    Mutant(
        "where it is off nobody is answered",
        ANSWERING,
        ' or policy.mode == "off":\n        return "ignore"',
        ':\n        return "ignore"',
        f"{RULES}::test_the_mode_decides_what_becomes_of_a_question",
    ),
    Mutant(
        "what was written before it was switched on is not answered",
        ANSWERING,
        "message.created < policy.mode_since or not message.text.strip()",
        "not message.text.strip()",
        f"{RULES}::test_only_what_was_written_since_it_is_on_counts",
    ),
    Mutant(
        "no automatic mail is answered",
        ANSWERING,
        "    if automatic_mail(message.text) or not _addressed",
        "    if not _addressed",
        f"{RULES}::test_an_automatic_mail_is_not_answered",
    ),
    Mutant(
        "a message to somebody else is not answered",
        ANSWERING,
        "    if any(mention != app_account for mention in message.mentions):\n"
        "        return False\n",
        "",
        f"{RULES}::test_a_message_to_somebody_else_is_not_answered",
    ),
    Mutant(
        "a bystander is not answered unless an admin says so",
        ANSWERING,
        '        return message.standing == "customer"',
        "        return True",
        f"{RULES}::test_who_is_answered_depends_on_who_is_asked_to_be",
    ),
    Mutant(
        "what comes too late becomes a draft",
        ANSWERING,
        'policy.mode == "draft" or message.created < now - policy.answer_within',
        'policy.mode == "draft"',
        f"{RULES}::test_what_comes_too_late_becomes_a_draft",
    ),
    Mutant(
        "people are given time to finish",
        ANSWERING,
        "    if (settled := settled_at(questions, policy)) > now:\n        return Wait(settled)\n",
        "",
        f"{RULES}::test_people_are_given_time_to_finish",
    ),
    Mutant(
        "too many replies need a person",
        ANSWERING,
        '    if reply_as != "draft" and replies_last_hour >= policy.max_replies:\n'
        "        return HandOver()\n",
        "",
        f"{RULES}::test_more_than_twenty_replies_an_hour_need_a_person",
    ),
    Mutant(
        "in a service project a reply is a note by default",
        "app/turns/policy.py",
        '        if service_project is False or self.reply_audience == "public":',
        '        if service_project is not None or self.reply_audience == "public":',
        f"{RULES}::test_in_a_service_project_a_reply_is_a_note_unless_an_admin_says_otherwise",
    ),
    Mutant(
        "what is asked in a note is answered in a note",
        ANSWERING,
        '    if reply_as == "public" and any(question.note for question in questions):\n'
        '        reply_as = "internal"\n',
        "",
        "tests/turns/test_bringing.py::test_what_is_asked_in_a_note_is_answered_in_a_note_and_once",
    ),
    Mutant(
        "a restricted comment is not public",
        "app/turns/sightings.py",
        "            restricted=comment.restricted,",
        "            restricted=False,",
        "tests/turns/test_who_is_answered.py::"
        "test_a_restricted_comment_is_neither_answered_nor_given_to_the_model[sqlite]",
    ),
    Mutant(
        "a message that we brought is no second one when its webhook comes first",
        COMMENTS,
        '    if sighting.standing == "ourselves" or sighting.author_id == desk.app_account:',
        "    if not sighting.comment_id:",
        "tests/turns/test_bringing.py::"
        "test_a_webhook_that_is_faster_than_jiras_answer_makes_no_second_item",
    ),
)

TAKEOVER = (
    Mutant(
        "while it rests it does not answer",
        ANSWERING,
        "rest.until is not None and rest.until > now:",
        "rest.until is not None and rest.until < now:",
        f"{RULES}::test_while_it_rests_it_waits",
    ),
    Mutant(
        "what a person had the chance to answer is let be",
        ANSWERING,
        "        if (q.created <= spoken or ",
        "        if (",
        f"{RULES}::test_after_its_rest_what_was_asked_since_the_person_spoke_is_answered",
    ),
    Mutant(
        "a person who answers takes over",
        COMMENTS,
        "    if not sighting.history and takes_over(message, desk.policy):\n",
        "    if sighting.history and takes_over(message, desk.policy):\n",
        f"{HUMAN}::test_while_a_person_has_it_nothing_is_answered[sqlite]",
    ),
    Mutant(
        "a person who answers stops the answer under way",
        "app/turns/acting.py",
        "    elif _rests(turn, issue, now):\n",
        "    elif issue.resting_until == now:\n",
        f"{HUMAN}::test_a_person_whose_comment_no_webhook_brought_still_wins[sqlite]",
    ),
    Mutant(
        "before it posts it looks whether a person spoke",
        "app/turns/posting.py",
        "        await catch_up(lease, c, glance=True)\n",
        "",
        f"{HUMAN}::test_a_person_whose_comment_no_webhook_brought_still_wins[sqlite]",
    ),
    Mutant(
        "before it posts it looks whether the issue was resolved",
        "app/turns/filing.py",
        "        desk.rest_for_now()\n",
        "        pass\n",
        "tests/turns/test_posting.py::test_who_resolved_it_is_looked_at_before_posting[sqlite]",
    ),
    Mutant(
        "what was shown of an answer that a person ended is taken back",
        "app/turns/ending.py",
        "        _remove_partial(db, turn, now)\n        _uncover(db, turn)\n    _end(",
        "        _uncover(db, turn)\n    _end(",
        "tests/turns/test_talking.py::test_a_pause_stops_what_is_being_written[sqlite]",
    ),
    Mutant(
        "what a takeover stopped is still asked",
        "app/turns/ending.py",
        "        _uncover(db, turn)\n    _end(",
        "    _end(",
        "tests/turns/test_intake.py::test_what_a_takeover_stopped_is_still_asked[sqlite]",
    ),
    Mutant(
        "an answer that a person stopped is posted nowhere",
        "app/turns/acting.py",
        '    elif turn.stop_asked_at is not None:\n        ending.stop(db, turn, "stopped", now)\n',
        "",
        "tests/turns/test_talking.py::"
        "test_what_a_person_stopped_stays_marked_and_is_posted_nowhere[sqlite]",
    ),
    Mutant(
        "an edited comment is an edited item",
        COMMENTS,
        "    replace(desk, item, sighting.text)\n    message = _message(sighting)",
        "    message = _message(sighting)",
        f"{HUMAN}::test_an_edit_after_the_answer_replaces_the_item_and_is_not_answered[sqlite]",
    ),
    Mutant(
        "a question taken back is not answered",
        COMMENTS,
        "        desk.note_changed()\n    drafts.withdraw_unasked",
        "        pass\n    drafts.withdraw_unasked",
        "tests/turns/test_posting.py::"
        "test_a_question_taken_back_while_jira_will_not_take_the_comment_is_not_answered[sqlite]",
    ),
    Mutant(
        "what is edited before it is answered is read anew",
        COMMENTS,
        "        desk.note_changed()\n    items.rewrite",
        "        pass\n    items.rewrite",
        f"{HUMAN}::test_an_edit_before_the_answer_replaces_the_question[sqlite]",
    ),
)

POISONED = (
    Mutant(
        "what a model refuses does not spoil the answers after it",
        "app/turns/recording.py",
        "suspects.try_without(db, turn, cause)",
        "cause in suspects.SUSPICIOUS and turn.leaves_out",
        "tests/turns/test_bad_days.py::"
        "test_a_message_that_a_model_refuses_does_not_spoil_the_next_answer[sqlite]",
    ),
    Mutant(
        "the team's own question is not spoilt by what the public failed at",
        "app/turns/reading.py",
        "if item.state in SAID and item.id not in left_out",
        "if item.state in SAID",
        "tests/turns/test_bad_days.py::"
        "test_the_teams_own_question_is_tried_without_what_the_public_failed_at[sqlite]",
    ),
)

MUTANTS = (*ANSWERED, *TAKEOVER, *POISONED)
