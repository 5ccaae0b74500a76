"""What people call tokens: a label beside the id. Pure."""

from collections.abc import Mapping

from bot.domain.value import Value


class Name(Value):
    """What people call a token."""

    token: int
    label: str
    by: int
    """Discord's id of the person who chose it."""

    @property
    def id(self) -> str:
        """There is one for each token."""
        return f"name-{self.token}"


def token_name(token_id: int, names: Mapping[int, str]) -> str:
    """`ana's Pro (1900)`, or `1900` for one without a name. Not escaped: whoever shows it does that."""
    label = names.get(token_id)
    return f"{label} ({token_id})" if label else f"{token_id}"
