"""What the app asks of Jira, and what it is answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from jsonschema import Draft202012Validator

from app.sandbox.jira import JiraSite
from tests.sandbox.receiver import call, installed, paragraph
from tests.support.clock import FakeClock

COMPONENTS = Path(__file__).parents[1] / "data" / "jira-rest-components.json"
COMMENTS = "/rest/api/3/issue/OPS-1/comment"
INTERNAL = [{"key": "sd.public.comment", "value": {"internal": True}}]


@pytest.fixture(scope="module")
def shared() -> Iterator[JiraSite]:
    """For tests that read only, or write to issues of their own."""
    with installed() as (jira, _):
        yield jira


def is_a(component: str, answer: httpx2.Response) -> Any:
    """The body of an answer, when it is what Atlassian's own document says it is."""
    document = json.loads(COMPONENTS.read_text())
    schema = {**document, "$ref": f"#/components/schemas/{component}"}
    body = answer.json()
    errors = list(Draft202012Validator(schema).iter_errors(body))
    assert not errors, errors[0].message
    return body


def test_every_answer_has_the_shape_of_atlassians_document(shared: JiraSite) -> None:
    key = shared.create_issue("SUP", "Shapes", "All of them", by="carlos").key
    comment = shared.comment(key, "why?", visibility=("role", "Administrators"))
    base = f"/rest/api/3/issue/{key}"
    for path, component in {
        "/rest/api/3/myself": "User",
        f"/rest/api/3/user?accountId={shared.account_id('agnes')}": "User",
        f"/rest/api/3/user/bulk?accountId={shared.account_id('agnes')}&accountId=x": "PageBeanUser",
        "/rest/api/3/serverInfo": "ServerInformation",
        "/rest/api/3/mypermissions?permissions=ADMINISTER,ADD_COMMENTS": "Permissions",
        "/rest/api/3/project/search?expand=issueTypes&query=o": "PageBeanProject",
        "/rest/api/3/project/10000": "Project",
        "/rest/api/3/search/jql?jql=project%20%3D%20SUP": "SearchAndReconcileResults",
        base: "IssueBean",
        f"{base}/comment?expand=properties": "PageOfComments",
        f"{base}/comment/{comment.id}": "Comment",
        f"/rest/api/3/comment/{comment.id}/properties": "PropertyKeys",
        "/rest/api/3/issue/NONE-1": "ErrorCollection",
        "/rest/api/3/nothing/like/this": "ErrorCollection",
    }.items():
        assert is_a(component, call(shared, "GET", path)), path


def test_nobody_is_shown_an_email_address(shared: JiraSite) -> None:
    answer = call(shared, "GET", f"/rest/api/3/user?accountId={shared.account_id('carlos')}")

    assert answer.json()["accountType"] == "customer"
    assert answer.json()["locale"] == "es_ES"
    assert "emailAddress" not in answer.json()


def test_people_are_found_by_their_account_ids(shared: JiraSite) -> None:
    rita, agnes = shared.account_id("rita"), shared.account_id("agnes")

    def found(query: str) -> Any:
        return call(shared, "GET", f"/rest/api/3/user/bulk?{query}").json()

    both = found(f"accountId={agnes}&accountId={rita}&accountId=712020:nobody&accountId={agnes}")
    assert [one["displayName"] for one in both["values"]] == ["Agnes Ågren", "Rita Reyes"]
    assert (both["total"], both["isLast"]) == (2, True)
    second = found(f"accountId={agnes}&accountId={rita}&maxResults=1&startAt=1")
    assert [one["accountId"] for one in second["values"]] == [rita]
    assert call(shared, "GET", "/rest/api/3/user/bulk").status_code == 400


def test_an_issue_shows_the_fields_that_were_asked_for(shared: JiraSite) -> None:
    answer = call(shared, "GET", "/rest/api/3/issue/OPS-1?fields=summary,status")

    assert set(answer.json()["fields"]) == {"summary", "status"}
    whole = call(shared, "GET", "/rest/api/3/issue/10000").json()["fields"]
    assert whole["description"]["type"] == "doc"
    assert whole["project"]["projectTypeKey"] == "software"


