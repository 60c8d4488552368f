"""Groups, exclusions, odd actions and odd prefixes."""
import argparse


def exclusive(parser, required):
    group = parser.add_mutually_exclusive_group(required=required)
    group.add_argument("--json", dest="form", action="store_const", const="json", default="text")
    group.add_argument("--yaml", dest="form", action="store_const", const="yaml")
    return group


def build(prefixes="-+"):
    parser = argparse.ArgumentParser(prefix_chars=prefixes, conflict_handler="resolve", argument_default=None)
    parser.add_argument("+x", "++extra", dest="extra", action="store_true")
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("--version", "-v", action="version", version="1")
    inner = parser.add_argument_group("source")
    source = inner.add_mutually_exclusive_group(required=True)
    source.add_argument("--url")
    source.add_argument("--file", "-f")
    source.add_argument("--hidden", help=argparse.SUPPRESS)
    exclusive(parser, False)
    parser.add_argument("--tag", dest="tags", action="append_const", const="a")
    parser.add_argument("--mark", dest="tags", action="append_const", const="b")
    parser.add_argument("--more", action="extend", nargs="+", type=int)
    parser.add_argument("--rows", action="append", nargs=2)
    parser.add_argument("--maybe", nargs=argparse.OPTIONAL, const="yes", default="no")
    parser.add_argument("--depth", action="count")
    parser.add_argument("first")
    parser.add_argument("rest", nargs=argparse.ZERO_OR_MORE, type=int)
    return parser


parser = None


def prepare():
    global parser
    parser = build()
    nested = parser.add_subparsers(title="commands", metavar="WHAT", dest="what")

    def leaf(parent, name, *arguments):
        own = parent.add_parser(name)
        for argument in arguments:
            own.add_argument(argument)
        return own

    leaf(nested, "a", "--one", "two")
    deep = leaf(nested, "b").add_subparsers(dest="deeper", required=True)
    run = leaf(deep, "run", "program")
    run.add_argument("arguments", nargs=argparse.REMAINDER)
    (lambda p: p.add_argument("--late", type=int))(leaf(deep, "wait"))


if __name__ == "__main__":
    prepare()
    parser.parse_args()
