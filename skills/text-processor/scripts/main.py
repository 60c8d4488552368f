"""Mechanical work on a text: JSON on stdin, one JSON document on stdout."""
import json
import sys

SENTENCE_ENDS = ".!?。！？…"


def load_config():
    path = __file__.replace("\\", "/").rpartition("/scripts/")[0] + "/assets/config.json"
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def normalized(text):
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(" ".join(part for part in line.replace("\t", " ").split(" ") if part) for line in lines)


def trimmed(text):
    return "\n".join(line.rstrip() for line in text.strip().split("\n"))


def reversed_text(text):
    if text.isascii():
        return text[::-1]
    import unicodedata

    clusters = []
    for character in text:
        joins = clusters and (
            unicodedata.combining(character)
            or unicodedata.category(character) in ("Mn", "Me", "Mc")
            or character == "\u200d"
            or clusters[-1].endswith("\u200d")
            or "\U0001f3fb" <= character <= "\U0001f3ff"
        )
        if joins:
            clusters[-1] += character
        else:
            clusters.append(character)
    return "".join(reversed(clusters))


def statistics(text, words_per_minute):
    words = text.split()
    sentences, is_inside = 0, False
    for character in text:
        if character in SENTENCE_ENDS:
            sentences += is_inside
            is_inside = False
        elif character.isalnum():
            is_inside = True
    return {
        "characters": len(text),
        "characters_without_spaces": sum(len(word) for word in words),
        "words": len(words),
        "lines": len(text.splitlines()),
        "sentences": sentences + is_inside,
        "reading_seconds": -(-len(words) * 60 // words_per_minute),
    }


OPERATIONS = {"upper": str.upper, "lower": str.lower, "reverse": reversed_text, "trim": trimmed, "count": None}


def process(arguments, config):
    if not isinstance(arguments, dict) or not isinstance(arguments.get("text"), str):
        return {"success": False, "error": "text is missing; give the text to work on as a string"}
    original = arguments["text"]
    operation = arguments.get("operation", config["default_operation"])
    if not isinstance(operation, str) or operation not in OPERATIONS:
        return {"success": False, "error": "operation must be one of " + ", ".join(OPERATIONS)}
    if len(original) > config["max_characters"]:
        return {"success": False, "error": "the text has more than %d characters; split it" % config["max_characters"]}
    text = normalized(original) if arguments.get("normalize", config["normalize"]) else original
    answer = {"success": True, "original": original, "operation": operation}
    if operation == "count":
        answer["statistics"] = statistics(text, config["words_per_minute"])
    else:
        answer["processed"] = OPERATIONS[operation](text)
    return answer


def main():
    try:
        answer = process(json.loads(sys.stdin.buffer.read().decode("utf-8")), load_config())
    except (ValueError, RecursionError) as error:
        answer = {"success": False, "error": "the input is not JSON: " + str(error)}
    except OSError as error:
        answer = {"success": False, "error": "assets/config.json cannot be read: " + str(error)}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
