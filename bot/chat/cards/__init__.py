"""Cards that answer a question: one token, or the fleet. Pure, and inside Discord's limits for any input.

The first line is the answer, the second is why, the third is what to do; the rest is for those who scroll.
"""

from bot.chat.cards.embed import BLUE, DESCRIPTION_LIMIT, GAP, GREEN, GREY, ORANGE, RED, compose
from bot.chat.cards.fleet import fleet_card
from bot.chat.cards.status import (
    BANNED,
    OFF,
    SIGNS,
    TROUBLES,
    UNKNOWN,
    VERIFYING,
    Overview,
    Sign,
    alone,
    amount,
    buying,
    look,
    needs_person,
    overview,
    plan_name,
    plan_word,
    share,
    spare,
    standing,
    status_word,
    to_others,
    urgent,
    worst_first,
)
from bot.chat.cards.token import token_card

__all__ = [
    "BANNED",
    "BLUE",
    "DESCRIPTION_LIMIT",
    "GAP",
    "GREEN",
    "GREY",
    "OFF",
    "ORANGE",
    "RED",
    "SIGNS",
    "TROUBLES",
    "UNKNOWN",
    "VERIFYING",
    "Overview",
    "Sign",
    "alone",
    "amount",
    "buying",
    "compose",
    "fleet_card",
    "look",
    "needs_person",
    "overview",
    "plan_name",
    "plan_word",
    "share",
    "spare",
    "standing",
    "status_word",
    "to_others",
    "token_card",
    "urgent",
    "worst_first",
]
