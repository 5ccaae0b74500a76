"""Discord's published error codes, each with its meaning in a few words of ours.

Source: "JSON Error Codes" of https://docs.discord.com/developers/topics/opcodes-and-status-codes, as stored at
discord/discord-api-docs, developers/topics/opcodes-and-status-codes.mdx, commit 1014293d (2026).
"""

from types import MappingProxyType

_LIST = """
0 general error
10001 no such account
10002 no such application
10003 no such channel
10004 no such server
10005 no such integration
10006 no such invite
10007 no such member
10008 no such message
10009 no such overwrite of permissions
10010 no such provider
10011 no such role
10012 no such token
10013 no such user
10014 no such emoji
10015 no such webhook
10016 no such webhook service
10020 no such session
10021 no such asset
10026 no such ban
10027 no such article
10028 no such listing
10029 no such entitlement
10030 no such build
10031 no such lobby
10032 no such branch
10033 no such layout
10036 no such redistributable
10038 no such gift
10049 no such stream
10050 no such cooldown of boosts
10057 no such template
10059 no such category
10060 no such sticker
10061 no such pack of stickers
10062 no such interaction
10063 no such command
10065 no such voice state
10066 no such permissions of a command
10067 no such stage
10068 no such verification form
10069 no such welcome screen
10070 no such event
10071 no such user of an event
10087 no such tag
10097 no such sound
10124 no such job of an invite
10129 no such targets of an invite
20001 not for bots
20002 for bots alone
20009 explicit content
20012 not authorized for this application
20015 needs a premium subscription
20016 slow mode
20018 for the owner alone
20022 limit of edits in announcements
20024 under age
20028 limit of writes in the channel
20029 limit of writes in the server
20031 words that are not allowed
20035 boosts too low
30001 too many servers
30002 too many friends
30003 too many pins
30004 too many recipients
30005 too many roles
30007 too many webhooks
30008 too many emojis
30010 too many reactions
30011 too many groups
30013 too many channels
30015 too many attachments
30016 too many invites
30018 too many animated emojis
30019 too many members
30030 too many categories
30031 has a template already
30032 too many commands
30033 too many people in a thread
30034 too many new commands a day
30035 too many bans of strangers
30037 too many fetches of bans
30038 too many events
30039 too many stickers
30040 too many prunes
30042 too many changes of the widget
30045 too many sounds
30046 too many edits of messages older than an hour
30047 too many pinned threads
30048 too many tags
30052 bitrate too high
30056 too many premium emojis
30058 too many webhooks in the server
30060 too many overwrites
30061 channels too large
40001 not authorized
40002 account to be verified
40003 direct messages too fast
40004 sending switched off for a time
40005 too large
40006 feature switched off for a time
40007 banned from the server
40009 one parent at a time
40012 connection revoked
40018 only consumables
40019 only test entitlements
40032 not in voice
40033 crossposted already
40041 name of a command taken
40043 interaction could not be sent
40058 no messages in a forum
40060 answered already
40061 tags with one name
40062 service with a limit
40066 no tags to be set
40067 a tag is needed
40074 entitlement granted already
40094 too many follow-ups
40333 blocked by Cloudflare
50001 no access
50002 wrong kind of account
50003 not in a direct message
50004 widget switched off
50005 message of another user
50006 empty message
50007 user takes no messages
50008 no text channel
50009 verification level too high
50010 application without a bot
50011 too many applications
50012 wrong OAuth2 state
50013 permission missing
50014 wrong token
50015 note too long
50016 wrong number to delete
50017 wrong level of two factors
50019 pinned in another channel
50020 invite taken
50021 message of the system
50024 wrong type of channel
50025 wrong OAuth2 token
50026 scope missing
50027 wrong webhook token
50028 wrong role
50033 wrong recipients
50034 too old to delete many
50035 wrong form
50036 invite to a server without the bot
50039 wrong activity
50041 wrong version of the API
50045 file too large
50046 wrong file
50054 own gift
50055 wrong server
50057 wrong article
50067 wrong origin
50068 wrong type of message
50070 payment needed for a gift
50073 system webhook
50074 channel is needed
50080 stickers cannot be edited
50081 wrong sticker
50083 thread is archived
50084 wrong settings of a thread
50085 before the thread
50086 text channels only
50091 wrong type of event
50095 closed here
50097 monetization needed
50101 boosts needed
50109 no JSON
50110 file not valid
50123 type of file not valid
50124 file too long
50131 owner pending
50132 owner a bot
50138 file cannot be made smaller
50144 emoji of two kinds of roles
50145 emoji of two kinds
50146 file not found
50151 emoji not valid
50159 voice message with more
50160 voice message without one sound
50161 voice message without its data
50162 voice message cannot be edited
50163 integration cannot be deleted
50167 muted
50173 no voice messages here
50178 account to be verified
50192 file without a length
50278 no server in common
50600 sticker not allowed
60003 two factors needed
80004 nobody of that tag
90001 reaction blocked
90002 no burst reactions
110000 index not yet there
110001 application not yet there
130000 overloaded
150006 stage open already
160002 no reply without the history
160004 thread made already
160005 thread locked
160006 too many threads
160007 too many announcement threads
160014 forward of what cannot be read
170001 wrong Lottie file
170002 Lottie with a picture
170003 sticker too fast
170004 sticker with too many frames
170005 Lottie too large
170006 sticker too fast or too slow
170007 sticker too long
180000 event over
180002 stage not made
200000 blocked by the server's rules
200001 title blocked by the server's rules
220001 webhook in a forum without a name
220002 webhook in a forum with two names
220003 webhook makes threads in forums only
220004 webhook service not in a forum
240000 harmful link
340015 joins limited
350000 onboarding not possible
350001 onboarding not complete
400001 uploads limited in this server
500000 bans failed
520000 vote blocked
520001 poll over
520002 no polls here
520003 poll cannot be edited
520004 emoji of a poll
520006 no poll
530000 no provisional accounts
530001 identity expired
530002 identity of another issuer
530003 identity for another audience
530004 identity too old
530006 no name found in time
530007 wrong client secret
"""

PUBLISHED = MappingProxyType(
    {int(line.partition(" ")[0]): line.partition(" ")[2] for line in _LIST.split("\n") if line}
)
