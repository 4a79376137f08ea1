"""Comments and their properties, REST v3."""

from __future__ import annotations

from typing import Any

from app.sandbox.jira import adf, representations
from app.sandbox.jira.directory import Missing
from app.sandbox.jira.model import Comment, Issue, Visibility
from app.sandbox.jira.rest.calls import Answer, Call, Refused

NO_COMMENT = "Can not find a comment for the id: {}."
NO_PROPERTY = "The property {} does not exist."


def page(call: Call) -> Answer:
    issue = call.issue()
    start, most = call.number("startAt", 0, 1_000_000), call.number("maxResults", 100, 5000)
    order = call.query.get("orderBy", "created")
    if order not in {"created", "-created", "+created"}:
        raise Refused(400, f"The orderBy field '{order}' is not supported.")
    found = _visible(call, issue)
    if order.startswith("-"):
        found.reverse()
    shown = [_show(call, comment) for comment in found[start : start + most]]
    body = {"startAt": start, "maxResults": most, "total": len(found), "comments": shown}
    return Answer(body, objects=len(shown))


def read(call: Call) -> Answer:
    return Answer(_show(call, _comment(call)))


def add(call: Call) -> Answer:
    issue, sent = call.issue(), call.object()
    call.need(issue, "ADD_COMMENTS")
    if len(call.site.tracker.comments(issue)) >= call.site.comment_cap:
        raise Refused(413, "The issue has reached the limit of comments.")
    comment = call.site.tracker.add_comment(
        issue,
        adf.check(sent.get("body"), call.site.adf_validator),
        call.me,
        visibility=_visibility(sent),
        properties=_properties(sent),
    )
    return Answer(_show(call, comment), 201)


def change(call: Call) -> Answer:
    """``properties`` replaces all of them where it is sent, and keeps them where it is not."""
    comment, sent = _own_or_any(call, "EDIT"), call.object()
    changes: dict[str, Any] = {"body": adf.check(sent.get("body"), call.site.adf_validator)}
    if "visibility" in sent:
        changes["visibility"] = _visibility(sent)
    if "properties" in sent:
        changes["properties"] = _properties(sent)
    return Answer(_show(call, call.site.tracker.edit_comment(comment, call.me, **changes)))


def remove(call: Call) -> Answer:
    call.site.tracker.delete_comment(_own_or_any(call, "DELETE"), call.me)
    return Answer(None, 204)


def by_ids(call: Call) -> Answer:
    ids = call.object().get("ids")
    if not isinstance(ids, list) or not 0 < len(ids) <= 1000:
        raise Refused(400, "ids must hold 1 to 1000 comment ids")
    found = []
    for comment_id in ids:
        try:
            comment = call.site.tracker.comment(str(comment_id))
        except Missing:
            continue
        issue = call.site.tracker.issue(comment.issue_id)
        if call.site.permissions.sees_comment(call.me, issue, comment):
            found.append(_show(call, comment))
    body = {
        "startAt": 0,
        "maxResults": 1000,
        "total": len(found),
        "isLast": True,
        "values": found,
    }
    return Answer(body, objects=len(found))


def property_keys(call: Call) -> Answer:
    comment = _comment(call)
    base = f"{call.site.base_url}/rest/api/3/comment/{comment.id}/properties"
    keys = [{"self": f"{base}/{key}", "key": key} for key in comment.properties]
    return Answer({"keys": keys}, objects=len(keys))


def read_property(call: Call) -> Answer:
    comment, key = _comment(call), call.path["key"]
    if key not in comment.properties:
        raise Refused(404, NO_PROPERTY.format(key))
    return Answer({"key": key, "value": comment.properties[key]})


def set_property(call: Call) -> Answer:
    comment, key = _own_or_any(call, "EDIT"), call.path["key"]
    new = key not in comment.properties
    call.site.tracker.set_comment_property(comment, key, call.body)
    return Answer({}, 201 if new else 200)


def _comment(call: Call) -> Comment:
    """The comment of the path, with or without an issue in it."""
    comment_id = call.path["comment"]
    issue = call.issue() if "issue" in call.path else None
    try:
        comment = call.site.tracker.comment(comment_id, issue)
    except Missing:
        raise Refused(404, NO_COMMENT.format(comment_id)) from None
    issue = call.site.tracker.issue(comment.issue_id)
    if not call.site.permissions.sees_comment(call.me, issue, comment):
        raise Refused(404, NO_COMMENT.format(comment_id))
    return comment


def _own_or_any(call: Call, verb: str) -> Comment:
    """A comment that the app may edit or delete: any, or its own."""
    comment = _comment(call)
    issue = call.site.tracker.issue(comment.issue_id)
    held = call.site.permissions.on_issue(call.me, issue)
    own = comment.author.account_id == call.me.account_id
    if f"{verb}_ALL_COMMENTS" not in held and not (own and f"{verb}_OWN_COMMENTS" in held):
        raise Refused(400, "You do not have the permission for this comment.")
    return comment


def _visible(call: Call, issue: Issue) -> list[Comment]:
    may = call.site.permissions.sees_comment
    return [one for one in call.site.tracker.comments(issue) if may(call.me, issue, one)]


def _show(call: Call, comment: Comment) -> representations.JSON:
    expand = call.query.get("expand", "").split(",")
    return representations.comment(call.site.base_url, comment, properties="properties" in expand)


def _visibility(sent: dict[str, Any]) -> Visibility | None:
    given = sent.get("visibility")
    if not given:
        return None
    value = given.get("value") or given.get("identifier")
    if given.get("type") not in {"role", "group"} or not isinstance(value, str):
        raise Refused(400, errors={"commentLevel": "The visibility is not a role or group."})
    return Visibility(given["type"], value)


def _properties(sent: dict[str, Any]) -> dict[str, Any]:
    given = sent.get("properties") or []
    if not isinstance(given, list) or not all(
        isinstance(each, dict) and isinstance(each.get("key"), str) for each in given
    ):
        raise Refused(400, "properties must be a list of keys and values")
    return {each["key"]: each.get("value") for each in given}
