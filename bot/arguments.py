"""What `python -m bot` can be told: `check`, `copy`, `demo`. A host tells it nothing, and does without this."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from bot import __version__
from bot.domain.redaction import redact

SCRIPT = "imaginepro-bot"

LAST_PORT = 2**16 - 1


class _Parser(argparse.ArgumentParser):
    """Quotes no password of what it does not understand."""

    def error(self, message: str) -> NoReturn:
        """Say it, and end."""
        super().error(redact(message))


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """What they ask for, as `command` and the options of that; ends by `SystemExit` where they say nothing that is."""
    # An installation makes a script of that name; whoever runs a clone has none.
    prog = SCRIPT if Path(sys.argv[0]).stem == SCRIPT else "python -m bot"
    parser = _Parser(prog=prog, description="Watches the tokens linked to ImaginePro.")
    parser.add_argument("--version", action="version", version=f"imaginepro-bot {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command")
    commands.add_parser("run", help="run the bot (the default)")
    commands.add_parser("check", help="try all that the settings name; posts nothing in Discord")
    copy = commands.add_parser("copy", help="copy everything into another database, on which the bot then goes on")
    copy.add_argument("--from", dest="source", metavar="URL", help="the old database; by default that of DATABASE_URL")
    what = copy.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--to", metavar="URL", help="the new database, with nothing in it; - reads it from standard input"
    )
    what.add_argument("--undo", action="store_true", help="let a bot start again on a database that was copied")
    demo = commands.add_parser("demo", help="the bot on a local page: no Discord, no ImaginePro, no credentials")
    demo.add_argument("--port", type=_port, default=8765, help="port of the page; 0 for any free one")
    demo.add_argument(
        "--host",
        default="127.0.0.1",
        help="where the page is served: 127.0.0.1 for this machine alone, the default; 0.0.0.0 for whoever reaches it",
    )
    return parser.parse_args(arguments)


def _port(text: str) -> int:
    """Raises ArgumentTypeError where it is none."""
    port = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= port <= LAST_PORT:
        problem = f"{text} is no port: write a number from 0 to {LAST_PORT}"
        raise argparse.ArgumentTypeError(problem)
    return port
