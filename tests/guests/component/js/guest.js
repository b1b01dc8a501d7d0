// A component for tests: tests/guests/component/README.md. For QuickJS and for StarlingMonkey.
import { remainingMs } from "bullpen:plugin/call@0.1.0";
import { get as getConfig } from "bullpen:plugin/config@0.1.0";
import { fetch as fetchUrl } from "bullpen:plugin/http@0.1.0";
import { get, set } from "bullpen:plugin/kv@0.1.0";
import { log } from "bullpen:plugin/log@0.1.0";
import { add } from "bullpen:plugin/metrics@0.1.0";

const bytesOf = (text) => Uint8Array.from(unescape(encodeURIComponent(text)), (c) => c.charCodeAt(0));
const textOf = (bytes) => decodeURIComponent(Array.from(bytes, (b) => "%" + b.toString(16).padStart(2, "0")).join(""));

let count = 0;
const held = [];

function read(key) {
    const entry = get(key);
    // None is null on QuickJS, undefined on StarlingMonkey.
    return (entry ?? null) === null ? bytesOf("none") : entry.value;
}

function fetchText(url) {
    const response = fetchUrl({ method: "GET", url, headers: [], body: undefined });
    return bytesOf(`${response.status} ${textOf(response.body)}`);
}

const ops = {
    echo: ({ text }) => bytesOf(text),
    count: () => bytesOf(String(++count)),
    kv: ({ key, value }) => {
        set(key, bytesOf(value), undefined);
        return read(key);
    },
    "kv-get": ({ key }) => read(key),
    log: ({ text }) => {
        log("info", text);
        return bytesOf("logged");
    },
    config: ({ key }) => bytesOf(getConfig(key) ?? "none"),
    http: ({ url }) => fetchText(url),
    metrics: ({ key }) => {
        add(key, [], 1);
        return bytesOf("added");
    },
    remaining: () => bytesOf(String(remainingMs())),
    fill: ({ size }) => new Uint8Array(size).fill(120),
    hold: ({ size }) => {
        held.push(new Uint8Array(size).fill(120));
        return bytesOf("held");
    },
    print: ({ text }) => {
        console.log(text);
        console.error(text);
        return bytesOf("printed");
    },
    time: () => bytesOf(String(Math.floor(Date.now() / 1000))),
    random: () => bytesOf(String(Math.random())),
    // Neither engine shows the environment.
    env: () => bytesOf("none"),
    error: ({ text }) => {
        throw text;
    },
    // Not bytes: there is no value of the function's type in it, and no error either.
    trap: () => Symbol("trap"),
    loop: () => {
        for (;;) {
            count++;
        }
    },
};

export function handle(input) {
    const request = JSON.parse(textOf(input));
    const run = ops[request.op];
    if (run === undefined) {
        throw "unknown op";
    }
    try {
        return run(request);
    } catch (error) {
        // What an import answers as an error comes wrapped; what is thrown on must not be.
        throw error !== null && typeof error === "object" && "payload" in error ? error.payload : error;
    }
}
