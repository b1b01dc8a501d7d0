// @NAME@: a plugin for Bullpen. The folder wit/ says what it can use, and what it offers.
import { get, set } from "bullpen:plugin/kv@0.1.0";
import { log } from "bullpen:plugin/log@0.1.0";

// UTF-8 both ways: QuickJS has no TextEncoder and no TextDecoder.
const bytesOf = (text) => Uint8Array.from(unescape(encodeURIComponent(text)), (c) => c.charCodeAt(0));
const textOf = (bytes) => decodeURIComponent(Array.from(bytes, (b) => "%" + b.toString(16).padStart(2, "0")).join(""));

/** Whether the name was met before. Without a store that is granted everybody is new. */
function remember(name) {
    try {
        const known = (get(name) ?? null) !== null; // none: null on QuickJS, undefined on StarlingMonkey
        set(name, bytesOf("yes"), undefined);
        return known;
    } catch (error) {
        log("debug", String(error.payload ?? error));
        return false;
    }
}

/** Answers a greeting. The input is a name in UTF-8. What is thrown is the call's error. */
export function handle(input) {
    const name = textOf(input);
    if (name === "") {
        throw "nobody to greet";
    }
    return bytesOf(`Hello${remember(name) ? " again" : ""}, ${name}!`);
}
