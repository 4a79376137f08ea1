"""How Jira is spoken to: where to, how often, how fast."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

CLIENT = "app/jira/client.py"
COMMENTS = "app/jira/comments.py"

MUTANTS = (
    Mutant(
        "a comment is asked for once",
        CLIENT,
        '        if method == "GET" and call.repeatable:\n',
        "        if method:\n",
        "tests/jira/test_jira_client.py::"
        "test_a_write_is_never_repeated_and_says_whether_it_may_be_done",
    ),
    Mutant(
        "a comment bears the mark by which it is found",
        COMMENTS,
        '[{"key": MARK, "value": dict(mark)}]',
        "[]",
        "tests/jira/test_jira_comments.py::test_a_public_comment_is_posted_with_its_mark",
    ),
    Mutant(
        "a mark on somebody else's comment is not believed",
        COMMENTS,
        "        if each.author is None or each.author.account_id != own_account_id:",
        "        if each.author is None:",
        "tests/jira/test_jira_comments.py::test_a_mark_on_somebody_elses_comment_is_not_believed",
    ),
    Mutant(
        "a Jira sends us, and our token, nowhere else",
        CLIENT,
        "auth=None, follow_redirects=False",
        "auth=None, follow_redirects=True",
        "tests/jira/test_jira_client.py::test_redirects_are_not_followed",
    ),
    Mutant(
        "what is no id reaches no path",
        CLIENT,
        "        raise JiraNotFound(operation, 404)\n    return value",
        "        pass\n    return value",
        "tests/jira/test_jira_client.py::test_what_is_no_id_never_reaches_a_path",
    ),
    Mutant(
        "no more is written to an issue than Jira takes",
        "app/store/quotas.py",
        "    if free and max(free) > moment:\n",
        "    if free and max(free) < 0:\n",
        "tests/jira/test_jira_limits.py::test_twenty_writes_fit_and_the_next_waits",
    ),
    Mutant(
        "what was recorded too long ago is not sent",
        "app/turns/delivering.py",
        "        raise JiraUnavailable(comments.ADD_COMMENT)\n",
        "        pass\n",
        "tests/turns/test_leases.py::"
        "test_what_was_recorded_too_long_ago_is_not_sent_but_looked_for_and_tried_anew[sqlite]",
    ),
)
