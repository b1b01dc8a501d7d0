# Bullpen: a plugin in Python for the benchmarks. SPDX-License-Identifier: Apache-2.0
class WitWorld:
    def handle(self, input: bytes) -> bytes:
        return input
