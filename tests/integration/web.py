"""A web server for tests: HTTP and HTTPS on free ports of 127.0.0.1, with certificates made now."""
import contextlib
import http.server
import pathlib
import ssl
import subprocess
import threading
import warnings


class Handler(http.server.BaseHTTPRequestHandler):
    """/to?URL redirects; everything else answers the path, and the headers that came."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):  # the name that http.server wants
        self.server.seen.append((self.path, dict(self.headers)))
        if self.path.startswith("/to?"):
            self.send_response(302)
            self.send_header("Location", self.path[4:])
            body = b""
        else:
            self.send_response(200)
            body = f"path {self.path}".encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class Quiet(http.server.ThreadingHTTPServer):
    """Failed handshakes are what some tests are about."""

    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


@contextlib.contextmanager
def serving(certificate=None, newest=None):
    """A running server: `port`, and `seen`, the requests so far. `certificate`: a PEM with its key."""
    server = Quiet(("127.0.0.1", 0), Handler)
    server.seen = []
    server.port = server.server_address[1]
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if newest:
            context.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # old is what is wanted here
                context.minimum_version = newest
                context.maximum_version = newest
        context.load_cert_chain(certificate)
        # The handshake happens in the connection's thread.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def make_authority(folder):
    """Key and certificate of an authority: folder/ca.key, folder/ca.pem."""
    folder = pathlib.Path(folder)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "ca.key", "-out", folder / "ca.pem",
            "-subj", "/CN=Authority of a test", "-days", "2")


def make_certificate(folder, name, host, days=2):
    """folder/NAME.pem: key and certificate for `host`, by the authority there; negative days: expired."""
    folder = pathlib.Path(folder)
    files = {kind: folder / f"{name}.{kind}" for kind in ("key", "csr", "ext", "crt")}
    files["ext"].write_text(f"subjectAltName={host}\n")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", files["key"], "-out", files["csr"], "-subj", "/CN=x")
    openssl("x509", "-req", "-in", files["csr"], "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key",
            "-CAcreateserial", "-extfile", files["ext"], "-days", days, "-out", files["crt"])
    whole = folder / f"{name}.pem"
    whole.write_bytes(files["key"].read_bytes() + files["crt"].read_bytes())
    return whole
