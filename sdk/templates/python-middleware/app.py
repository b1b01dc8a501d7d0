"""@NAME@: a plugin for Bullpen that sees requests and responses on their way."""

import wit_world
from wit_world.imports.hooks import (
    Failure, HeaderChanges, Request, RequestAction, RequestAction_Continue, RequestAction_Reject, Response,
    ResponseAction, ResponseAction_Continue, ResponseAction_Modify, ResponseChanges)
from wit_world.imports.http import Header


class WitWorld(wit_world.WitWorld):
    def on_request(self, request: Request) -> RequestAction:
        """Rejects requests for paths below /private; all others go on as they are."""
        if not request.path.startswith("/private"):
            return RequestAction_Continue()
        return RequestAction_Reject(Response(403, [], b"not for you\n"))

    def on_response(self, request: Request, response: Response) -> ResponseAction:
        """Adds the header x-plugin."""
        headers = HeaderChanges(remove=[], set=[], add=[Header("x-plugin", "@NAME@")])
        return ResponseAction_Modify(ResponseChanges(headers=headers, status=None, body=None))

    def on_error(self, request: Request, failure: Failure) -> ResponseAction:
        """Leaves errors as they are."""
        return ResponseAction_Continue()
