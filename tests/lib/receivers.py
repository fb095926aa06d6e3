"""What alerts are sent to in tests: a real HTTP server on loopback, and a real script."""
import http.server
import json
import threading
import time
from pathlib import Path


class WebServer:
    """Takes every POST, keeps (arrival, path, headers, body) and answers 200 with `answer`."""

    def __init__(self, answer=b"ok"):
        outer = self
        self.requests = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                arrival = time.monotonic()
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.requests.append((arrival, self.path, dict(self.headers), body))
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def alerts(self, path="/"):
        """(arrival, JSON body) of the requests to a path, in their order."""
        return [(when, json.loads(body)) for when, where, _, body in list(self.requests)
                if where == path]


class Script:
    """A program for exec hooks that keeps what it gets: stdin, arguments and environment."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.directory.chmod(0o777)
        self.path = self.directory / "keep-alert"
        self.path.write_text(
            "#!/bin/sh\n"
            f'out={self.directory}/$KERNELSIGHT_STATE.$KERNELSIGHT_ID\n'
            'printf "%s\\n" "$@" > "$out.args" && env > "$out.env" && cat > "$out.tmp" &&\n'
            'mv "$out.tmp" "$out.json"\n')
        self.path.chmod(0o755)

    def alerts(self, state):
        """The documents that came in on stdin, in the order of their ids."""
        return [json.loads(p.read_text()) for p in sorted(self.directory.glob(f"{state}.*.json"))]

    def arguments(self, alert):
        path = self.directory / f"{alert['state']}.{alert['id']}.args"
        return path.read_text().splitlines()
