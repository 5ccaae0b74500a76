"""`/account` and `/promptcheck`, over HTTP, as people ask for them."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

import pytest

from bot.billing import Billing
from bot.chat.cards.account import account_card, credits_left, plan_end
from bot.chat.refusals import refused
from bot.domain.account import Account
from bot.domain.incidents import Rule
from bot.domain.model import Severity
from bot.domain.rules.account import CREDITS
from bot.domain.rules.policy import Policy
from bot.domain.steering import Setting
from bot.domain.value import replace
from bot.domain.watch.known import Changes, Known
from bot.imaginepro.client import (
    MalformedError,
    NotFoundError,
    RateLimitedError,
    RefusedError,
    ServerError,
    TimedOutError,
    UnpublishedError,
    UnreachableError,
    UpstreamError,
)
from bot.sandbox import imaginepro as sandbox
from bot.sandbox.imaginepro import Fault, Upstream
from bot.storage.store import StoreUnavailableError
from tests.chat.builders import NOON
from tests.chat.checks import assert_fits, assert_harmless, texts
from tests.chat.conftest import FakeDesk, World
from tests.chat.test_commands import said
from tests.chat.test_steering import refusal, use
from tests.imaginepro.test_client import client_and, upstream_of

DAYS = timedelta(days=1)
USUAL = Account("DIY", quota=1600, credits=1200, extra=0, expires_at=NOON + 21 * DAYS, email="a…@example.com")


def closing(fault: Fault) -> Fault:
    """The same, with the connection closed: simcord would wait for one that is kept for the next call."""
    return replace(fault, headers=(*fault.headers, ("Connection", "close")))


class Moving(FakeDesk):
    """A desk that moves as the monitor does."""

    async def move(self, doing: Callable[[Known, datetime], tuple[Changes, Known]]) -> Changes:
        """It is as that says."""
        return self._keep(doing(self.known, self.now))


@pytest.fixture
def desk() -> Moving:
    """A fleet of three."""
    return Moving()


@pytest.fixture
async def upstream(world: World, desk: Moving) -> AsyncIterator[Upstream]:
    """ImaginePro, whom the bot asks."""
    simulated = upstream_of(1900)
    simulated.clock = lambda: NOON
    simulated.account |= {"creditsExtra": 0, "expiredAt": (NOON + 21 * DAYS).isoformat()}
    simulated.fail(closing(Fault()))
    async with client_and(simulated) as api:
        client = await world.restart(world.role)
        client.upstream = api
        client.billing = Billing(api, desk, lambda: desk.now)
        yield simulated


def card(account: Account, *, age: timedelta = timedelta(), policy: Policy | None = None) -> str:
    """What the card says."""
    embed = account_card(account, NOON - age, NOON, policy or Policy())
    return f"{embed.title}\n{embed.description}"


async def test_the_first_line_is_the_answer(world: World, upstream: Upstream) -> None:
    upstream.account |= {"credits": 1200}
    shown = said(await world.operator.slash(world.channel, "account"))
    noon, ends = int(NOON.timestamp()) + 60, int((NOON + 21 * DAYS).timestamp())
    assert shown == "\n".join(
        [
            "",
            "🟢 1,200 of 1,600 credits left; the plan ends in 21 days",
            "▰▰▰▰▰▰▰▰▰▱▱▱ **75 %**",
            "**1,200 of 1,600** credits of this period left",
            "\u200b",
            f"**Plan** DIY · ends <t:{ends}:R>, <t:{ends}:f>",
            "**Owner** F…\\@example\\.com",
            "**Alerts** under 10 % of the credits · 7 d before the end",
            "\u200b",
            f"read <t:{noon}:R>",
        ]
    )


async def test_the_address_of_its_owner_is_nowhere(world: World, upstream: Upstream) -> None:
    await world.operator.slash(world.channel, "account")
    assert upstream.canary not in "".join(str(each.json) for each in world.env.http_requests)


async def test_who_asks_twice_within_half_a_minute_costs_one_call(world: World, upstream: Upstream) -> None:
    for _ in range(2):
        await world.operator.slash(world.channel, "account")
    assert [each.endpoint for each in upstream.calls] == ["ACCOUNT"]
    world.desk.now = world.desk.now + timedelta(seconds=30)
    await world.operator.slash(world.channel, "account")
    assert len(upstream.calls) == 2


async def test_what_is_asked_for_is_judged_as_well(world: World, upstream: Upstream) -> None:
    upstream.account |= {"credits": 120}
    assert said(await world.operator.slash(world.channel, "account")).startswith("\n🟠 120 of 1,600 credits left; ")
    assert world.desk.known.incidents[CREDITS].severity is Severity.WARNING
    upstream.account |= {"credits": 1600}
    world.desk.now = world.desk.now + timedelta(minutes=1)
    await world.operator.slash(world.channel, "account")
    assert CREDITS not in world.desk.known.incidents


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (sandbox.UNAUTHORIZED, "ImaginePro refuses the API key, or its credits are used up. **Do:** check in"),
        (sandbox.OUT_OF_CREDITS, "ImaginePro asks for payment: out of credits, or the subscription ended. **Do:**"),
        (sandbox.FORBIDDEN, "ImaginePro forbids this call: the plan may not be DIY. **Do:** check that your plan"),
        (sandbox.NOT_FOUND, "ImaginePro has nothing at the address of this call, or not for your plan."),
        (sandbox.WEB_PAGE, "ImaginePro's answer could not be understood. Try again in a minute."),
        (Fault(body=b"{}"), "ImaginePro's answer could not be understood. Try again in a minute."),
    ],
)
async def test_a_refusal_is_worded_and_what_was_read_before_is_shown_with_its_age(
    world: World, upstream: Upstream, fault: Fault, words: str
) -> None:
    upstream.fail(closing(fault), times=1, at="ACCOUNT")
    assert said(await world.operator.slash(world.channel, "account")).startswith(words)
    assert world.desk.known.incidents == {}
    await world.operator.slash(world.channel, "account")
    upstream.fail(closing(fault), times=1, at="ACCOUNT")
    world.desk.now = world.desk.now + timedelta(hours=2)
    shown = said(await world.operator.slash(world.channel, "account"))
    assert shown.startswith(words)
    assert "\n⚪ 1,240 of 1,600 credits left; the plan ends in 21 days\n⚠️ **These numbers are old**, from <t:" in shown


async def test_a_database_that_takes_no_note_costs_nobody_the_answer(world: World, upstream: Upstream) -> None:
    upstream.account |= {"credits": 120}
    world.desk.broken = StoreUnavailableError("away")
    shown = said(await world.operator.slash(world.channel, "account"))
    assert shown.startswith("The database took no note of it, so alerts stay as they were.\n🟠 120 of 1,600")


@pytest.mark.parametrize(
    ("account", "left", "ends"),
    [
        (USUAL, "1,200 of 1,600 credits left", "the plan ends in 21 days"),
        (replace(USUAL, extra=1000), "1,200 of 1,600 credits and 1,000 extra left", "the plan ends in 21 days"),
        (replace(USUAL, credits=1, quota=None), "1 credit left", "the plan ends in 21 days"),
        (replace(USUAL, credits=2000), "2,000 credits left", "the plan ends in 21 days"),
        (replace(USUAL, credits=0), "0 of 1,600 credits left", "the plan ends in 21 days"),
        (replace(USUAL, credits=None), "credits not known", "the plan ends in 21 days"),
        (replace(USUAL, credits=None, extra=5), "credits not known, 5 extra left", "the plan ends in 21 days"),
        (replace(USUAL, expires_at=NOON + DAYS / 2), "1,200 of 1,600 credits left", "the plan ends in 12 h"),
        (replace(USUAL, expires_at=NOON - 2 * DAYS), "1,200 of 1,600 credits left", "the plan ended 2 days ago"),
        (replace(USUAL, expires_at=None), "1,200 of 1,600 credits left", "when the plan ends is not known"),
        (
            replace(USUAL, expires_at=NOON - 1500 * DAYS),
            "1,200 of 1,600 credits left",
            "when the plan ends is not known",
        ),
    ],
)
def test_what_is_not_known_is_said_to_be_so(account: Account, left: str, ends: str) -> None:
    assert (credits_left(account), plan_end(account, NOON)) == (left, ends)


@pytest.mark.parametrize(
    ("account", "line"),
    [
        (replace(USUAL, credits=None), "How many credits are left, ImaginePro did not say."),
        (replace(USUAL, quota=None), "**1,200** credits left · of how many, ImaginePro did not say"),
        (replace(USUAL, credits=0, quota=0), "The plan comes with no credits."),
        (replace(USUAL, extra=None), "Extra credits: ImaginePro did not say."),
        (replace(USUAL, extra=1000), "**1,000** extra, bought on top"),
        (replace(USUAL, plan=""), "**Plan** not known · ends"),
        (replace(USUAL, expires_at=None), "**Plan** DIY · its end is not known"),
        (replace(USUAL, expires_at=NOON - 1500 * DAYS), "is too long ago to be true"),
        (replace(USUAL, expires_at=NOON - DAYS), "**Plan** DIY · ended <t:"),
    ],
)
def test_the_card_says_what_imaginepro_did_not(account: Account, line: str) -> None:
    assert line in card(account)


@pytest.mark.parametrize(
    ("account", "mark"),
    [
        (USUAL, "🟢"),
        (replace(USUAL, credits=100), "🟠"),
        (replace(USUAL, credits=0), "🔴"),
        (replace(USUAL, credits=0, extra=None), "🟠"),
        (replace(USUAL, expires_at=NOON + 5 * DAYS), "🟠"),
        (replace(USUAL, expires_at=NOON - DAYS), "🔴"),
        (replace(USUAL, credits=None), "⚪"),
        (replace(USUAL, expires_at=None), "⚪"),
    ],
)
def test_its_sign_is_that_of_the_alerts_and_green_only_of_what_is_known(account: Account, mark: str) -> None:
    assert card(account).startswith(f"{mark} ")


def test_what_is_old_is_not_green() -> None:
    assert card(USUAL, age=timedelta(hours=2)).startswith("⚪ 1,200 of 1,600")


def test_the_card_says_how_the_alerts_are_set() -> None:
    settings = [Setting(Rule.CREDITS_LOW, threshold="500"), Setting(Rule.PLAN_EXPIRES, enabled=False)]
    policy = Policy(settings={(each.rule, None): each for each in settings})
    assert "**Alerts** under 500 credits\n" in card(USUAL, policy=policy)
    off = Policy(settings={(rule, None): Setting(rule, enabled=False) for rule in (CREDITS.rule, Rule.PLAN_EXPIRES)})
    assert "**Alerts** off\n" in card(replace(USUAL, credits=0), policy=off)


@pytest.mark.parametrize("text", ["**x** <@1> `y` [a](b) ||z||", "\u202ealas\u0000", "x" * 9000])
def test_whatever_imaginepro_writes_the_card_fits_and_is_harmless(text: str) -> None:
    embed = account_card(replace(USUAL, plan=text, email=text), NOON, NOON, Policy())
    assert_fits(embed)
    for each in texts(embed):
        assert_harmless(each)


async def test_a_prompt_that_passes_and_one_that_does_not(world: World, upstream: Upstream) -> None:
    passes = said(await world.operator.slash(world.channel, "promptcheck", text="a **cat** --ar 2:1"))
    assert passes.startswith("\n✅ The prompt passes\n**Prompt** “a \\*\\*cat\\*\\* \\-\\-ar 2\\:1”\n")
    refused = said(await world.operator.slash(world.channel, "promptcheck", text="gore"))
    assert refused.startswith("\n❌ The prompt is refused\n**Reason** “Banned word\\: gore”\n**Prompt** “gore”\n")
    assert [each.endpoint for each in upstream.calls] == ["PROMPT_CHECK"] * 2


async def test_a_verdict_without_a_reason_says_so(world: World, upstream: Upstream) -> None:
    upstream.fail(closing(Fault(body=b'{"status": "FAIL"}')), times=1)
    assert "ImaginePro gave no reason." in said(await world.operator.slash(world.channel, "promptcheck", text="x"))


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (sandbox.FORBIDDEN, "ImaginePro forbids this call: the plan may not be DIY. **Do:**"),
        (sandbox.WEB_PAGE, "ImaginePro's answer could not be understood. Try again in a minute."),
        (Fault(body=b'{"status": "MAYBE"}'), "ImaginePro's answer could not be understood. Try again in a minute."),
    ],
)
async def test_a_prompt_that_cannot_be_checked_is_neither(
    world: World, upstream: Upstream, fault: Fault, words: str
) -> None:
    upstream.fail(closing(fault), times=1)
    assert (await refusal(world, "promptcheck", text="x")).startswith(words)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ServerError("500", status=500), "ImaginePro answered with an error of its own. Try again in a minute."),
        (UnreachableError("reset"), "ImaginePro cannot be reached. Try again in a minute."),
        (TimedOutError("late"), "ImaginePro did not answer in time. Try again in a minute."),
        (RateLimitedError("429", status=429), "ImaginePro asks the bot to slow down. Try again in a minute."),
        (
            RateLimitedError("429", status=429, retry_after=timedelta(minutes=5)),
            f"ImaginePro asks to be left alone until <t:{int(NOON.timestamp()) + 300}:t>. Try again then.",
        ),
        (
            RefusedError("401", status=401, retry_after=timedelta(minutes=5)),
            "ImaginePro refuses the API key, and asks to be left alone until <t:",
        ),
        (NotFoundError("`X` has {token} in it, so this call needs a token", certain=True), "`X` has {token} in it,"),
        (UnpublishedError("Copy it into `X`.", certain=True), "Copy it into `X`."),
        (
            MalformedError("ImaginePro does not accept this call (400: **id** is no id)", status=400, certain=True),
            r"ImaginePro does not accept this call \(400\: \*\*id\*\* is no id\).",
        ),
    ],
)
def test_each_way_to_fail_is_worded(error: UpstreamError, words: str) -> None:
    assert refused(error, NOON).startswith(words)


async def test_a_level_that_the_plan_never_has_is_refused_once_the_plan_is_known(
    world: World, upstream: Upstream
) -> None:
    upstream.account |= {"credits": 1200}
    await use(world, "rules set", rule="credits_low", threshold="1600")
    await world.operator.slash(world.channel, "account")
    text = await refusal(world, "rules set", rule="credits_low", threshold="1600")
    assert text == (
        "“1600” cannot be set: your plan has 1600 credits, so a level of 1600 would fire for good."
        " Set now: **credits low**: warning, critical at 0 · under 1,600 credits · set in chat"
    )
    assert "**plan expires**: warning, critical once it is over · 3 d before its end · set in chat" in said(
        await use(world, "rules set", rule="plan_expires", threshold="3d")
    )


async def test_before_this_copy_leads_nobody_reads_the_account(world: World) -> None:
    assert await refusal(world, "account") == "The bot is only just starting. Try again in a moment."
