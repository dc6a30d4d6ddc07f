"""document.py - the OpenAPI document as tests need it: its operations, and a body made from its examples."""

import json
import pathlib
import typing

PATH = pathlib.Path(__file__).resolve().parent.parent.parent / "docs" / "openapi.json"
ROOT = json.loads(PATH.read_text(encoding="utf-8"))
METHODS = "get", "post", "put", "patch", "delete"


class Operation(typing.NamedTuple):
    method: str
    path: str
    node: dict

    @property
    def takes_token(self):
        """Whether an access token is one of its credentials."""
        return {"accessToken": []} in self.node["security"]

    def url(self, ids):
        """The path with the ids in its braces; KeyError: an id that the caller does not know."""
        path = self.path
        for parameter in self.node.get("parameters", []):
            if parameter.get("in") == "path":
                path = path.replace("{%s}" % parameter["name"], ids[parameter["name"]])
        return path

    def example(self, replace):
        """The body made from the example of each member, with some in `replace`; None: no body."""
        if "requestBody" not in self.node:
            return None
        return example(self.node["requestBody"]["content"]["application/json"]["schema"], replace)


def example(schema, replace):
    while "$ref" in schema:
        schema = ROOT["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    for variant in schema.get("anyOf", schema.get("oneOf", [])):
        if variant.get("type") != "null":
            return example(variant, replace)
    if "examples" in schema:
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    return {name: replace[name] if name in replace else example(member, replace)
            for name, member in schema["properties"].items()}


def operations():
    return [Operation(method.upper(), path, node) for path, methods in ROOT["paths"].items()
            for method, node in methods.items() if method in METHODS]
