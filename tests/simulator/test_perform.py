"""Steps on real connections: time, cuts, hang-ups."""

import httpx
import pytest
import trio
import trio.testing


async def test_a_cut_is_seen_as_one_and_an_end_as_an_end(client, kit):
    with pytest.raises(httpx.RemoteProtocolError):
        await client.ask("demo:cut")
    events = await client.ask("demo:eof")
    assert events[-1].type == "response.output_text.delta"


@pytest.mark.parametrize("name", ["stall", "silent", "mute", "slow", "long"])
async def test_a_hang_up_is_noted_with_its_time(client, simulator, kit, name):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.ask, f"demo:{name}")
        asked = await simulator.received(1)
        while asked.scenario is None:
            await trio.testing.wait_all_tasks_blocked()
        await trio.sleep(0.05)
        assert simulator.open_streams == 1
        hung_up = trio.current_time()
        nursery.cancel_scope.cancel()
    with trio.fail_after(2):
        await simulator.quiet()
    assert asked.gone
    assert 0 <= asked.ended_at - hung_up < 0.5


async def test_time_is_kept(client, simulator, kit, autojump_clock):
    begun = trio.current_time()
    assert kit.text_of(await client.ask("demo:long rate=2 count=21")).startswith("This is a long answer")
    assert 10 <= trio.current_time() - begun < 11
    simulator.pace = 1.0
    begun = trio.current_time()
    await client.ask("say one two three")
    assert 3 <= trio.current_time() - begun < 4


async def test_a_flood_arrives_whole(client, kit):
    text = kit.text_of(await client.ask("demo:flood count=500 write=7"))
    assert [int(text[at : at + 6]) for at in range(0, len(text), 30)] == list(range(500))
