"""The OpenAPI document: complete, and unchanged unless meant to change.

After a wanted change:  python -m test.unit.rapi.test_openapi  writes the golden file anew.
"""

import json
from pathlib import Path

from ganeti import opcodes
from ganeti.rapi import openapi
from ganeti.rapi.resources import TABLE

GOLDEN = Path(__file__).parents[2] / "golden" / "openapi.json"


def rendered():
    return json.dumps(openapi.document(), indent=1, sort_keys=True) + "\n"


def test_document_is_the_golden_one():
    assert rendered() == GOLDEN.read_text()


def test_every_method_is_described():
    paths = openapi.document()["paths"]
    for resource in TABLE.resources:
        for verb in resource.methods:
            described = paths[resource.uri][verb.lower()]
            assert described["summary"], resource.uri
            assert all(item["description"] for item in described["parameters"]
                       if item["in"] == "query")


def test_every_type_of_every_opcode_has_a_schema():
    def words(schema):
        if isinstance(schema, dict):
            assert schema.get("description") != "unknown"
            for value in schema.values():
                words(value)

    for cls in opcodes.all_classes():
        for field in cls.FIELDS.values():
            words(openapi.schema(field.type.spec()))


def test_examples_of_schemas():
    assert openapi.schema({"maybe": "integer"}) == {"type": "integer", "nullable": True}
    assert openapi.schema({"list-of": {"enum": ["a"]}}) == {
        "type": "array", "items": {"enum": ["a"]}}
    assert openapi.schema({"secret": "string"}) == {"type": "string", "format": "password"}


def test_served_document_is_the_same(api):
    assert api.request("GET", "/2/openapi.json") == openapi.document()


if __name__ == "__main__":
    GOLDEN.write_text(rendered())
