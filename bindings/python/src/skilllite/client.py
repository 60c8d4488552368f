"""How a request of the agent is made with a vendor's SDK."""

from __future__ import annotations

import json
from typing import Any, Callable

from .agent import Step

# Makes a "request" step, and gives the SDK's response or stream; a coroutine of it where the client is asynchronous.
Post = Callable[[Step], Any]

# Where the endpoint of a dialect is in its SDK's client.
_PATHS = {
    "openai": "chat.completions.create",
    "openai-responses": "responses.create",
    "anthropic": "messages.create",
    "gemini": "models.generate_content",
}


def dialect_of(client: Any) -> str:
    """The dialect of a client's first endpoint."""
    for dialect in ("openai", "anthropic", "gemini"):
        if _find(client, _PATHS[dialect]):
            return dialect
    raise TypeError(
        f"{type(client).__name__} is no client of the shape of OpenAI's, Anthropic's or Google's; "
        "name its dialect, or use Agent"
    )


def poster(client: Any, dialect: str, model: str) -> Post:
    """The function that makes requests of the dialect. A client that is a function itself takes the body's members."""
    path = _PATHS.get(dialect.split(":")[0])
    if path is None:
        raise ValueError(f"no client is known for the dialect '{dialect}'; known: {', '.join(_PATHS)}")
    endpoint = _find(client, path) or (client if callable(client) else None)
    if endpoint is None:
        raise TypeError(f"{type(client).__name__} has no {path}, which the dialect '{dialect}' needs")
    if dialect == "gemini" and endpoint is not client:
        return lambda step: _generate_content(client, model, step)
    return lambda step: endpoint(**step["body"])


def _find(client: Any, path: str) -> Any:
    for name in path.split("."):
        client = getattr(client, name, None)
    return client if callable(client) else None


def _generate_content(client: Any, model: str, step: Step) -> Any:
    """A request as Google's SDK wants it, whose objects know that signatures and images are bytes."""
    from google.genai import types  # the package that the client is from

    body = dict(step["body"])
    contents = [types.Content.model_validate_json(json.dumps(content)) for content in body.pop("contents")]
    # The SDK would run Python functions by itself.
    config = {**body.pop("generationConfig", {}), **body, "automaticFunctionCalling": {"disable": True}}
    return getattr(client.models, "generate_content_stream" if step["is_streamed"] else "generate_content")(
        model=model,
        contents=contents,
        config=types.GenerateContentConfig.model_validate_json(json.dumps(config)),
    )
