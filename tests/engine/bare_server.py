"""Small servers and a client for hosts without machines: `tcp PORT`, `https PORT`, `udp PORT`, `ask ADDRESS PORT`."""

import datetime
import http.server
import ipaddress
import socket
import socketserver
import ssl
import sys
import tempfile
from pathlib import Path


class Who(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.sendall(self.client_address[0].encode())


class Readyz(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = self.client_address[0].encode()
        self.send_response(200 if self.path == "/readyz" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def certificate() -> ssl.SSLContext:
    """A server's context with a fresh self-signed certificate."""
    # A second to import, which the many short runs of the client need not wait for.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bare")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + made.public_bytes(serialization.Encoding.PEM)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(pem)
        context.load_cert_chain(file.name)
    return context


def ask(address: str, port: int) -> None:
    with socket.create_connection((address, port), timeout=2) as connection:
        if port == 6443:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            connection = context.wrap_socket(connection)
            connection.sendall(b"GET /readyz HTTP/1.0\r\n\r\n")
        answer = b""
        while part := connection.recv(4096):
            answer += part
    if not answer:
        raise ConnectionError(f"{address}:{port} closed without a word")
    print(answer.rpartition(b"\r\n")[2].decode())


def main() -> None:
    kind, port = sys.argv[1], int(sys.argv[-1])
    if kind == "ask":
        ask(sys.argv[2], port)
        return
    server = Server(("0.0.0.0", port), Readyz if kind == "https" else Who)
    if kind == "https":
        server.socket = certificate().wrap_socket(server.socket, server_side=True)
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
