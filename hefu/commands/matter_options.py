"""What the commands on matters have in common: which matter, which of a list."""

from __future__ import annotations

from hefu.commands.options import argument, option

MATTER = argument("NUMBER", en="the matter's number or its end", zh="事项编号或者其末尾几位")
MINE = option("--mine", en="those where this agency acts next", zh="只列轮到本机关办理的")
EVERYTHING = option("--all", en="also those that have ended", zh="连同已结束的")
