"""What is wrong in a reading: one table of rules, one function a rule.

From the ground:

    table.py                          the rules, and how each works unless somebody set it otherwise
    policy.py                         how they are set: steps, thresholds, what is switched off
    case.py                           a reading beside what was known before it; which of its tokens have to be judged
    sight.py                          what a rule sees of one token, and what it says
    token.py  fast_time.py  fleet.py  the rules themselves
    judge.py  upstream.py             what one poll finds: a reading, a failure, or nothing for too long
    inhibition.py                     what is not told, because its cause is

A rule sees a token as read, the same token as it was, and the token's open incidents. It yields what it finds, and
which of its incidents this reading ends, and why. Of what it says nothing, nothing moves: only who sees that a token is
well may say so. The levels at which an incident opens and at which it ends differ (hysteresis), so that a value that
trembles around a level makes one incident.

A reading is laid over what is remembered before any rule sees it (`bot.domain.overlay`), so that what a record leaves
out is no news. While the upstream gives no answer, nothing that is known of tokens and of the fleet moves.
"""
