# SPDX-License-Identifier: MIT
"""A real Alertmanager, and servers that are none."""
import http.server
import json
import os
import socket
import threading
import urllib.request

from place import DEADLINE_S, Program, wait_until

CONFIG = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Alertmanager(Program):
    """A running Alertmanager, on a port of its own or the one that another has left."""

    def __init__(self, place, port=None, prefix=""):
        config = os.path.join(place.folder, "alertmanager.yml")
        with open(config, "w", encoding="utf-8") as file:
            json.dump(CONFIG, file)
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}{prefix}"
        super().__init__(place, "prometheus-alertmanager", f"--config.file={config}",
                         f"--storage.path={place.folder}/alertmanager-{self.port}",
                         f"--web.listen-address=127.0.0.1:{self.port}",
                         f"--web.route-prefix={prefix or '/'}", "--cluster.listen-address=")
        wait_until(self.is_ready, "Alertmanager is ready")

    def is_ready(self):
        assert self.poll() is None, self.said()
        try:
            with urllib.request.urlopen(self.url + "/-/ready", timeout=DEADLINE_S) as answer:
                return answer.status == 200
        except OSError:
            return False

    def alerts(self):
        """Those that have not ended, by follower and severity."""
        with urllib.request.urlopen(self.url + "/api/v2/alerts", timeout=DEADLINE_S) as answer:
            return {(alert["labels"]["follower"], alert["labels"]["severity"]): alert
                    for alert in json.load(answer)}

    def alerts_when(self, condition, what):
        def look():
            alerts = self.alerts()
            return (alerts,) if condition(alerts) else None
        return wait_until(look, what)[0]


class Server(http.server.ThreadingHTTPServer):
    """Stands in for an Alertmanager and answers as `behave`, a function of the handler, says."""

    daemon_threads = True

    def __init__(self, behave, address="127.0.0.1"):
        self.behave, self.bodies, self.released = behave, [], threading.Event()
        super().__init__((address, 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def __exit__(self, *_):
        self.released.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, *_):
        """Clients that hang up are what the tests are about."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append((self.path, dict(self.headers), json.loads(body)))
        self.server.behave(self)

    def do_GET(self):
        self.server.behave(self)

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass
