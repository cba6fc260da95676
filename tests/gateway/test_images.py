"""Planning and drawing without HTTP in front; what a client sees of it is in tests/routes/test_images.py."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import trio

from rotom.drawing import Drawing
from rotom.gateway.images import draw, plan_images
from rotom.problem import Kind, Problem
from rotom.simulator import IMAGES


async def test_who_leaves_early_stops_the_rest(house: Any) -> None:
    house.simulator.script("image", "image_slow", "image_slow", path=IMAGES)
    plan = await plan_images(house.gateway, Drawing({"prompt": "x", "n": 3}, count=3))
    async with draw(house.gateway, plan) as replies:
        assert (await replies.receive()).status == 200
        await house.simulator.received(3, IMAGES)
    assert house.gateway.places["openai"].busy == 0
    with trio.fail_after(2):
        while sum(received.gone for received in house.simulator.requests) < 2:
            await trio.lowlevel.checkpoint()


async def test_images_wait_for_a_place_as_questions_do(build: Any) -> None:
    async with build(provider_concurrency="1") as house:
        plan = await plan_images(house.gateway, Drawing({"prompt": "x"}))
        async with house.gateway.places["openai"].taken():
            with trio.move_on_after(0.2) as waiting:
                async with draw(house.gateway, plan) as replies:
                    await replies.receive()
            assert waiting.cancelled_caught
        async with draw(house.gateway, plan) as replies:
            assert [reply.status async for reply in replies] == [200]


async def test_a_provider_without_images(house: Any) -> None:
    providers = house.gateway.providers
    house.gateway.providers = {name: replace(provider, images=None) for name, provider in providers.items()}
    with pytest.raises(Problem, match="none of the providers that are logged in makes images") as caught:
        await plan_images(house.gateway, Drawing({"prompt": "x"}))
    assert caught.value.kind is Kind.NOT_FOUND


async def test_a_native_call_with_a_token_that_is_refused(house: Any) -> None:
    tokens = []

    async def call(token: Any) -> str:
        tokens.append(token.access)
        if len(tokens) == 1:
            raise Problem(Kind.UNAUTHENTICATED, "no", code="token_refused")
        return "good"

    token, answer = await house.gateway.native("openai", call)
    assert (token.access, answer) == (tokens[1], "good")
    assert len(set(tokens)) == 2

    async def refuse(token: Any) -> str:
        raise Problem(Kind.UNAUTHENTICATED, "no", code="token_refused")

    with pytest.raises(Problem, match="rotom login") as caught:
        await house.gateway.native("openai", refuse)
    assert caught.value.code == "login_over"
