"""Arguments from tables."""
import argparse
import sys
from itertools import chain

KINDS = {"text": {"suffix": ".txt"}, "page": {"suffix": ".html"}, "_raw": {"suffix": ""}}
ARGUMENTS = {
    "--size": dict(type=int, default=10, help="At most %(default)s"),
    "--name": {"required": True},
    ("-q", "--quiet"): {"action": "store_true"},
}
PLAIN = {k: v["suffix"] for k, v in KINDS.items() if not k.startswith("_")}
ALL = {*PLAIN, "all"} | {"none"}
SIDES = [f"{a}-{b}" for a in ("left", "right") for b in ("top", "bottom")]
PAIRS = list(zip(("alpha", "beta"), (1, 2.5)))
extra = []
extra.append("first")
extra += ["second"]
extra.extend(x.upper() for x in ("third",))


def add(parser, name, *rest, prefix="", **keywords):
    flags = [f"--{prefix}{name}"] + [f"-{letter}" for letter in rest]
    return parser.add_argument(*flags, **keywords)


def main():
    parser = argparse.ArgumentParser(description="Tables of {}".format(len(ARGUMENTS)))
    for flags, keywords in ARGUMENTS.items():
        flags = flags if isinstance(flags, tuple) else (flags,)
        parser.add_argument(*flags, **keywords)
    for index, (name, value) in enumerate(PAIRS, start=1):
        add(parser, name, prefix=f"p{index}-", default=value, type=type(value) if False else float)
    for kind in PLAIN:
        if kind == "page":
            continue
        add(parser, "only-" + kind, kind[0], action="store_true")
    parser.add_argument("--kind", choices=list(PLAIN), default=next(iter(["text"])))
    parser.add_argument("--which", choices=ALL)
    parser.add_argument("--side", choices=SIDES[1:3], default=SIDES[-2])
    parser.add_argument("--extra", choices=extra, nargs="+", default=extra[:1])
    parser.add_argument("--chained", choices=list(chain(extra, ["fourth"])))
    parser.add_argument("--keys", choices=KINDS.keys(), default=max("text", "page") if len(KINDS) > 5 else "text")
    if sys.version_info >= (3, 9):
        parser.add_argument("--colour", action=argparse.BooleanOptionalAction, default=True)
    else:
        parser.add_argument("--colour", action="store_true", default=True)
    parser.add_argument("--%s" % "percent", dest="per_cent", type=float, default=5 / 100)
    action = parser.add_argument("--late")
    action.choices = ["now", "never"]
    action.default = "never"
    return parser.parse_args()


if __name__ == "__main__":
    main()
