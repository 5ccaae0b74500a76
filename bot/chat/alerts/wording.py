"""What people read of a rule: one row of texts each. The texts are templates over what a story knows."""

from collections.abc import Mapping

import discord

from bot.chat import cards
from bot.domain.incidents import Rule
from bot.domain.value import Value


class Wording(Value):
    """The texts of a rule. An empty one is not said."""

    explained: str
    """When it fires, in a few words, for those who set it."""
    headline: str
    group: str
    """Before the ids of several."""
    many: str = ""
    """The headline of several at once; empty for what cannot happen to several."""
    many_were: str = ""
    """The same once some have ended; empty where `many` tells of the past already."""
    means: str = ""
    do: str = ""
    over: str = ""
    """The headline when it has ended. Empty for what is momentary, and for statuses: what came next words their end."""
    failed: str = ""
    """The headline when it has ended otherwise than well; empty where what it became words its end."""
    why: str = ""
    """What its card says then."""
    state: str = ""
    """What it was, as in "It was ...": of a status, which the headline of its end does not name."""
    sign: tuple[str, discord.Colour] | None = None
    """Instead of the severity's."""
    word: str = ""
    """What it is called once it is over, or is what something else became: no template. Empty where `group` says it."""

    @property
    def short(self) -> str:
        """What it is called in passing."""
        return self.word or self.group


def _fast_time(explained: str) -> Wording:
    """Of all levels: an incident that an older version of the bot stored may be of either rule."""
    return Wording(
        explained=explained,
        headline="{fast_time}",
        group="{fast_time_level}",
        many="{many} ran low on fast time",
        means="{fast_time_means}",
        do="{fast_time_do}",
        over="{name} has fast time again: {level}",
        word="low on fast time",
    )


