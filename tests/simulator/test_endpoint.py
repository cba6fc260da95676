"""The stand-in for somebody's own endpoint."""

import httpx

from rotom.plain import helpers
from rotom.simulator.endpoint import Endpoint, serve
from rotom.sse import Decoder


async def test_key_models_and_answers():
    endpoint = Endpoint("sk-planted")
    async with helpers() as nursery, httpx.AsyncClient(trust_env=False) as client:
        await nursery.start(serve, endpoint)
        client.base_url = endpoint.base_url
        assert (await client.get("/models")).status_code == 401
        client.headers["authorization"] = "Bearer sk-planted"
        assert (await client.get("/models")).json()["data"][0]["id"] == "local-model"
        assert (await client.get("/nothing")).status_code == 404
        answer = await client.post("/responses", json={"model": "m", "input": [{"role": "user", "content": "hello"}]})
        assert answer.content.endswith(b"data: [DONE]\n\n")
        kinds = [event.type for event in Decoder().feed(answer.content)]
        assert kinds[0] == "response.created"
        assert kinds.count("response.output_text.delta") == 3
        body = {"model": "m", "input": [{"role": "user", "content": "call it"}], "tools": [{"name": "t"}]}
        assert '"function_call"' in (await client.post("/responses", json=body)).text
        endpoint.reply = (429, {"error": "slow"})
        assert (await client.post("/responses", json=body)).status_code == 429
        nursery.cancel_scope.cancel()
