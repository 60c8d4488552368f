"""The model that the demos ask: an OpenAI-compatible endpoint of .env, or a scripted mock where none is named."""

from __future__ import annotations

import contextlib
import importlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPResponse
from types import SimpleNamespace
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

import mock_model
from settings import Settings

# A large model on a small machine may think for long.
TIMEOUT_S = 600


@dataclass(frozen=True)
class Model:
    """A client of the shape of OpenAI's SDK, and the name to ask for."""

    client: Any
    name: str


@contextlib.contextmanager
def connect(settings: Settings) -> Iterator[Model]:
    """Says which model will be asked, and gives it. What the endpoint refuses ends the program with its words."""
    if not settings.base_url:
        with mock_model.running() as base_url:
            print("no BASE_URL configured: talking to a scripted mock, not to a model (see .env.example)\n", flush=True)
            # Whatever proxy this machine has, it leads away from 127.0.0.1.
            yield Model(HttpClient(base_url, proxies={}), mock_model.NAME)
        return
    if not settings.model:
        raise SystemExit("BASE_URL is set and MODEL is not: name the model in .env")
    refusals: list[type[Exception]] = [ConnectionError]
    try:
        openai: Any = importlib.import_module("openai")
    except ModuleNotFoundError:
        client: Any = HttpClient(settings.base_url, settings.api_key)
        way = "Python's standard library"
    else:
        client = openai.OpenAI(base_url=settings.base_url, api_key=settings.api_key or "none", timeout=TIMEOUT_S)
        refusals.append(openai.APIError)
        way = f"the package openai {openai.__version__}"
    print(f"talking to {settings.model} at {settings.base_url} with {way}\n", flush=True)
    try:
        yield Model(client, settings.model)
    except tuple(refusals) as error:
        raise SystemExit(f"{settings.base_url}: {error}") from None


class HttpClient:
    """Asks with Python's standard library, in the shape of OpenAI's SDK: `client.chat.completions.create(model=…)`."""

    def __init__(self, base_url: str, api_key: str = "", proxies: dict[str, str] | None = None) -> None:
        self._url = f"{base_url}/chat/completions"
        self._headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._opener = build_opener(ProxyHandler(proxies))
        self.chat = SimpleNamespace(completions=SimpleNamespace(create=self._create))

    def _create(self, **body: Any) -> Any:
        """The response, or with `stream=True` its events as they come. Raises ConnectionError."""
        request = Request(self._url, json.dumps(body).encode(), self._headers)
        try:
            response = self._opener.open(request, timeout=TIMEOUT_S)
        except HTTPError as error:
            with error:
                raise ConnectionError(f"HTTP {error.code}: {error.read(2000).decode(errors='replace')}") from None
        except URLError as error:
            raise ConnectionError(str(error.reason)) from None
        if body.get("stream"):
            return _events(response)
        with response:
            return json.load(response)


def _events(response: HTTPResponse) -> Iterator[Any]:
    with response:
        for line in response:
            name, _, data = line.decode().strip().partition(":")
            if name == "data" and data.strip() != "[DONE]":
                yield json.loads(data)


def plain(response: Any) -> dict[str, Any]:
    """A response as a dict, from whichever client."""
    found: dict[str, Any] = response if isinstance(response, dict) else response.model_dump(exclude_none=True)
    return found
