import hashlib
import sys
import urllib.error
import urllib.request

http, https, unknown, forbidden = sys.argv[1:]


def ask(name, url, data=None, show=bytes.decode):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data), timeout=20) as answer:
            print(f"{name}: {show(answer.read())}")
    except urllib.error.HTTPError as error:
        print(f"{name}: {error.code} {error.read().decode().strip()}")
    except OSError as error:
        print(f"{name}: {error}")


def digest(body):
    return f"{len(body)} {hashlib.sha256(body).hexdigest()[:16]}"


for scheme, base in ("http", http), ("https", https):
    ask(f"{scheme} text", f"{base}/text")
    ask(f"{scheme} echo", f"{base}/echo", b"ping")
    ask(f"{scheme} redirect", f"{base}/redirect")
    ask(f"{scheme} chunked", f"{base}/chunked", show=lambda body: len(body))
    ask(f"{scheme} big", f"{base}/big", show=digest)
    ask(f"{scheme} away", f"{base}/away")
ask("http forbidden", f"http://{forbidden}/")
ask("https forbidden", f"https://{forbidden}/")
ask("unknown authority", f"{unknown}/text")
