// One call of the npm `openai` package: `node client.mjs URL WHAT PARAMETERS`; prints JSON.
// `PARAMETERS`: JSON, as the package's method takes them; a `file` in it is a path.
import { createReadStream } from "node:fs";
import OpenAI, { APIError } from "openai";

const [url, what, given] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
const parameters = JSON.parse(given ?? "{}");
if (parameters.file) parameters.file = createReadStream(parameters.file);

async function events(stream) {
  const all = [];
  for await (const event of stream) all.push(event);
  return all;
}

const calls = {
  async speech() {
    const response = await client.audio.speech.create(parameters);
    const audio = Buffer.from(await response.arrayBuffer());
    return { type: response.headers.get("content-type"), audio: audio.toString("base64") };
  },
  async transcription() {
    const answer = await client.audio.transcriptions.create(parameters);
    return parameters.stream ? await events(answer) : answer;
  },
  async translation() {
    return await client.audio.translations.create(parameters);
  },
  async models() {
    return await events(await client.models.list());
  },
  async model() {
    return await client.models.retrieve(parameters.id);
  },
};

try {
  console.log(JSON.stringify({ answer: await calls[what]() }));
} catch (error) {
  if (!(error instanceof APIError)) throw error;
  const { status, code, param, type, message } = error;
  console.log(JSON.stringify({ error: { class: error.constructor.name, status, code, param, type, message } }));
}