def test_comments_come_in_pages_and_in_either_order(shared: JiraSite) -> None:
    key = shared.create_issue("OPS", "Pages").key
    ids = [shared.comment(key, f"number {n}").id for n in range(5)]
    base = f"/rest/api/3/issue/{key}/comment"

    page = is_a("PageOfComments", call(shared, "GET", f"{base}?startAt=1&maxResults=2"))
    assert [one["id"] for one in page["comments"]] == ids[1:3]
    assert page["total"] == 5
    newest = call(shared, "GET", f"{base}?orderBy=-created&maxResults=1").json()
    assert newest["comments"][0]["id"] == ids[-1]
    assert call(shared, "GET", f"{base}?orderBy=author").status_code == 400


def test_a_comment_keeps_its_properties_and_shows_them_when_asked(shared: JiraSite) -> None:
    key = shared.create_issue("OPS", "Properties").key
    base = f"/rest/api/3/issue/{key}/comment"
    sent = {"body": paragraph("42"), "properties": [{"key": "turn", "value": {"id": "t1"}}]}
    made = is_a("Comment", call(shared, "POST", base, sent))

    assert "properties" not in made
    found = call(shared, "GET", f"{base}/{made['id']}?expand=properties").json()
    assert found["properties"] == sent["properties"]
    listed = call(
        shared, "POST", "/rest/api/3/comment/list?expand=properties", {"ids": [int(made["id"])]}
    )
    assert is_a("PageBeanComment", listed)["values"][0]["properties"] == sent["properties"]

    one = f"/rest/api/3/comment/{made['id']}/properties/turn"
    assert call(shared, "GET", one).json()["value"] == {"id": "t1"}
    assert call(shared, "PUT", one, {"id": "t2"}).status_code == 200
    assert call(shared, "PUT", f"{one}-2", 1).status_code == 201
    assert shared.comments(key)[0].properties == {"turn": {"id": "t2"}, "turn-2": 1}
    assert call(shared, "GET", f"{one}-3").status_code == 404


def test_a_comment_is_by_the_app_and_can_be_edited_and_deleted(shared: JiraSite) -> None:
    key = shared.create_issue("OPS", "Edits").key
    base = f"/rest/api/3/issue/{key}/comment"
    made = call(shared, "POST", base, {"body": paragraph("one")}).json()

    assert made["author"]["accountType"] == "app"
    edited = call(shared, "PUT", f"{base}/{made['id']}", {"body": paragraph("two")})
    assert is_a("Comment", edited)["body"] == paragraph("two")
    assert shared.comments(key)[0].text == "two"
    assert call(shared, "DELETE", f"{base}/{made['id']}").status_code == 204
    assert call(shared, "GET", f"{base}/{made['id']}").status_code == 404


NO_DOCUMENTS: dict[str, Any] = {
    "plain text": "hello",
    "nothing": None,
    "another type": {"type": "paragraph", "content": []},
    "another version": {"type": "doc", "version": 2, "content": []},
    "no content": {"type": "doc", "version": 1},
    "empty": {"type": "doc", "version": 1, "content": []},
    "an empty text": paragraph(""),
    "a node without a type": {"type": "doc", "version": 1, "content": [{"text": "x"}]},
    "too long": paragraph("x" * 32_768),
}


@pytest.mark.parametrize("body", NO_DOCUMENTS.values(), ids=NO_DOCUMENTS.keys())
def test_what_is_no_document_is_refused(shared: JiraSite, body: Any) -> None:
    answer = call(shared, "POST", COMMENTS, {"body": body})

    assert answer.status_code == 400
    assert is_a("ErrorCollection", answer)["errors"]["comment"]


def test_a_test_may_bring_a_stricter_judge_of_documents() -> None:
    def refuse(_document: dict[str, Any]) -> None:
        raise ValueError("not today")

    with installed(JiraSite(adf_validator=refuse)) as (jira, _):
        assert call(jira, "POST", COMMENTS, {"body": paragraph("x")}).status_code == 400


