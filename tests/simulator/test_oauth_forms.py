"""What simulated issuers have in common."""

from collections import OrderedDict

from rotom.simulator import oauth_forms
from rotom.simulator.oauth_forms import keep, location, oauth_error, page, redirect


def test_where_a_browser_goes():
    query = {"redirect_uri": "http://127.0.0.1:1/x", "state": "a b"}
    assert location(query, code="c&") == "http://127.0.0.1:1/x?code=c%26&state=a+b"
    assert location({"redirect_uri": "http://127.0.0.1:1/x"}, error="e") == "http://127.0.0.1:1/x?error=e"
    assert redirect(query).headers == (("location", "http://127.0.0.1:1/x?state=a+b"),)


def test_pages_and_errors():
    assert page(400, "T", "<p>x</p>").body == b"<!doctype html><title>T</title><h1>T</h1><p>x</p>"
    assert oauth_error(401, "c", "d").body == b'{"error":"c","error_description":"d"}'


def test_the_oldest_is_forgotten(monkeypatch):
    monkeypatch.setattr(oauth_forms, "KEPT", 2)
    table = OrderedDict()
    for name in "abc":
        keep(table, name, name)
    assert list(table) == ["b", "c"]
