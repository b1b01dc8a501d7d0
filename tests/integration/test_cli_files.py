"""`bullpen inspect` and `bullpen doctor`, and files that are no plugins."""
import hashlib
import json
import subprocess

import pytest


# --- inspect -----------------------------------------------------------------------------------

def test_inspect_a_real_plugin(bullpen, plugins):
    file = plugins / "extism-pdk/count_vowels.wasm"
    content = file.read_bytes()
    answer = json.loads(bullpen("inspect", file, "--json").out)
    assert answer["file"] == str(file)
    assert answer["kind"] == "core module"
    assert answer["abi"] == "extism"
    assert answer["size"] == len(content)
    assert answer["sha256"] == hashlib.sha256(content).hexdigest()
    assert answer["memory"] % 65536 == 0 and answer["memory"] > 0
    assert {"module": "extism:host/env", "name": "alloc", "type": "func(i64) -> i64",
            "needs": "nothing"} in answer["imports"]
    exports = {export["name"]: export for export in answer["exports"]}
    assert exports["count_vowels"] == {"name": "count_vowels", "type": "func() -> i32", "callable": True}
    assert exports["memory"]["callable"] is False
    text = bullpen("inspect", file)
    assert (text.code, text.err) == (0, "")
    lines = text.out.decode().splitlines()
    assert "abi      extism" in lines
    assert f"sha256   {answer['sha256']}" in lines
    assert f"imports ({len(answer['imports'])})" in lines
    assert "  extism:host/env alloc: func(i64) -> i64  needs nothing" in lines
    assert "  count_vowels: func() -> i32  callable" in lines


def test_inspect_tells_what_imports_need(bullpen, plugins, guest):
    imports = json.loads(bullpen("inspect", plugins / "go-sdk/http.wasm", "--json").out)["imports"]
    needs = {(item["module"], item["name"]): item["needs"] for item in imports}
    assert needs["extism:host/env", "http_request"] == "http"
    assert needs["wasi_snapshot_preview1", "fd_write"] == "wasi"
    assert needs["extism:host/env", "length"] == "nothing"
    answer = json.loads(bullpen("inspect", guest("stranger"), "--json").out)
    assert answer["imports"] == [{"module": "env", "name": "magic", "type": "func()", "needs": "?"}]
    assert bullpen("inspect", guest("stranger")).code == 0


def test_a_name_cannot_steer_the_terminal(bullpen, tmp_path):
    file = tmp_path / "name.wat"
    file.write_text(r'(module (func (export "a\1b[2J")))')
    done = bullpen("inspect", file)
    assert done.code == 0
    assert b"a?[2J" in done.out and b"\x1b" not in done.out
    assert json.loads(bullpen("inspect", file, "--json").out)["exports"][0]["name"] == "a\x1b[2J"


def test_a_comment_cannot_steer_the_terminal(bullpen, tmp_path):
    file = tmp_path / "comment.wat"
    file.write_text(r"""(component
      (@custom "package-docs" "\01{\"worlds\":{\"root\":{\"docs\":\"A world.\",\"funcs\":{\"f\":{\"docs\":\"One\\n\\u001b[2Jtwo\"}}}}}")
      (core module $m (func (export "f"))) (core instance $i (instantiate $m))
      (func (export "f") (canon lift (core func $i "f"))))""")
    done = bullpen("inspect", file)
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith(b"\nA world.\n\nimports (0)\n\nexports (1)\n  f: func()  callable\n      One\n      ?[2Jtwo\n")
    answer = json.loads(bullpen("inspect", file, "--json").out)
    assert answer["docs"] == "A world." and answer["exports"][0]["docs"] == "One\n\x1b[2Jtwo"


def test_inspect_a_component(bullpen, root):
    done = bullpen("inspect", root / "tests/guests/component/host.wat")
    lines = done.out.decode().splitlines()
    assert "(null)" not in done.out.decode()
    assert "abi      component" in lines and "imports (6)" in lines
    assert "  bullpen:plugin/kv@0.1.0  needs kv" in lines
    assert "    count: func(prefix: string) -> result<u64, string>" in lines
    command = root / "tests/guests/component/cat.wat"
    lines = bullpen("inspect", command).out.decode().splitlines()
    assert "abi      command" in lines
    assert "  wasi:io/streams@0.2.0  needs nothing  (2 functions)" in lines
    assert "  wasi:cli/run@0.2.0#run: func() -> result  callable" in lines
    assert not any("blocking-read" in line for line in lines)
    assert b"    [method]input-stream.blocking-read: func(" in bullpen("inspect", "--all", command).out
    names = [item["name"] for item in json.loads(bullpen("inspect", "--json", command).out)["imports"]]
    assert "[method]input-stream.blocking-read" in names


