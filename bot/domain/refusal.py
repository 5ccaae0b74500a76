"""What ImaginePro refuses when it says no, by the status of its answer: for cards, alerts, `check` and the log."""

from collections.abc import Mapping

from bot.domain.value import Value


class Refusal(Value):
    """One thing that may be refused."""

    headline: str
    """What an alert begins with."""
    meaning: str
    """The same, and what that mostly is: for the log, and as the cause on a card."""
    do: str
    """What to do so that the bot is let in again."""

    @property
    def short(self) -> str:
        """The beginning of a sentence that goes on with a colon."""
        return self.headline.partition(":")[0]


REFUSALS: Mapping[int, Refusal] = {
    401: Refusal(
        "ImaginePro refuses the API key",
        "ImaginePro refuses the API key, or its credits are used up",
        "check in ImaginePro that the key is still there and has credits. If you make a new one, put it into"
        " `IMAGINEPRO_API_KEY` and restart the bot.",
    ),
    402: Refusal(
        "ImaginePro asks for payment",
        "ImaginePro asks for payment: out of credits, or the subscription ended",
        "check credits and subscription in ImaginePro. Once that is paid, the bot goes on by itself.",
    ),
    403: Refusal(
        "ImaginePro forbids this call: the plan may not be DIY",
        "ImaginePro forbids this call: the plan may not be DIY",
        "check that your plan at ImaginePro is DIY or Dedicated, and has not ended. Then the bot goes on by itself.",
    ),
}
"""The key is read at the start alone; what is about the account may be mended without the bot."""


def refusal(status: int | None) -> Refusal:
    """What was refused; the key where nobody knows, as in incidents of older versions."""
    return REFUSALS.get(status or 401, REFUSALS[401])
