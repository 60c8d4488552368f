"""The weather of a city: JSON on stdin, one JSON document on stdout."""
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

DEFAULT_BASE_URL = "https://wttr.in"
TIMEOUT_SECONDS = 10
MAX_ANSWER_BYTES = 1 << 20


def fetch(base_url, city):
    url = "%s/%s?format=j1" % (base_url.rstrip("/"), urllib.parse.quote(city, safe=""))
    request = urllib.request.Request(url, headers={"User-Agent": "weather-skill/1.0", "Accept": "application/json"})
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
        return json.loads(response.read(MAX_ANSWER_BYTES))


def text_of(entry, key):
    """wttr.in wraps texts: [{"value": "Sunny"}]."""
    values = entry.get(key) or [{}]
    return str(values[0].get("value", "")).strip()


def tip_for(temperature, felt, description, wind):
    description = description.lower()
    tips = []
    if any(word in description for word in ("thunder", "storm")):
        tips.append("Stay indoors while the storm lasts.")
    elif any(word in description for word in ("rain", "drizzle", "shower")):
        tips.append("Take an umbrella.")
    elif any(word in description for word in ("snow", "sleet", "ice", "blizzard")):
        tips.append("Wear shoes that grip.")
    if min(temperature, felt) <= 5:
        tips.append("Dress warmly.")
    elif max(temperature, felt) >= 30:
        tips.append("Drink enough and keep to the shade.")
    if wind >= 50:
        tips.append("Mind the strong wind.")
    return " ".join(tips) or "Nothing special to prepare for."


def report(weather, city, source):
    now, today = weather["current_condition"][0], weather["weather"][0]
    area = (weather.get("nearest_area") or [{}])[0]
    temperature, felt, wind = int(now["temp_C"]), int(now.get("FeelsLikeC", now["temp_C"])), int(now["windspeedKmph"])
    description = text_of(now, "weatherDesc")
    return {
        "success": True,
        "city": text_of(area, "areaName") or city,
        "temperature": "%d°C" % temperature,
        "weather": description,
        "high": "%d°C" % int(today["maxtempC"]),
        "low": "%d°C" % int(today["mintempC"]),
        "wind": ("%d km/h %s" % (wind, now.get("winddir16Point", ""))).strip(),
        "humidity": "%s%%" % now.get("humidity", "?"),
        "feels_like": "%d°C" % felt,
        "tip": tip_for(temperature, felt, description, wind),
        "source": source,
    }


def weather_of(arguments, environment):
    city = arguments.get("city") if isinstance(arguments, dict) else None
    if not isinstance(city, str) or not city.strip():
        return {"success": False, "error": "city is missing", "hint": "Ask the user which city is meant."}
    city = city.strip()
    base_url = environment.get("WEATHER_BASE_URL") or DEFAULT_BASE_URL
    if not base_url.lower().startswith(("http://", "https://")):
        return {"success": False, "error": "WEATHER_BASE_URL must begin with http:// or https://", "hint": "Correct the setting."}
    host = urllib.parse.urlsplit(base_url).netloc
    try:
        return report(fetch(base_url, city), city, host)
    except urllib.error.HTTPError as error:
        error.close()
        hint = "Check the spelling of the city." if error.code == 404 else "The weather service has a problem; try again later."
        return {"success": False, "error": "%s answered %d for %r" % (host, error.code, city), "hint": hint}
    except OSError as error:
        reason = getattr(error, "reason", error)
        hint = "The network is not available: the sandbox policy denies it unless it allows %s. Ask the user to allow it." % host
        return {"success": False, "error": "no answer from %s: %s" % (host, reason), "hint": hint}
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        hint = "WEATHER_BASE_URL must answer in wttr.in's JSON format."
        return {"success": False, "error": "the answer of %s is not a weather report" % host, "hint": hint}


def main():
    try:
        arguments = json.loads(sys.stdin.buffer.read().decode("utf-8"))
    except (ValueError, RecursionError) as error:
        answer = {"success": False, "error": "the input is not JSON: %s" % error, "hint": 'Send {"city": "..."}.'}
    else:
        answer = weather_of(arguments, os.environ)
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
