// The Vercel AI SDK, driven by the tests in test_ai_sdk.py: each line of the standard input is a job, and what became of
// it is a line of the standard output, both JSON. Nothing is checked here.
//
// A job: id, base (of rotom; without it the environment says where OpenAI is), api (which package, and which of its APIs), how ("generate", "stream", "image", ...), turns
// (what the person says, one after the other: text, or a list of parts), and what the SDK takes besides.

import { createInterface } from "node:readline";

import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import * as ai from "ai";
import { z } from "zod";

globalThis.AI_SDK_LOG_WARNINGS = false; // they are in the results

const city = z.object({ city: z.string() });
const person = z.object({ name: z.string(), age: z.number().int(), tags: z.array(z.string()) });

function packages(base) {
  if (!base) return { openai: createOpenAI() };
  const common = { apiKey: "rotom", baseURL: `${base}/v1` };
  return {
    openai: createOpenAI(common),
    compatible: createOpenAICompatible({ ...common, name: "rotom", includeUsage: true, supportsStructuredOutputs: true }),
    anthropic: createAnthropic(common),
  };
}

function tools(job, { openai, anthropic }) {
  const all = {
    get_weather: () =>
      ai.tool({
        description: "The weather in a city",
        inputSchema: city,
        execute: async ({ city }) => ({ city, weather: "sunny" }),
      }),
    look: () =>
      ai.tool({
        description: "A photograph of a city",
        inputSchema: city,
        execute: async () => job.picture,
        toModelOutput: ({ output }) => ({
          type: "content",
          value: [
            { type: "text", text: "Here it is." },
            { type: "image-data", data: output, mediaType: "image/png" },
          ],
        }),
      }),
    fail: () =>
      ai.tool({
        description: "It breaks",
        inputSchema: city,
        execute: async () => {
          throw new Error("it is broken");
        },
      }),
    web_search: () =>
      job.api === "anthropic"
        ? anthropic.tools.webSearch_20250305({ maxUses: 2 })
        : openai.tools.webSearch({ searchContextSize: "low" }),
    image_generation: () => openai.tools.imageGeneration({ size: "1024x1024" }),
    image_generation_in_steps: () => openai.tools.imageGeneration({ partialImages: 2 }),
    code_interpreter: () => openai.tools.codeInterpreter({}),
    apply_patch: () => openai.tools.customTool({ name: "apply_patch", description: "Changes files" }),
  };
  return Object.fromEntries(job.tools.map((name) => [name, all[name]()]));
}

// Each of these takes the job, the packages, and what generateText and its like want; and gives what became of it.
const hows = {
  async generate(job, _, settings) {
    const result = await ai.generateText(settings);
    return { steps: result.steps.map(step), object: job.object && result.output, messages: result.response.messages };
  },

  async stream(job, _, settings) {
    const errors = [];
    const result = ai.streamText({ ...settings, onError: ({ error }) => errors.push(error) });
    const parts = [];
    for await (const part of result.fullStream) parts.push(part);
    const pieces = parts.filter((part) => part.type === "text-delta").map((part) => part.text);
    const told = { kinds: parts.map((part) => part.type), said: pieces.join(""), deltas: pieces.length };
    if (errors.length) return { ...told, errors: errors.map(failure) };
    const object = job.object && (await result.output);
    return { ...told, steps: (await result.steps).map(step), object, messages: (await result.response).messages };
  },

  // The calls from before AI SDK 6, which most programs still make.
  async object(job, _, settings) {
    return { object: (await ai.generateObject({ ...settings, schema: person })).object };
  },

  async objectStreamed(job, _, settings) {
    const result = ai.streamObject({ ...settings, schema: person });
    let partial = 0;
    for await (const _ of result.partialObjectStream) partial += 1;
    return { object: await result.object, partial };
  },

  async image(job, provider, { messages }) {
    const model = provider.imageModel("gpt-image-2");
    const { images, warnings } = await ai.generateImage({
      model,
      prompt: messages.at(-1).content,
      maxRetries: 0,
      ...job.settings,
    });
    return { files: images.map(({ mediaType, base64 }) => ({ mediaType, base64 })), warnings };
  },

  async embed(job, provider, { messages }) {
    return ai.embed({ model: provider.embeddingModel("any"), value: messages.at(-1).content, maxRetries: 0 });
  },
};

function step(one) {
  return {
    text: one.text,
    reasoning: one.reasoningText,
    calls: one.toolCalls.map(({ toolName, input }) => ({ name: toolName, input })),
    results: one.toolResults.map(({ toolName, output }) => ({ name: toolName, output })),
    finish: one.finishReason,
    usage: one.usage,
    warnings: one.warnings,
    sources: one.sources,
    kinds: one.content.map((part) => part.type),
    response: { id: one.response.id, modelId: one.response.modelId, headers: one.response.headers },
    metadata: one.providerMetadata,
    request: typeof one.request.body === "string" ? JSON.parse(one.request.body) : one.request.body,
  };
}

function failure({ name, message, statusCode, isRetryable, responseBody }) {
  return { name, message, statusCode, isRetryable, responseBody };
}

async function work(job) {
  const all = packages(job.base);
  const provider = job.api === "responses" || job.api === "chat" ? all.openai : all[job.api];
  const name = job.model ?? "gpt-5.5";
  const settings = {
    model: { responses: all.openai.responses, chat: all.openai.chat }[job.api]?.(name) ?? provider(name),
    maxRetries: job.retries ?? 0,
    ...job.settings,
  };
  if (job.tools) Object.assign(settings, { tools: tools(job, all), stopWhen: ai.stepCountIs(job.steps ?? 5) });
  if (job.object) settings.output = ai.Output.object({ schema: person });
  if (job.options) settings.providerOptions = job.options;
  const turns = [];
  const messages = [];
  try {
    for (const content of job.turns) {
      if (job.patience) settings.abortSignal = AbortSignal.timeout(job.patience);
      messages.push({ role: "user", content });
      const turn = await hows[job.how](job, provider, { ...settings, messages });
      messages.push(...(turn.messages ?? []));
      turns.push(turn);
    }
    return { turns };
  } catch (error) {
    return { turns, error: failure(error) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const job = JSON.parse(line);
  console.log(JSON.stringify({ id: job.id, ...(await work(job)) }));
}
