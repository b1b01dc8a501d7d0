// Bullpen: a plugin in JavaScript for the benchmarks. SPDX-License-Identifier: Apache-2.0
export function handle(input) {
    return input;
}
