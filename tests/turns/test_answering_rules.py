"""Who is answered, decision by decision: the contract's sentences, without a database."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.turns.answering import (
    Answer,
    HandOver,
    Message,
    Nothing,
    Question,
    Rest,
    Standing,
    Wait,
    hour_before,
    judge,
    plan,
    settled_at,
    takes_over,
)
from app.turns.policy import Mode, Policy, ReplyAs, lay_over
from tests.support.clock import START

NOW = START
SINCE = NOW - timedelta(days=1)
APP = "our-account"
NO_REST = Rest(None, None)
STANDINGS: tuple[Standing, ...] = get_args(Standing)


def policy(**given: Any) -> Policy:
    return Policy.model_validate({"mode": "auto", "mode_since": SINCE, **given})


def message(text: str = "Why?", standing: Standing = "customer", *, ago: float = 60,
            mentions: tuple[str, ...] = ()) -> Message:  # fmt: skip
    return Message(text, standing, NOW - timedelta(seconds=ago), mentions)


def verdict(said: Message, **given: Any) -> str:
    return judge(said, policy(**given), app_account=APP, now=NOW)


# --- modes and times ------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "expected"), [("off", "ignore"), ("draft", "draft"),
                                                ("auto", "answer")])  # fmt: skip
def test_the_mode_decides_what_becomes_of_a_question(mode: str, expected: str) -> None:
    assert verdict(message(), mode=mode) == expected


@pytest.mark.parametrize(
    ("ago", "expected"), [(1, "answer"), (59, "answer"), (60, "answer"), (61, "ignore")]
)
@pytest.mark.parametrize("mode", ["draft", "auto"])
def test_only_what_was_written_since_it_is_on_counts(mode: str, ago: float, expected: str) -> None:
    found = verdict(message(ago=ago), mode=mode, mode_since=NOW - timedelta(seconds=60))
    assert found == ("draft" if (mode, expected) == ("draft", "answer") else expected)


@pytest.mark.parametrize(("ago", "expected"), [(3599, "answer"), (3600, "answer"),
                                               (3601, "draft"), (80_000, "draft")])  # fmt: skip
def test_what_comes_too_late_becomes_a_draft(ago: float, expected: str) -> None:
    assert verdict(message(ago=ago)) == expected


def test_how_late_is_too_late_an_admin_says() -> None:
    assert verdict(message(ago=121), answer_within=120) == "draft"
    assert verdict(message(ago=7000), answer_within=7200) == "answer"


# --- whom -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer_to", "answered"),
    [
        ("reporter", {"customer"}),
        ("everyone", {"customer", "agent", "other"}),
        ("mention", set()),
    ],
)
def test_who_is_answered_depends_on_who_is_asked_to_be(
    answer_to: str, answered: set[Standing]
) -> None:
    found = {
        one for one in STANDINGS if verdict(message(standing=one), answer_to=answer_to) == "answer"
    }
    assert found == answered


@pytest.mark.parametrize("standing", ["customer", "agent", "other"])
def test_by_mention_whoever_calls_is_answered(standing: Standing) -> None:
    for said in (
        message(standing=standing, mentions=(APP,)),
        message("!assistant why?", standing),
        message("  !Assistant, why?", standing),
        message("!assistant", standing),
        message("!assistant\nwhy?", standing),
    ):
        assert verdict(said, answer_to="mention") == "answer"
    for said in (
        message("Why, !assistant?", standing),
        message("!assistants are everywhere", standing),
        message("!assist", standing),
    ):
        assert verdict(said, answer_to="mention") == "ignore"


@pytest.mark.parametrize(
    ("word", "text"),
    [("@bot", "@bot why?"), ("*bot", "\\*bot why?"), ("_ai_", "\\_ai\\_ why?"),
     ("Hey AI", "hey ai, why?"), ("!übersetzer", "!ÜBERSETZER bitte")],
)  # fmt: skip
def test_a_trigger_word_is_known_as_it_was_typed(word: str, text: str) -> None:
    assert verdict(message(text), answer_to="mention", trigger_word=word) == "answer"


@pytest.mark.parametrize("word", ["", "  "])
def test_an_empty_trigger_word_calls_nobody(word: str) -> None:
    assert verdict(message(), answer_to="mention", trigger_word=word) == "ignore"


@pytest.mark.parametrize("answer_to", ["reporter", "everyone", "mention"])
def test_a_message_to_somebody_else_is_not_answered(answer_to: str) -> None:
    for mentions in (("agnes",), (APP, "agnes"), ("agnes", APP)):
        said = message("!assistant why?", mentions=mentions)
        assert verdict(said, answer_to=answer_to) == "ignore"
    assert verdict(message("!assistant why?", mentions=(APP, APP)), answer_to=answer_to) == "answer"


def test_while_our_own_account_is_unknown_every_mention_is_of_somebody_else() -> None:
    said = message(mentions=("somebody",))
    assert judge(said, policy(answer_to="everyone"), app_account=None, now=NOW) == "ignore"


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_silence_is_not_answered(text: str) -> None:
    assert verdict(message(text), answer_to="everyone") == "ignore"


@pytest.mark.parametrize("answer_to", ["reporter", "everyone"])
def test_an_automatic_mail_is_not_answered(answer_to: str) -> None:
    assert verdict(message("Automatic reply: I am away"), answer_to=answer_to) == "ignore"
    assert verdict(message("Is an automatic reply sent?"), answer_to=answer_to) == "answer"


policies = st.builds(
    policy,
    mode=st.sampled_from(get_args(Mode)),
    answer_to=st.sampled_from(["reporter", "everyone", "mention"]),
    trigger_word=st.sampled_from(["", "!assistant", "w"]),
    mode_since=st.sampled_from([SINCE, NOW, NOW + timedelta(hours=1)]),
    answer_within=st.integers(0, 100_000),
)
messages = st.builds(
    Message,
    st.sampled_from(["Why?", "!assistant why?", "", "Out of office"]),
    st.sampled_from(STANDINGS),
    st.integers(-100, 100_000).map(lambda ago: NOW - timedelta(seconds=ago)),
    st.lists(st.sampled_from([APP, "agnes"]), max_size=2).map(tuple),
)


@given(messages, policies)
def test_no_app_is_ever_answered_and_nothing_where_it_is_off_or_older(
    said: Message, chosen: Policy
) -> None:
    found = judge(said, chosen, app_account=APP, now=NOW)
    if said.standing in {"app", "ourselves"} or chosen.mode == "off":
        assert found == "ignore"
    if said.created < chosen.mode_since or "agnes" in said.mentions:
        assert found == "ignore"
    if found == "answer":
        assert chosen.mode == "auto"
        assert said.created >= NOW - chosen.answer_within


# --- takeover -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_policy", "standing", "taken"),
    [
        ({}, "agent", True),
        ({"mode": "draft"}, "agent", True),
        ({"mode": "off"}, "agent", False),
        ({"answer_to": "everyone"}, "agent", False),
        ({"answer_to": "mention"}, "agent", False),
        ({"mode_since": NOW}, "agent", False),
        ({}, "customer", False),
        ({}, "other", False),
        ({}, "app", False),
        ({}, "ourselves", False),
    ],
)
def test_a_person_who_may_work_the_issue_takes_over(
    given_policy: dict[str, Any], standing: Standing, *, taken: bool
) -> None:
    assert takes_over(message("I have it.", standing), policy(**given_policy)) is taken


@given(messages, policies)
def test_nobody_who_takes_over_is_answered(said: Message, chosen: Policy) -> None:
    if takes_over(said, chosen):
        assert judge(said, chosen, app_account=APP, now=NOW) == "ignore"


# --- settling -------------------------------------------------------------------------------


def question(name: str = "q", *, ago: float = 60, seen: float | None = None,
             as_draft: bool = False) -> Question:  # fmt: skip
    """Written ``ago`` seconds ago, and seen when it was written unless ``seen`` says otherwise."""
    return Question(
        name, NOW - timedelta(seconds=ago), NOW - timedelta(seconds=ago if seen is None else seen),
        as_draft,
    )  # fmt: skip


def planned(*questions: Question, rest: Rest = NO_REST, service: bool | None = False,
            replies: int = 0, now: datetime = NOW, **given: Any) -> object:  # fmt: skip
    return plan(
        questions,
        policy(**given),
        rest,
        service_project=service,
        replies_last_hour=replies,
        now=now,
    )


def test_people_are_given_time_to_finish() -> None:
    assert planned(question(ago=1)) == Wait(NOW + timedelta(seconds=1))
    assert planned(question(ago=1), now=NOW + timedelta(seconds=1)) == Answer(("q",), "public")
    both = (question("a", ago=5), question("b", ago=1))
    assert planned(*both) == Wait(NOW + timedelta(seconds=1))
    assert planned(*both, settle_for=0) == Answer(("a", "b"), "public")


def test_time_runs_from_when_it_was_seen_not_written() -> None:
    assert planned(question(ago=600, seen=1)) == Wait(NOW + timedelta(seconds=1))


def test_whoever_goes_on_and_on_is_answered_after_ten_seconds() -> None:
    going_on = [question(str(ago), ago=ago) for ago in range(9, -1, -1)]
    assert planned(*going_on) == Wait(NOW + timedelta(seconds=1))
    assert planned(question("first", ago=10), question("last", ago=0)) == Answer(
        ("first", "last"), "public"
    )
    assert planned(question(ago=10), settle_for=3600) == Answer(("q",), "public")


@given(st.lists(st.integers(0, 100), min_size=1), st.integers(0, 30))
def test_it_settles_after_the_last_and_at_most_ten_seconds_after_the_first(
    ages: list[int], settle_for: int
) -> None:
    questions = [question(str(ago), ago=ago) for ago in ages]
    settled = settled_at(questions, policy(settle_for=settle_for))
    first, last = NOW - timedelta(seconds=max(ages)), NOW - timedelta(seconds=min(ages))
    assert settled <= first + timedelta(seconds=10)
    assert settled <= last + timedelta(seconds=settle_for)
    assert settled in (first + timedelta(seconds=10), last + timedelta(seconds=settle_for))


# --- rest -----------------------------------------------------------------------------------

LATER = NOW + timedelta(hours=2)
SPOKEN = NOW - timedelta(minutes=10)


def test_nothing_asked_is_nothing_to_do() -> None:
    assert planned() == Nothing()
    assert planned(rest=Rest(LATER, SPOKEN)) == Nothing()


def test_while_it_rests_it_waits() -> None:
    assert planned(question(), rest=Rest(LATER, SPOKEN)) == Wait(LATER)
    assert planned(question(), rest=Rest(NOW + timedelta(seconds=1), None)) == Wait(
        NOW + timedelta(seconds=1)
    )


def test_after_its_rest_what_was_asked_since_the_person_spoke_is_answered() -> None:
    early, late = question("early", ago=700), question("late", ago=500)
    assert planned(early, late, rest=Rest(NOW, SPOKEN)) == Answer(("late",), "public", ("early",))
    assert planned(early, rest=Rest(NOW, SPOKEN)) == Nothing(("early",))


def test_a_person_who_spoke_in_the_same_moment_has_answered() -> None:
    same = Question("same", SPOKEN, SPOKEN, as_draft=False)
    assert planned(same, rest=Rest(NOW, SPOKEN)) == Nothing(("same",))


def test_after_its_rest_what_nobody_waits_for_any_more_is_let_be() -> None:
    rest = Rest(NOW, NOW - timedelta(hours=24))
    old, new = question("old", ago=3601), question("new", ago=3600)
    assert planned(old, new, rest=rest) == Answer(("new",), "public", ("old",))


def test_a_late_question_after_an_old_rest_becomes_a_draft_like_any_other() -> None:
    rest = Rest(NOW - timedelta(days=6), NOW - timedelta(days=7))
    late = question(ago=7200, seen=10, as_draft=True)
    assert planned(late, rest=rest) == Answer(("q",), "draft")


def test_resumed_by_hand_it_answers_what_was_asked_since() -> None:
    assert planned(question("q", ago=300), rest=Rest(None, SPOKEN)) == Answer(("q",), "public")


def test_where_it_was_switched_off_everything_is_let_be() -> None:
    asked = (question("a"), question("b"))
    assert planned(*asked, mode="off") == Nothing(("a", "b"))
    assert planned(*asked, mode="off", rest=Rest(LATER, SPOKEN)) == Nothing(("a", "b"))


# --- the way of an answer -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "service", "audience", "expected"),
    [
        ("auto", False, "internal", "public"),
        ("auto", False, "public", "public"),
        ("auto", True, "internal", "internal"),
        ("auto", True, "public", "public"),
        ("auto", None, "internal", "internal"),
        ("auto", None, "public", "public"),
        ("draft", False, "public", "draft"),
        ("draft", True, "internal", "draft"),
        ("off", False, "public", "draft"),
    ],
)
def test_where_an_answer_goes(
    mode: Mode, audience: str, expected: ReplyAs, *, service: bool | None
) -> None:
    chosen = policy(mode=mode, reply_audience=audience)
    assert chosen.reply_as(service_project=service) == expected


def test_in_a_service_project_a_reply_is_a_note_unless_an_admin_says_otherwise() -> None:
    assert planned(question(), service=True) == Answer(("q",), "internal")
    assert planned(question(), service=True, reply_audience="public") == Answer(("q",), "public")


def test_what_is_too_old_becomes_a_draft_unless_something_new_was_asked() -> None:
    old, late = question("old", ago=3601), question("late", ago=60, as_draft=True)
    assert planned(old, late) == Answer(("old", "late"), "draft")
    assert planned(old, question("new")) == Answer(("old", "new"), "public")


def test_in_draft_mode_every_answer_is_a_draft() -> None:
    assert planned(question(), mode="draft") == Answer(("q",), "draft")


@pytest.mark.parametrize(("replies", "over"), [(0, False), (19, False), (20, True), (99, True)])
def test_more_than_twenty_replies_an_hour_need_a_person(replies: int, *, over: bool) -> None:
    assert isinstance(planned(question(), replies=replies), HandOver) is over


def test_how_many_replies_are_too_many_an_admin_says() -> None:
    assert isinstance(planned(question(), replies=3, max_replies=3), HandOver)
    assert planned(replies=99) == Nothing()


def test_replies_are_counted_over_an_hour() -> None:
    assert hour_before(NOW) == NOW - timedelta(hours=1)


asked = st.lists(
    st.builds(
        question,
        st.uuids().map(str),
        ago=st.integers(0, 10_000),
        seen=st.integers(0, 20),
        as_draft=st.booleans(),
    ),
    max_size=5,
)
rests = st.builds(
    Rest,
    st.none() | st.integers(-5000, 5000).map(lambda at: NOW + timedelta(seconds=at)),
    st.none() | st.integers(0, 10_000).map(lambda ago: NOW - timedelta(seconds=ago)),
)


@given(asked, rests, st.integers(0, 30), st.sampled_from(get_args(Mode)))
def test_every_question_is_answered_let_be_or_waits_and_no_rest_is_broken(
    questions: list[Question], rest: Rest, replies: int, mode: Mode
) -> None:
    found = planned(*questions, rest=rest, replies=replies, mode=mode)
    names = {one.item_id for one in questions}
    if isinstance(found, Answer):
        assert {*found.item_ids, *found.forget} == names
        assert not {*found.item_ids} & {*found.forget}
        assert found.item_ids
        assert mode != "off"
        assert rest.until is None or rest.until <= NOW
        assert replies < 20 or found.reply_as == "draft"  # which is no reply
        assert mode == "auto" or found.reply_as == "draft"
    elif isinstance(found, Nothing):
        assert {*found.forget} == names
    elif isinstance(found, Wait):
        assert questions
        assert found.until > NOW


# --- settings laid over each other ----------------------------------------------------------


def test_the_later_layer_lies_above_and_what_nobody_set_is_the_contracts() -> None:
    laid = lay_over(
        "auto", SINCE, {"answer_within": 60, "max_replies": 3}, {"max_replies": 5, "unknown": 1}
    )
    assert (laid.mode, laid.mode_since, laid.max_replies) == ("auto", SINCE, 5)
    assert laid.answer_within == timedelta(seconds=60)
    assert laid == policy(answer_within=60, max_replies=5)
    bare = lay_over("off", SINCE)
    assert (bare.answer_to, bare.trigger_word, bare.reply_audience) == (
        "reporter", "!assistant", "internal",
    )  # fmt: skip
    assert (bare.answer_within, bare.settle_for, bare.resume_after, bare.max_replies) == (
        timedelta(hours=1), timedelta(seconds=2), timedelta(hours=24), 20,
    )  # fmt: skip


def test_no_layer_can_switch_the_mode() -> None:
    laid = lay_over("off", SINCE, {"mode": "auto", "mode_since": "1970-01-01T00:00:00Z"})
    assert (laid.mode, laid.mode_since) == ("off", SINCE)
