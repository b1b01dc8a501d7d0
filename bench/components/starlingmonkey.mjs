// Bullpen: a component that brings StarlingMonkey. SPDX-License-Identifier: Apache-2.0
//
//   node starlingmonkey.mjs SOURCE WIT WORLD OUTPUT
//
// A plugin needs nothing of what the engine could ask a host for; a server needs all of it.
import { readFile, writeFile } from 'node:fs/promises';
import { componentize } from '@bytecodealliance/componentize-js';

const [source, witPath, worldName, output] = process.argv.slice(2);
const disableFeatures =
    worldName === 'plugin' ? ['random', 'stdio', 'clocks', 'http', 'fetch-event'] : [];
const { component } = await componentize(await readFile(source, 'utf8'), {
    witPath,
    worldName,
    disableFeatures,
});
await writeFile(output, component);
