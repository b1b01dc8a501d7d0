"""HTTP for plugins, from outside: somebody else's plugin against servers of ours, good and bad."""
import json
import os
import socket
import ssl

import pytest

import web


@pytest.fixture(scope="module")
def plain():
    with web.serving() as server:
        yield server


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    web.make_authority(folder)
    web.make_certificate(folder, "good", "DNS:localhost,IP:127.0.0.1")
    web.make_certificate(folder, "other", "DNS:elsewhere.example")
    web.make_certificate(folder, "expired", "DNS:localhost", days=-1)
    stranger = folder / "stranger"
    stranger.mkdir()
    web.make_authority(stranger)
    web.make_certificate(stranger, "good", "DNS:localhost")
    return folder


@pytest.fixture
def get(call, plugins):
    """Calls Extism's own example of HTTP."""

    def run(url, *arguments, **request):
        return call(plugins / "extism-pdk/http.wasm", "http_get", "-i", json.dumps({"url": url, **request}), *arguments)

    return run


def test_a_granted_host_answers(get, plain):
    done = get(f"http://127.0.0.1:{plain.port}/x?y=z", "--allow-host", f"127.0.0.1:{plain.port}")
    assert (done.code, done.out) == (0, b"path /x?y=z"), done.err


def test_a_name_needs_private_addresses_to_be_allowed(get, plain):
    url, host = f"http://LocalHost.:{plain.port}/", ("--allow-host", "localhost:*")
    done = get(url, *host)
    assert done.code == 3 and "a loopback address" in done.err
    assert "warn  bullpen http: refused" in done.err
    done = get(url, *host, "--allow-private")
    assert (done.code, done.out) == (0, b"path /"), done.err
    assert get(url, *host, "--allow-host", f"127.0.0.0/8:{plain.port}", "--allow-host", "[::1]:*").code == 0


def test_only_granted_hosts_are_reached(get, plain):
    before = len(plain.seen)
    for host in ("localhost", "127.0.0.1", "127.0.0.1:1", "https://127.0.0.1:*", "*.0.example", "*"):
        done = get(f"http://127.0.0.1:{plain.port}/", "--allow-host", host, "--allow-private")
        assert done.code == 3 and "is not among the hosts" in done.err
    assert len(plain.seen) == before


def test_a_redirect_out_is_refused(get, plain):
    with web.serving() as outside:
        done = get(f"http://127.0.0.1:{plain.port}/to?http://127.0.0.1:{outside.port}/secret", "--allow-host",
                   f"127.0.0.1:{plain.port}")
        assert done.code == 3 and "after 1 redirects: host '127.0.0.1'" in done.err
        assert not outside.seen


@pytest.mark.parametrize("host, error", [
    ("a?.com", "patterns"), ("http://a/b", "path"), ("ftp://a", "scheme"), ("a:b", "port"), ("münchen.de", "punycode")])
def test_bad_hosts_are_refused_by_name(get, host, error):
    done = get("http://a/", "--allow-host", host)
    assert done.code == 1 and f"allowed host '{host}'" in done.err and error in done.err


def test_flags_that_need_a_host(get):
    for flags in (("--allow-private",), ("--ca-file", "/dev/null")):
        done = get("http://a/", *flags)
        assert done.code == 2 and f"{flags[0]} has no effect without --allow-host" in done.err
    done = get("http://a/", "--allow-host", "a", "--ca-file", "/nowhere/ca.pem")
    assert done.code == 1 and "'/nowhere/ca.pem': cannot be read" in done.err


def test_a_deadline_ends_a_request(call, plugins):
    # Nobody accepts: the kernel completes the connection, and nothing ever comes.
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        done = call(plugins / "extism-pdk/http.wasm", "http_get", "-i", json.dumps({"url": f"http://127.0.0.1:{port}/"}),
                    "--allow-host", f"127.0.0.1:{port}", "--timeout-ms", 300)
    assert done.code == 124 and "http_request: the deadline passed" in done.err


def test_tls_is_verified(get, certificates):
    with web.serving(certificates / "good.pem") as server:
        url, host = f"https://localhost:{server.port}/tls", ("--allow-host", f"https://localhost:{server.port}", "--allow-private")
        done = get(url, *host, "--ca-file", certificates / "ca.pem")
        assert (done.code, done.out) == (0, b"path /tls"), done.err
        done = get(url, *host)
        assert done.code == 3 and "certificate" in done.err
        done = get(url, *host, "--ca-file", certificates / "stranger" / "ca.pem")
        assert done.code == 3 and "certificate" in done.err
        assert len(server.seen) == 1


@pytest.mark.parametrize("name, error", [("other", "no alternative certificate subject name matches"),
                                         ("expired", "expired"), ("stranger/good", "certificate")])
def test_bad_certificates_are_refused(get, certificates, name, error):
    with web.serving(certificates / f"{name}.pem") as server:
        done = get(f"https://localhost:{server.port}/", "--allow-host", "localhost:*", "--allow-private",
                   "--ca-file", certificates / "ca.pem")
        assert done.code == 3 and error in done.err
        assert not server.seen


def test_old_tls_is_refused(get, certificates):
    with web.serving(certificates / "good.pem", newest=ssl.TLSVersion.TLSv1_1) as server:
        done = get(f"https://localhost:{server.port}/", "--allow-host", "localhost:*", "--allow-private",
                   "--ca-file", certificates / "ca.pem")
        assert done.code == 3 and "http_request: host 'localhost': SSL connect error" in done.err
        assert not server.seen


def test_the_environment_changes_nothing(bullpen, plugins, plain, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    (tmp_path / ".curlrc").write_text("proxy = http://127.0.0.1:1\n")
    environment = {**os.environ, "HOME": str(tmp_path), "http_proxy": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1",
                   "NETRC": str(tmp_path / ".netrc")}
    done = bullpen("call", plugins / "extism-pdk/http.wasm", "http_get", "-i",
                   json.dumps({"url": f"http://127.0.0.1:{plain.port}/direct"}), "--allow-host", "127.0.0.1:*",
                   "--timeout-ms", 60000, env=environment)
    assert (done.code, done.out) == (0, b"path /direct"), done.err
    assert "Authorization" not in plain.seen[-1][1]


def test_a_manifest_gets_what_both_allow(call, plugins, plain, tmp_path):
    def run(hosts):
        manifest = tmp_path / "manifest.json"
        manifest.write_text(json.dumps({"wasm": [{"path": str(plugins / "extism-pdk/http.wasm")}], **hosts}))
        return call(manifest, "http_get", "-i", json.dumps({"url": f"http://127.0.0.1:{plain.port}/"}),
                    "--allow-host", "127.0.0.1:*")
    assert run({"allowed_hosts": ["127.0.0.1"]}).code == 0
    assert "not in allowed_hosts" in run({"allowed_hosts": ["*.example.com"]}).err
    assert "does not ask for it (allowed_hosts)" in run({}).err
    done = run({"allowed_hosts": ["a.*.b"]})
    assert done.code == 1 and "manifest: /allowed_hosts/0: allowed host 'a.*.b'" in done.err
