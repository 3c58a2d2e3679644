"""What the service says of itself is true: schemathesis tries what OpenAPI allows, and what it does not."""

import hypothesis
import pytest
import schemathesis
from schemathesis.specs.openapi import checks as openapi

from tests.serve.conftest import TOKEN

CHECKS = (
    schemathesis.checks.not_a_server_error,
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_schema_conformance,
    openapi.negative_data_rejection,
    openapi.missing_required_header,
    openapi.unsupported_method,
    openapi.ignored_auth,
)


@pytest.fixture(scope="module")
def schema(idle):
    return schemathesis.openapi.from_url(f"{idle.url}/openapi.json")


@pytest.mark.parametrize(
    "path",
    ["POST /v1/requests", "GET /v1/requests/{id}", "GET /v1/requests/{id}/receipt",
     "GET /v1/requests/{id}/receipt.html", "GET /v1/requests/{id}/receipt.pdf", "GET /v1/health"],
)  # fmt: skip
def test_no_call_is_a_fault_and_every_answer_is_declared(schema, path, idle):
    method, path = path.split()
    operation = schema[path][method]
    request = idle.ask("Ada", [b"x"]).json()["id"]

    @hypothesis.settings(
        max_examples=40 if method == "POST" else 15, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )  # fmt: skip
    @hypothesis.given(operation.as_strategy(), hypothesis.strategies.booleans())
    def tried(case, known):
        if known and "id" in case.path_parameters:
            case.path_parameters["id"] = request
        case.call_and_validate(headers={"Authorization": f"Bearer {TOKEN}"}, checks=CHECKS)

    tried()


def test_bodies_that_the_schema_forbids_are_refused(schema):
    @hypothesis.settings(
        max_examples=40, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )  # fmt: skip
    @hypothesis.given(schema["/v1/requests"]["POST"].as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE))
    def tried(case):
        case.call_and_validate(headers={"Authorization": f"Bearer {TOKEN}"}, checks=CHECKS)

    tried()


def test_the_methods_are_described(schema):
    body = schema.raw_schema["paths"]["/v1/requests"]["post"]["requestBody"]["content"]["multipart/form-data"]
    field = body["schema"]["properties"]["method"]
    assert {"anchored", "delete", "dispersed"} < set(field["enum"])
    assert "scrub" not in field["enum"]
    assert "With unrecognisable: dispersed." in field["description"]


def test_every_route_is_described(schema):
    found = {(method, path) for path, item in schema.raw_schema["paths"].items() for method in item}
    assert len(found) == 6
    for method, path in found:
        operation = schema.raw_schema["paths"][path][method]
        assert operation["summary"]
        assert all(answer["description"] for answer in operation["responses"].values())
        assert ("security" in operation) == ("requests" in path)
