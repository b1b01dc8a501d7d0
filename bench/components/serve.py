# Bullpen: plugin.py as a server. SPDX-License-Identifier: Apache-2.0
from componentize_py_types import Ok
from wit_world import exports
from wit_world.imports.types import (Fields, IncomingBody, OutgoingBody, OutgoingResponse,
                                     ResponseOutparam)

BYTES_MAX = 65536


class IncomingHandler(exports.IncomingHandler):
    def handle(self, request, response_out):
        body = request.consume()
        with body.stream() as stream:
            data = stream.blocking_read(BYTES_MAX)
        IncomingBody.finish(body)
        response = OutgoingResponse(Fields.from_list([]))
        outgoing = response.body()
        ResponseOutparam.set(response_out, Ok(response))
        with outgoing.write() as stream:
            stream.blocking_write_and_flush(data)
        OutgoingBody.finish(outgoing, None)
