"""What an officer gives with a transfer: goods, and when it was done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemas.errors import ConfigError
from schemas.text import Text

if TYPE_CHECKING:
    from flows.transfer_records import Goods


def goods_of(text: str) -> Goods:
    from flows.transfer_records import Goods

    parts = [part.strip() for part in text.replace("；", ";").split(";")]
    if not parts[0] or len(parts) > 3:
        raise ConfigError(
            Text(en="--goods is not of the form", zh="--goods 的写法不对"),
            hint=Text(en="write NAME;QUANTITY;PLACE", zh="请写成 名称;数量;存放地点"),
        )
    return Goods(*parts)


def act_time_of(text: str | None) -> dict[str, Any]:
    from hefu.commands.act_options import time_of

    return {"act_time": time_of("--time", text)} if text else {}
