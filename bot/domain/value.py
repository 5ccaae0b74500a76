"""What values are made of."""

from typing import TYPE_CHECKING, dataclass_transform

import msgspec
from msgspec import field

if TYPE_CHECKING:
    from dataclasses import replace  # the same, and mypy holds it to the fields and their types
else:
    from msgspec.structs import replace

__all__ = ["Value", "field", "replace"]


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Value(msgspec.Struct, frozen=True, gc=False):
    """Something that never changes, and equals another of its class whose fields are equal.

    It is declared like a frozen dataclass, for which Python writes and compiles six functions: half a millisecond a
    class, 35 ms of the bot's start. This one is made in C, and so are its instances, in a tenth of the time.

    What is made of nothing but what was there before cannot be part of a circle. So values are not looked at when
    Python looks for garbage, which took 60 ms of each fleet in trouble. Nothing that can change may be in one that
    comes to refer to it.
    """