def test_internal_notes_are_told_apart_by_rest_alone(shared: JiraSite) -> None:
    key = shared.create_issue("SUP", "Notes", by="carlos").key
    base = f"/rest/api/3/issue/{key}/comment"
    note = call(shared, "POST", base, {"body": paragraph("psst"), "properties": INTERNAL}).json()
    reply = call(shared, "POST", base, {"body": paragraph("hello")}).json()

    assert (note["jsdPublic"], reply["jsdPublic"]) == (False, True)
    kept = call(shared, "PUT", f"{base}/{note['id']}", {"body": paragraph("psst!")}).json()
    assert kept["jsdPublic"] is False
    lost = {"body": paragraph("oh"), "properties": []}
    assert call(shared, "PUT", f"{base}/{note['id']}", lost).json()["jsdPublic"] is True


def test_projects_are_searched_by_page(shared: JiraSite) -> None:
    def found(query: str) -> Any:
        return call(shared, "GET", f"/rest/api/3/project/search?{query}").json()

    assert [one["key"] for one in found("query=SUPPORT")["values"]] == ["SUP"]
    assert found("query=nothing")["values"] == []
    first, second = found("maxResults=1"), found("maxResults=1&startAt=1")
    assert ([one["key"] for one in first["values"]], first["isLast"]) == (["OPS"], False)
    assert ([one["key"] for one in second["values"]], second["isLast"]) == (["SUP"], True)
    assert "issueTypes" not in first["values"][0]
    [with_types] = found("query=OPS&expand=issueTypes")["values"]
    assert [one["name"] for one in with_types["issueTypes"]] == ["Task"]


def test_a_software_project_knows_no_internal_notes(shared: JiraSite) -> None:
    key = shared.create_issue("OPS", "No notes").key
    sent = {"body": paragraph("psst"), "properties": INTERNAL}
    made = call(shared, "POST", f"/rest/api/3/issue/{key}/comment", sent)

    assert made.json()["jsdPublic"] is True


def test_the_service_desk_writes_plain_text_for_customers_or_for_the_team(shared: JiraSite) -> None:
    key = shared.create_issue("SUP", "Desk", by="carlos").key
    base = f"/rest/servicedeskapi/request/{key}"
    note = call(shared, "POST", f"{base}/comment", {"body": "psst", "public": False})
    call(shared, "POST", f"{base}/comment", {"body": "hello", "public": True})

    assert note.status_code == 201
    assert [one.internal for one in shared.comments(key)] == [True, False]
    public = call(shared, "GET", f"{base}/comment?internal=false").json()
    assert [one["body"] for one in public["values"]] == ["hello"]


def test_the_service_desk_knows_the_customers_of_a_request(shared: JiraSite) -> None:
    key = shared.create_issue("SUP", "Customers", by="carlos").key
    shared.add_participant(key, "rita")
    shared.add_approver(key, "adam")
    organization = shared.share_with_organization(key, "wim")
    base = f"/rest/servicedeskapi/request/{key}"

    def accounts(path: str) -> list[str]:
        return [one["accountId"] for one in call(shared, "GET", path).json()["values"]]

    assert call(shared, "GET", base).json()["reporter"]["accountId"] == shared.account_id("carlos")
    assert accounts(f"{base}/participant") == [shared.account_id("rita")]
    approval = call(shared, "GET", f"{base}/approval").json()["values"][0]
    approver = approval["approvers"][0]["approver"]["accountId"]
    assert approver == shared.account_id("adam")
    field = call(shared, "GET", f"/rest/api/3/issue/{key}").json()["fields"]["customfield_10002"]
    assert field == [{"id": organization.id, "name": organization.name}]
    users = f"/rest/servicedeskapi/organization/{organization.id}/user"
    assert accounts(users) == [shared.account_id("wim")]
    assert call(shared, "GET", "/rest/servicedeskapi/request/OPS-1").status_code == 404


def granted(jira: JiraSite, name: str | None, issue: str, *permissions: str) -> set[str]:
    ids = [int(jira.issue(issue).id)]
    sent: dict[str, Any] = {
        "globalPermissions": ["ADMINISTER"],
        "projectPermissions": [{"permissions": list(permissions), "issues": ids}],
    }
    if name is not None:
        sent["accountId"] = jira.account_id(name)
    answer = is_a("BulkPermissionGrants", call(jira, "POST", "/rest/api/3/permissions/check", sent))
    held = {one["permission"] for one in answer["projectPermissions"] if one["issues"] == ids}
    return held | set(answer["globalPermissions"])


