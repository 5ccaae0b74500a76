"""A test job, which shows whether jobs run, and the end of a job before its time: acts, which are asked about."""

import contextlib
import secrets
from datetime import datetime
from typing import Final

import aiohttp
import discord

from bot.acts import ActRefused, new_id
from bot.chat.alerts.acted import sentence
from bot.chat.buttons.confirm import confirm
from bot.chat.buttons.press import Pressed
from bot.chat.buttons.showing import GOING, LASTS, OVER, LiveAnswer, progress_of
from bot.chat.buttons.tracing import together, traced
from bot.chat.cards import why
from bot.chat.cards.job import (
    Probe,
    cancel_question,
    credits_line,
    probe_card,
    probe_question,
    probed_card,
    said_of,
    short,
    stopped,
)
from bot.chat.desk import Asked, UnclearError, answer, wait
from bot.domain.acts import Act, Kind, State
from bot.domain.jobs import Job, JobStatus
from bot.domain.model import Trouble
from bot.imaginepro.client import UpstreamError

_SEEDS: Final = 2**32
"""How many there are at Midjourney: docs.midjourney.com, --seed."""

CROWDED: Final = "Many jobs are followed just now, so no test job was begun: ask again in a few minutes."


def prompt_of(seed: int) -> str:
    """What a test job makes: something harmless, with a seed by which it is found again."""
    return f"a plain grey circle on a white background, flat --seed {seed}"


async def ask_to_probe(interaction: Asked, number: int) -> None:
    """Whether one image shall be made, to see whether jobs run on a token."""
    desk = interaction.client.desk
    asked_at, prompt = desk.now, prompt_of(secrets.randbelow(_SEEDS))
    act = Act(new_id(), Kind.PROBE, prompt, asked_at, token=number, by=interaction.user.id)

    async def doing(pressed: Pressed) -> None:
        live = _LiveProbe(pressed, act)
        place = pressed.message.id if pressed.message is not None else 0
        if not interaction.client.following.begin(place, lambda: live.run(asked_at)):
            raise UnclearError(CROWDED)

    billing = interaction.client.billing
    credits_left = credits_line(billing.last if billing is not None else None)
    question = probe_question(desk.fleet.tokens.get(number), number, prompt, credits_left, desk.fleet.names)
    await confirm(interaction, question, "Make one image", doing)


class _LiveProbe:
    """The answer that shows a test job, from the question on."""

    def __init__(self, pressed: Pressed, act: Act) -> None:
        self._answer = LiveAnswer(pressed)
        self._pressed = pressed
        self._act = act
        self._job: Job | None = None
        """As it was seen last."""
        self._probe: Probe | None = None

    async def run(self, asked_at: datetime) -> None:
        """Do it, and say what came of it. It goes on where nobody follows it any more."""
        client = self._pressed.client
        try:
            (act,) = await client.acts.do(self._act, asked_at=asked_at, tell=self._tell)
        except ActRefused as refused:
            await self._say(str(refused))
            return
        if self._job is None and act.followed:  # nobody knew whether it was taken, and then it was found
            with contextlib.suppress(UpstreamError):
                await self._seen(act, await client.upstream.progress(act.followed))
        if self._job is None or self._probe is None:
            found = " `/job list` shows it, if it was made." * (act.state is not State.NOT_DONE)
            await self._say(f"{sentence([act])}.{found}")
        elif self._job.status.over:
            await self._end(self._job, self._probe)
        else:
            seen = probe_card(self._probe, self._job, client.desk.now, [stopped(LASTS)])
            await self._answer.edit([seen], GOING, self._job.id)

    async def _tell(self, act: Act) -> None:
        """The job is known, or has moved."""
        if act.followed and act.state is State.BEGUN:
            found = self._pressed.client.acts.jobs.get(act.id)
            await self._seen(act, found if isinstance(found, Job) else Job(act.followed, JobStatus.SUBMITTED))

    async def _seen(self, act: Act, job: Job) -> None:
        now = self._pressed.client.desk.now
        self._probe = (self._probe or Probe(act.token or 0, act.begun_at or now)).seen(job, now)
        self._job = job
        if not job.status.over:
            await self._answer.edit([probe_card(self._probe, job, now)], GOING, job.id)

    async def _end(self, job: Job, probe: Probe) -> None:
        token, untraced, cards = None, "", []
        try:
            trace = await self._pressed.client.upstream.trace(job.id)
        except UpstreamError as error:
            missing = error.trouble is Trouble.NOT_FOUND
            said = "ImaginePro names none" if missing else why(error.trouble, error.status)
            untraced = f"Which token ran it could not be read: {said}."
        else:
            token = trace.token_id
            cards = (await traced(self._pressed, trace))[1:]
        acts = OVER if token is None else ()
        card = probed_card(probe, job, token, untraced, self._pressed.client.desk.fleet.names)
        await self._answer.edit(together(card, *cards), acts, job.id)

    async def _say(self, sentence: str) -> None:
        with contextlib.suppress(discord.HTTPException, aiohttp.ClientError, OSError):  # the channel is told as well
            await answer(self._pressed, sentence)


async def ask_to_cancel(interaction: Asked, job_id: str) -> None:
    """Whether a job shall be cancelled.

    Raises:
        UnclearError: It is over, or ImaginePro does not know it.
        UpstreamError: ImaginePro could not be asked.
    """
    await wait(interaction)
    asked_at = interaction.client.desk.now
    job = await running(interaction, job_id)
    act = Act(new_id(), Kind.CANCEL, "", asked_at, job=job_id, by=interaction.user.id)

    async def doing(pressed: Pressed) -> None:
        await running(pressed, job_id)
        try:
            (settled,) = await pressed.client.acts.do(act, asked_at=asked_at)
        except ActRefused as refused:
            raise UnclearError(str(refused)) from refused
        await answer(pressed, f"{sentence([settled])}.")

    await confirm(interaction, cancel_question(job), "Stop the job", doing, danger=True)


async def running(interaction: Asked, job_id: str) -> Job:
    """A job that can be cancelled; raises as `ask_to_cancel`."""
    job = await progress_of(interaction, job_id)
    if job.status.over:
        sentence = f"Job {short(job_id)} {said_of(job).word} already: there is nothing to cancel."
        raise UnclearError(sentence)
    return job
