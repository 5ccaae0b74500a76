"""The calls that ImaginePro names and does not describe: its queue, and its ban words.

Where they are, the operator says, who has the vendor's documentation. What they answer is shown as it is.
"""

from collections.abc import Collection, Mapping

from bot.imaginepro.errors import MalformedError, NotFoundError, UnpublishedError
from bot.imaginepro.http import NO_VALUES, Line
from bot.imaginepro.tree import Grown, Tree


async def queue(line: Line, name: str, token_id: int | None) -> Tree:
    """See `ImaginePro.queue`."""
    if token_id is None:
        return await _called(line, f"QUEUE_{name}")
    endpoint = line.endpoints[f"QUEUE_{name}"]
    if endpoint.path is not None and not endpoint.about_one:
        words = f"`{endpoint.variable}` has no {{token}} in it, so it is about the whole queue, and not one token's"
        raise NotFoundError(words, certain=True)
    return await _called(line, endpoint.name, {"token": token_id})


async def linked_accounts(line: Line) -> Tree:
    """See `ImaginePro.linked_accounts`."""
    return await _called(line, "LINKED_ACCOUNTS")


async def ban_words(line: Line) -> Tree:
    """See `ImaginePro.ban_words`."""
    return await _called(line, "BANWORDS")


async def change_ban_words(line: Line, add: Collection[str], remove: Collection[str]) -> Tree:
    """See `ImaginePro.change_ban_words`."""
    endpoint = line.endpoints["BANWORDS_UPDATE"]
    if endpoint.path is not None and not endpoint.body:
        words = (
            "ImaginePro does not publish what this call is sent. Copy its body from your documentation into"
            f" `{endpoint.variable}`, behind the path."
        )
        raise UnpublishedError(words, certain=True)
    values: dict[str, object] = {"add": list(add), "remove": list(remove)}
    if '"{words}"' in endpoint.body:
        now = (await ban_words(line)).words()
        if now is None:
            detail = "ImaginePro's list of ban words cannot be read to the letter, so it is not replaced"
            raise NotFoundError(detail, certain=True)
        values["words"] = [*(each for each in now if each not in remove), *(each for each in add if each not in now)]
    return await _called(line, "BANWORDS_UPDATE", values)


async def _called(line: Line, name: str, values: Mapping[str, object] = NO_VALUES) -> Tree:
    kind = _Outcome if line.endpoints[name].changes else Grown
    return await line.call(name, lambda: kind(line.clean), values)


class _Outcome(Grown):
    """The answer to what changes something: that it came does not mean that it says yes."""

    def value(self) -> Tree:
        """The tree.

        Raises:
            MalformedError: It says no. Only a `success` that does so is the API's own word that nothing was done.
        """
        tree = super().value()
        said = tree.refusal()
        if said is None:
            return tree
        message = f"ImaginePro does not accept this call{f' ({said})' if said else ''}"
        raise MalformedError(message, certain=tree.denied)
