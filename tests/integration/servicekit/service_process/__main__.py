"""A whole service with one slow RPC, run as a process by the lifecycle tests."""

from __future__ import annotations

import asyncio
import sys

from shelfcast.jobs.v1 import job_pb2, job_service_pb2, job_service_pb2_grpc
from shelfcast_servicekit.auth import ChainVerifier, TokenVerifier
from shelfcast_servicekit.server import Registration, serve
from shelfcast_servicekit.settings import ServiceSettings


class Desk(job_service_pb2_grpc.JobServiceServicer):
    """Answers after a while."""

    async def GetJob(self, request: job_service_pb2.GetJobRequest, context: object) -> job_pb2.Job:
        await asyncio.sleep(float(request.job_id))
        return job_pb2.Job(job_id=request.job_id)


def tell(word: str) -> None:
    """Print a word at once."""
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


async def main() -> None:
    """Serve until told to stop."""
    settings = ServiceSettings.load()
    registration = Registration(
        job_service_pb2_grpc.add_JobServiceServicer_to_server,
        Desk(),  # type: ignore[abstract]  # the rest is unimplemented
        "shelfcast.jobs.v1.JobService",
    )
    rounds = 0

    async def start() -> None:
        tell("started")

    async def stop() -> None:
        tell("stopped")

    async def beat() -> None:
        nonlocal rounds
        rounds += 1
        tell(f"beat {rounds}")
        if rounds == 1:
            raise ValueError("the first round breaks")
        await asyncio.sleep(3600)

    async def listen() -> None:
        """Take the first cancellation for a lost connection, as clients do, and try again."""
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await asyncio.sleep(3600)

    verifier = ChainVerifier(TokenVerifier(settings.token_key(), "model"))
    await serve(settings, [registration], verifier, on_start=start, on_stop=stop, background=[beat, listen])


if __name__ == "__main__":
    asyncio.run(main())