WORDINGS: Mapping[Rule, Wording] = {
    Rule.BASELINE: Wording(
        explained="the first reading ever",
        headline="Now watching {count}",
        group="now watching",
        means="{overview} From now on, every change is posted here; `/tokens` shows them all.",
        sign=("👀", cards.BLUE),
    ),
    Rule.UPSTREAM_DOWN: Wording(
        explained="ImaginePro does not answer, or not as it should",
        headline="ImaginePro cannot be read",
        group="ImaginePro unreadable",
        means="{numbers} Until it answers, no alert about a token fires or resolves.",
        do="{ask}",
        over="ImaginePro can be read again after {span}",
    ),
    Rule.UPSTREAM_REFUSED: Wording(
        explained="ImaginePro refuses the key, the plan or the payment",
        headline="{refused}",
        group="{refused}",
        word="access refused",
        means="No token can be watched until this is fixed. {numbers}",
        do="{admit}",
        over="ImaginePro lets the bot in again after {span}",
    ),
    Rule.UPSTREAM_STALE: Wording(
        explained="the bot's checks of ImaginePro do not finish",
        headline="The bot gets no new readings",
        group="no new readings",
        means="{unfinished}",
        do="check the bot's log and its host. Restart the bot if this goes on.",
        over="The bot gets new readings again after {span}",
    ),
    Rule.LIST_SHORT: Wording(
        explained="ImaginePro lists hardly any of the tokens that it listed before",
        headline="ImaginePro lists {named}",
        group="ImaginePro lists {named}",
        word="most tokens missing from the list",
        means="Those that are missing stay as they were last read, and none counts as gone.",
        do="if they are gone for good, press “They are gone”. Otherwise nothing yet: the bot keeps asking.",
        over="ImaginePro lists the tokens again after {span}",
    ),
    Rule.CREDITS_LOW: Wording(
        explained="few of your plan's credits at ImaginePro are left, or none",
        headline="{credits_left}",
        group="{credits_level}",
        word="low on ImaginePro credits",
        means="{credits_means}",
        do="buy credits at ImaginePro, or a larger plan; `/account` reads them anew. If your jobs take none, set this"
        " rule off with `/rules set`.",
        over="There are enough ImaginePro credits again after {span}",
    ),
    Rule.PLAN_EXPIRES: Wording(
        explained="your plan at ImaginePro is about to end, or has ended",
        headline="Your ImaginePro plan {plan_end}",
        group="ImaginePro plan {plan_end}",
        word="ImaginePro plan about to end",
        means="{plan_end_means}",
        do="renew it at ImaginePro. If it renews by itself, do nothing: the bot sees the new date within an hour.",
        over="Your ImaginePro plan goes on: it has a new end",
    ),
    Rule.BANNED: Wording(
        explained="the account of a token is blocked",
        headline="{name} is BANNED",
        group="BANNED",
        many="{many} are BANNED",
        many_were="{many} were BANNED",
        means=cards.BANNED.means,
        do=cards.BANNED.do,
        state="BANNED",
    ),
    Rule.VERIFYING: Wording(
        explained="a token waits until a person passes a check",
        headline="{name} {verifying}",
        group="VERIFYING",
        many="{many} are VERIFYING",
        many_were="{many} were VERIFYING",
        means=cards.VERIFYING.means,
        do=cards.VERIFYING.do,
        state="VERIFYING",
    ),
    Rule.DEGRADED: Wording(
        explained="a token is RELAX, though it was FAST or has no relax mode",
        headline="{name} is RELAX{no_longer_fast}",
        group="RELAX{no_longer_fast}",
        many="{many} are RELAX",
        many_were="{many} were RELAX",
        word="RELAX",
        means="{slow}",
        do="{urgent_jobs}{or_speed_up}.",
        state="RELAX",
    ),
    Rule.UNKNOWN_STATUS: Wording(
        explained="a token has a status that this bot does not know",
        headline="{name} has an unknown status: {status}",
        group="unknown status",
        many="{many} have an unknown status",
        many_were="{many} had an unknown status",
        means=cards.UNKNOWN.means,
        do=cards.UNKNOWN.do,
        state="in an unknown status",
    ),
    Rule.RESTORED: Wording(
        explained="a token is FAST again after RELAX",
        headline="{name} is FAST again",
        group="FAST again, no longer RELAX",
        many="{many} are FAST again",
        means="It works at full speed.",
        sign=("✅", cards.GREEN),
    ),
    Rule.FAST_TIME_LOW: _fast_time("a token is running out of fast time"),
    Rule.FAST_TIME_GONE: _fast_time("a token has no fast time left: the last level of fast time low"),
    Rule.DOES_NOT_LAST: Wording(
        explained="at its pace, a token will be out of fast time before the refill",
        headline="{name} {runs_dry}",
        group="{lasts_not} until the refill",
        word="foretold to run dry",
        many="{many} do not last until their refill",
        many_were="{many} were foretold to run dry",
        means="{outlook}{relax_left}",
        do="{its_load}{slower}, or buy {enough}.",
        over="{name} {lasts_after_all}: {level} left",
    ),
    Rule.BURNING_FAST: Wording(
        explained="a token uses so much fast time within an hour that it would be gone in a few more",
        headline="{name} used {burnt} of fast time in an hour: {burns_out} if this goes on",
        group="burning fast",
        word="burning fast",
        many="{many} are burning fast",
        many_were="{many} were burning fast",
        means="{burnt_by}{relax_left}",
        do="see what runs on it, and whether that is meant to; {its_load}{or_buy}.",
        over="{name} is not burning fast any more: {level} left",
    ),
    Rule.SUBSCRIPTION: Wording(
        explained="the plan of a token is not active, or was not renewed",
        headline="{name}: its plan {plan_trouble}",
        group="plan problem",
        many="{many} have plan problems",
        many_were="{many} had plan problems",
        means="{plan_means} Without a plan it will stop working.",
        do="check the account's plan and payment at Midjourney.",
        over="{name}: its plan is in order again after {span}",
    ),
    Rule.QUEUE_STUCK: Wording(
        explained="jobs wait at a token, and none is running",
        headline="{name} has a stuck queue: {queued} and none running",
        group="queue stuck",
        many="{many} have stuck queues",
        many_were="{many} had stuck queues",
        means="Jobs have been waiting for {span}, and nothing works on them.",
        do="look at the account in Discord; {its_jobs}.",
        over="{name}: its queue moves again after {span}",
    ),
    Rule.FROZEN: Wording(
        explained="a token runs jobs, but its fast time does not move",
        headline="{name} runs jobs, but its fast time does not move",
        group="fast time does not move",
        word="fast time not moving",
        many="{many} run jobs, but their fast time does not move",
        many_were="{many} ran jobs, but their fast time did not move",
        means="It has been at {level} for {span}: either the number is old, or the jobs hang.",
        do="check in Discord whether its jobs finish. If they do, only the number is old, and you need do nothing.",
        over="{name}: its fast time moves again after {span}",
    ),
    Rule.INACTIVE: Wording(
        explained="a token is switched off in ImaginePro",
        headline="{name} is switched off",
        group="switched off",
        many="{many} are switched off",
        many_were="{many} were switched off",
        means=cards.OFF.means,
        do="if that was not on purpose, switch it on again.",
        over="{name} is switched on again after {span}",
        sign=("⚫", cards.GREY),
    ),
    Rule.GONE: Wording(
        explained="a token left ImaginePro's list",
        headline="{name} is gone from ImaginePro's list",
        group="gone from the list",
        many="{many} are gone from ImaginePro's list",
        means="It is no longer linked, and no longer watched.",
        do="if that was not on purpose, link it again in ImaginePro.",
        sign=("⚪", cards.GREY),
    ),
    Rule.NEW: Wording(
        explained="a token joined ImaginePro's list",
        headline="{name} is new: {status}",
        group="new",
        many="{many} are new",
        means="It is watched from now on.",
        sign=("🆕", cards.BLUE),
    ),
    Rule.POOL: Wording(
        explained="too few tokens work, or they have too little fast time together",
        headline="{pool}",
        group="{pool}",
        word="The fleet was short of tokens",
        many="The fleet is short of tokens and of fast time",
        means="{pool_means}",
        do="bring tokens back (`/tokens` shows which need a person), and send fewer jobs until then.",
        over="{pool_over} again after {span}",
    ),
    Rule.FLAPPING: Wording(
        explained="a token keeps changing status",
        headline="{name} is {status}, and keeps changing status: {flips} changes so far",
        group="status keeps changing",
        word="unstable",
        many="{many} keep changing status",
        many_were="{many} kept changing status",
        means="Until it has been stable for 30 min, status changes are reported only here.",
        do="look at the account in Discord; {urgent_jobs}.",
        over="{name} has been stable for 30 min, and is {status}",
    ),
    Rule.TEST: Wording(
        explained="somebody asked for a test page",
        headline="Test page: acknowledge it within 5 min",
        group="test page",
        means="Nothing is wrong: this shows whom a critical alert reaches, and how soon. {unmentioned}",
        do="press **Acknowledge**. The test is over then, and this message says how long that took.",
        over="Test: {answered}",
        failed="Test: {answered}",
        why="{unmentioned} {why_unanswered}",
        sign=("🧪", cards.BLUE),
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
CHECKLIST = (
    "A real page would have gone unanswered as well. On the phone of whoever is on call, look at this channel's "
    "notifications (all messages, and role mentions not suppressed), and at Do Not Disturb. Do they have the role "
    "that is mentioned? Was Discord open on a computer, which keeps the phone silent? More: docs/phone.md."
)
UNPOSTED = (
    "It waited for Discord all that time, and so would a real page. The bot's log, and `/health`, say why. Mend that, "
    "and ask for another test."
)
WAIT = "nothing yet: the bot keeps trying. If your jobs fail too, contact ImaginePro's support."
REST = (
    "if your jobs fail, look at your tokens in ImaginePro: it asks to be left alone until {until}, and the bot reads it"
    " again then."
)
UNSEEN = " It asks to be left alone until {until}: the bot tries again then, or when you restart it."
MEND = (
    "check `IMAGINEPRO_API_URL`, that no proxy or firewall answers in ImaginePro's place, and that your plan is DIY."
    " If all is right, contact ImaginePro's support."
)
SLOW = {
    True: "It still works, but jobs wait longer.",
    False: "Its plan has no relax mode, so jobs sent to it may fail.",
    None: "Whether its plan has a relax mode is not known: jobs wait longer, or fail.",
}
