"""Write the stubs under `src` anew from the protos, with the pinned tools."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parents[2]
OUT = Path(__file__).resolve().parent / "src"
WELL_KNOWN = Path(protoc.__file__).resolve().parent / "_proto"
INCLUDES = (f"-I{ROOT / 'protos'}", f"-I{ROOT / 'third_party/protos'}", f"-I{WELL_KNOWN}")


def sources() -> list[Path]:
    """Give every proto that is ours, and buf's rules, which no wheel ships for this runtime."""
    ours = sorted((ROOT / "protos").rglob("*.proto"))
    return [*ours, ROOT / "third_party/protos/buf/validate/validate.proto"]


def generate() -> int:
    """Delete and regenerate the stubs; give the exit status of the compiler."""
    shutil.rmtree(OUT, ignore_errors=True)
    (OUT / "shelfcast").mkdir(parents=True)
    return (
        protoc.main(
            [
                "protoc",
                *INCLUDES,
                f"--python_out={OUT}",
                f"--grpc_python_out={OUT}",
                f"--mypy_out=quiet:{OUT}",
                f"--mypy_grpc_out=quiet:{OUT}",
                *map(str, sources()),
            ]
        )
        or describe()
    )


def describe() -> int:
    """Write the descriptors with their comments, from which the gateway makes its OpenAPI text."""
    status: int = protoc.main(
        [
            "protoc",
            *INCLUDES,
            "--include_source_info",
            f"--descriptor_set_out={OUT / 'shelfcast' / 'descriptors.binpb'}",
            *map(str, sorted((ROOT / "protos").rglob("*.proto"))),
        ]
    )
    return status


def drop_empty_services() -> None:
    """Delete the service stubs that the compiler writes for files without a service."""
    for proto in sources():
        base = ROOT / "protos" if proto.is_relative_to(ROOT / "protos") else ROOT / "third_party/protos"
        stub = OUT / proto.relative_to(base).with_suffix("")
        if "\nservice " not in proto.read_text(encoding="utf-8"):
            stub.with_name(f"{stub.name}_pb2_grpc.py").unlink(missing_ok=True)
            stub.with_name(f"{stub.name}_pb2_grpc.pyi").unlink(missing_ok=True)


if __name__ == "__main__":
    status = generate()
    drop_empty_services()
    sys.exit(status)
