"""Jira Service Management: requests and their customers, ``/rest/servicedeskapi``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.sandbox.jira import adf, representations
from app.sandbox.jira.directory import Missing
from app.sandbox.jira.model import Comment, Issue, User
from app.sandbox.jira.rest.calls import NO_ISSUE, Answer, Call, Refused

JSON = dict[str, Any]


def request(call: Call) -> Answer:
    issue = _request(call)
    base = call.site.base_url
    return Answer(
        {
            "issueId": issue.id,
            "issueKey": issue.key,
            "summary": issue.summary,
            "requestTypeId": "1",
            "serviceDeskId": issue.project.service_desk_id,
            "createdDate": _date(issue.created),
            "reporter": _user(base, issue.reporter),
            "requestFieldValues": [
                {"fieldId": "summary", "label": "Summary", "value": issue.summary},
                {
                    "fieldId": "description",
                    "label": "Description",
                    "value": adf.plain_text(issue.description),
                },
            ],
            "currentStatus": {
                "status": issue.status.name,
                "statusCategory": issue.status.category.upper(),
                "statusDate": _date(issue.updated),
            },
            "_links": {
                "self": f"{base}/rest/servicedeskapi/request/{issue.id}",
                "jiraRest": f"{base}/rest/api/2/issue/{issue.id}",
                "web": f"{base}/browse/{issue.key}",
                "agent": f"{base}/browse/{issue.key}",
            },
        }
    )


def participants(call: Call) -> Answer:
    issue = _request(call)
    return _page(call, [_user(call.site.base_url, one) for one in issue.participants])


def approvals(call: Call) -> Answer:
    """One approval that names all approvers, where there are any."""
    issue = _request(call)
    approvers = [
        {"approver": _user(call.site.base_url, one), "approverDecision": "pending"}
        for one in issue.approvers
    ]
    approval = {
        "id": "1",
        "name": "Waiting for approval",
        "finalDecision": "pending",
        "canAnswerApproval": False,
        "approvers": approvers,
        "createdDate": _date(issue.created),
        "_links": {"self": f"{call.site.base_url}{_path(issue)}/approval/1"},
    }
    return _page(call, [approval] if approvers else [])


def organization_users(call: Call) -> Answer:
    for organization in call.site.directory.organizations:
        if organization.id == call.path["organization"]:
            members = [call.site.directory.person(each) for each in organization.members]
            return _page(call, [_user(call.site.base_url, one) for one in members])
    raise Refused(404, "The organization does not exist.")


def organizations(call: Call) -> Answer:
    """All of a service desk."""
    known = {
        project.service_desk_id for project in call.site.directory.projects if project.is_service
    }
    if call.path["desk"] not in known:
        raise Refused(404, "The service desk does not exist.")
    return _page(
        call, [representations.organization(one) for one in call.site.directory.organizations]
    )


def comments(call: Call) -> Answer:
    issue = _request(call)
    public = call.query.get("public", "true") == "true"
    internal = call.query.get("internal", "true") == "true"
    may = call.site.permissions.sees_comment
    shown = [
        _comment(call, issue, one)
        for one in call.site.tracker.comments(issue)
        if (internal if one.internal else public) and may(call.me, issue, one)
    ]
    return _page(call, shown)


def add_comment(call: Call) -> Answer:
    """``body`` is plain text; ``public`` must be said, here as there."""
    issue, sent = _request(call), call.object()
    call.need(issue, "ADD_COMMENTS")
    text, public = sent.get("body"), sent.get("public", True)
    if not isinstance(text, str) or not text.strip() or not isinstance(public, bool):
        raise Refused(400, "body must be a text and public a boolean")
    if len(text) > adf.MAX_CHARACTERS:
        raise Refused(400, "The entered text is too long.")
    comment = call.site.tracker.add_comment(issue, adf.document(text), call.me, internal=not public)
    return Answer(_comment(call, issue, comment), 201)


def _request(call: Call) -> Issue:
    try:
        issue = call.issue()
    except (Missing, Refused):
        raise Refused(404, NO_ISSUE) from None
    if not issue.project.is_service:
        raise Refused(404, "The issue is not a customer request.")
    return issue


def _path(issue: Issue) -> str:
    return f"/rest/servicedeskapi/request/{issue.id}"


def _page(call: Call, values: list[JSON]) -> Answer:
    start, limit = call.number("start", 0, 1_000_000), call.number("limit", 50, 100)
    shown = values[start : start + limit]
    body = {
        "size": len(shown),
        "start": start,
        "limit": limit,
        "isLastPage": start + limit >= len(values),
        "_links": {"base": call.site.base_url, "context": ""},
        "values": shown,
    }
    return Answer(body, objects=len(shown))


def _comment(call: Call, issue: Issue, comment: Comment) -> JSON:
    return {
        "id": comment.id,
        "body": adf.wiki_text(comment.body),
        "public": not comment.internal,
        "author": _user(call.site.base_url, comment.author),
        "created": _date(comment.created),
        "_links": {"self": f"{call.site.base_url}{_path(issue)}/comment/{comment.id}"},
    }


def _user(base: str, person: User) -> JSON:
    shown = representations.user(base, person)
    links = {"self": shown["self"], "jiraRest": shown["self"], "avatarUrls": shown["avatarUrls"]}
    kept = ("accountId", "displayName", "active", "timeZone")
    return {**{name: shown[name] for name in kept}, "_links": links}


def _date(moment: datetime) -> JSON:
    return {
        "iso8601": moment.strftime("%Y-%m-%dT%H:%M:%S+0000"),
        "jira": representations.instant(moment),
        "friendly": moment.strftime("%d/%b/%y %I:%M %p"),
        "epochMillis": int(moment.timestamp() * 1000),
    }
