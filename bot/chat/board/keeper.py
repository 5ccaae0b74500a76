"""Keep the boards true: post, edit, post anew, and leave alone what refuses.

A board is a row of the database and a message of a channel. All boards show one rendering, but for those that show one
group. Each is edited

* when it would say something else than it does, or when its age is a `PULSE` old,
* once a minute at most; once its message is over an hour old, every five minutes at most, since Discord lets only
  three such edits of a channel through in six seconds (30046),
* only while no alert waits: an edit gives its turn to an alert that comes.

So whatever Discord answers, a channel gets at most one request a minute. A row without a message has perhaps been
posted: by its nonce, and by its mark in the channel, an earlier post is found again.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from bot.chat.board.hung import OFTEN, OLD, SELDOM, Hung, Kept
from bot.chat.board.restart import Restart
from bot.chat.board.sheet import Sheet
from bot.chat.board.wall import Wall
from bot.delivery.handover import Handover
from bot.delivery.outcome import BlockedError, DeliveryError, GaveWayError, Posted, UncertainError, VanishedError
from bot.domain.groups import one_group_id
from bot.domain.steering import Entry
from bot.domain.value import replace
from bot.domain.watch.known import Known
from bot.storage.store import Board, FencedError, StoreError
from bot.telemetry import event

logger = logging.getLogger(__name__)

MOST = 10
"""Boards that there may be."""

LOOK = timedelta(seconds=5)
"""How often it is looked whether anything has changed."""

YIELD = timedelta(seconds=1)
"""How long to wait for alerts, each time."""

FIRST_POLL = timedelta(minutes=1)
"""How long a start waits for its first poll: what was read before is on the boards already."""

LONGEST = timedelta(hours=1)
"""Between two posts of a board that somebody, or something, deletes again and again."""


class Desk(Protocol):
    """What is known; replaced as a whole when anything changes."""

    @property
    def known(self) -> Known:
        """Everything that is known now."""

    @property
    def now(self) -> datetime:
        """The time of day."""


class Store(Protocol):
    """The rows. Each call is one transaction, and raises `StoreError`."""

    async def boards(self) -> tuple[Board, ...]:
        """All of them."""

    async def had_board(self, channel_id: int) -> bool:
        """Whether there ever was one in a channel."""

    async def add_board(self, channel_id: int, entry: Entry) -> Board:
        """There is to be one more."""

    async def note_board(self, channel_id: int, discord_id: int) -> None:
        """Its message is there."""

    async def board_anew(self, channel_id: int, now: datetime) -> Board:
        """Its message is gone."""

    async def remove_board(self, channel_id: int, entry: Entry | None) -> None:
        """There is to be none any more."""


@dataclass(slots=True)
class _Rendering:
    """What boards show, and of what it was made."""

    sheet: Sheet
    of: object
    made_at: float = field(default=0.0)


class Boards:
    """Keeps all boards, until the task that runs it is cancelled. Only the copy that leads has one."""

    def __init__(
        self,
        store: Store,
        wall: Wall,
        desk: Desk,
        render: Callable[[str], Awaitable[Sheet]],
        restart: Restart,
        busy: Callable[[int], bool],
        handover: Handover,
    ) -> None:
        """Wire it.

        Args:
            store: The rows.
            wall: Where the messages are.
            desk: What is known, and the time.
            render: Makes what boards show of it: of the group of that name, or of all where it is empty.
            restart: Learns of each poll.
            busy: Whether something else is to be posted or edited first, in a channel or anywhere.
            handover: Where alerts come from, to which an edit gives way.
        """
        self._store = store
        self._wall = wall
        self._desk = desk
        self._render = render
        self._restart = restart
        self._busy = busy
        self._handover = handover
        self._hung: dict[int, Hung] = {}
        """By channel."""
        self._loaded = False
        self._polled = asyncio.Event()
        self._turn = asyncio.Lock()
        """Held by whoever changes a board: two at once would post it twice."""
        self._adopting: tuple[int, int] | None = None
        """The channel that is to have one by itself, and in whose name."""
        self._news = asyncio.Event()
        """Set when there may be a board where there was none."""
        self._renderings: dict[str, _Rendering] = {}
        """By the name of the group; empty for the whole fleet."""
        self._trouble: type[StoreError] | None = None
        """What the database did last: it is logged once."""

    @property
    def all(self) -> tuple[Kept, ...]:
        """Those that there are."""
        return tuple(map(self._kept, self._hung.values()))

    async def run(self) -> None:
        """Keep them true, for ever. No error ends it."""
        await self._wall.ready()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_POLL.total_seconds()):
                await self._polled.wait()
        while True:
            pause = await self._pass_safely()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if pause is None else pause.total_seconds()):
                    await self._news.wait()
            self._news.clear()

    def polled(self) -> None:
        """A poll has ended."""
        self._restart.polled(self._desk.known)
        self._polled.set()

    def adopt(self, channel_id: int, by: int) -> None:
        """Let a channel have one by itself, unless it has or ever had one; `by` is the bot, for the audit trail."""
        self._adopting = channel_id, by
        self._news.set()

    async def put(self, channel_id: int, by: int) -> Kept | None:
        """Let a channel have a board, and hang it at once; None where there are too many.

        One that is there is brought up to date; a channel that takes none gets none, and `trouble` says why.

        Raises:
            StoreError: It could not be stored, and is not there.
        """
        async with self._turn:
            await self._load()
            each = self._hung.get(channel_id)
            if each is None:
                if len(self._hung) >= MOST:
                    return None
                entry = Entry(self._desk.now, by, "board here", f"in {channel_id}")
                each = Hung(await self._store.add_board(channel_id, entry), certain=True)
                self._hung[channel_id] = each
            each.next_at = float("-inf")
            each.shown = each.pinned = None  # somebody looks: it may have been deleted, or pinned by nobody
            await self._show(each, await self._rendered(channel_id))
            if each.row.discord_id is None and not each.blocked and not each.trouble:
                await self._show(each, await self._rendered(channel_id))  # it was deleted
            if each.blocked and each.row.discord_id is None:
                await self._store.remove_board(channel_id, None)
                del self._hung[channel_id]
            else:
                await self._pin(each)
            self._news.set()
            return self._kept(each)

    async def remove(self, channel_id: int, by: int) -> Kept | None:
        """Take a board down; None where there is none. Its `trouble` says why its message is still there.

        Raises:
            StoreError: It could not be stored; the board is made anew.
        """
        async with self._turn:
            await self._load()
            each = self._hung.get(channel_id)
            if each is None:
                return None
            trouble = ""
            if each.row.discord_id is not None:
                try:
                    await self._wall.delete(channel_id, each.row.discord_id)
                except VanishedError:
                    pass
                except DeliveryError as error:
                    trouble = str(error)
            await self._store.remove_board(channel_id, Entry(self._desk.now, by, "board remove", f"in {channel_id}"))
            del self._hung[channel_id]
            return replace(self._kept(each), trouble=trouble)

    def _kept(self, each: Hung) -> Kept:
        return replace(each.kept, forum=self._wall.forums.get(each.row.channel_id) is not None)

    async def _pass_safely(self) -> timedelta | None:
        try:
            async with self._turn:
                pause = await self._pass()
        except StoreError as error:
            self._complain(error)
        except Exception:  # an edge: whatever goes wrong, the boards are to be tried again
            logger.exception("boards failed")
        else:
            return pause
        return OFTEN

    def _complain(self, error: StoreError) -> None:
        """Once, until another error comes; who cannot write, or leads no more, is told elsewhere."""
        if type(error) not in {FencedError, self._trouble} and not error.unwritable:
            self._trouble = type(error)
            event(logger, logging.ERROR, "boards cannot use the database", error=str(error))

    async def _pass(self) -> timedelta | None:
        """Show what is to be shown; returns how long to wait, None while there is no board."""
        await self._load()
        await self._adopt()
        if not self._hung:
            return None
        now = self._now()
        due = [each for each in self._hung.values() if each.next_at <= now]
        if not due:
            return timedelta(seconds=min(each.next_at for each in self._hung.values()) - now)
        if all(self._busy(each.row.channel_id) for each in due):
            return YIELD
        for each in due:
            if self._busy(each.row.channel_id):
                return YIELD
            sheet = await self._rendered(each.row.channel_id)
            await self._note(each)
            if each.next_at <= self._now() and not each.is_true(sheet):  # another may have met a limit for all
                await self._show(each, sheet)
        return LOOK

    async def _load(self) -> None:
        if not self._loaded:
            # What has no message yet may have been posted by whoever led before, just before it ended.
            self._hung = {row.channel_id: Hung(row, certain=False) for row in await self._store.boards()}
            self._loaded = True

    async def _adopt(self) -> None:
        if self._adopting is None:
            return
        channel_id, by = self._adopting
        if channel_id not in self._hung and len(self._hung) < MOST and not await self._store.had_board(channel_id):
            entry = Entry(self._desk.now, by, "board here", f"in {channel_id}")
            self._hung[channel_id] = Hung(await self._store.add_board(channel_id, entry), certain=True)
        self._adopting = None

    async def _rendered(self, channel_id: int) -> Sheet:
        """What a board is to show; made anew when something is known, and for the time that passes.

        All that show the same show one rendering.
        """
        now, known = self._now(), self._desk.known
        only = known.decisions.one_group.get(one_group_id(channel_id))
        name = only.group if only else ""
        last = self._renderings.get(name)
        if last is None or last.of is not known or now - last.made_at >= OFTEN.total_seconds() / 2:
            self._renderings[name] = last = _Rendering(await self._render(name), known, now)
        return last.sheet

    async def _show(self, each: Hung, sheet: Sheet) -> None:
        """Let one board show that, or say why it does not, and for how long it is left alone."""
        try:
            new = each.row.discord_id is None
            up_to_date = new and await self._post(each, sheet)
            if not up_to_date and each.row.discord_id is not None:
                with self._handover.calling(self._wall.give_way):
                    await self._wall.edit(each.row.channel_id, each.row.discord_id, sheet, each.row.mark)
        except VanishedError as error:
            await self._lost(each, str(error))
        except GaveWayError:
            each.next_at = self._now() + YIELD.total_seconds()
        except DeliveryError as error:
            self._refused(each, error)
        else:
            if each.trouble:
                event(logger, logging.INFO, "board is shown again", channel=each.row.channel_id)
            each.shown, each.trouble, each.blocked = sheet, "", False
            each.next_at = self._now() + each.spacing(self._desk.now).total_seconds()
            await self._note(each)
            if new:
                await self._pin(each)

    async def _pin(self, each: Hung) -> None:
        """Once since it was posted, or asked for again."""
        if each.pinned is None and each.row.discord_id is not None and not each.trouble:
            each.pinned = await self._wall.pin(each.row.channel_id, each.row.discord_id)

    async def _post(self, each: Hung, sheet: Sheet) -> bool:
        """Post it, or find what was posted before; returns whether that shows the sheet."""
        row = each.row
        found = None if each.certain else await self._wall.find(row.channel_id, row.mark, row.created_at)
        if found is None:
            each.certain = False
            try:
                posted = await self._wall.post(row.channel_id, sheet, row.mark)
            except UncertainError:
                raise
            except DeliveryError:
                each.certain = True
                raise
        else:
            posted = Posted(found, up_to_date=False)
        each.row, each.noted, each.pinned = replace(row, discord_id=posted.id), False, None
        return posted.up_to_date

    async def _note(self, each: Hung) -> None:
        """Where it cannot be stored, it is later; a process that dies before finds the message by its mark."""
        if not each.noted and each.row.discord_id is not None:
            try:
                await self._store.note_board(each.row.channel_id, each.row.discord_id)
            except StoreError as error:
                self._complain(error)
            else:
                each.noted = True

    async def _lost(self, each: Hung, why: str) -> None:
        """Its message is gone. The next one comes at once; again and again, it comes later each time."""
        try:
            row = await self._store.board_anew(each.row.channel_id, self._desk.now)
        except StoreError as error:  # nobody may post it before its new mark is stored
            self._complain(error)
            each.next_at = self._now() + OFTEN.total_seconds()
            return
        event(logger, logging.WARNING, "board is gone and made anew", channel=row.channel_id, error=why)
        each.lost = 0 if each.age(self._desk.now) >= OLD else each.lost + 1
        each.row = row
        each.certain, each.noted, each.shown, each.pinned = True, True, None, None
        rest = min(OFTEN * 2 ** (each.lost - 2), LONGEST) if each.lost > 1 else timedelta()
        each.next_at = self._now() + rest.total_seconds()
        self._news.set()

    def _refused(self, each: Hung, error: DeliveryError) -> None:
        blocked = isinstance(error, BlockedError)
        rest = max(SELDOM if blocked else OFTEN, error.after)
        if not each.trouble or blocked > each.blocked:  # once, however long it lasts
            level = logging.ERROR if blocked else logging.WARNING
            event(logger, level, "board cannot be shown", channel=each.row.channel_id, error=str(error))
        each.trouble, each.blocked = str(error), blocked
        each.next_at = self._now() + rest.total_seconds()
        if error.everywhere:
            for other in self._hung.values():
                other.next_at = max(other.next_at, each.next_at)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
