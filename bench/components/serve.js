// Bullpen: plugin.js as a server. SPDX-License-Identifier: Apache-2.0
addEventListener('fetch', (event) => event.respondWith(answer(event.request)));

async function answer(request) {
    return new Response(new Uint8Array(await request.arrayBuffer()));
}
