import argparse
from settings import NAMES, make_default

parser = argparse.ArgumentParser()
parser.add_argument("--name", choices=NAMES, default=make_default(), required=False, help="A " + make_default())
parser.add_argument(*NAMES)
parser.add_argument("--size", type=int, default=None, nargs=NAMES)
args, rest = parser.parse_known_args()
