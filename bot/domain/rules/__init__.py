"""What is wrong in a reading: one table of rules, one function a rule.

From the ground:

    table.py                          the rules, and how each works unless somebody set it otherwise
    policy.py                         how they are set: steps, thresholds, what is switched off
    case.py                           a reading beside what was known before it; which of its tokens have to be judged
    sight.py                          what a rule sees of one token, and what it says
    token.py  fast_time.py  fleet.py  the rules themselves
    judge.py  upstream.py             what one poll finds: a reading, a failure, or nothing for too long

A rule sees a token as read, the same token as it was, and the token's open incidents. It yields what it finds, and the
keys about which this reading says nothing. The levels at which an incident opens and at which it ends differ
(hysteresis), so that a value that trembles around a level makes one incident.

While the upstream gives no answer, nothing that is known of tokens and of the fleet moves: its own incidents inhibit
all others.
"""
