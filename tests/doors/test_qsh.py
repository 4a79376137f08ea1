"""The query string hash, against Atlassian's own cases and against a second implementation."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlsplit

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.doors.connect.qsh import canonical_request, parameters, query_string_hash

OFFICIAL = json.loads((Path(__file__).parents[1] / "data/jwt-signed-urls.json").read_text())
CASES: list[dict[str, str]] = OFFICIAL["tests"]

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
pairs = st.lists(st.tuples(text.filter(bool), text), max_size=6)


def base_path_of(case: dict[str, str]) -> str:
    return "/base" if case["name"] == "Add-on baseUrl contains path" else ""


def written(query: list[tuple[str, str]]) -> str:
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in query)


def retold(method: str, path: str, query: list[tuple[str, str]]) -> str:
    """The rules once more, from the document, character by character."""
    unreserved = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

    def encoded(value: str) -> str:
        return "".join(
            chr(byte) if byte in unreserved else f"%{byte:02X}" for byte in value.encode()
        )

    def code_units(value: str) -> list[int]:
        raw = value.encode("utf-16-be")
        return [raw[at] << 8 | raw[at + 1] for at in range(0, len(raw), 2)]

    parts = []
    for name in sorted({name for name, _ in query} - {"jwt"}, key=code_units):
        values = sorted((value for other, value in query if other == name), key=code_units)
        parts.append(encoded(name) + "=" + ",".join(map(encoded, values)))
    return method.upper() + "&" + path + "&" + "&".join(parts)


def test_there_are_all_79_official_cases() -> None:
    assert len(CASES) == 79


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_an_official_case_has_its_canonical_request_and_its_hash(case: dict[str, str]) -> None:
    url = urlsplit(case["signedUrl"])
    base_path = base_path_of(case)
    [token] = [value for name, value in parameters(url.query) if name == "jwt"]
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})

    found = canonical_request("get", url.path, url.query, base_path=base_path)

    assert found == case["canonicalUrl"]
    assert query_string_hash("GET", url.path, url.query, base_path=base_path) == claims["qsh"]


@settings(max_examples=300)
@given(query=pairs, method=st.sampled_from(["GET", "post", "Put"]))
def test_any_query_is_read_as_the_document_says(query: list[tuple[str, str]], method: str) -> None:
    assert canonical_request(method, "/a/b", written(query)) == retold(method, "/a/b", query)


@given(query=pairs, data=st.data())
def test_the_order_of_parameters_does_not_matter(
    query: list[tuple[str, str]], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(query))
    assert query_string_hash("GET", "/", written(query)) == query_string_hash(
        "GET", "/", written(shuffled)
    )


@given(query=pairs, token=text)
def test_the_token_itself_is_left_out_and_nothing_else_is(
    query: list[tuple[str, str]], token: str
) -> None:
    plain = query_string_hash("GET", "/", written(query))
    assert query_string_hash("GET", "/", written([("jwt", token), *query])) == plain
    assert query_string_hash("GET", "/", written([("JWT", token), *query])) != plain


@given(query=st.binary(max_size=40), other=st.binary(max_size=40))
def test_queries_of_other_meaning_never_look_alike(query: bytes, other: bytes) -> None:
    def meaning(raw: bytes) -> list[tuple[str, str]]:
        return sorted((name, value) for name, value in parameters(raw) if name != "jwt")

    same = canonical_request("GET", "/", query) == canonical_request("GET", "/", other)
    assert same == (meaning(query) == meaning(other))


@pytest.mark.parametrize(
    ("query", "canonical"),
    [
        ("flag", "flag="),
        ("", ""),
        ("&&a=1&", "a=1"),
        ("a=2&a=1", "a=1,2"),
        ("a=%F0%9D%84%9E&a=%EF%BF%BD", "a=%F0%9D%84%9E,%EF%BF%BD"),  # UTF-16 order, not UTF-8's
        ("a=b=c", "a=b%3Dc"),
        ("a=%2C", "a=%2C"),
        ("a=%FF", "a=%FF"),
        ("%6Awt=x&a=%7e", "a=~"),
    ],
)
def test_the_corners_of_a_query(query: str, canonical: str) -> None:
    assert canonical_request("GET", "/p", query) == f"GET&/p&{canonical}"


@pytest.mark.parametrize(
    ("path", "base_path", "canonical"),
    [
        ("", "", "/"),
        ("/", "", "/"),
        ("/p/", "", "/p"),
        ("/p//", "", "/p/"),
        ("/a&b", "", "/a%26b"),
        ("/a%2Fb", "", "/a%2Fb"),
        ("/base", "/base", "/"),
        ("/base/p", "/base/", "/p"),
        ("/basement", "/base", "/basement"),
        ("/p/base", "/base", "/p/base"),
    ],
)
def test_the_corners_of_a_path(path: str, base_path: str, canonical: str) -> None:
    assert canonical_request("GET", path, "", base_path=base_path) == f"GET&{canonical}&"


def test_the_hash_is_that_of_the_canonical_request() -> None:
    assert query_string_hash("post", "/p", "a=1") == sha256(b"POST&/p&a=1").hexdigest()
