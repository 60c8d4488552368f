// The vendors' SDKs for Node, each in a whole loop with real skills: the loop written by hand, and the library's agent. The AI SDK
// has a loop of its own.
//
// usage: node.mjs MOCK_FOLDER SDK_FOLDER        (their node_modules are in there)
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { Agent, Engine, ResponseStream } from "../../bindings/node/dist/index.mjs";
import { tools } from "../../bindings/node/dist/ai.mjs";

const [, , mockFolder, sdkFolder] = process.argv;
const require = createRequire(sdkFolder + "/");
const { OpenAI } = require("openai");
const { Anthropic } = require("@anthropic-ai/sdk");
const { GoogleGenAI } = require("@google/genai");
const { createOpenAI } = require("@ai-sdk/openai");
const { generateText, stepCountIs, streamText } = createRequire(new URL("../../bindings/node/", import.meta.url))("ai");

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
// What is asked, and what a model says that has read the right results.
const QUESTIONS = Object.entries(JSON.parse(readFileSync(here("questions.json"), "utf8")));
const MODEL = "mock-model";
const MAX_ROUNDS = 4;

// One SDK each: how a request's body is posted, whole and streamed, and what a response adds to the conversation.
const vendors = (url) => {
    const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none" });
    const anthropic = new Anthropic({ baseURL: url, apiKey: "none" });
    const google = new GoogleGenAI({ apiKey: "none", httpOptions: { baseUrl: url, apiVersion: "v1beta" } });
    const user = (content) => ({ role: "user", content });
    const forGoogle = ({ model = MODEL, contents, tools, systemInstruction, toolConfig }) => ({
        model,
        contents,
        config: { tools, systemInstruction, toolConfig },
    });
    return {
        openai: {
            body: (messages, tools) => ({ model: MODEL, messages, tools }),
            post: (body) => openai.chat.completions.create(body),
            stream: (body) => openai.chat.completions.create({ ...body, stream: true }),
            question: user,
            said: ({ choices: [{ message }] }) => [[message], message.content],
        },
        "openai-responses": {
            body: (input, tools) => ({ model: MODEL, input, tools }),
            post: (body) => openai.responses.create(body),
            stream: (body) => openai.responses.create({ ...body, stream: true }),
            question: user,
            said: ({ output }) => [output, textOf(output.flatMap(({ content }) => content ?? []))],
        },
        anthropic: {
            body: (messages, tools) => ({ model: MODEL, max_tokens: 100, messages, tools }),
            post: (body) => anthropic.messages.create(body),
            stream: (body) => anthropic.messages.create({ ...body, stream: true }),
            question: user,
            said: ({ content }) => [[{ role: "assistant", content }], textOf(content)],
        },
        gemini: {
            body: (contents, tools) => ({ contents, tools }),
            post: (body) => google.models.generateContent(forGoogle(body)),
            stream: (body) => google.models.generateContentStream(forGoogle(body)),
            question: (text) => ({ role: "user", parts: [{ text }] }),
            said: ({ candidates: [{ content }] }) => [[content], textOf(content.parts)],
        },
    };
};

const textOf = (parts) => parts.map(({ text }) => text ?? "").join("");

async function byHand(engine, dialect, vendor, question, isStreamed) {
    const messages = [vendor.question(question)];
    for (let round = 0; round < MAX_ROUNDS; round++) {
        const body = vendor.body(messages, engine.tools(dialect));
        const response = isStreamed ? await joined(dialect, await vendor.stream(body)) : await vendor.post(body);
        const [said, text] = vendor.said(response);
        const answers = await engine.handle(dialect, response);
        if (answers.length === 0) return text;
        messages.push(...said, ...answers);
    }
    return "no end";
}

async function joined(dialect, events) {
    const stream = new ResponseStream(dialect);
    try {
        for await (const event of events) stream.feed(event);
        return stream.response();
    } finally {
        stream.close();
    }
}

async function byAgent(engine, dialect, vendor, question, isStreamed) {
    const agent = new Agent(engine, { dialect, model: MODEL, system: "Be brief." });
    try {
        agent.ask(question);
        let step = await agent.next();
        for (let round = 0; round < MAX_ROUNDS && step.step === "request"; round++) {
            if (isStreamed) {
                for await (const event of await vendor.stream(step.body)) agent.feed(event, false);
                agent.feed();
            } else {
                agent.feed(await vendor.post(step.body));
            }
            step = await agent.next();
        }
        return step.text ?? JSON.stringify(step);
    } finally {
        agent.close();
    }
}

async function byAiSdk(engine, model, prompt, isStreamed) {
    const request = { model, prompt, tools: tools(engine), stopWhen: stepCountIs(MAX_ROUNDS) };
    return isStreamed ? await streamText(request).text : (await generateText(request)).text;
}

const mock = spawn(process.execPath, [here("mock.mjs"), mockFolder], { stdio: ["pipe", "pipe", "inherit"] });
const [url] = await once(createInterface({ input: mock.stdout }), "line");
const engine = await Engine.open(here("../../skills"));

// By its name, what answers a question.
const ways = [];
for (const [dialect, vendor] of Object.entries(vendors(url)))
    for (const way of [byHand, byAgent])
        for (const isStreamed of [false, true])
            ways.push([
                `${dialect} ${way.name}${isStreamed ? " streamed" : ""}`,
                (question) => way(engine, dialect, vendor, question, isStreamed),
            ]);
const provider = createOpenAI({ baseURL: `${url}/v1`, apiKey: "none" });
for (const api of ["chat", "responses"])
    for (const isStreamed of [false, true])
        ways.push([
            `AI SDK ${api}${isStreamed ? " streamed" : ""}`,
            (question) => byAiSdk(engine, provider[api](MODEL), question, isStreamed),
        ]);

let passed = 0;
let failed = 0;
for (const [name, way] of ways)
    for (const [question, expected] of QUESTIONS) {
        const answer = await way(question).catch((error) => `${error.name}: ${error.message}`);
        if (answer === expected) passed++;
        else failed++;
        if (answer !== expected) console.log(`FAILED ${name}: ${question}: ${answer}`);
    }
await engine.close();
mock.stdin.end();
console.log(`tests/e2e/node: ${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
