"""One arithmetic operation: JSON on stdin, one JSON document on stdout."""
import json
import sys

INFINITY = float("inf")


def divide(a, b):
    if isinstance(a, int) and isinstance(b, int) and a % b == 0:
        return a // b
    return a / b


OPERATIONS = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": divide,
}


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -INFINITY < value < INFINITY


def calculate(arguments):
    if not isinstance(arguments, dict):
        return {"error": "the input must be a JSON object with operation, a and b"}
    name, a, b = arguments.get("operation"), arguments.get("a"), arguments.get("b")
    operation = OPERATIONS.get(name) if isinstance(name, str) else None
    if operation is None:
        return {"error": "operation must be one of " + ", ".join(OPERATIONS)}
    for operand, value in (("a", a), ("b", b)):
        if not is_number(value):
            return {"error": operand + " must be a finite number"}
    try:
        result = operation(a, b)
    except ZeroDivisionError:
        return {"error": "division by zero"}
    except OverflowError:
        return {"error": "the result is too large"}
    if not is_number(result):
        return {"error": "the result is too large"}
    return {"operation": name, "a": a, "b": b, "result": result}


def main():
    try:
        arguments = json.load(sys.stdin)
    except (ValueError, RecursionError) as error:
        answer = {"error": "the input is not JSON: " + str(error)}
    else:
        answer = calculate(arguments)
    try:
        text = json.dumps(answer)
    except ValueError:
        # Python refuses to print integers of more than 4,300 digits.
        text = json.dumps({"error": "the result is too large"})
    print(text)


if __name__ == "__main__":
    main()
