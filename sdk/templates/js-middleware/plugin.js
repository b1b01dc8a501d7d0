// @NAME@: a plugin for Bullpen that sees requests and responses on their way. The folder wit/ says what it can
// use, and what it offers.

// UTF-8: QuickJS has no TextEncoder.
const bytesOf = (text) => Uint8Array.from(unescape(encodeURIComponent(text)), (c) => c.charCodeAt(0));

/** Rejects requests for paths below /private; all others go on as they are. */
export function onRequest(request) {
    if (!request.path.startsWith("/private")) {
        return { tag: "continue" };
    }
    return { tag: "reject", val: { status: 403, headers: [], body: bytesOf("not for you\n") } };
}

/** Adds the header x-plugin. */
export function onResponse(request, response) {
    const add = [{ name: "x-plugin", value: "@NAME@" }];
    return { tag: "modify", val: { headers: { remove: [], set: [], add }, status: undefined, body: undefined } };
}

/** Leaves errors as they are. */
export function onError(request, failure) {
    return { tag: "continue" };
}
