"""The calls that answer with tokens: the whole fleet, one token, and the switch of one."""

from collections.abc import Mapping
from http import HTTPStatus

from bot.domain.model import Token
from bot.imaginepro.errors import NotFoundError, UpstreamError
from bot.imaginepro.http import Line
from bot.imaginepro.wire import Reader

_WANTED = "tokens"


async def fleet(line: Line, reader: Reader, known: Mapping[int, Token], patience: float) -> dict[int, Token]:
    """See `ImaginePro.fleet`."""
    try:
        return await line.call("LIST", lambda: reader.answer(known), patience=patience, wanted=_WANTED)
    except UpstreamError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        detail = f"the API has no list of tokens: its URL is wrong, or the plan is not DIY ({error.detail})"
        raise NotFoundError(
            detail, status=error.status, retry_after=error.retry_after, certain=error.certain
        ) from error


async def token(line: Line, token_id: int) -> Token:
    """See `ImaginePro.token`."""
    reader = Reader()
    found = await line.call("TOKEN", reader.answer, {"token": token_id}, wanted=_WANTED)
    if token_id not in found:
        message = f"ImaginePro's answer has no token {token_id}"
        raise NotFoundError(message)
    return found[token_id]


async def toggle(line: Line, token_id: int, *, active: bool) -> Token | None:
    """See `ImaginePro.toggle`."""
    reader = Reader()
    found = await line.call("TOGGLE", reader.answer, {"token": token_id, "active": active}, wanted=_WANTED)
    return found.get(token_id)
