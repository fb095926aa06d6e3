#!/usr/bin/env python3
"""A sink on the loopback that records what it is sent and misbehaves as it is told.

usage: sink.py RECORD

Prints its port, then serves until standard input ends. Each request becomes one JSON line in the
file RECORD: path (without the query), method, headers (names in lower case), body, time (seconds,
monotonic), port (of the client, so that a kept connection shows) and step.

The query of the URL is the script of its path: steps separated by commas, one for each request, the
last for all further ones. A step is a status with options behind semicolons,

    429;after=2     with Retry-After: 2
    503;date=2      with Retry-After as the HTTP date two seconds ahead
    200;delay=0.5   half a second late
    200;body=ok     with this body; {body} in it stands for the body of the request, {path} for its
                    path, {last} for the last part of that, {token} for the end of its Authorization

or one of
    reset           the connection is reset
    close           the connection is closed without an answer
    cut             the answer ends amid its body
    huge            200 with a body of 10 MB
"""

import json
import os
import socket
import struct
import sys
import threading
import time
import urllib.parse
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

lock = threading.Lock()
served = {}  # requests so far, by path


def next_step(path, query):
    """The step for this request; the caller holds the lock."""
    steps = urllib.parse.unquote(query).split(",") if query else ["200"]
    n = served.get(path, 0)
    served[path] = n + 1
    return steps[min(n, len(steps) - 1)]


class Sink(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode("utf-8", "replace")
        with lock:
            step = next_step(path, query)
            line = {
                "path": path,
                "method": self.command,
                "headers": {name.lower(): value for name, value in self.headers.items()},
                "body": body,
                "time": time.monotonic(),
                "port": self.client_address[1],
                "step": step,
            }
            record.write(json.dumps(line) + "\n")
            record.flush()
        word, *options = step.split(";")
        if word.isdigit():
            self.answer(int(word), dict(option.split("=", 1) for option in options), body)
        else:
            getattr(self, "do_" + word)()

    do_GET = do_POST

    def answer(self, status, options, body):
        time.sleep(float(options.get("delay", 0)))
        text = options.get("body", "")
        for name, value in {
            "body": body,
            "path": self.path,
            "last": self.path.partition("?")[0].rpartition("/")[2],
            "token": self.headers.get("Authorization", "").rpartition(" ")[2],
        }.items():
            text = text.replace("{" + name + "}", value)
        self.send_response(status)
        if "after" in options:
            self.send_header("Retry-After", options["after"])
        if "date" in options:
            self.send_header("Retry-After", formatdate(time.time() + int(options["date"]), usegmt=True))
        if 300 <= status < 400:
            self.send_header("Location", "http://%s:%d/redirected" % self.server.server_address)
        self.send_body(text.encode())

    def send_body(self, data):
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_reset(self):
        # closed below the server, which would say goodbye first
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def do_close(self):
        self.close_connection = True

    def do_cut(self):
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"half")
        self.close_connection = True

    def do_huge(self):
        self.send_response(200)
        self.send_body(b"x" * 10_000_000)

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # clients hang up, and some steps break the connection


with open(sys.argv[1], "w", encoding="utf-8") as record:
    server = Server(("127.0.0.1", 0), Sink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()
    server.shutdown()
