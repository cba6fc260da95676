"""The tools: what there is to work with when something is missing."""

from surgery import kit

from rotom.doctor.tools import key_header, not_made, served_status, tools
from rotom.running import noted


async def test_a_provider_that_does_not_exist_makes_no_gateway(empty):
    async with tools(empty(ROTOM_PROVIDER="nobody")) as ours:
        assert ours.gateway is None
        assert ours.logins() == {}
        assert "nobody" in not_made(ours, "x").message


async def test_a_vault_that_is_none_makes_no_gateway(empty, tmp_path):
    (tmp_path / "home").mkdir(mode=0o700)
    (tmp_path / "home" / "auth.json").write_text("[]")
    (tmp_path / "home" / "auth.json").chmod(0o600)
    async with tools(empty()) as ours:
        assert ours.gateway is None
        assert ours.trouble is not None


async def test_the_status_comes_from_the_server_that_runs(house):
    async with kit(house) as ours:
        assert await served_status(ours) is None
    with noted(house.config, ["127.0.0.1:1", str(house.client.base_url).removeprefix("http://").rstrip("/")]):
        async with kit(house) as ours:
            assert (await served_status(ours))["logged_in"] is True
            assert ours.logins() == {"openai": "openai"}


def test_the_key_for_a_server_of_ours(empty):
    assert key_header(empty(ROTOM_API_KEY_FILE="/nowhere")) == {}
    assert key_header(empty(ROTOM_API_KEY="k")) == {"authorization": "Bearer k"}
