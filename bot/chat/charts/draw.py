"""Makes a PNG of an SVG: a program of its own, which reads one from its input and writes the other to its output.

It imports nothing of the bot, and of packages only the one that draws, whose folder is its first argument; the second
is the width of the picture. Whatever happens it ends: the alarm ends it amid the drawing, too, where Python has no say.
"""

import signal
import sys
from pathlib import Path

SECONDS = 20
"""After which it ends whatever it does, should nobody be there any more to end it."""

FAMILY = "DejaVu Sans"


def main() -> None:
    """Draw."""
    if hasattr(signal, "alarm"):
        signal.alarm(SECONDS)
    sys.path.append(sys.argv[1])
    from resvg_py import svg_to_bytes  # noqa: PLC0415 - its folder is known only now

    fonts = sorted(map(str, (Path(__file__).parent / "font").glob("*.ttf")))
    picture = svg_to_bytes(
        svg_string=sys.stdin.buffer.read().decode(),
        width=int(sys.argv[2]),
        skip_system_fonts=True,
        font_files=fonts,
        # A font file alone serves one spelling of one family; where it looks last, it serves all.
        font_family=FAMILY,
        serif_family=FAMILY,
        sans_serif_family=FAMILY,
    )
    sys.stdout.buffer.write(picture)


if __name__ == "__main__":
    main()
