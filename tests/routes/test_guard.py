"""The guard, rule by rule, and in their order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotom.problem import Kind, Problem
from rotom.routes.guard import MIN_KEY, PUBLIC, Rules, check, hostname, media_type, require_key
from rotom.server.routing import FORM, JSON

LOCAL = "127.0.0.1:14550"
KEY = "correct horse battery"


def verdict(
    headers: dict[str, str],
    rules: Rules | None = None,
    method: str = "POST",
    path: str = "/v1/messages",
    local: str = LOCAL,
) -> object:
    """The code of the refusal, or the CORS headers of a request that passes."""
    try:
        return check(rules or Rules(), method, path, {"host": LOCAL, **headers}, local)
    except Problem as problem:
        status = 401 if problem.code == "invalid_api_key" else 403
        return problem.code if problem.kind == status else problem.kind


# ---- 1. Host


HERE = """
localhost localhost:14550 LocalHost:1 localhost. localhost.:14550 localhost:
127.0.0.1 127.0.0.1:80 127.5.5.5:14550 [::1] [::1]:14550 [0:0:0:0:0:0:0:1]:9 [::ffff:127.0.0.1]
"""
ELSEWHERE = """
:14550 evil.example evil.example:14550 127.0.0.1.evil.example localhost.evil.example xlocalhost evil.localhost localhost..
localhost:80:evil localhost:x localhost@evil.example localhost,evil 0.0.0.0:14550 [::]:14550 192.168.1.7:14550 10.0.0.1
127.1 2130706433 0x7f.0.0.1 ::1 [::1 [::1]evil [localhost] [] [fe80::1] [::ffff:10.0.0.1] loc\xe4lhost ٧
"""


@pytest.mark.parametrize("host", [*HERE.split(), " localhost "])
def test_hosts_of_this_machine_pass(host: str) -> None:
    assert verdict({"host": host}) == []


@pytest.mark.parametrize("host", [*ELSEWHERE.split(), "", "127.0.0.1 evil"])
def test_other_hosts_do_not(host: str) -> None:
    assert verdict({"host": host}) == "host_not_allowed"


def test_a_request_without_host_does_not() -> None:
    with pytest.raises(Problem, match="no Host"):
        check(Rules(), "GET", "/", {}, LOCAL)


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("192.168.1.7:14550", "192.168.1.7:14550"),
        ("192.168.1.7", "192.168.1.7:14550"),
        ("192.168.1.7:14550", "[::ffff:192.168.1.7]:14550"),
        ("[fd00::7]:14550", "[fd00::7]:14550"),
        ("[FD00:0::7]:14550", "[fd00::7]:14550"),
    ],
)
def test_the_address_that_the_client_reached_passes(host: str, local: str) -> None:
    """A bind to all addresses is reached under each of them."""
    assert verdict({"host": host}, local=local) == []
    assert verdict({"host": "192.168.1.8"}, local=local) == "host_not_allowed"


def test_allowed_hosts_pass() -> None:
    rules = Rules(hosts=frozenset({"box.lan", "10.1.2.3"}))
    assert [verdict({"host": host}, rules) for host in ("box.lan", "BOX.lan.:14550", "10.1.2.3:1")] == [[], [], []]
    assert verdict({"host": "other.box.lan"}, rules) == "host_not_allowed"


def test_a_refused_name_is_told_in_part() -> None:
    with pytest.raises(Problem) as told:
        check(Rules(), "GET", "/", {"host": "a" * 50_000}, LOCAL)
    assert len(told.value.message) < 300


@given(st.text(max_size=40))
def test_any_text_as_host_gets_a_verdict(host: str) -> None:
    name = hostname(host)
    assert name is None or ":" not in name or "[" in host
    assert verdict({"host": host}) in ([], "host_not_allowed")


# ---- 2. Origin and Sec-Fetch-Site


FOREIGN = """
https://evil.example null http://127.0.0.1 http://127.0.0.1:9999 http://localhost:14550 https://127.0.0.1:14550
http://127.0.0.1:14550@evil.example http://127.0.0.1:14550.evil.example file:// chrome-extension://abc 127.0.0.1:14550
http://[::1
"""


@pytest.mark.parametrize("origin", [*FOREIGN.split(), "", "http://127.0.0.1:14550, https://evil.example"])
def test_foreign_origins_are_refused(origin: str) -> None:
    assert verdict({"origin": origin}) == "origin_not_allowed"
    assert verdict({"origin": origin}, method="OPTIONS") == "origin_not_allowed"
    assert verdict({"origin": origin}, method="GET", path="/health") == "origin_not_allowed"


def test_our_own_origin_passes() -> None:
    assert verdict({"origin": "http://127.0.0.1:14550"}) == []
    assert verdict({"origin": "http://LOCALHOST:14550", "host": "localhost:14550"}) == []
    assert verdict({"origin": "http://evil.example", "host": "evil.example"}) == "host_not_allowed"


@pytest.mark.parametrize(
    "site", ["cross-site", "same-site", "Cross-Site", " cross-site ", "none, cross-site", "what", ""]
)
def test_requests_from_other_sites_are_refused(site: str) -> None:
    assert verdict({"sec-fetch-site": site}) == "origin_not_allowed"


def test_requests_from_our_own_pages_and_the_address_bar_pass() -> None:
    assert [verdict({"sec-fetch-site": site}) for site in ("same-origin", "none")] == [[], []]


ALLOWED = Rules(origins=frozenset({"https://good.example"}))


def test_an_allowed_origin_gets_its_cors_answer_and_no_other_does() -> None:
    assert verdict({"origin": "https://good.example", "sec-fetch-site": "cross-site"}, ALLOWED) == [
        ("access-control-allow-origin", "https://good.example"),
        ("vary", "Origin"),
        ("access-control-expose-headers", "*"),  # x-request-id, retry-after, x-rotom-receipt and so on
    ]
    for other in (
        "http://good.example",
        "https://good.example:444",
        "https://sub.good.example",
        "https://GOOD.example",
    ):
        assert verdict({"origin": other}, ALLOWED) == "origin_not_allowed"
    assert verdict({"sec-fetch-site": "cross-site"}, ALLOWED) == "origin_not_allowed"
    assert verdict({}, ALLOWED) == []


def test_a_preflight_is_answered_exactly_and_needs_no_key() -> None:
    rules = Rules(key=KEY, origins=ALLOWED.origins)
    asked = {"origin": "https://good.example", "access-control-request-method": "POST"}
    headers = {**asked, "access-control-request-headers": "authorization,content-type"}
    assert dict(verdict(headers, rules, method="OPTIONS")) == {  # type: ignore[call-overload]
        "access-control-allow-origin": "https://good.example",
        "vary": "Origin",
        "access-control-allow-methods": "GET, POST, DELETE",
        "access-control-allow-headers": "authorization,content-type",
        "access-control-max-age": "600",
    }
    put = dict(verdict({**asked, "access-control-request-method": "PUT"}, rules, method="OPTIONS"))  # type: ignore[call-overload]
    assert put["access-control-allow-methods"] == ""
    assert verdict({**asked, "host": "evil.example"}, rules, method="OPTIONS") == "host_not_allowed"
    assert verdict(asked, rules, method="POST") == "invalid_api_key"
    assert verdict({}, rules, method="OPTIONS") == "invalid_api_key"


# ---- 3. the local key


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {KEY}"},
        {"authorization": f"bearer {KEY}"},
        {"authorization": f"BEARER  {KEY} "},
        {"x-api-key": KEY},
        {"x-api-key": KEY, "authorization": f"Bearer {KEY}"},
    ],
)
def test_the_key_passes(headers: dict[str, str]) -> None:
    assert verdict(headers, Rules(key=KEY)) == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"authorization": KEY},
        {"authorization": f"Basic {KEY}"},
        {"authorization": f"Bearer {KEY}x"},
        {"authorization": f"Bearer {KEY[:-1]}"},
        {"authorization": f"Bearer {KEY.upper()}"},
        {"authorization": f"Bearer {KEY}, Bearer {KEY}"},
        {"x-api-key": ""},
        {"x-api-key": "wrong"},
        {"x-api-key": "w\xf6rng\udcff"},
        {"x-api-key": KEY, "authorization": "Bearer wrong"},
        {"x-api-key": "wrong", "authorization": f"Bearer {KEY}"},
        {"cookie": f"key={KEY}"},
    ],
)
def test_anything_else_does_not(headers: dict[str, str]) -> None:
    assert verdict(headers, Rules(key=KEY)) == "invalid_api_key"
    with pytest.raises(Problem) as told:
        check(Rules(key=KEY), "POST", "/", {"host": LOCAL, **headers}, LOCAL)
    assert KEY not in told.value.message + repr(told.value)
    assert told.value.retry is False


def test_a_key_of_other_letters_is_compared_as_its_bytes() -> None:
    key = "schlüssel-日本-schlüssel"
    as_received = key.encode().decode("latin-1")
    assert verdict({"x-api-key": as_received}, Rules(key=key)) == []
    assert verdict({"x-api-key": key}, Rules(key=key)) == "invalid_api_key"
    assert verdict({"x-api-key": "?" * 8}, Rules(key="?" * 8)) == []


def test_without_the_key_there_is_health_and_nothing_else() -> None:
    rules = Rules(key=KEY)
    assert verdict({}, rules, method="GET", path="/health") == []
    assert verdict({}, rules, method="HEAD", path="/") == []
    for method, path in (
        ("GET", "/"),
        ("POST", "/health"),
        ("HEAD", "/health/"),
        ("GET", "/v1/status"),
        ("OPTIONS", "*"),
    ):
        assert verdict({}, rules, method=method, path=path) == "invalid_api_key"
    assert len(PUBLIC) == 2


def test_no_key_means_none_is_asked_for() -> None:
    assert verdict({"authorization": "Bearer whatever", "x-api-key": "else"}) == []


def test_the_rules_are_in_order() -> None:
    rules = Rules(key=KEY)
    everything_wrong = {"host": "evil.example", "origin": "https://evil.example", "x-api-key": "wrong"}
    assert verdict(everything_wrong, rules) == "host_not_allowed"
    assert verdict({**everything_wrong, "host": LOCAL}, rules) == "origin_not_allowed"


# ---- 4. the body's type, and keys for addresses that others reach


@pytest.mark.parametrize(
    ("given", "good"),
    [
        ("application/json", True),
        ("Application/JSON ; charset=utf-8", True),
        ("text/plain", False),
        ("text/plain; x=application/json", False),
        ("application/x-www-form-urlencoded", False),
        ("application/jsonx", False),
        ("application/json, text/plain", False),
        ("", False),
        (None, False),
    ],
)
def test_the_type_of_a_body(given: str | None, good: bool) -> None:
    headers = {} if given is None else {"content-type": given}
    media_type((), headers)
    if good:
        media_type(("application/json",), headers)
        return
    with pytest.raises(Problem, match="the body must be application/json") as told:
        media_type(("application/json",), headers)
    assert told.value.kind is Kind.MEDIA_TYPE


@pytest.mark.parametrize(
    ("loopback", "key", "good"),
    [
        (True, None, True),
        (True, "x", True),
        (False, None, False),
        (False, "x" * (MIN_KEY - 1), False),
        (False, "x" * MIN_KEY, True),
    ],
)
def test_other_machines_need_a_good_key(loopback: bool, key: str | None, good: bool) -> None:
    if good:
        require_key(loopback, key)
        return
    with pytest.raises(Problem, match="at least 16 characters") as told:
        require_key(loopback, key)
    assert told.value.hint is not None


def test_the_message_about_a_key_is_one_that_claude_code_shows() -> None:
    """It says "Not logged in" in place of any message that names the other header (seen in 2.1.330, 2026-11)."""
    with pytest.raises(Problem, match="ANTHROPIC_AUTH_TOKEN") as caught:
        check(Rules(key=KEY), "POST", "/v1/messages", {"host": LOCAL}, LOCAL)
    assert "x-api-key" not in caught.value.message.lower()


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"origin": "https://evil.example"}, "origin_not_allowed"),
        ({"origin": "null", "sec-fetch-site": "cross-site"}, "origin_not_allowed"),
        ({"sec-fetch-site": "cross-site"}, "origin_not_allowed"),
        ({"origin": f"http://{LOCAL}", "sec-fetch-site": "same-origin"}, []),
        ({"sec-fetch-mode": "cors"}, []),  # Node's fetch, which is no browser
        ({}, []),
    ],
)
def test_a_form_that_a_page_sends_without_asking_is_refused_for_its_origin(
    headers: dict[str, str], code: object
) -> None:
    headers = {"content-type": "multipart/form-data; boundary=x", **headers}
    media_type((*JSON, *FORM), headers)
    assert verdict(headers, path="/v1/images/edits") == code
