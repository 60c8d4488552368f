import http.server
import threading
import urllib.request


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"mine")

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
for host in "127.0.0.1", "localhost":
    with urllib.request.urlopen(f"http://{host}:{server.server_address[1]}/", timeout=20) as answer:
        print(f"{host}: {answer.read().decode()}")
