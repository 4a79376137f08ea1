"""Every address of the simulated REST interface, on one screen."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from app.sandbox.jira.forge.tokens import key_set
from app.sandbox.jira.keys import install_key
from app.sandbox.jira.rest import comments, issues, people, service_desk
from app.sandbox.jira.rest.calls import Refused, refusal, route

if TYPE_CHECKING:
    from app.sandbox.jira.site import JiraSite

V3 = "/rest/api/3"
DESK = "/rest/servicedeskapi"


def routes(site: JiraSite) -> list[BaseRoute]:
    return [
        *_rest(site),
        Mount("/ex/jira/{cloud_id}", routes=_rest(site)),
        Route("/install-keys/{kid}", _install_key),
        Route("/forge/jwks.json", partial(_invocation_keys, site)),
    ]


def _rest(site: JiraSite) -> list[BaseRoute]:
    one_comment = f"{V3}/issue/{{issue}}/comment/{{comment}}"
    properties = f"{V3}/comment/{{comment}}/properties"
    request = f"{DESK}/request/{{issue}}"
    return [
        route(site, f"{V3}/myself", {"GET": (people.myself, "READ")}),
        route(site, f"{V3}/user", {"GET": (people.user, "READ")}),
        route(site, f"{V3}/user/permission/search", {"GET": (people.with_permission, "READ")}),
        route(site, f"{V3}/user/bulk", {"GET": (people.users, "READ")}),
        route(site, f"{V3}/serverInfo", {"GET": (people.server_info, "READ")}),
        route(site, f"{V3}/mypermissions", {"GET": (people.my_permissions, "READ")}),
        route(site, f"{V3}/permissions/check", {"POST": (people.check_permissions, "READ")}),
        route(site, f"{V3}/field", {"GET": (issues.fields, "READ")}),
        route(site, f"{V3}/project/search", {"GET": (issues.projects, "READ")}),
        route(site, f"{V3}/project/{{project}}", {"GET": (issues.project, "READ")}),
        route(
            site,
            f"{V3}/search/jql",
            {"GET": (issues.search, "READ"), "POST": (issues.search, "READ")},
        ),
        route(site, f"{V3}/issue/{{issue}}", {"GET": (issues.read, "READ")}),
        route(
            site,
            f"{V3}/issue/{{issue}}/comment",
            {"GET": (comments.page, "READ"), "POST": (comments.add, "WRITE")},
        ),
        route(
            site,
            one_comment,
            {
                "GET": (comments.read, "READ"),
                "PUT": (comments.change, "WRITE"),
                "DELETE": (comments.remove, "WRITE"),
            },
        ),
        route(site, f"{V3}/comment/list", {"POST": (comments.by_ids, "READ")}),
        route(site, properties, {"GET": (comments.property_keys, "READ")}),
        route(
            site,
            f"{properties}/{{key}}",
            {"GET": (comments.read_property, "READ"), "PUT": (comments.set_property, "WRITE")},
        ),
        route(site, request, {"GET": (service_desk.request, "READ")}),
        route(site, f"{request}/participant", {"GET": (service_desk.participants, "READ")}),
        route(site, f"{request}/approval", {"GET": (service_desk.approvals, "READ")}),
        route(
            site,
            f"{request}/comment",
            {"GET": (service_desk.comments, "READ"), "POST": (service_desk.add_comment, "WRITE")},
        ),
        route(
            site,
            f"{DESK}/organization/{{organization}}/user",
            {"GET": (service_desk.organization_users, "READ")},
        ),
        route(
            site,
            f"{DESK}/servicedesk/{{desk}}/organization",
            {"GET": (service_desk.organizations, "READ")},
        ),
        Route("/rest/{rest:path}", _unknown, methods=["GET", "POST", "PUT", "DELETE", "PATCH"]),
    ]


async def _install_key(request: Request) -> Response:
    """The public key of install tokens, as Atlassian's key host answers it."""
    key = install_key()
    if request.path_params["kid"] != key.kid:
        return PlainTextResponse("not found", 404)
    return PlainTextResponse(key.public_pem, media_type="application/x-pem-file")


async def _invocation_keys(site: JiraSite, _request: Request) -> Response:
    """The public keys of invocation tokens, as Atlassian's CDN answers them."""
    return JSONResponse(key_set(*site.forge.keys))


async def _unknown(_request: Request) -> Response:
    return refusal(Refused(404, "null for uri: this simulated site does not know the address"))
