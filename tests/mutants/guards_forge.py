"""Who is let in by the Forge door, and as whom: invocation tokens, installations, people."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

TOKENS = "app/doors/forge/tokens.py"
API_BASES = "app/doors/forge/api_bases.py"
KEYS = "app/doors/forge/keys.py"
EVENTS = "app/doors/forge/events.py"
LIFECYCLE = "app/doors/forge/lifecycle.py"
CLAIMS = "app/store/claims.py"
TENANTS = "app/store/forge_tenants.py"
GUARDS = "app/web/forge_guards.py"
CORS = "app/web/cors.py"
PERSONS = "app/turns/persons.py"
RIGHTS = "app/turns/rights.py"

FORGED = "tests/doors/forge/test_invocation_tokens.py::test_a_forged_token_is_refused"
LIFE = "tests/doors/forge/test_forge_lifecycle.py::"
CLAIMED = "tests/doors/forge/test_claims.py::"
PAGES = "tests/web/test_forge_pages.py::"

TOKEN = (
    Mutant(
        "another's signature on an invocation token is none",
        TOKENS,
        '    "verify_signature": True,',
        '    "verify_signature": False,',
        f"{FORGED}[another key]",
    ),
    Mutant(
        "an invocation token is signed by RS256 alone",
        TOKENS,
        'algorithms=["RS256"]',
        'algorithms=["RS256", "RS512", "PS256"]',
        f"{FORGED}[alg RS512]",
    ),
    Mutant(
        "an invocation token is Forge's",
        TOKENS,
        '        raise AuthError("INVALID_ISSUER")',
        "        pass",
        f"{FORGED}[another issuer]",
    ),
    Mutant(
        "an invocation token is for our app",
        TOKENS,
        '        raise AuthError("INVALID_AUDIENCE")',
        "        pass",
        f"{FORGED}[us among other audiences]",
    ),
    Mutant(
        "the app within an invocation token is ours",
        TOKENS,
        '        raise AuthError("INVALID_APP")',
        "        pass",
        f"{FORGED}[another app within]",
    ),
    Mutant(
        "an invocation token ends",
        TOKENS,
        '        raise AuthError("EXPIRED")',
        "        pass",
        f"{FORGED}[expired]",
    ),
    Mutant(
        "an invocation token begins",
        TOKENS,
        '        raise AuthError("NOT_YET_VALID")',
        "        pass",
        f"{FORGED}[not before later]",
    ),
    Mutant(
        "an invocation token lives no days",
        TOKENS,
        '        raise AuthError("INVALID_LIFETIME")',
        "        pass",
        f"{FORGED}[a life of days]",
    ),
    Mutant(
        "one cloud id is told",
        TOKENS,
        '        raise AuthError("INVALID_CLOUD_ID")',
        "        pass",
        f"{FORGED}[another cloud than the API base's]",
    ),
    Mutant(
        "only environments that are let in get in",
        TOKENS,
        '        raise AuthError("WRONG_ENVIRONMENT")',
        "        pass",
        f"{LIFE}test_an_environment_that_is_not_let_in_makes_nobody_known",
    ),
    Mutant(
        "a tenant's tokens go to hosts that tenants may have",
        API_BASES,
        "    if origin is None:",
        "    if origin == '':",
        f"{FORGED}[an API base elsewhere]",
    ),
    Mutant(
        "made-up key ids ask for no keys",
        KEYS,
        "            if self._is_paused():\n",
        "            if self._asking is not None:\n",
        "tests/doors/forge/test_invocation_keys.py::test_made_up_ids_ask_once_in_a_while",
    ),
    Mutant(
        "one question for keys is under way at a time",
        KEYS,
        "        if self._asking is None:\n            if",
        "        if self._asked_at != 0:\n            if",
        "tests/doors/forge/test_invocation_keys.py::test_those_who_come_at_once_share_one_question",
    ),
    Mutant(
        "a key for signatures is long enough and meant for them",
        KEYS,
        '    if jwk.get("use", "sig") != "sig" or jwk.get("alg", "RS256") != "RS256":',
        '    if jwk.get("kty") == "none":',
        "tests/doors/forge/test_invocation_keys.py::test_what_is_no_key_for_signatures_is_left_out",
    ),
)

INSTALLATION = (
    Mutant(
        "a page's token ends no installation",
        GUARDS,
        '        raise AuthError("TOKEN_OF_A_PAGE")',
        "        pass",
        f"{LIFE}test_a_persons_token_is_none_of_the_platforms",
    ),
    Mutant(
        "the body speaks of the token's installation alone",
        LIFECYCLE,
        '        raise AuthError("INSTALLATION_MISMATCH")',
        "        pass",
        f"{LIFE}test_the_body_speaks_of_the_tokens_installation_alone",
    ),
    Mutant(
        "what was under way brings nobody back",
        TENANTS,
        "        if site.issued_at < left_at + late:",
        "        if site.issued_at < left_at:",
        f"{LIFE}test_what_was_under_way_brings_nobody_back",
    ),
    Mutant(
        "an old uninstall ends no newer installation",
        TENANTS,
        '        raise AuthError("STALE_LIFECYCLE")',
        "        pass",
        f"{LIFE}test_an_old_uninstall_ends_no_newer_installation",
    ),
    Mutant(
        "a disabled tenant is let in by no call",
        TENANTS,
        '    elif tenant.state == "disabled" and tenant.forge_silent_at is None:',
        "    elif tenant.state == 'none':",
        f"{LIFE}test_a_disabled_tenant_is_let_in_by_no_call",
    ),
    Mutant(
        "an installation is on one site",
        TENANTS,
        "    if tenant.cloud_id not in {None, site.cloud_id}:",
        "    if tenant.cloud_id == '':",
        f"{CLAIMED}test_a_token_that_names_anothers_installation_on_ones_own_site_is_refused",
    ),
    Mutant(
        "a claim holds on the claimant's own site alone",
        CLAIMS,
        "    if tenant.base_url == site_url:",
        "    if tenant.base_url:",
        f"{CLAIMED}test_a_claim_made_before_its_owner_came_is_lost_to_the_owner[sqlite]",
    ),
    Mutant(
        "a claim is proved by no token that does not say where it comes from",
        CLAIMS,
        '        raise AuthError("SITE_UNTOLD")',
        "        return tenant",
        f"{CLAIMED}test_a_claim_made_before_its_owner_came_is_lost_to_the_owner[sqlite]",
    ),
    Mutant(
        "a signed install adopts a tenant of its own site alone",
        CLAIMS,
        "            Tenant.base_url == base_url,\n",
        "",
        f"{CLAIMED}test_a_signed_install_takes_no_installation_that_is_anothers[forge]",
    ),
    Mutant(
        "a site that had the app before takes no other site's installation",
        CLAIMS,
        "    elif other.client_key is None and other.base_url == tenant.base_url:",
        "    elif other.client_key is None:",
        f"{CLAIMED}test_a_site_that_had_the_app_before_takes_none_by_a_reinstall",
    ),
    Mutant(
        "another installation has to prove itself",
        CLAIMS,
        "        _forgo(db, tenant)\n        tenant.installation_id = installation_id",
        "        tenant.installation_id = installation_id",
        f"{CLAIMED}test_another_installation_of_the_same_site_has_to_prove_itself",
    ),
    Mutant(
        "a repeated event is the same event",
        EVENTS,
        "if name != RETRY}",
        "if name}",
        "tests/doors/forge/test_forge_events.py::test_a_repeated_try_is_the_same_event",
    ),
)

PEOPLE = (
    Mutant(
        "somebody else's token gives nobody that one's rights",
        PERSONS,
        '        raise AuthError("USER_TOKEN_OF_ANOTHER")',
        "        pass",
        f"{PAGES}test_somebody_elses_token_gives_nobody_that_ones_rights[adam]",
    ),
    Mutant(
        "a session ends with the person's token at the latest",
        "app/doors/sessions.py",
        "    return ends if until is None else min(ends, until.replace(microsecond=0))",
        "    return ends",
        f"{PAGES}test_a_session_ends_with_the_token_at_the_latest",
    ),
    Mutant(
        "where Forge is the way to Jira a person is asked for as that person",
        RIGHTS,
        '        if tenant.door == "forge":',
        '        if tenant.door == "none":',
        f"{PAGES}test_the_panel_is_opened_and_read_as_the_person",
    ),
    Mutant(
        "the admin page is opened from its own module alone",
        GUARDS,
        '        raise AuthError("TOKEN_OF_ANOTHER_PAGE")',
        "        pass",
        f"{PAGES}test_the_admin_page_is_opened_from_its_own_module_alone",
    ),
    Mutant(
        "nobody signed in opens nothing through Forge",
        GUARDS,
        '        raise AuthError("TOKEN_OF_NO_PAGE")',
        "        pass",
        f"{PAGES}test_nobody_signed_in_opens_nothing",
    ),
    Mutant(
        "no other page reads our answers",
        CORS,
        "        return is_open and (origin in exact or _CDN.fullmatch(origin) is not None)",
        "        return is_open and (origin in exact or _CDN.search(origin) is not None)",
        "tests/web/test_forge_cors.py::test_no_other_page_does",
    ),
    Mutant(
        "while the door is closed no page reads our answers",
        CORS,
        "    is_open = settings.forge_app_id is not None",
        "    is_open = bool(exact) or settings.forge_app_id is not None",
        "tests/web/test_forge_cors.py::test_nor_does_any_while_the_door_is_closed",
    ),
    Mutant(
        "a turn that finds no token waits",
        "app/turns/working.py",
        "    counts = not isinstance(error, JiraRateLimited | JiraTokenMissing)",
        "    counts = not isinstance(error, JiraRateLimited)",
        f"{PAGES}test_a_turn_that_finds_no_token_waits_for_the_schedule",
    ),
)

MUTANTS = (*TOKEN, *INSTALLATION, *PEOPLE)