def test_long_lists_are_for_programs(bullpen, tmp_path):
    file = tmp_path / "many.wat"
    exports = "".join(f'(export "f{i}" (func $f))' for i in range(2000))
    file.write_text(f"""(component (core module $m (func (export "f") (param i32))) (core instance $i (instantiate $m))
      (func $f (param "{'x' * 5000}" u32) (canon lift (core func $i "f"))) {exports})""")
    done = bullpen("inspect", file)
    lines = done.out.decode().splitlines()
    assert "exports (2000)" in lines and lines[-1] == "  … and 1500 more: --all lists them"
    assert max(map(len, lines)) < 1100
    assert len(bullpen("inspect", "--all", file).out.splitlines()) > 2000
    assert len(json.loads(bullpen("inspect", "--json", file).out)["exports"]) == 2000


def test_inspect_asks_only_when_it_is_told_to(bullpen, root):
    file = root / "tests/guests/component/describe.wat"
    assert "described" not in json.loads(bullpen("inspect", "--json", file).out)
    answer = json.loads(bullpen("inspect", "--json", "--describe", file).out)["described"]
    assert [function["name"] for function in answer["functions"]] == ["add", "set", None]
    assert answer["warnings"] == []
    text = bullpen("inspect", "--describe", file).out.decode()
    assert "\ndescribed (3)\n  add\n      Adds two numbers.\n      They may be negative.\n" in text
    assert "  set  writeable\n" in text and "\n      result: a number\n" in text
    done = bullpen("call", file, "function-comment")
    assert done.code != 0 and "tells what the plugin offers" in done.err


def test_a_guest_that_tells_nothing_is_a_note(bullpen, tmp_path):
    file = tmp_path / "trap.wat"
    file.write_text("""(component (core module $m (func (export "f") unreachable)) (core instance $i (instantiate $m))
      (func (export "list-functions") (canon lift (core func $i "f"))))""")
    done = bullpen("inspect", "--describe", file)
    assert done.code == 0
    assert "note: 'list-functions' failed: trapped" in done.err


# --- files that are no plugins -----------------------------------------------------------------

