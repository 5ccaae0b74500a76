"""What alerts say: one row of texts a rule. The texts are templates over what a story knows."""

from collections.abc import Mapping

import discord

from bot.chat import cards
from bot.domain.incidents import Rule
from bot.domain.value import Value


class Wording(Value):
    """The texts of a rule. An empty one is not said."""

    headline: str
    group: str
    """Before the ids of several."""
    many: str = ""
    """The headline of several at once; empty for what cannot happen to several."""
    means: str = ""
    do: str = ""
    over: str = ""
    """The headline when it has ended. Empty for what is momentary, and for statuses: what came next words their end."""
    state: str = ""
    """What it was in, as in "no longer ..."."""
    sign: tuple[str, discord.Colour] | None = None
    """Instead of the severity's."""


WORDINGS: Mapping[Rule, Wording] = {
    Rule.BASELINE: Wording(
        headline="Now watching {count}",
        group="now watching",
        means="{overview} From now on, every change is posted here; `/tokens` shows them all.",
        sign=("👀", cards.BLUE),
    ),
    Rule.UPSTREAM_DOWN: Wording(
        headline="ImaginePro cannot be read",
        group="ImaginePro could not be read",
        means="All numbers stay as they were last read, and no token is judged until it answers.",
        do="{ask}",
        over="ImaginePro can be read again after {span}",
    ),
    Rule.UPSTREAM_REFUSED: Wording(
        headline="ImaginePro refuses the API key",
        group="ImaginePro refused the API key",
        means="No token can be watched until this is mended; all numbers stay as they were last read.",
        do="check the key and the plan in ImaginePro, set `IMAGINEPRO_API_KEY`, and restart the bot.",
        over="ImaginePro accepts the API key again after {span}",
    ),
    Rule.UPSTREAM_STALE: Wording(
        headline="The bot gets no new readings",
        group="no new readings",
        means="No poll of ImaginePro has ended for a while. All numbers stay as they were last read.",
        do="check the bot's log and its host; restart the bot if this does not pass.",
        over="The bot gets new readings again after {span}",
    ),
    Rule.BANNED: Wording(
        headline="{name} is BANNED",
        group="BANNED",
        many="{many} got BANNED",
        means=cards.BANNED.means,
        do=cards.BANNED.do,
        state="BANNED",
    ),
    Rule.VERIFYING: Wording(
        headline="{name} is VERIFYING{unanswered}",
        group="VERIFYING",
        many="{many} went VERIFYING",
        means=cards.VERIFYING.means,
        do=cards.VERIFYING.do,
        state="VERIFYING",
    ),
    Rule.DEGRADED: Wording(
        headline="{name} is RELAX, no longer FAST",
        group="RELAX, no longer FAST",
        many="{many} fell from FAST to RELAX",
        means="{slow}",
        do="{urgent_jobs}{or_speed_up}.",
        state="RELAX",
    ),
    Rule.UNKNOWN_STATUS: Wording(
        headline="{name} has an unknown status: {status}",
        group="unknown status",
        many="{many} went into an unknown status",
        means=cards.UNKNOWN.means,
        do=cards.UNKNOWN.do,
        state="in an unknown status",
    ),
    Rule.RESTORED: Wording(
        headline="{name} is FAST again",
        group="FAST again, no longer RELAX",
        many="{many} are FAST again",
        means="It works at full speed.",
        sign=("✅", cards.GREEN),
    ),
    Rule.FAST_TIME_LOW: Wording(
        headline="{name} has {only}{left}",
        group="under {step} fast time",
        many="{many} ran low on fast time",
        means="That is under {step}{soon}. {relax_left}",
        do="{its_load}{or_buy}.",
        over="{name} is above {step} fast time again: {level}",
        state="under {step} fast time",
    ),
    Rule.FAST_TIME_GONE: Wording(
        headline="{name} has no fast time left",
        group="no fast time left",
        many="{many} ran out of fast time",
        means="{relax_now}",
        do="{its_jobs}{or_buy}.",
        over="{name} has fast time again: {level}",
        state="without fast time",
    ),
    Rule.SUBSCRIPTION: Wording(
        headline="{name}: its plan {plan_trouble}",
        group="plan not in order",
        many="{many} came into trouble with their plans",
        means="{plan_means} Without a plan it will stop working.",
        do="look at the account's plan and payment at Midjourney.",
        over="{name}: its plan is in order again after {span}",
        state="in trouble with its plan",
    ),
    Rule.QUEUE_STUCK: Wording(
        headline="{name} has a stuck queue: {queued} and none running",
        group="queue stuck",
        many="{many} got stuck with their queues",
        means="It has been so for {span}: jobs wait, and nothing works on them.",
        do="look at the account in Discord; {its_jobs}.",
        over="{name}: its queue moves again after {span}",
        state="stuck with its queue",
    ),
    Rule.FROZEN: Wording(
        headline="{name} runs jobs, but its fast time does not move",
        group="fast time does not move",
        many="{many} run jobs, and their fast time does not move",
        means="It has been at {level} for {span}: the number is old, or the jobs hang.",
        do="see in Discord whether its jobs get done. If they do, only the number is old.",
        over="{name}: its fast time moves again after {span}",
        state="without movement of its fast time",
    ),
    Rule.INACTIVE: Wording(
        headline="{name} was switched off",
        group="switched off",
        many="{many} were switched off",
        means=cards.OFF.means,
        do="nothing, if that was on purpose.",
        over="{name} is switched on again after {span}",
        state="switched off",
        sign=("⚫", cards.GREY),
    ),
    Rule.GONE: Wording(
        headline="{name} is gone from ImaginePro's list",
        group="gone from the list",
        many="{many} are gone from ImaginePro's list",
        means="It is no longer linked, and no longer watched.",
        do="nothing, if that was on purpose; otherwise link it again.",
        sign=("⚪", cards.GREY),
    ),
    Rule.NEW: Wording(
        headline="{name} is new, and {status}",
        group="new",
        many="{many} are new",
        means="It is watched from now on.",
        sign=("🆕", cards.BLUE),
    ),
    Rule.POOL: Wording(
        headline="{pool}",
        group="{pool}",
        many="The fleet is short of tokens and of fast time",
        means="{pool_means}",
        do="bring tokens back (`/tokens` shows which need a person), and send fewer jobs until then.",
        over="{pool_over} again after {span}",
        state="short",
    ),
    Rule.FLAPPING: Wording(
        headline="{name} keeps changing its status: {flips} times so far",
        group="status keeps changing",
        many="{many} began to change their status again and again",
        means="Until it is calm for half an hour, only this message says how its status changes. Now it is {status}.",
        do="look at the account in Discord; {urgent_jobs}.",
        over="{name} is calm again after {span}, and {status}",
        state="changing its status all the time",
    ),
}

MOMENTARY = frozenset({Rule.BASELINE, Rule.RESTORED, Rule.GONE, Rule.NEW})
"""They notify once, and are resolved at once: their end is not worth a word."""

RELAX_LEFT = {
    True: "At 0 it goes on in relax mode, slowly.",
    False: "Its plan has no relax mode: at 0 it stops.",
    None: "Whether its plan goes on in relax mode is not known.",
}
RELAX_NOW = {
    True: "It goes on in relax mode: jobs wait longer.",
    False: "Its plan has no relax mode: jobs sent to it fail.",
    None: "It goes on in relax mode if its plan has one; whether it has is not known.",
}
WAIT = "nothing yet, the bot keeps asking. If your jobs fail as well, write to ImaginePro."
MEND = "check `IMAGINEPRO_API_URL`, and that your plan is DIY; if both are right, write to ImaginePro."
SLOW = {
    True: "It still works, but jobs wait longer.",
    False: "Its plan has no relax mode, so jobs sent to it may fail.",
    None: "It still works, but jobs wait longer.",
}
