"""A model's service that gives back the key it is asked with, in every place a response has."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import quote

Where = Literal["error", "answer", "invalid_answer", "header", "half"]


def key_of(handler: BaseHTTPRequestHandler) -> str:
    """Return the key of a request."""
    headers = handler.headers
    return str(headers["x-goog-api-key"] or headers["Authorization"]).removeprefix("Bearer ")


def said_with(key: str) -> str:
    """Return a text that holds the key in every form."""
    pair = base64.b64encode(f"me:{key}".encode()).decode()
    return f"the key {key} is {pair}, {quote(key, safe='')} in URLs, {json.dumps(key)} in JSON"


def answered(path: str, text: str) -> bytes:
    """Return a response that holds this text as its answer, in the form that the path asks for."""
    if path.endswith("/chat/completions"):
        choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        used = {"prompt_tokens": 10, "completion_tokens": 5}
        return json.dumps({"choices": [choice], "usage": used}).encode()
    candidate = {"content": {"parts": [{"text": text}]}, "finishReason": "STOP"}
    counted = {"promptTokenCount": 10, "candidatesTokenCount": 5}
    return json.dumps({"candidates": [candidate], "usageMetadata": counted}).encode()


@contextmanager
def echoing(where: Where) -> Iterator[str]:
    """Serve such a service on a port of its own; yield its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            key = key_of(self)
            text = said_with(key)
            status, body, headers = 200, b"", {}
            if where == "error":
                error = {"message": text, "code": 400, "status": "INVALID_ARGUMENT"}
                status, body = 400, json.dumps({"error": error}).encode()
            elif where == "answer":
                body = answered(self.path, json.dumps({"description": text}))
            elif where == "invalid_answer":
                body = answered(self.path, json.dumps({"description": "x", key: text}))
            elif where == "header":
                status, headers = 503, {"Retry-After": key, "X-Asked-With": key}
                body = f"<html>{text}</html>".encode()
            else:
                whole = answered(self.path, json.dumps({"description": text}))
                body = whole[: whole.index(key.encode()) + len(key) - 2]
            self.send_response(status)
            for name, value in {**headers, "Content-Type": "application/json"}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
