"""http.client has no proxies of its own: a script names the one in the environment."""

import base64
import http.client
import os
import sys
from urllib.parse import urlsplit

plain, secure, _, forbidden = (urlsplit(url if "://" in url else f"http://{url}") for url in sys.argv[1:])
proxy = urlsplit(os.environ["HTTPS_PROXY"])
headers = {}
if proxy.username:
    token = base64.b64encode(f"{proxy.username}:{proxy.password}".encode()).decode()
    headers["Proxy-Authorization"] = f"Basic {token}"


def tunnel(kind, target):
    connection = kind(proxy.hostname, proxy.port, timeout=20)
    connection.set_tunnel(target.hostname, target.port, headers)
    return connection


def ask(connection, name, method, path, body=None, **options):
    try:
        connection.request(method, path, body, **options)
        answer = connection.getresponse()
        print(f"{name}: {answer.status} {answer.read().decode().strip()}")
    except OSError as error:
        print(f"{name}: {error}")


absolute = http.client.HTTPConnection(proxy.hostname, proxy.port, timeout=20)
# The proxy closes after each of these, and the client opens anew.
ask(absolute, "plain text", "GET", f"{plain.geturl()}/text", headers=headers)
ask(absolute, "plain again", "GET", f"{plain.geturl()}/text", headers=headers)
ask(absolute, "plain chunks sent", "POST", f"{plain.geturl()}/echo", iter([b"pi", b"ng"]), headers=headers, encode_chunked=True)
for name, kind, target in ("tunnel", http.client.HTTPConnection, plain), ("TLS", http.client.HTTPSConnection, secure):
    # One connection for all of these.
    connection = tunnel(kind, target)
    ask(connection, f"{name} text", "GET", "/text")
    first = connection.sock
    ask(connection, f"{name} again", "POST", "/echo", b"ping")
    print(f"{name} kept alive: {connection.sock is first}")
ask(tunnel(http.client.HTTPConnection, forbidden), "tunnel forbidden", "GET", "/")
