"""The JSON Schema of manifests and the library's own check say the same of generated documents."""
import copy
import json
import pathlib
import random
import subprocess

import jsonschema
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "schema" / "manifest.schema.json").read_text())
DOCUMENTS = 60

# What no schema can say is kept right: names that agree, paths, versions of the host's functions.
TEXTS = {"name": ["a", "greeter", "a-1"], "version": ["1.0.0", "0.2.10-rc.1+build"], "entry": ["a.wasm", "code/a.wasm"],
         "abi_version": ["1.0"], "logo": ["logo.svg"], "default_export": ["run"], "on_request": ["run"],
         "on_response": ["run"], "on_error": ["run"], "hosts": ["example.com", "*.example.com:8443"]}


def generate(rule, dice, name=""):
    """A document that fits the rule."""
    if name in TEXTS and rule.get("type") == "string":
        return dice.choice(TEXTS[name])
    if "enum" in rule:
        return dice.choice(rule["enum"])
    match rule.get("type"):
        case "string":
            return "HOME" if "pattern" in rule else dice.choice(["x", "grüße", "a b"])[:rule["maxLength"]]
        case "integer":
            return dice.choice([rule["minimum"], rule["maximum"], min(rule["minimum"] + 5, rule["maximum"])])
        case "boolean":
            return dice.random() < 0.5
        case "array":
            return [generate(rule["items"], dice, name) for _ in range(dice.randint(max(rule["minItems"], 1), 2))]
        case "object" if "properties" in rule:
            return {field: generate(inner, dice, field) for field, inner in rule["properties"].items()
                    if field in rule["required"] or dice.random() < 0.6}
        case "object":
            return {"a": generate(rule["additionalProperties"], dice)}
    return dice.choice([None, 1, "text", {"type": "string"}])


def settle(document):
    """Repairs what only the library's check would mind."""
    for field in ("hooks", "default_export", "exports"):
        document.pop(field, None)
    pool = document.get("pool", {})
    if pool.get("min_warm", 0) > pool.get("max_live", 10**9):
        del pool["min_warm"]
    return document


def places(value, path=()):
    yield path
    for key, inner in (value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()):
        yield from places(inner, (*path, key))


def mutate(document, dice):
    """One change somewhere, which may or may not make the document wrong."""
    document = copy.deepcopy(document)
    path = dice.choice([place for place in places(document) if place])
    holder = document
    for key in path[:-1]:
        holder = holder[key]
    match dice.randint(0, 4):
        case 0:
            del holder[path[-1]]
        case 1:
            holder[path[-1]] = dice.choice([None, True, 0, -1, 2.5, 3.0, 2**60, "", "x" * 70_000, [], {}, "Bad Name"])
        case 2 if isinstance(holder, dict):
            holder["unknown"] = 1
        case 3 if isinstance(holder[path[-1]], str):
            holder[path[-1]] += dice.choice(["x", "é", " ", "-"])
        case _:
            holder[path[-1]] = [holder[path[-1]]]
    return document


@pytest.fixture(scope="module")
def check(bullpen_bin, tmp_path_factory):
    file = tmp_path_factory.mktemp("manifest") / "manifest.json"

    def run(document):
        file.write_text(json.dumps(document))
        done = subprocess.run([bullpen_bin, "plugin", "validate", file, "--json"], capture_output=True, timeout=60, check=False)
        assert done.returncode in (0, 1), done.stderr
        answer = json.loads(done.stdout)
        assert answer["valid"] == (done.returncode == 0) == (not answer["problems"])
        return answer["problems"]

    return run


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("seed", range(DOCUMENTS))
def test_both_say_the_same(check, seed):
    dice = random.Random(seed)
    validator = jsonschema.Draft202012Validator(SCHEMA)
    document = settle(generate(SCHEMA, dice))
    assert list(validator.iter_errors(document)) == []
    assert check(document) == []
    for _ in range(4):
        changed = mutate(document, dice)
        if changed.get("wasm") or not {"name", "version", "entry"} & changed.keys():
            continue
        problems = [problem for problem in check(changed) if not only_ours(problem)]
        errors = list(validator.iter_errors(changed))
        assert bool(problems) == bool(errors), (changed, problems, errors)


def only_ours(problem):
    return "no path inside" in problem["message"] or "this host has" in problem["message"] or \
        "more than max_live" in problem["message"] or problem["message"].startswith("no host")


def test_the_page_of_manifests_shows_one_that_is_right(check):
    page = (ROOT / "docs" / "plugins" / "manifest.md").read_text()
    block = page.split("```json\n")[1].split("```")[0]
    assert check(json.loads(block)) == []


def test_differences_are_printed(bullpen_bin, tmp_path):
    for name, capabilities in (("old", {"log": {}, "clock": {}}), ("new", {"log": {}, "http:fetch": {"hosts": ["a.com"]}})):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text(json.dumps(
            {"name": "a", "version": "1.0.0", "entry": "a.wasm", "capabilities": capabilities}))
    done = subprocess.run([bullpen_bin, "plugin", "diff", tmp_path / "old", tmp_path / "new"], capture_output=True,
                          text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "= log\n+ http:fetch a.com\n- clock\n")
    done = subprocess.run([bullpen_bin, "plugin", "diff", tmp_path / "old"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
