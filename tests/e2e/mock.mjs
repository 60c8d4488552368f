// A mock of every vendor on one port of 127.0.0.1, by @copilotkit/aimock. Prints its address and lives until its standard
// input ends.
//
// It knows the conversation, not the tools: what the model says last depends on what the tool's result held, so an answer
// is right only when a skill was really run.
import { createRequire } from "node:module";

const require = createRequire(process.argv[2] + "/");
const { LLMock } = require("@copilotkit/aimock");

const MULTIPLY = { operation: "multiply", a: 81, b: 5 };
const DIVIDE = { operation: "divide", a: 1, b: 0 };
const call = (name, args) => ({ name, arguments: JSON.stringify(args) });

const mock = new LLMock({ port: 0, strict: true });
mock.addFixtures([
    // One call, whose result the model reads.
    { match: { userMessage: "81 times 5", hasToolResult: false }, response: { toolCalls: [call("calculator", MULTIPLY)] } },
    { match: { userMessage: "81 times 5", toolResultContains: "405" }, response: { content: "It is 405." } },
    // Two calls at once.
    {
        match: { userMessage: "two at once", hasToolResult: false },
        response: { toolCalls: [call("calculator", MULTIPLY), call("text-processor", { text: "abc", operation: "reverse" })] },
    },
    { match: { userMessage: "two at once", toolResultContains: "cba" }, response: { content: "405 and cba." } },
    // A tool that is not there: the model reads which ones are.
    { match: { userMessage: "no such tool", hasToolResult: false }, response: { toolCalls: [call("teleport", {})] } },
    { match: { userMessage: "no such tool", toolResultContains: "calculator" }, response: { content: "I see." } },
    // A failure of the script is told.
    { match: { userMessage: "divide by zero", hasToolResult: false }, response: { toolCalls: [call("calculator", DIVIDE)] } },
    { match: { userMessage: "divide by zero", toolResultContains: "zero" }, response: { content: "That cannot be." } },
    // No tool at all.
    { match: { userMessage: "good morning" }, response: { content: "Good morning." } },
]);

await mock.start();
console.log(mock.url);
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
