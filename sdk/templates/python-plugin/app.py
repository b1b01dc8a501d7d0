"""@NAME@: a plugin for Bullpen. The folder wit/ says what it can use, and what it offers."""

import wit_world
from componentize_py_types import Err
from wit_world.imports import kv, log


def remember(name: str) -> bool:
    """Whether the name was met before. Without a store that is granted everybody is new."""
    try:
        known = kv.get(name) is not None
        kv.set(name, b"yes", None)
        return known
    except Err as error:
        log.log(log.Level.DEBUG, str(error.value))
        return False


class WitWorld(wit_world.WitWorld):
    def handle(self, input: bytes) -> bytes:
        """Answers a greeting. The input is a name in UTF-8. What is raised as an Err is the call's error."""
        name = input.decode()
        if not name:
            raise Err("nobody to greet")
        again = " again" if remember(name) else ""
        return f"Hello{again}, {name}!".encode()
