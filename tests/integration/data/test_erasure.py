"""What is stored of a person goes out as JSON, and then their names are gone."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING

import orjson
import pytest
from shelfcast.catalog.v1 import supplier_pb2, supplier_service_pb2
from shelfcast.identity.v1 import api_key_service_pb2
from shelfcast_data.adapters.backup.refusal import OperationRefused
from shelfcast_data.bootstrap.commands import create_api_key, erase_principal, export_principal

from tests.integration.data.test_sales import HEADER, version

if TYPE_CHECKING:
    from tests.integration.data.conftest import Service

ROW = HEADER + b"2017-02-02,s2,b,2.5,1.29,1,0\n"
PERSON = "Erika Muster"


async def whoami(service: Service, key: str) -> str:
    request = api_key_service_pb2.GetMeRequest()
    return (await service.keys.GetMe(request, timeout=30, metadata=service.auth(key))).tenant_id


@pytest.mark.parametrize("by_principal", [False, True])
async def test_names_of_a_person_are_given_and_erased(service: Service, by_principal: bool) -> None:
    key = await create_api_key(service.settings, "acme", "admin", PERSON)
    principal = f"api-key:{key.split('_')[1]}"
    await service.submit(ROW, key=key)
    await service.submit(ROW)
    name = principal if by_principal else PERSON

    found = orjson.loads(export_principal(service.settings, "acme", name))
    pseudonym = erase_principal(service.settings, "acme", name)

    assert [each["name"] for each in found["api_keys"]] == [PERSON]
    assert [each["submitted_by"] for each in found["jobs"]] == [principal]
    assert "digest" not in str(found)
    names = {name for (name,) in service.rows("SELECT name FROM api_keys")}
    assert names == {"tests", pseudonym}
    asked = [by for (by,) in service.rows("SELECT submitted_by FROM data_jobs ORDER BY submitted_at")]
    assert asked == [pseudonym, f"api-key:{service.key.split('_')[1]}"]
    assert service.rows("SELECT name FROM api_keys WHERE revoked_at IS NULL") == [("tests",)]


async def test_the_address_of_a_contact_is_given_and_erased(service: Service) -> None:
    for tenant_key in (service.key, await create_api_key(service.settings, "other", "admin", "tests")):
        supplier = supplier_pb2.Supplier(supplier_id="mill", name="Mill", contact_email="Erika@mill.example")
        await service.suppliers.CreateSupplier(
            supplier_service_pb2.CreateSupplierRequest(supplier=supplier),
            timeout=5,
            metadata=service.auth(tenant_key),
        )
    get = supplier_service_pb2.GetSupplierRequest(supplier_id="mill")
    before = await service.suppliers.GetSupplier(get, timeout=5, metadata=service.auth())
    known = await version(service)

    found = orjson.loads(export_principal(service.settings, "acme", "erika@mill.example"))
    erase_principal(service.settings, "acme", "erika@mill.example")

    assert [each["contact_email"] for each in found["suppliers"]] == ["Erika@mill.example"]
    after = await service.suppliers.GetSupplier(get, timeout=5, metadata=service.auth())
    assert not after.contact_email
    assert after.etag != before.etag
    assert await version(service) != known
    assert set(service.rows("SELECT tenant, contact_email FROM suppliers")) == {
        ("acme", None),
        ("other", "Erika@mill.example"),
    }


async def test_the_command_shows_a_person_without_erasing(service: Service) -> None:
    await create_api_key(service.settings, "acme", "admin", PERSON)
    environment = {
        "SHELFCAST_DATABASE_URL": service.settings.database_url,
        "SHELFCAST_DATA_DIR": str(service.settings.data_dir),
    }
    command = [sys.executable, "-m", "shelfcast_data", "export-person", PERSON, "--tenant", "acme"]

    ran = await asyncio.to_thread(subprocess.run, command, env=environment, check=False, capture_output=True)

    assert [each["name"] for each in orjson.loads(ran.stdout)["api_keys"]] == [PERSON]
    assert (PERSON,) in service.rows("SELECT name FROM api_keys WHERE revoked_at IS NULL")


async def test_other_tenants_keep_their_names(service: Service) -> None:
    await create_api_key(service.settings, "acme", "admin", PERSON)
    theirs = await create_api_key(service.settings, "other", "admin", PERSON)

    pseudonym = erase_principal(service.settings, "acme", PERSON)

    assert set(service.rows("SELECT tenant, name FROM api_keys")) == {
        ("acme", "tests"),
        ("acme", pseudonym),
        ("other", PERSON),
    }
    assert await whoami(service, theirs) == "other"


async def test_a_name_of_nobody_is_told(service: Service) -> None:
    with pytest.raises(OperationRefused, match="Nothing is stored of Nobody in acme"):
        export_principal(service.settings, "acme", "Nobody")
