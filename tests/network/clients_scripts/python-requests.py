import hashlib
import sys

import requests

http, https, unknown, forbidden = sys.argv[1:]


def ask(name, call):
    try:
        print(f"{name}: {call()}")
    except requests.RequestException as error:
        print(f"{name}: {type(error).__name__} {error}")


def shown(answer):
    return answer.text.strip() if answer.ok else f"{answer.status_code} {answer.text.strip()}"


def streamed(session, url):
    digest, length = hashlib.sha256(), 0
    with session.get(url, stream=True, timeout=20) as answer:
        for part in answer.iter_content(65536):
            digest.update(part)
            length += len(part)
    return f"{length} {digest.hexdigest()[:16]}"


for scheme, base in ("http", http), ("https", https):
    ask(f"{scheme} alone", lambda: shown(requests.get(f"{base}/text", timeout=20)))
    with requests.Session() as session:
        for number in range(3):
            ask(f"{scheme} text {number}", lambda: shown(session.get(f"{base}/text", timeout=20)))
        ask(f"{scheme} echo", lambda: shown(session.post(f"{base}/echo", data=b"ping", timeout=20)))
        ask(f"{scheme} chunks sent", lambda: shown(session.post(f"{base}/echo", data=iter([b"pi", b"ng"]), timeout=20)))
        ask(f"{scheme} redirect", lambda: shown(session.get(f"{base}/redirect", timeout=20)))
        ask(f"{scheme} chunked", lambda: len(session.get(f"{base}/chunked", timeout=20).content))
        ask(f"{scheme} big", lambda: streamed(session, f"{base}/big"))
        ask(f"{scheme} away", lambda: shown(session.get(f"{base}/away", timeout=20)))
ask("http forbidden", lambda: shown(requests.get(f"http://{forbidden}/", timeout=20)))
ask("https forbidden", lambda: shown(requests.get(f"https://{forbidden}/", timeout=20)))
ask("unknown authority", lambda: shown(requests.get(f"{unknown}/text", timeout=20)))