def test_everybody_may_do_what_their_part_in_the_story_is(shared: JiraSite) -> None:
    asked = ("BROWSE_PROJECTS", "ADD_COMMENTS", "EDIT_ISSUES")
    some, most = {"BROWSE_PROJECTS", "ADD_COMMENTS"}, set(asked)

    assert granted(shared, "rita", "OPS-1", *asked) == some
    assert granted(shared, "wim", "OPS-1", *asked) == some
    assert granted(shared, "agnes", "OPS-1", *asked) == most
    assert granted(shared, "adam", "OPS-1", *asked) == {*most, "ADMINISTER"}
    assert granted(shared, "carlos", "OPS-1", *asked) == set()
    assert granted(shared, "carlos", "SUP-1", *asked) == some
    assert granted(shared, "rita", "SUP-1", *asked) == set()
    assert granted(shared, None, "OPS-1", *asked) == most


def test_a_permission_that_jira_does_not_know_is_refused(shared: JiraSite) -> None:
    sent = {"projectPermissions": [{"permissions": ["FLY"], "issues": [10000]}]}

    assert call(shared, "POST", "/rest/api/3/permissions/check", sent).status_code == 400


def test_rights_are_lost_and_hidden_issues_are_not_there() -> None:
    with installed() as (jira, _):
        jira.set_security_level("OPS-1", "Management")
        assert granted(jira, "rita", "OPS-1", "BROWSE_PROJECTS") == set()
        assert call(jira, "GET", "/rest/api/3/issue/OPS-1").status_code == 200
        jira.set_security_level("OPS-1", "Board", visible_to=("adam",))
        assert call(jira, "GET", "/rest/api/3/issue/OPS-1").status_code == 404

        jira.revoke("wim", "OPS", "ADD_COMMENTS")
        assert granted(jira, "wim", "OPS-2", "ADD_COMMENTS", "BROWSE_PROJECTS") == {
            "BROWSE_PROJECTS"
        }
        jira.revoke("app", "OPS")
        assert call(jira, "GET", "/rest/api/3/issue/OPS-2").status_code == 404
        assert call(jira, "GET", COMMENTS).status_code == 404


def test_a_restricted_comment_names_its_group_or_is_not_there() -> None:
    with installed() as (jira, _):
        comment = jira.restrict_comment(jira.comment("OPS-1", "for few"))
        path = f"{COMMENTS}/{comment.id}"

        assert call(jira, "GET", path).json()["visibility"]["value"] == "Administrators"
        jira.permissions.app_sees_restricted_comments = False
        assert call(jira, "GET", path).status_code == 404
        assert call(jira, "GET", COMMENTS).json()["total"] == 0


def test_a_moved_issue_answers_to_both_keys(shared: JiraSite) -> None:
    issue = shared.create_issue("OPS", "Wanderer")
    moved = shared.move(issue.key, "SUP")

    for name in (issue.key, moved.key, issue.id):
        found = call(shared, "GET", f"/rest/api/3/issue/{name}").json()
        assert (found["id"], found["key"]) == (issue.id, moved.key)


def test_a_deleted_issue_is_gone(shared: JiraSite) -> None:
    key = shared.create_issue("OPS", "Short-lived").key
    shared.delete_issue(key)

    assert call(shared, "GET", f"/rest/api/3/issue/{key}").status_code == 404


def test_a_search_is_ordered_by_the_last_change() -> None:
    clock = FakeClock()
    with installed(JiraSite(clock=clock)) as (jira, _):
        clock.advance(7200)
        jira.comment("OPS-2", "news")
        clock.advance(60)
        jira.comment("SUP-1", "more news")

        def found(jql: str) -> list[str]:
            query = str(httpx2.QueryParams({"jql": jql, "fields": "key", "maxResults": "1"}))
            keys: list[str] = []
            token = ""
            while True:
                path = f"/rest/api/3/search/jql?{query}{token}"
                answer = call(jira, "GET", path).json()
                keys += [one["key"] for one in answer["issues"]]
                if answer["isLast"]:
                    return keys
                token = f"&nextPageToken={answer['nextPageToken']}"

        assert found("updated >= -1h ORDER BY updated DESC") == ["SUP-1", "OPS-2"]
        assert found("project = OPS AND updated >= -1h order by updated") == ["OPS-2"]
        assert found('project in (OPS, "SUP") and updated >= -5m') == ["SUP-1", "OPS-2"]
        assert found('updated >= "2026-11-02 11:01" order by updated asc') == ["SUP-1"]
        unknown = "/rest/api/3/search/jql?jql=reporter%20%3D%20me"
        assert call(jira, "GET", unknown).status_code == 400


