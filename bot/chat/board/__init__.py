"""The live board: one message a channel that always shows how the fleet stands."""

from bot.chat.board.hung import Kept
from bot.chat.board.keeper import MOST, Boards
from bot.chat.board.keeper import Store as BoardStore
from bot.chat.board.restart import Restart
from bot.chat.board.sheet import Blind, Sheet, sheet
from bot.chat.board.turn import first_come
from bot.chat.board.wall import Wall

__all__ = ["MOST", "Blind", "BoardStore", "Boards", "Kept", "Restart", "Sheet", "Wall", "first_come", "sheet"]