def bad_files(folder, real):
    """Each bad file's path with words that the error must have."""
    component = b"\0asm\x0d\0\x01\0\x01\x10\0asm"
    contents = {
        "empty.wasm": (b"", "empty"),
        "text.wasm": (b"Dear Sir or Madam,\n", "text"),
        "program.wasm": (b"\x7fELF\x02\x01\x01" + bytes(57), "ELF"),
        "cut.wasm": (real[: len(real) // 2], "cut off"),
        "header.wasm": (b"\0asm", "cut"),
        "component.wasm": (component, "cut off"),
        "garbage.wasm": (b"\0asm\x01\0\0\0" + b"\xff" * 64, "damaged"),
        "wrong.wat": (b"(module (func (export", "WebAssembly text: "),
        "wrong.json": (b'{"wasm": [', "manifest: line 1"),
        "keys.json": (b'{"wasm": [{"data": "AGFzbQEAAAA="}], "colour": "red"}', "colour"),
    }
    for name, (content, word) in contents.items():
        (folder / name).write_bytes(content)
        yield folder / name, word
    (folder / "folder.wasm").mkdir()
    yield folder / "folder.wasm", "directory"
    yield folder / "missing.wasm", "No such file"


def test_files_that_are_no_plugins(bullpen, plugins, tmp_path):
    messages = set()
    real = (plugins / "extism-pdk/count_vowels.wasm").read_bytes()
    for file, word in bad_files(tmp_path, real):
        for command in (("call", file, "run"), ("inspect", file)):
            done = bullpen(*command)
            assert (done.code, done.out) == (1, b""), (command, done)
            assert done.err.startswith("bullpen: ")
            assert str(file) in done.err, done.err
            message = done.err.replace(str(file), "FILE")
            assert word in message, message
            as_json = bullpen(*command, "--json")
            answer = json.loads(as_json.out)
            assert as_json.code == 1
            assert answer["status"] in ("BP_EFORMAT", "BP_ENOTFOUND", "BP_ESYSTEM", "BP_EUNSUPPORTED")
            assert answer["error"] in as_json.err
            assert (command[0], message) not in messages, "different causes, different messages"
            messages.add((command[0], message))


def test_exports_that_cannot_be_called(bullpen, plugins, guest):
    done = bullpen("call", plugins / "extism-pdk/count_vowels.wasm", "count_vowel")
    assert (done.code, done.out) == (1, b"")
    assert "'count_vowel'" in done.err and "did you mean 'count_vowels'?" in done.err
    assert "hint: 'bullpen inspect " in done.err
    done = bullpen("call", plugins / "extism-pdk/count_vowels.wasm", "memory")
    assert done.code == 1
    assert "'memory'" in done.err and "not a function" in done.err
    done = bullpen("call", guest("argument"), "run")
    assert done.code == 1
    assert "'run'" in done.err and "i32" in done.err


def test_an_import_that_nobody_has(bullpen, guest):
    done = bullpen("call", guest("stranger"), "run", "--wasi")
    assert (done.code, done.out) == (4, b"")
    assert "'env' 'magic'" in done.err
    assert "what grants each import" in done.err


def test_a_manifest(bullpen, plugins, tmp_path):
    manifest = tmp_path / "greet.json"
    manifest.write_text(json.dumps({
        "wasm": [{"path": str(plugins / "go-sdk/count_vowels.wasm")}],
        "config": {"vowels": "l"},
    }))
    done = bullpen("call", manifest, "count_vowels", "-i", "Hello", "--timeout-ms", 60000)
    assert (done.code, json.loads(done.out)["count"]) == (0, 2), done.err
    done = bullpen("call", manifest, "count_vowels", "-i", "Hello", "-c", "vowels=H", "--timeout-ms", 60000)
    assert json.loads(done.out)["count"] == 1


# --- doctor ------------------------------------------------------------------------------------

CHECKS = ["engine", "kernel", "pagemap_scan", "address_reservation", "vm.max_map_count",
          "vm.overcommit_memory", "clock_source", "address_space", "stack", "module_cache", "bullpen-compile", "cores", "memory_pressure",
          "clang", "wasm-ld", "go", "tinygo", "cargo", "wasm target", "node", "python"]


def test_doctor(bullpen):
    done = bullpen("doctor", "--json")
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    assert answer["ok"] is True
    assert [check["name"] for check in answer["checks"]] == CHECKS
    for check in answer["checks"]:
        assert check["state"] in ("ok", "warn", "missing")
        assert check["detail"]
        assert bool(check["advice"]) == (check["state"] != "ok"), check
    text = bullpen("doctor")
    assert (text.code, text.err) == (0, "")
    for check in answer["checks"]:
        assert f"  {check['state']:<8}{check['name']}: " in text.out.decode()


def test_doctor_names_what_is_missing(bullpen, tmp_path):
    """On a machine without any tool each says what to install, and plugins can run all the same."""
    done = bullpen("doctor", "--json", env={"PATH": str(tmp_path)})
    assert done.code == 0
    checks = json.loads(done.out)["checks"]
    tools = [check for check in checks if check["group"].startswith("plugins in ")]
    assert len(tools) == 8
    assert all(check["state"] == "missing" and check["advice"] for check in tools)


def test_doctor_names_every_source_of_memory_pressure(bullpen):
    checks = {check["name"]: check for check in json.loads(bullpen("doctor", "--json").out)["checks"]}
    detail = checks["memory_pressure"]["detail"]
    for source in ("psi", "cgroup2", "cgroup1"):
        assert source in detail


def test_doctor_where_plugins_cannot_run(bullpen_bin):
    """Too few addresses for an engine: that is said, not died of."""
    done = subprocess.run(["sh", "-c", 'ulimit -v 262144; exec "$0" doctor --json', bullpen_bin],
                          capture_output=True, timeout=120, check=False)
    answer = json.loads(done.stdout)
    checks = {check["name"]: check for check in answer["checks"]}
    assert checks["address_space"]["state"] == "warn"
    assert "ulimit -v" in checks["address_space"]["advice"]
    engine = checks["engine"]["state"]
    assert engine in ("ok", "missing")
    assert answer["ok"] is (engine == "ok")
    assert done.returncode == (0 if engine == "ok" else 1)
