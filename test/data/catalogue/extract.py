"""Makes the compact copies in this directory from the interface catalogue.

Usage: python3 test/data/catalogue/extract.py CATALOGUE_DIRECTORY
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent


def opcodes(spec: Path) -> dict:
    found = json.loads((spec / "opcodes.json").read_text())["opcodes"]
    return {op_id: {"summary": op.get("summary_field"), "result": bare(op["result"]),
                    "params": {param["name"]: {"type": bare(param["type"]),
                                               "default": param.get("default", "REQUIRED")}
                               for param in op["params"]}}
            for op_id, op in found.items()}


def bare(kind: object) -> object:
    """A type without remarks, in the words that ht.Type.spec() uses."""
    if isinstance(kind, list):
        return [bare(item) for item in kind]
    if not isinstance(kind, dict):
        return kind
    if "modification-list" in kind:
        return {"or": [bare(kind["recommended"]), bare(kind["legacy"])]}
    kind = {key: value for key, value in kind.items()
            if key not in ("set", "note", "object", "exact_keys")}
    if "set-of (JSON list)" in kind:
        return {"set-of": bare(kind["set-of (JSON list)"])}
    if "enum" in kind:
        return {"enum": sorted(kind["enum"]) if isinstance(kind["enum"], list) else "CODES"}
    if "dict" in kind:
        return {"strict-dict": bare(kind["dict"])}
    return {key: bare(value) for key, value in kind.items()}


def queries(spec: Path) -> dict:
    result: dict = {}
    for name, resource in json.loads((spec / "queries.json").read_text())["resources"].items():
        fields = {field["name"]: [field["title"], field["kind"]] for field in resource["fields"]}
        for pattern, field in resource.get("indexed_fields", {}).items():
            low, high = field["n"]
            for index in range(low, high + 1):
                fields[pattern.replace("/N", f"/{index}")] = [
                    field["title"].replace("/N", f"/{index}"), field["kind"]]
        result[name] = {"name_field": resource["name_field"], "fields": fields}
    return result


def commands(spec: Path) -> dict:
    tools = json.loads((spec / "cli.json").read_text())["tools"]
    return {tool: {
        "env": content.get("env_default_args", {}),
        "commands": {name: {
            "aliases": command.get("aliases", []),
            "args": [[arg["kind"], arg["min"], arg["max"]] for arg in command["args"]],
            "options": [[option["flags"], option["action"].split()[0], option.get("type"),
                         option.get("default")] for option in command["options"]]}
            for name, command in content["commands"].items()}}
        for tool, content in tools.items()}


def main() -> None:
    spec = Path(sys.argv[1])
    for name, content in (("opcodes", opcodes(spec)), ("queries", queries(spec)),
                          ("commands", commands(spec))):
        lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value, sort_keys=True)}"
                           for key, value in content.items())
        (HERE / f"{name}.json").write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()
