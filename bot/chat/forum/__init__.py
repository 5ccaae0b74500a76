"""A forum as the ops channel: each card is a post, tagged and closed as its incidents live."""

from bot.chat.forum.posts import Posts
from bot.chat.forum.room import Forum, Rows

__all__ = ["Forum", "Posts", "Rows"]
