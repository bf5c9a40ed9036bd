from __future__ import annotations

import ipaddress
import json
import socket
from pathlib import Path

import grpc
import numpy as np
import pandas as pd
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.message import Message
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from shelfcast_client import GrpcShelfcastClient, ShelfcastClient
from shelfcast_client.cli.main_job import arrived
from shelfcast_testing.product import Product

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

SERIES = ("oat-milk-1l", "berlin-mitte")
FORECAST_SERVICE = "shelfcast.forecast.v1.ForecastService"


async def test_a_forecast_is_finite_ordered_and_from_the_champion(
    trained: Product, client: ShelfcastClient
) -> None:
    frame = await client.forecast(*SERIES, horizon=28)

    figures = frame[["lower_ci", "q05", "q50", "q95", "upper_ci"]].to_numpy(dtype=float)
    assert len(frame) == 28
    assert np.isfinite(figures).all()
    assert (np.diff(frame[["q05", "q25", "q50", "q75", "q95"]].to_numpy(dtype=float), axis=1) >= 0).all()
    assert (figures >= 0).all()
    assert set(frame["rung"]) == {"champion"}
    assert frame["date"].iloc[0] == pd.Timestamp("2026-07-01")


async def test_rest_and_grpc_give_the_same_forecast(trained: Product, client: ShelfcastClient) -> None:
    by_rest = await client.forecast(*SERIES, horizon=9)
    async with GrpcShelfcastClient(trained.address["model_target"], trained.key) as inside:
        by_grpc = await inside.forecast(*SERIES, horizon=9)

    pd.testing.assert_frame_equal(by_rest, by_grpc, check_dtype=False)


async def test_a_batch_covers_every_series(trained: Product, client: ShelfcastClient) -> None:
    frame = await client.forecast_batch(horizon=3)

    assert len(frame.groupby(["shop_id", "product_id"])) == 10
    assert frame["predicted_qty"].notna().all()


def test_a_stranger_gets_a_forecast_through_reflection(trained: Product) -> None:
    """What grpcurl does: ask for the descriptors, build the request from them, call."""
    with grpc.insecure_channel(trained.address["model_target"]) as channel:
        pool = reflected_pool(channel, FORECAST_SERVICE)
        method = pool.FindServiceByName(FORECAST_SERVICE).methods_by_name["GetForecast"]
        request = message_factory.GetMessageClass(method.input_type)()
        json_format.ParseDict({"product_id": SERIES[0], "shop_id": SERIES[1], "horizon": 5}, request)
        call: grpc.UnaryUnaryMultiCallable[Message, Message] = channel.unary_unary(
            f"/{FORECAST_SERVICE}/GetForecast",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
        )

        reply = call(request, timeout=10, metadata=(("authorization", f"Bearer {trained.key}"),))

    assert len(json_format.MessageToDict(reply)["predictions"]) == 5


def reflected_pool(channel: grpc.Channel, service: str) -> descriptor_pool.DescriptorPool:
    """Give the descriptors of a service and of all that it imports, as the server tells them."""
    pool, known, wanted = descriptor_pool.DescriptorPool(), {}, [service]
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    request = reflection_pb2.ServerReflectionRequest(file_containing_symbol=service)
    while wanted:
        wanted.pop()
        (reply,) = stub.ServerReflectionInfo(iter([request]), timeout=10)
        for raw in reply.file_descriptor_response.file_descriptor_proto:
            file = descriptor_pb2.FileDescriptorProto.FromString(raw)
            known[file.name] = file
        missing = sorted({name for file in known.values() for name in file.dependency} - known.keys())
        if missing:
            wanted = missing
            request = reflection_pb2.ServerReflectionRequest(file_by_filename=missing[0])
    add_in_order(pool, known)
    return pool


def add_in_order(
    pool: descriptor_pool.DescriptorPool, files: dict[str, descriptor_pb2.FileDescriptorProto]
) -> None:
    added: set[str] = set()
    while len(added) < len(files):
        for name, file in files.items():
            if name not in added and set(file.dependency) <= added:
                pool.Add(file)
                added.add(name)


async def test_the_second_request_comes_from_the_cache(trained: Product, client: ShelfcastClient) -> None:
    first = await client.forecast(*SERIES, horizon=11)
    second = await client.forecast(*SERIES, horizon=11)

    assert "hit" not in str(first.attrs["cache_status"])
    assert "hit" in str(second.attrs["cache_status"])
    assert second.equals(first)


async def test_the_trace_of_a_forecast_names_every_hop(trained: Product, client: ShelfcastClient) -> None:
    frame = await client.forecast(*SERIES, horizon=13)

    trace = await arrived(client, str(frame.attrs["trace_id"]))

    systems = {
        span.attributes.get("db.system", span.attributes.get("db.system.name")) for span in trace.walk()
    }
    assert {"shelfcast-api-gateway", "shelfcast-model"} <= set(trace.services)
    assert systems & {"redis"}
    assert all(span.duration_seconds >= 0 for span in trace.walk())


async def test_the_same_file_twice_changes_nothing(
    trained: Product, client: ShelfcastClient, sales_file: Path
) -> None:
    before = await client.forecast(*SERIES, horizon=7)

    job = await client.wait(await client.import_sales(sales_file))
    report = await client.import_report(job.job_id)
    after = await client.forecast(*SERIES, horizon=7)

    assert report.data_version is None
    assert report.repeated_import_id is not None
    assert set(after["data_version"]) == set(before["data_version"])


def test_the_command_forecasts_for_machines(trained: Product) -> None:
    done = trained.command("forecast", SERIES[0], "--shop", SERIES[1], "--horizon", "3", "--json")

    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [row["product_id"] for row in rows] == [SERIES[0]] * 3


def test_the_command_checks_a_file_without_a_shop_column(trained: Product, tmp_path: Path) -> None:
    path = tmp_path / "sales.json"
    path.write_text('[{"when": "2026-06-01", "product_id": "gum", "quantity": 3}]')

    done = trained.command(
        "import", str(path), "--shop", "kiosk", "--column", "date=when", "--dry-run", "--json"
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["accepted_count"] == 1


def test_the_command_names_an_unknown_product(trained: Product) -> None:
    done = trained.command("forecast", "moon-cheese", "--shop", SERIES[1], "--json")

    assert done.returncode == 4
    assert json.loads(done.stdout)["error"] in {"SERIES_NOT_FOUND", "PRODUCT_NOT_FOUND", "SERIES_UNKNOWN"}


def test_the_doctor_finds_all_services_fine(trained: Product) -> None:
    done = trained.command("doctor", "--json")

    found = {row["subject"]: row["state"] for row in json.loads(done.stdout)}
    assert done.returncode == 0, done.stdout
    assert {found[name] for name in ("gateway", "model", "data")} == {"fine"}


def test_the_key_lies_in_a_file_for_its_owner_only(product: Product) -> None:
    path = product.data_dir / "secrets" / "api_key"

    assert path.stat().st_mode & 0o777 == 0o600


def test_nothing_listens_beyond_this_machine(product: Product) -> None:
    family = [product.supervised, *product.supervised.children(recursive=True)]
    listening = [
        connection.laddr.ip
        for process in family
        for connection in process.net_connections(kind="inet")
        if connection.status == "LISTEN" and connection.type == socket.SOCK_STREAM
    ]

    assert listening
    assert {address for address in listening if not is_loopback(address)} == set()


def is_loopback(address: str) -> bool:
    """Tell whether an address is this machine's own; gRPC writes IPv4 ones as IPv6."""
    found = ipaddress.ip_address(address)
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback
