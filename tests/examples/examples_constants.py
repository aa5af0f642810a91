"""Names that the tests of the examples share."""

from datetime import datetime

NOW = datetime.fromisoformat("2026-11-22T01:30:00+08:00")
"""When the region's first night is."""

SMALL = 900
"""Records of a region that is laid out: every feed has some, and a run over it is short."""
