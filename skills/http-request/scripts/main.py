"""One HTTP request: JSON on stdin, one JSON document on stdout."""
import json
import sys
import urllib.error
import urllib.parse
import urllib.request

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
MAX_BODY_BYTES = 1 << 20
PRIVATE_HEADERS = ("authorization", "cookie", "proxy-authorization")


class Problem(Exception):
    """Something the caller can put right."""


class Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, without taking credentials to another host."""

    def redirect_request(self, request, *rest):
        following = super().redirect_request(request, *rest)
        if following is not None and origin(following.full_url) != origin(request.full_url):
            for name in list(following.headers):
                if name.lower() in PRIVATE_HEADERS:
                    del following.headers[name]
        return following


def origin(url):
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def opener():
    # Not build_opener: it adds file:, ftp: and data:.
    director = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        Redirects(),
        urllib.request.HTTPErrorProcessor(),
    ):
        director.add_handler(handler)
    return director


def build(arguments):
    if not isinstance(arguments, dict):
        raise Problem("the input must be a JSON object")
    url = arguments.get("url")
    if not isinstance(url, str) or not url.lower().startswith(("http://", "https://")):
        raise Problem("url must begin with http:// or https://")
    method = str(arguments.get("method") or "GET").upper()
    if method not in METHODS:
        raise Problem("method must be one of " + ", ".join(METHODS))
    params = arguments.get("params") or {}
    if not isinstance(params, dict):
        raise Problem("params must be an object")
    parts = urllib.parse.urlsplit(url)
    if not parts.hostname:
        raise Problem("url names no host")
    query = "&".join(part for part in (parts.query, urllib.parse.urlencode(params, doseq=True)) if part)
    # Spaces and other letters in a path are written as people write them.
    path = urllib.parse.quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = urllib.parse.quote(query, safe="=&%/?:@!$'()*+,;~-._[]")
    url = urllib.parse.urlunsplit((parts.scheme, parts.netloc, path, query, ""))

    headers = {"User-Agent": "http-request-skill/1.0", "Accept": "*/*", "Accept-Encoding": "identity"}
    body = arguments.get("body")
    data = None
    if isinstance(body, str):
        data = body.encode("utf-8")
        headers["Content-Type"] = "text/plain; charset=utf-8"
    elif body is not None:
        data = json.dumps(body).encode("utf-8")
        headers["Content-Type"] = "application/json"
    given = arguments.get("headers") or {}
    if not isinstance(given, dict):
        raise Problem("headers must be an object")
    for name, value in given.items():
        headers = {known: text for known, text in headers.items() if known.lower() != name.lower()}
        headers[name] = str(value)
    return urllib.request.Request(url, data=data, headers=headers, method=method)


def answer_of(response):
    raw = response.read(MAX_BODY_BYTES + 1)
    is_truncated = len(raw) > MAX_BODY_BYTES
    charset = response.headers.get_content_charset() or "utf-8"
    try:
        text = raw[:MAX_BODY_BYTES].decode(charset, "replace")
    except LookupError:
        text = raw[:MAX_BODY_BYTES].decode("utf-8", "replace")
    body, is_json = text, False
    if "json" in response.headers.get_content_type() and not is_truncated:
        try:
            body, is_json = json.loads(text), True
        except ValueError:
            pass
    status = response.status
    answer = {
        "success": 200 <= status < 400,
        "status_code": status,
        "headers": {name.lower(): value for name, value in response.headers.items()},
        "body": body,
        "is_json": is_json,
    }
    if is_truncated:
        answer["truncated"] = True
    return answer


def failure(error, host):
    reason = getattr(error, "reason", error)
    kind = type(reason).__name__
    if kind == "SSLCertVerificationError":
        hint = "The server's certificate is not trusted. Certificates are always verified; SSL_CERT_FILE can name another authority."
    elif isinstance(reason, TimeoutError):
        hint = "No answer in time. Raise timeout if the server is slow; if every host fails, the network is not available."
    elif isinstance(reason, ConnectionRefusedError):
        hint = "Nothing listens at that address and port, or the sandbox policy denies it: check the url."
    else:
        hint = "The network is not available: the sandbox policy denies it unless it allows %s. Ask the user to allow it." % host
    return {"success": False, "error": "no answer from %s: %s" % (host, reason), "hint": hint}


def send(arguments):
    request = build(arguments)
    timeout = arguments.get("timeout", 30)
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 < timeout <= 300:
        raise Problem("timeout must be more than 0 and at most 300 seconds")
    try:
        with opener().open(request, timeout=timeout) as response:
            return answer_of(response)
    except urllib.error.HTTPError as error:
        with error:
            return answer_of(error)
    except OSError as error:
        return failure(error, request.host)


def main():
    import http.client

    try:
        answer = send(json.loads(sys.stdin.buffer.read().decode("utf-8")))
    except (Problem, ValueError, RecursionError) as error:
        answer = {"success": False, "error": str(error)}
    except http.client.HTTPException as error:
        answer = {"success": False, "error": "the server does not speak HTTP: %s %s" % (type(error).__name__, error)}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
