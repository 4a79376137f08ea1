"""What pages, answers and logs give away, secrets at rest, and where a tenant may send us."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

PAGES = "app/web/pages.py"
RESPONSES = "app/web/responses.py"
SECRETS = "app/store/secrets.py"
OUTBOUND = "app/assistant/outbound.py"
LOGS = "app/logs.py"

PAGE = (
    Mutant(
        "only the viewer's own site may frame a page",
        PAGES,
        "f\" frame-ancestors {' '.join(framing)}\"",
        "f\" frame-ancestors * {' '.join(framing)}\"",
        "tests/web/test_pages.py::test_only_the_viewers_own_site_may_frame_a_page",
    ),
    Mutant(
        "an odd address adds nothing to what a page may do",
        PAGES,
        "    return found[1] if found else None",
        "    return url or None",
        "tests/web/test_pages.py::test_an_odd_address_adds_nothing_to_what_a_page_may_do",
    ),
    Mutant(
        "a page runs nothing inline",
        PAGES,
        "script-src {running};",
        "script-src 'unsafe-inline' {running};",
        "tests/web/test_pages.py::test_a_page_runs_our_scripts_and_jiras_and_nothing_inline",
    ),
    Mutant(
        "no cache keeps an answer",
        RESPONSES,
        '"no-cache" if cacheable else "no-store"',
        '"no-cache"',
        "tests/web/test_responses.py::test_every_answer_keeps_out_of_caches_and_referrers",
    ),
    Mutant(
        "no answer is taken for another kind of thing",
        RESPONSES,
        '                headers.setdefault("X-Content-Type-Options", "nosniff")\n',
        "",
        "tests/web/test_responses.py::test_every_answer_keeps_out_of_caches_and_referrers",
    ),
    Mutant(
        "a body of any length is not held",
        RESPONSES,
        "        if len(body) > limit:\n            raise BodyTooLarge\n",
        "",
        "tests/web/test_responses.py::test_a_length_that_lies_is_not_believed[1]",
    ),
    Mutant(
        "what breaks tells nobody what it was",
        RESPONSES,
        "            await self._answer(path)(scope, receive, send)",
        "            await PlainTextResponse(repr(error), 500)(scope, receive, send)",
        "tests/web/test_responses.py::test_what_breaks_is_answered_and_tells_nothing",
    ),
)

LOG = (
    Mutant(
        "no query string is in the log",
        RESPONSES,
        "        path=request.url.path,\n",
        "        path=str(request.url),\n",
        "tests/test_logs.py::test_nothing_secret_is_in_the_log[json]",
    ),
    Mutant(
        "a library's own words are not in the log",
        LOGS,
        'yield f"{name}: {error}" if isinstance(error, AppError) else name',
        'yield f"{name}: {error}"',
        "tests/test_logs.py::test_nobodys_words_are_in_the_log[json]",
    ),
)

SECRET = (
    Mutant(
        "a seal opens for its own tenant and field alone",
        SECRETS,
        "    encoded = [_bytes(part) for part in parts]",
        "    encoded = [_bytes(part) for part in parts[:2]]",
        "tests/store/test_secrets.py::test_a_seal_moved_to_another_place_does_not_open",
    ),
    Mutant(
        "tenant and field do not run into each other",
        SECRETS,
        'len(part).to_bytes(4, "big") + part',
        "part",
        "tests/store/test_secrets.py::test_tenant_and_field_do_not_run_into_each_other",
    ),
    Mutant(
        "a key serves one purpose",
        SECRETS,
        'b"jira-chatkit:" + _bytes(purpose)',
        'b"jira-chatkit:"',
        "tests/doors/test_sessions.py::test_a_key_for_another_purpose_opens_nothing",
    ),
    Mutant(
        "a secret is stored sealed",
        "app/store/tenants.py",
        "    tenant.shared_secret = vault.seal(\n"
        "        installation.shared_secret, tenant=tenant.id, field=SHARED_SECRET\n"
        "    )",
        "    tenant.shared_secret = installation.shared_secret",
        "tests/web/test_connect_lifecycle.py::test_the_secret_is_stored_sealed[sqlite]",
    ),
)

OUT = (
    Mutant(
        "a tenant sends us to allowed hosts alone",
        OUTBOUND,
        '            raise OutboundRefused("OUTBOUND_HOSTS does not allow the host")',
        "            pass",
        "tests/assistant/test_outbound.py::test_what_is_not_allowed_is_not_even_looked_up"
        "[https://evil.test/v1/models]",
    ),
    Mutant(
        "a tenant sends us to no private address",
        OUTBOUND,
        "    return address.is_global and not (address.is_multicast or address.is_reserved)",
        "    return True",
        "tests/assistant/test_outbound.py::test_addresses_that_are_not[169.254.169.254]",
    ),
    Mutant(
        "every address of a host has to be public, not one of them",
        OUTBOUND,
        "not all(is_public(address) for address in addresses)",
        "not any(is_public(address) for address in addresses)",
        "tests/assistant/test_outbound.py::test_an_answer_that_changes_is_looked_at_again",
    ),
    Mutant(
        "a private address within another is seen",
        OUTBOUND,
        "        return [address.ipv4_mapped]",
        "        return []",
        "tests/assistant/test_outbound.py::test_addresses_that_are_not[::ffff:127.0.0.1]",
    ),
    Mutant(
        "the connection goes to the address that was looked at",
        OUTBOUND,
        "            request.url.copy_with(host=address),",
        "            request.url,",
        "tests/assistant/test_outbound.py::test_a_request_goes_to_the_address_that_was_looked_at",
    ),
    Mutant(
        "a model's host sends us nowhere else",
        OUTBOUND,
        "follow_redirects=False",
        "follow_redirects=True",
        "tests/assistant/test_outbound.py::test_only_a_tenants_own_address_is_guarded",
    ),
)

MUTANTS = (*PAGE, *LOG, *SECRET, *OUT)
