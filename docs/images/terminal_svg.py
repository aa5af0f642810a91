"""A terminal's output as an SVG picture.

    python docs/images/terminal_svg.py IN.ansi OUT.svg TITLE

``IN.ansi`` is what a program printed to a terminal 82 columns wide. The fonts are those of the
reader's machine: nothing is fetched when the picture is looked at.
"""

import io
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

source, target, title = sys.argv[1:]
console = Console(record=True, width=82, file=io.StringIO(), force_terminal=True)
console.print(Text.from_ansi(Path(source).read_text(encoding="utf-8").strip("\r\n")))
svg = console.export_svg(title=title, unique_id="hefu")
svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.S)
svg = svg.replace("Fira Code", "Noto Sans Mono CJK SC, DejaVu Sans Mono")
Path(target).write_text(svg, encoding="utf-8")
