import asyncio
import hashlib
import sys

import httpx

http, https, unknown, forbidden = sys.argv[1:]


def ask(name, call):
    try:
        print(f"{name}: {call()}")
    except httpx.HTTPError as error:
        print(f"{name}: {type(error).__name__} {error}")


def shown(answer):
    return answer.text.strip() if answer.is_success else f"{answer.status_code} {answer.text.strip()}"


def streamed(client, url):
    digest, length = hashlib.sha256(), 0
    with client.stream("GET", url) as answer:
        for part in answer.iter_bytes(65536):
            digest.update(part)
            length += len(part)
    return f"{length} {digest.hexdigest()[:16]}"


async def parallel(url):
    async with httpx.AsyncClient(timeout=20) as client:
        answers = await asyncio.gather(*(client.get(url) for _ in range(10)))
    return [answer.text for answer in answers].count("hello")


for scheme, base in ("http", http), ("https", https):
    ask(f"{scheme} alone", lambda: shown(httpx.get(f"{base}/text")))
    with httpx.Client(timeout=20, follow_redirects=True) as client:
        for number in range(3):
            ask(f"{scheme} text {number}", lambda: shown(client.get(f"{base}/text")))
        ask(f"{scheme} echo", lambda: shown(client.post(f"{base}/echo", content=b"ping")))
        ask(f"{scheme} chunks sent", lambda: shown(client.post(f"{base}/echo", content=iter([b"pi", b"ng"]))))
        ask(f"{scheme} redirect", lambda: shown(client.get(f"{base}/redirect")))
        ask(f"{scheme} chunked", lambda: len(client.get(f"{base}/chunked").content))
        ask(f"{scheme} big", lambda: streamed(client, f"{base}/big"))
        ask(f"{scheme} away", lambda: shown(client.get(f"{base}/away")))
    ask(f"{scheme} parallel", lambda: asyncio.run(parallel(f"{base}/text")))
ask("http forbidden", lambda: shown(httpx.get(f"http://{forbidden}/")))
ask("https forbidden", lambda: shown(httpx.get(f"https://{forbidden}/")))
ask("unknown authority", lambda: shown(httpx.get(f"{unknown}/text")))
