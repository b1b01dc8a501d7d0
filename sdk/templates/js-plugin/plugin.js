// @NAME@: a plugin for Bullpen. The folder wit/ says what it can use, and what it offers.
import { get, set } from "bullpen:plugin/kv@0.1.0";
import { log } from "bullpen:plugin/log@0.1.0";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Whether the name was met before. Without a store that is granted everybody is new. */
function remember(name) {
    try {
        const known = get(name) !== undefined;
        set(name, encoder.encode("yes"), undefined);
        return known;
    } catch (error) {
        log("debug", String(error.payload ?? error));
        return false;
    }
}

/** Answers a greeting. The input is a name in UTF-8. What is thrown is the call's error. */
export function handle(input) {
    const name = decoder.decode(input);
    if (name === "") {
        throw "nobody to greet";
    }
    return encoder.encode(`Hello${remember(name) ? " again" : ""}, ${name}!`);
}