def test_an_issue_holds_so_many_comments_and_no_more() -> None:
    with installed(JiraSite(comment_cap=1)) as (jira, _):
        assert call(jira, "POST", COMMENTS, {"body": paragraph("one")}).status_code == 201
        assert call(jira, "POST", COMMENTS, {"body": paragraph("two")}).status_code == 413


def test_points_are_counted_by_object() -> None:
    with installed() as (jira, _):
        for n in range(3):
            jira.comment("OPS-1", f"number {n}")
        call(jira, "GET", COMMENTS)
        assert jira.limits.points == 1 + 3
        call(jira, "POST", COMMENTS, {"body": paragraph("x")})
        assert jira.limits.points == 5


def test_one_issue_takes_twenty_writes_in_two_seconds() -> None:
    clock = FakeClock()
    with installed(JiraSite(clock=clock)) as (jira, _):
        path = f"/rest/api/3/comment/{jira.comment('OPS-1', 'x').id}/properties/n"
        for n in range(20):
            sent = {"body": paragraph(f"number {n}")}
            assert call(jira, "POST", COMMENTS, sent).status_code == 201
        refused = call(jira, "POST", COMMENTS, {"body": paragraph("too many")})

        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "2"
        assert refused.headers["ratelimit-reason"] == "jira-per-issue-on-write"
        assert call(jira, "PUT", path, 1).status_code == 429
        assert call(jira, "GET", COMMENTS).status_code == 200
        clock.advance(2)
        assert call(jira, "PUT", path, 1).status_code == 201


def test_a_search_goes_on_behind_the_last_issue_although_others_move(shared: JiraSite) -> None:
    keys = [shared.create_issue("OPS", f"No. {number}").key for number in range(3)]
    query = {
        "jql": 'project in (10000) and updated >= "-1m" ORDER BY updated ASC',
        "maxResults": 1,
        "fields": ["summary"],
    }
    found: list[str] = []
    while len(found) < 20:
        answer = call(shared, "POST", "/rest/api/3/search/jql", query).json()
        [issue] = answer["issues"]
        assert set(issue["fields"]) == {"summary"}
        found.append(issue["key"])
        if found[-1] == keys[0]:
            shared.comment(keys[0], "It stands at the end now.")
        if answer["isLast"]:
            break
        query["nextPageToken"] = answer["nextPageToken"]

    assert found[found.index(keys[0]) :] == [*keys, keys[0]]


@pytest.mark.parametrize(
    "jql", ["ORDER BY updated ASC", "project = NONE AND updated >= -5m", "project in (10000, 99)"]
)
def test_a_search_without_a_bound_or_for_an_unknown_project_is_refused(
    shared: JiraSite, jql: str
) -> None:
    query = str(httpx2.QueryParams({"jql": jql}))

    assert call(shared, "GET", f"/rest/api/3/search/jql?{query}").status_code == 400


def test_a_search_can_leave_projects_out(shared: JiraSite) -> None:
    query = str(httpx2.QueryParams({"jql": "project not in (OPS)", "fields": "project"}))
    answer = call(shared, "GET", f"/rest/api/3/search/jql?{query}").json()

    assert {one["fields"]["project"]["key"] for one in answer["issues"]} == {"SUP"}


def test_a_deleted_comment_changes_its_issue() -> None:
    clock = FakeClock()
    with installed(JiraSite(clock=clock)) as (jira, _):
        comment = jira.comment("OPS-1", "Why?")
        clock.advance(60)
        jira.delete_comment(comment)

        assert jira.issue("OPS-1").updated == clock.now()
