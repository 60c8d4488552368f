"""Statistics over a table: JSON on stdin, one JSON document on stdout."""
import json
import sys

MISSING = ("", "na", "n/a", "nan", "null", "none")
OPERATIONS = ("describe", "mean", "sum", "count", "min", "max", "median")
NUMBERS_ONLY = ("mean", "sum", "median")


class Problem(Exception):
    """Something the caller can put right."""


def load_table(arguments):
    """The rows as dictionaries, and the columns in their order."""
    data, path = arguments.get("data"), arguments.get("file")
    if data is None and path is None:
        raise Problem("give the table as data (CSV or JSON text) or name a file")
    if data is None:
        if not isinstance(path, str):
            raise Problem("file must be a path")
        try:
            with open(path, encoding="utf-8-sig", newline="") as file:
                data = file.read()
        except (OSError, ValueError) as error:
            raise Problem("file %r cannot be read: %s" % (path, error))
    if isinstance(data, str):
        text = data.lstrip("\ufeff \t\r\n")
        rows, columns = from_json(text) if text.startswith(("[", "{")) else from_csv(text)
    else:
        rows, columns = from_records(data)
    if not columns:
        raise Problem("the table is empty; give a header line and rows, or an array of objects")
    return rows, columns


def from_json(text):
    try:
        return from_records(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise Problem("data is not valid JSON: %s" % error)


def from_records(records):
    if isinstance(records, dict):
        records = [records]
    if not isinstance(records, list) or not all(isinstance(row, dict) for row in records):
        raise Problem("JSON data must be an array of objects, one for each row")
    return records, list(dict.fromkeys(column for row in records for column in row))


def from_csv(text):
    import csv

    csv.field_size_limit(sys.maxsize)
    header = text.split("\n", 1)[0]
    delimiter = max(",;\t|", key=header.count)
    try:
        rows = [row for row in csv.reader(text.splitlines(True), delimiter=delimiter) if row]
    except csv.Error as error:
        raise Problem("data is not valid CSV: %s" % error)
    names = [name.strip() for name in rows[0]] if rows else []
    return [dict(zip(names, row)) for row in rows[1:]], list(dict.fromkeys(names))


def present(value):
    """The value, its text read as a number where it is one; None where it is missing."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return value if -float("inf") < value < float("inf") else None
    if value is None:
        return None
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    value = value.strip()
    if value.lower() in MISSING:
        return None
    if value[:1] == "0" and value[1:2].isdigit():
        return value  # 01234 is a code, not a number
    for number in (int, float):
        try:
            read = number(value)
        except ValueError:
            continue
        return read if "_" not in value and -float("inf") < read < float("inf") else value
    return value


def quantile(ordered, share):
    position = (len(ordered) - 1) * share
    low = int(position)
    high = min(low + 1, len(ordered) - 1)
    if ordered[low] == ordered[high]:
        return ordered[low]
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


def total(values):
    if all(isinstance(value, int) for value in values):
        return sum(values)
    import math

    return math.fsum(values)


def describe(values, rows, is_number):
    summary = {"type": "number" if is_number else "text", "count": len(values), "missing": rows - len(values)}
    if is_number and values:
        ordered = sorted(values)
        mean = total(values) / len(values)
        spread = total([(value - mean) ** 2 for value in values])
        summary["mean"] = mean
        summary["std"] = (spread / (len(values) - 1)) ** 0.5 if len(values) > 1 else None
        summary.update({"min": ordered[0], "25%": quantile(ordered, 0.25), "50%": quantile(ordered, 0.5)})
        summary.update({"75%": quantile(ordered, 0.75), "max": ordered[-1]})
    elif values:
        counts = {}
        for value in values:
            counts[value] = counts.get(value, 0) + 1
        top = max(counts, key=counts.get)
        summary.update({"unique": len(counts), "top": top, "freq": counts[top]})
    return summary


def compute(operation, values, rows, is_number):
    if operation == "describe":
        return describe(values, rows, is_number)
    if operation == "count":
        return len(values)
    if not values:
        return 0 if operation == "sum" else None
    if operation == "sum":
        return total(values)
    if operation == "mean":
        return total(values) / len(values)
    if operation == "median":
        return quantile(sorted(values), 0.5)
    return min(values) if operation == "min" else max(values)


def analyze(arguments):
    if not isinstance(arguments, dict):
        raise Problem("the input must be a JSON object")
    operation = arguments.get("operation", "describe")
    if operation not in OPERATIONS:
        raise Problem("operation must be one of " + ", ".join(OPERATIONS))
    rows, columns = load_table(arguments)
    wanted = arguments.get("column")
    if wanted is not None and wanted not in columns:
        raise Problem("there is no column %r; the columns are: %s" % (wanted, ", ".join(columns)))
    result = {}
    for column in columns if wanted is None else [wanted]:
        values = [value for value in (present(row.get(column)) for row in rows) if value is not None]
        is_number = all(not isinstance(value, str) for value in values)
        if not is_number:
            values = [str(row[column]).strip() for row in rows if present(row.get(column)) is not None]
            if operation in NUMBERS_ONLY:
                if wanted is not None:
                    raise Problem("column %r holds text; %s needs numbers" % (wanted, operation))
                continue
        result[column] = compute(operation, values, len(rows), is_number)
    if wanted is None and not result:
        raise Problem("no column holds only numbers; %s needs numbers" % operation)
    answer = result if wanted is None else result[wanted]
    return {"success": True, "operation": operation, "result": answer, "shape": [len(rows), len(columns)]}


def main():
    try:
        answer = analyze(json.loads(sys.stdin.buffer.read().decode("utf-8")))
        text = json.dumps(answer, allow_nan=False)
    except Problem as problem:
        text = json.dumps({"success": False, "error": str(problem)})
    except OverflowError:
        text = json.dumps({"success": False, "error": "the numbers are too large to compute with"})
    except (ValueError, RecursionError) as error:
        text = json.dumps({"success": False, "error": "the input cannot be read: %s" % error})
    print(text)


if __name__ == "__main__":
    main()
