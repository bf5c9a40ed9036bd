"""A closed-loop gRPC client for benchmarks: one process, one channel, replies left as bytes."""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time

import grpc


def measure(
    target: str, method: str, *, concurrency: int, seconds: float, request: bytes = b"", credential: str = ""
) -> float:
    """Give the calls a second that a method answers, called from another process.

    credential: API key for the metadata; empty sends none.
    """
    arguments = [target, method, str(concurrency), str(seconds), request.hex(), credential]
    command = [sys.executable, __file__, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds + 60)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return float(json.loads(done.stdout))


async def run(given: argparse.Namespace) -> float:
    """Call for the given time and give the calls a second."""
    metadata = (("authorization", f"Bearer {given.credential}"),) if given.credential else ()
    request = bytes.fromhex(given.request)
    async with grpc.aio.insecure_channel(given.target) as channel:
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(given.method)
        await call(request, timeout=10, metadata=metadata)
        started = time.perf_counter()

        async def loop() -> int:
            count = 0
            while time.perf_counter() - started < given.seconds:
                await call(request, timeout=5, metadata=metadata)
                count += 1
            return count

        counts = await asyncio.gather(*(loop() for _ in range(given.concurrency)))
        return sum(counts) / (time.perf_counter() - started)


def main() -> None:
    """Run the command line and print the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target")
    parser.add_argument("method")
    parser.add_argument("concurrency", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("request")
    parser.add_argument("credential")
    print(json.dumps(asyncio.run(run(parser.parse_args()))))


if __name__ == "__main__":
    main()
