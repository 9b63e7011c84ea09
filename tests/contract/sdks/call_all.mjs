// Makes the calls on standard input with the official Node SDK, and prints for each what came of it.
import { readFileSync } from "node:fs";
import Stripe from "stripe";

const { calls, host, port, key } = JSON.parse(readFileSync(0, "utf8"));
const stripe = new Stripe(key, { host, port, protocol: "http", maxNetworkRetries: 0, telemetry: false });
const saved = {};

function filled(value) {
  if (typeof value === "string" && value.startsWith("$")) {
    const [name, ...path] = value.slice(1).split(".");
    return (path.length ? path : ["id"]).reduce((found, part) => found[part], saved[name]);
  }
  if (Array.isArray(value)) return value.map(filled);
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, filled(item)]));
  }
  return value;
}

async function make(call) {
  const ids = filled(call.ids);
  const params = filled(call.params);
  if (call.raw_path) {
    const path = ids.reduce((path, id) => path.replace(/\{\w+\}/, id), call.raw_path);
    return stripe.rawRequest(call.endpoint.split(" ")[0], path, params);
  }
  const [method, ...owners] = call.node.split(".").reverse();
  const owner = owners.reverse().reduce((found, name) => found[name], stripe);
  return Object.keys(params).length ? owner[method](...ids, params) : owner[method](...ids);
}

const results = [];
for (const call of calls) {
  try {
    const answer = await make(call);
    if (call.save) saved[call.save] = answer;
    results.push({ object: answer.object, deleted: answer.deleted === true, requestId: answer.lastResponse?.requestId });
  } catch (error) {
    results.push({ status: error.statusCode, type: error.type, message: String(error.message ?? error) });
  }
}
console.log(JSON.stringify(results));
