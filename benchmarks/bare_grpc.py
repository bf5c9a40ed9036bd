"""The reference of the gRPC figure: a bare grpc.aio server with one empty unary RPC."""

from __future__ import annotations

import asyncio
import sys

import grpc
from google.protobuf import empty_pb2

METHOD = "/bench.Empty/Call"


async def serve(port: int) -> None:
    """Serve until killed."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    reply = empty_pb2.Empty()

    async def call(request: empty_pb2.Empty, context: object) -> empty_pb2.Empty:
        del request, context
        return reply

    handler = grpc.unary_unary_rpc_method_handler(
        call,
        request_deserializer=empty_pb2.Empty.FromString,
        response_serializer=empty_pb2.Empty.SerializeToString,
    )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench.Empty", {"Call": handler}),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
