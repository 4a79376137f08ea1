"""Who is let in, and as whom: Connect's tokens, the lifecycle, sessions, rights."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

GUARDS = "app/web/guards.py"
TOKENS = "app/doors/connect/tokens.py"
LIFECYCLE = "app/doors/connect/lifecycle.py"
TENANTS = "app/store/tenants.py"
SESSIONS = "app/doors/sessions.py"
RIGHTS = "app/turns/rights.py"

CONNECT = (
    Mutant(
        "a token is bound to one method, path and query",
        TOKENS,
        '        raise AuthError("INVALID_QSH")',
        "        return",
        "tests/web/test_connect_guards.py::test_a_token_for_one_route_opens_no_other",
    ),
    Mutant(
        "the algorithm is ours to choose, not the token's",
        TOKENS,
        '    if header.get("alg") != "HS256":',
        '    if header.get("alg") not in {"HS256", "HS512"}:',
        "tests/doors/test_connect_tokens.py::test_each_kind_has_its_algorithm_and_no_other",
    ),
    Mutant(
        "another one's signature is none",
        TOKENS,
        "    if not hmac.compare_digest(ours, token.signature):",
        "    if len(ours) != len(token.signature):",
        "tests/doors/test_connect_tokens.py::test_another_ones_signature_is_refused",
    ),
    Mutant(
        "a secret that is remembered opens nothing once there is another",
        "app/turns/intake.py",
        "    return one.signed_with in {None, known.secrets.get(one.tenant_id)}",
        "    return bool(known)",
        "tests/web/test_webhooks.py::test_a_secret_replaced_elsewhere_opens_nothing_more",
    ),
    Mutant(
        "whom another process let out sends nothing more",
        "app/store/deliveries.py",
        '        if state == "installed":',
        "        if state:",
        "tests/web/test_webhooks.py::test_who_was_let_out_elsewhere_is_refused_at_once",
    ),
    Mutant(
        "headers have an end",
        "app/serving.py",
        "    if self._headed > MAX_HEAD and",
        "    if self._headed < 0 and",
        "tests/web/test_serving.py::test_headers_without_an_end_are_refused",
    ),
    Mutant(
        "a token ends",
        TOKENS,
        "    if expires <= now:",
        "    if expires <= 0:",
        "tests/doors/test_connect_tokens.py::test_a_token_ends_with_its_last_second",
    ),
    Mutant(
        "an install is addressed to us",
        TOKENS,
        '        raise AuthError("INVALID_AUDIENCE")',
        "        pass",
        "tests/doors/test_connect_tokens.py::test_an_install_token_for_somebody_else_is_refused",
    ),
    Mutant(
        "a tenant signs for itself alone",
        TOKENS,
        '    if claims.get("iss") != client_key:',
        '    if not claims.get("iss"):',
        "tests/doors/test_connect_tokens.py::test_a_request_token_with_a_wrong_claim_is_refused",
    ),
    Mutant(
        "a page's token opens no webhook and no frame",
        TOKENS,
        '    found = claims.get("qsh")\n',
        '    found = claims.get("qsh")\n    if found == CONTEXT_QSH:\n        return\n',
        "tests/web/test_connect_guards.py::"
        "test_a_context_token_opens_browser_calls_and_nothing_else",
    ),
    Mutant(
        "a request's token opens no session",
        TOKENS,
        "    _require_qsh(token.claims, CONTEXT_QSH)\n",
        "",
        "tests/web/test_connect_guards.py::"
        "test_a_browser_call_takes_no_request_token_and_none_from_the_query",
    ),
    Mutant(
        "a made-up key id leads to no other address",
        TOKENS,
        "    if not isinstance(kid, str) or not _KID.fullmatch(kid):",
        "    if not isinstance(kid, str):",
        "tests/web/test_connect_lifecycle.py::"
        "test_a_key_host_that_has_a_stranger_is_asked_for_no_path",
    ),
    Mutant(
        "a key host sends us nowhere else",
        "app/doors/connect/install_keys.py",
        "follow_redirects=False",
        "follow_redirects=True",
        "tests/doors/test_install_keys.py::"
        "test_only_a_plain_answer_with_a_public_key_is_believed[redirect]",
    ),
    Mutant(
        "a token in two places is refused",
        GUARDS,
        '        raise AuthError("TOKEN_TWICE")',
        "        pass",
        "tests/web/test_connect_guards.py::test_a_token_given_twice_is_refused",
    ),
    Mutant(
        "a disabled app is let in nowhere",
        GUARDS,
        '        raise AuthError("TENANT_NOT_ENABLED")',
        "        pass",
        "tests/web/test_connect_guards.py::"
        "test_who_is_disabled_or_gone_is_refused_everywhere[disabled]",
    ),
)

TENANCY = (
    Mutant(
        "a lifecycle body speaks of its issuer alone",
        LIFECYCLE,
        '        raise AuthError("ISSUER_MISMATCH")',
        "        pass",
        "tests/web/test_connect_lifecycle.py::test_a_body_may_speak_of_its_issuer_alone",
    ),
    Mutant(
        "a tenant's Jira stands where TENANT_HOSTS allows it",
        "app/doors/connect/base_urls.py",
        '    raise BadRequest("baseUrl names a host that TENANT_HOSTS does not allow")',
        "    return normal",
        "tests/web/test_connect_lifecycle.py::"
        "test_a_base_url_that_is_not_allowed_is_refused[https://evil.example]",
    ),
    Mutant(
        "an older install is refused",
        TENANTS,
        '        return True\n    raise AuthError("STALE_LIFECYCLE")',
        "        return True\n    return False",
        "tests/web/test_connect_lifecycle.py::test_an_older_install_is_refused",
    ),
    Mutant(
        "an install as old brings no other secret",
        TENANTS,
        "stamp.issued_at > newest:",
        "stamp.issued_at >= newest:",
        "tests/web/test_connect_lifecycle.py::test_an_equally_old_install_brings_no_other_secret",
    ),
    Mutant(
        "an uninstall from before a reinstall is refused",
        TENANTS,
        "is not None and stamp.issued_at < tenant.lifecycle_iat:",
        "is None:",
        "tests/web/test_connect_lifecycle.py::test_no_replay_undoes_a_reinstall",
    ),
    Mutant(
        "a switch from before a reinstall is refused",
        TENANTS,
        "is not None and issued_at < tenant.lifecycle_iat:",
        "is None:",
        "tests/web/test_connect_lifecycle.py::test_no_replay_undoes_a_reinstall",
    ),
    Mutant(
        "sessions from before an uninstall stay dead",
        TENANTS,
        "    tenant.session_generation += 1\n",
        "",
        "tests/web/test_connect_lifecycle.py::"
        "test_a_reinstall_restores_the_tenant_and_no_old_session[sqlite]",
    ),
    Mutant(
        "an uninstall ends what waits for an answer",
        TENANTS,
        "    on_uninstall(db, tenant.id, now)\n",
        "",
        "tests/turns/test_guards_more.py::"
        "test_what_waited_for_an_answer_when_the_app_left_is_not_answered_after_a_reinstall",
    ),
)

SESSION = (
    Mutant(
        "a session ends after a quarter of an hour",
        SESSIONS,
        "    if claims.exp <= now.timestamp():",
        "    if claims.exp <= 0:",
        "tests/doors/test_sessions.py::test_it_lasts_a_quarter_of_an_hour_and_no_longer",
    ),
    Mutant(
        "no session is longer than that, whoever signed it",
        SESSIONS,
        "    if claims.exp - claims.iat > LIFE.total_seconds():",
        "    if claims.exp < claims.iat:",
        "tests/doors/test_sessions.py::test_a_longer_one_is_not_taken_though_the_signature_is_ours",
    ),
    Mutant(
        "a chat session opens no settings",
        SESSIONS,
        "    if claims.aud != kind:",
        "    if not claims.aud:",
        "tests/web/test_every_route.py::test_no_kind_of_token_passes_for_another",
    ),
    Mutant(
        "a session stands in no address",
        GUARDS,
        '        raise SessionRefused("TOKEN_IN_QUERY", text)',
        "        pass",
        "tests/web/test_every_route.py::test_a_token_in_the_address_opens_nothing",
    ),
    Mutant(
        "a session opens its own thread alone",
        GUARDS,
        '        raise SessionRefused("WRONG_THREAD", t("The session is for another thread."))',
        "        pass",
        "tests/web/test_every_route.py::test_a_session_opens_its_own_thread_alone",
    ),
    Mutant(
        "a thread is its own tenant's alone",
        "app/store/threads.py",
        "return thread if thread is not None and thread.tenant_id == tenant_id else None",
        "return thread",
        "tests/store/test_threads.py::test_a_thread_is_found_by_its_own_tenant_alone[sqlite]",
    ),
    Mutant(
        "a session of another generation is dead",
        GUARDS,
        "    if tenant is None or tenant.session_generation != generation:",
        "    if tenant is None:",
        "tests/web/test_chat_api.py::test_a_session_of_a_raised_generation_is_dead",
    ),
    Mutant(
        "a disabled app's sessions wait",
        GUARDS,
        '    if tenant.state != "installed":\n        raise SessionRefused',
        '    if tenant.state == "uninstalled":\n        raise SessionRefused',
        "tests/web/test_chat_api.py::test_a_disabled_apps_sessions_wait",
    ),
    Mutant(
        "a deleted issue's thread is gone",
        GUARDS,
        "    there = thread is not None and (issue is None or issue.deleted_at is None)",
        "    there = thread is not None",
        "tests/web/test_chat_api.py::test_a_deleted_issues_thread_is_gone",
    ),
    Mutant(
        "who may not see the issue any more reads nothing",
        GUARDS,
        "    await wiring_of(request).rights.require_reader(viewer)\n",
        "",
        "tests/web/test_chat_api.py::test_who_may_see_the_issue_no_more_gets_nothing",
    ),
    Mutant(
        "who administers Jira no more sets nothing",
        GUARDS,
        '        raise Forbidden("ADMINISTER")',
        "        pass",
        "tests/web/test_every_route.py::test_who_administers_no_more_gets_nothing",
    ),
    Mutant(
        "the team's thread is for who works the issue",
        RIGHTS,
        '    return rights.browse and (audience == "public" or rights.work)',
        "    return rights.browse",
        "tests/web/test_chat_api.py::test_who_works_the_issue_no_more_loses_the_teams_thread",
    ),
    Mutant(
        "who may not comment in Jira writes nothing here",
        RIGHTS,
        "        raise Forbidden(COMMENT)",
        "        pass",
        "tests/web/test_chat_api.py::test_who_may_not_comment_may_read_and_not_write",
    ),
    Mutant(
        "whoever writes is asked about each time",
        RIGHTS,
        "        return _writable(viewer, await self.of(viewer, fresh=True))",
        "        return _writable(viewer, await self.of(viewer))",
        "tests/turns/test_rights.py::test_a_writer_is_asked_about_each_time",
    ),
    Mutant(
        "who does not work the issue has the assistant neither rest nor resume",
        RIGHTS,
        '            raise Forbidden("WORK")\n',
        "            pass\n",
        "tests/web/test_chat_api.py::test_the_team_has_the_assistant_rest_and_resume",
    ),
)

MUTANTS = (*CONNECT, *TENANCY, *SESSION)
