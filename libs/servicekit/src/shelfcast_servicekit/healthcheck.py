"""Ask a server whether it can do its work: `python -m shelfcast_servicekit.healthcheck TARGET`.

For the health check of a container: exit code 0 means that it serves, 1 that it does not or is not there.
"""

from __future__ import annotations

import argparse
import http.client
import sys
from typing import Final
from urllib.parse import urlsplit

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

TIMEOUT_SECONDS: Final = 3.0


def is_serving(target: str, timeout_seconds: float = TIMEOUT_SECONDS) -> bool:
    """Say whether a server serves.

    target: `host:port` is asked by gRPC health v1, `http://host:port/path` must answer 200.
    """
    if target.startswith(("http://", "https://")):
        return _answers_ok(target, timeout_seconds)
    with grpc.insecure_channel(target) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=timeout_seconds
            )
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _answers_ok(url: str, timeout_seconds: float) -> bool:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout_seconds)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def main() -> None:
    """Read the command line, ask, and exit with the answer."""
    parser = argparse.ArgumentParser(prog="python -m shelfcast_servicekit.healthcheck")
    parser.add_argument("target", help="host:port for gRPC health v1, or an http:// address")
    parser.add_argument("--timeout", type=float, default=TIMEOUT_SECONDS, help="seconds")
    arguments = parser.parse_args()
    sys.exit(0 if is_serving(arguments.target, arguments.timeout) else 1)


if __name__ == "__main__":
    main()
