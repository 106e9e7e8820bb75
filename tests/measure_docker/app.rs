//! A server with one of many vices.

/// The base image it runs on.
pub const BASE: &str = "python:3.13-slim-trixie";

/// The server; its argument is the vice.
pub const APP: &str = r#"
import os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

vice = sys.argv[1]

def burn(seconds):
    began = time.process_time()
    while time.process_time() < began + seconds:
        pass

if vice == "dies":
    print("cannot find my settings", flush=True)
    sys.exit(3)
if vice == "asks" and os.environ.get("TOKEN") != "s3cret":
    sys.exit("who are you?")
if vice == "silent":
    time.sleep(600)
if vice == "hungry":
    ballast = b"x" * (200 << 20)
if vice == "busy":
    burn(0.4)
if vice == "hungry-worker":
    # The first process lives on when the kernel kills its worker.
    if os.fork() == 0:
        ballast = b"x" * (200 << 20)
        sys.exit()
    time.sleep(600)
began = time.monotonic()
count = 100 if vice == "used" else 0

class Server(ThreadingHTTPServer):
    request_queue_size = 128

class App(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def answer(self):
        global count
        count += 1
        self.rfile.read(int(self.headers.get("content-length", 0)))
        late = vice == "late" and time.monotonic() < began + 1
        if vice == "slow":
            time.sleep(max(0, began + 2 - time.monotonic()))
        if vice == "busy" and self.path == "/json" and count == 2:
            burn(0.3)
        if self.path == "/ping":
            self.send_response(204)
            self.end_headers()
            return
        if self.path.startswith("/io"):
            time.sleep(0.1)
        body = b'{"status":"ok"}'
        self.send_response(503 if late else 200)
        self.send_header("content-length", str(len(body)))
        self.send_header("x-process-id", process_id)
        self.send_header("x-request-count", str(count))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass

server = Server(("0.0.0.0", 8080), App)
if vice == "forks":
    # The first process listens; its worker takes a while until it answers.
    if os.fork():
        os.wait()
        sys.exit(1)
    time.sleep(0.7)
process_id = "1" if vice == "twin" else os.urandom(8).hex()
server.serve_forever()
"#;
