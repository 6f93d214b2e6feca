"""The words by which servers say why: in small letters, alternatives of regular expressions.

The first row that is found decides, so their order counts. Gathered from mails of many servers and from
what Postfix, Exim, Sendmail, qmail, Google, Microsoft, Yahoo, Apple and the Japanese carriers have published
of their replies.
"""

from channels.mail.bounces.bounce import Reason

NOBODY = (
    r"(does not|doesn't) have (a|an) (account|mail ?box|mail file|\S+ account)"
    r"|mailbox (not found|does not exist|unknown)|not found in|unable to find (the )?(recipient|user)"
    r"|no (user|account|mailbox|recipient) .{0,20}(here|found|by that)"
    r"|(the )?email account .{0,40} (does not|doesn't) exist"
    r"|recipient (not|does not|unknown|no longer|rejected|couldn't|is not|address rejected: (undeliverable|user|unknown|unverified|recipient|invalid))"
    r"|unknown (or invalid )?local-?part"
    r"|(address|user|recipient|mailbox) (is )?(no longer (valid|available|exist|in use)|(does not|doesn't|not) (exist|found|match)|unknown|incorrect|wrong|nonexist\w*|non-exist\w*|undeliverable|unroutable|bad)"
    r"|can't (find|verify) (user|recipient|mailbox)|undeliverable address|unknown to|not listed"
    r"|several matches found|attempted recipient|rcp-p\d|did not exist|who is this|nobody here"
    r"|never heard|no one|invalid address|wrong (address|recipient)|アドレスが(見つから|存在し|間違)|ユーザーが(見つから|存在し)"
    r"|user(name)?\W.{0,40}?(unknown|does ?n[o']t exist|not (found|known|exist))"
    r"|unknown (\w+ ){0,3}(user|recipient|account|mailbox|address|alias)"
    r"|no such (\w+ )?(user|account|mailbox|address|recipient|person|local)"
    r"|(recipient|mailbox|address|account|addressee|alias)( \S+){0,5}? (unknown|not (found|exist|known|valid|available|listed)|does ?n[o']t exist|invalid|is n[o']t valid|unavailable|rejected|disabled by)"
    r"|user does(n't| not)|invalid (\w+ ){0,2}(recipient|user|mailbox|address|account|local)"
    r"|illegal (user|alias)|not (a )?(known|valid|local|existing) (user|mailbox|recipient|address)"
    r"|not listed in|no (\w+ )?mailbox (here|by that name)"
    r"|(recipnotfound|recipientnotfound|recipient name is not recognized)|address not found"
    r"|address (\w+ )?(couldn't|wasn't|could not) (be )?found|bad (destination mailbox|address)"
    r"|mailbox unavailable|does(n't| not) have an? .{0,60}account|unknown or illegal|wrong or no longer"
    r"|not our customer|no valid recipients|unknown in|user unknown"
    r"|account .{0,40}(does not|doesn't) exist|destinataire invalide|doesn't have a .{0,40} account"
    r"|見つかりません|存在しません|宛先不明"
)
"""The recipient is not there: or so it is said, also by those who do not want this sender's mail."""

WORDS: tuple[tuple[Reason, str], ...] = (
    (Reason.VIRUS_DETECTED, r"\bvirus\b(?!.?scan)|\binfected\b|malware|trojan"),
    (Reason.HOST_UNKNOWN, r"host or domain name not found(?!.{0,80}try again)"),
    (Reason.NOT_ACCEPT, r"does(n't| not) receive e-?mail|null ?mx"),
    (
        Reason.NETWORK_ERROR,
        r"name service error|dns (error|type)|establish an smtp connection|(mail|routing) loop"
        r"|hop ?count|too many hops|no mx found|dns server returned",
    ),
    (Reason.FILTERED, r"recipient preferences|each of the following recipients was rejected by a remote"),
    (Reason.USER_UNKNOWN, r"recipient address rejected: access denied"),
    (
        Reason.MAILBOX_FULL,
        r"(mail)?(box|folder|drop)('s| is| was|\s)*(\w+ )?\bfull\b|over ?-?quota"
        r"|quota (exceed|violation|full)|exceed\w*( \w+){0,5} (quota|storage|mailbox|local limit)"
        r"|out of storage"
        r"|(mailbox|user|account|storage)( \w+){0,4} (exceed\w*|over)( \w+){0,4} (limit|quota|size|allow\w*)"
        r"|mailbox size limit|not enough (storage|disk) space|insufficient (user )?storage|disk quota"
        r"|full mailbox|メールボックスが(一杯|いっぱい)|容量を?(超|オーバー)|too much mail data|overquota"
        r"|quota( \w+){0,3} exceed|mail ?box( \S+){0,3} (is |was )?full"
        r"|mail ?folder( \S+){0,4} (full|quota)|mailbox limit|allowed quota|account is full"
        r"|user is over|size for this (user|mailbox)|space quota|mailbox has exceeded|容量オーバー",
    ),
    (Reason.SYSTEM_FULL, r"(insufficient|not enough|no) (system storage|(disk )?space)|mail system full"),
    (
        Reason.HAS_MOVED,
        r"no longer on server|has moved|mailbox moved|user (has )?moved|changed (his|her|their) address"
        r"|has been replaced by|moved to another domain|アドレスを?変更|mailbox no longer"
        r"|(address|user|account) (has|was) changed|forwarding address|no longer (at|with|works)"
        r"|has left",
    ),
    (
        Reason.TOO_MANY_CONNECTIONS,
        r"too many (?!unwanted)(\w+ ){0,2}(connections|sessions|recipients|messages)|connection rate"
        r"|rate limit|at a rate that|concurrent (connections|sessions)|connections? limit|throttl"
        r"|sending (too )?(fast|quota)|too fast|receiving (mail|messages) too (quickly|fast)"
        r"|frequency limited|too many emails|exceeded( \w+){0,5} (messages|recipients|connections|rate)"
        r"|max\w* (connections|number of recipients|recipients)|sending limits?|daily .{0,20}quota"
        r"|hourly|thread limit exceeded|server busy|rcpt limit|exceed\w*( \w+){0,3} recipients"
        r"|unusual rate",
    ),
    (
        Reason.SUSPEND,
        r"(account|mailbox|user|recipient|address)\b( \S+){0,4}? (is |was |been |being |has |temporar\w+ |currently ){0,4}(suspended|disabled|locked|inactive|deactivated|discontinued|expired|frozen|not active|temporarily limited)"
        r"|(disabled|suspended|inactive|locked|expired) (user|account|mailbox|recipient)"
        r"|account ?(locked|suspended)|temporar\w+ locked|no longer active|is not active"
        r"|currently suspended|利用停止|休止|料金"
        r"|(account|email account|mailbox) that you tried to reach is (disabled|inactive)"
        r"|user is (suspended|terminated|inactive|locked)|is (inactive|disabled)( on this domain)?\b"
        r"|mailbox disabled|has been (disabled|deleted|closed|terminated)|out of service"
        r"|account .{0,30}not active|email account .{0,40}(suspended|disabled)"
        r"|unavailable to take delivery|temporarily unavailable: account|受信停止",
    ),
    (
        Reason.SPAM_DETECTED,
        r"\bspam(ming|my)?\b(?!haus|cop)(?! ?(list|block))|\bube\b|\bunsolicited|junk mail|bulk mail"
        r"|phish|content rejected|identified as|mail rejet|high probability of spam|message filtered as"
        r"|rejected due to classification|mail content denied|bogofilter|spf?ammers?\b|considered spam"
        r"|domain present in the spamhaus dbl|cloudmark|surbl|\buribl"
        r"|rejected by .{0,40}(content|filter)|looks like spam|classified as|score .{0,20}exceed"
        r"|contains .{0,30}(link|url)|too spammy|\bscam\b|zombie",
    ),
    (
        Reason.POLICY_VIOLATION,
        r"multiple addresses in from|dmarc|potential security issue|content presents a potential"
        r"|\bpolicy (reasons?|violation|restriction)|(by|violates|local|against) (\w+ )?policy"
        r"|policy (reject|refus)|header error|host network not allowed|administrative prohibition"
        r"|prohibited|policy settings|not accepted for policy|you have sent an email .{0,80}policy"
        r"|due to .{0,40}policy"
        r"|(executable|file type|extension|archive|zip)s? .{0,30}(not|block|reject|denied)|for policy"
        r"|local policy|email not accepted|does not comply|must be rfc|rfc 5322|closed (group|list)"
        r"|delivery restrictions?|mail (is )?too old|no bulk|denied by|invalid host"
        r"|not (be )?in compliance",
    ),
    (
        Reason.SECURITY_ERROR,
        r"authentication (required|failed|level)|required authentication|unauthenticated"
        r"|not authenticated|delivery not authorized|not authori[sz]ed|authrequired|encryption|starttls"
        r"|tls required|dkim|(?<!bad )\bspf\b|must authenticate|permission denied|relay access.*sasl"
        r"|failed to deliver?y\b|auth(entication)? (checks?|information|data)|sasl"
        r"|must issue a starttls|certificate|ssl|tls is required|could not (start|negotiate) tls"
        r"|user .{0,60} is not authorized|sender not authenticated|you must log ?in|login required",
    ),
    (
        Reason.NO_RELAYING,
        r"relay(ing)? (access )?(denied|not permitted|prohibited|disallowed|not allowed)|no relay"
        r"|mail relay|unable to relay|not (a |permitted to )relay|not a gateway|we do not relay"
        r"|relaying|rcpthosts",
    ),
    (
        Reason.REJECTED,
        r"sender address rejected"
        r"|(domain of )?sender('s)?( address)? .{0,80}?(does not exist|not exist|rejected|invalid|denied|verif)"
        r"|domain is invalid|no such domain|invalid sender"
        r"|sender (is |was )?(rejected|denied|blocked|refused|unknown)"
        r"|(does not|cannot|could not) (exist|resolve) sender"
        r"|mail from .{0,60}(reject|denied|not allowed)|from address|permission to post"
        r"|not allowed to post|groups\.google\.com/support|envelope sender|unresolvable|backscatter"
        r"|bogus|not accepting mail from .+@|not be willing|権限"
        r"|sender (is )?not (allowed|permitted|authorized)|sender verify|sender was rejected"
        r"|could not complete sender|return(-| )path|mail (was )?rejected .{0,30}sender|sender domain"
        r"|domain of sender|bad outbound sender"
        r"|sender .{0,40}(blacklist|not exist|bad|not found|invalid|unknown)|rejected .{0,20}: ?sender"
        r"|does not exist .{0,40}sender|user .{0,60}not allowed to send|not (a )?member|non-?members?"
        r"|invalid (return|from)|address .{0,60} in (the )?from|notauthorized|cxsndr"
        r"|domain .{0,80}does not exist.{0,40}mail from|<> sender|null sender"
        r"|(unable to|cannot|can't|could not) verify .{0,40}(sender|address|domain)",
    ),
    (
        Reason.BLOCKED,
        r"\bblock(ed|list)|black ?list|denylist|\bd?n?s?rbl\b|spamhaus|spamcop|cbl\.abuseat|proofpoint"
        r"|access denied|reverse dns|dns ptr|\bptr\b|bad spf|no ptr|reputation"
        r"|(client|connecting) (host|ip)|ip (address )?(is |was )?(not |banned|block|reject|listed)"
        r"|\[?\d{1,3}(\.\d{1,3}){3}\]?.{0,40}(weren't sent|block|reject|denied|banned|listed|not allowed)"
        r"|weren't sent|not accepting connections|unverifyable|relay quota|banned|too many errors"
        r"|user complaints|use the smtp server of|suspicious|poor sender|helo|verify your ip"
        r"|generic hostname|not currently accepting|you are not allowed to connect|service refuse"
        r"|\brbl[: ]|sorbs|barracuda|\bsenderbase|senderscore|blocklisted|your ip"
        r"|ip .(0, 80)(block|bad|poor|reject|banned|denied|not in whitelist|spam|not authorized)"
        r"|mail from .(0, 60)(blocked|refused)|connection(s)? (will )?not be accepted"
        r"|connections? (rejected|not accepted)|messages from .(0, 60)(deferred|rejected|blocked)"
        r"|too many (errors|invalid|unknown|bad|spam)|name was rejected|greeting failed|no smtp service"
        r"|bad (helo|host ?name)|(host|client) .(0, 80)(blocked|rejected|refused|listed|denied)"
        r"|(dynamic|residential|dial-?up|dul\b)|error codes?/?(ip|421|bl)|temporarily blocked|go away"
        r"|mail server .(0, 30)(block|denied)|not welcome|\[(bl|ts|tss|ph)\d+\]|dyn:t\d|rtr:bl|hvu:"
        r"|ptr record|whitelist|unacceptable mail server|rejected for policy|exceeded permitted limits"
        r"|does not like .(0, 40)(ip|host|you)|connected but|domain frequency|spammer|suspected spam"
        r"|no reverse|permission to (connect|send)",
    ),
    (
        Reason.NOT_ACCEPT,
        r"does(n't| not) (receive|accept) (e-?)?mail\b|null mx|nullmx|domain does not accept"
        r"|does not accept mail|no mail (is )?accepted|smtp.?service not available here"
        r"|not accepting mail from anyone|no smtp service"
        r"|does not accept (incoming )?(e-?mail|mail|messages)"
        r"|not accept(ing)? (any )?(e-?mail|mail|messages)$|mx or srv record indicated no"
        r"|host does not accept|mail (is )?not accepted (here|for)"
        r"|we do not accept (mail|email|messages)|domain .{0,60}(does not|doesn't) accept"
        r"|isn't accepting|smtp protocol (is )?(disabled|not)|doesn't receive",
    ),
    (
        Reason.CONTENT_ERROR,
        r"headers? too large|not rfc[- ]?\d* compliant"
        r"|header.{0,40}(missing|invalid|bad|malform|not valid|duplicate|empty)"
        r"|(missing|invalid|bad|no) .{0,20}header|bad (mime|content|message)|data format error"
        r"|content type|message content|illegal (characters?|attachment)|8bit|mime error"
        r"|too many (hops? in )?received",
    ),
    (
        Reason.MESSAGE_TOO_BIG,
        r"(message|mail|size|header)( \w+){0,4} (exceed\w*|too (large|big)|limit exceeded)"
        r"|too (large|big)|size limit|exceeds( \w+){0,4} (size|length)|maximum message size"
        r"|(message|mail|content|data|size) (length|size|is).{0,30}(exceed|larger|over|bigger)"
        r"|recipsizelimit|over ?size|larger than|length exceeds|size exceeded|too long to|line too long",
    ),
    (
        Reason.CONTENT_ERROR,
        r"invalid (mime|header|content|date|from header|character)|malformed|8-?bit|nul char|bare lf"
        r"|improper use|not rfc|rfc ?[25]822|multiple \w+ headers?|duplicate header|unrecognized mime"
        r"|non-ascii|content is not|date header",
    ),
    (
        Reason.MAILER_ERROR,
        r"\bpipe to\b|procmail|\bmaildrop\b|command (failed|died|time|output)"
        r"|exit(ed)? (code|status|with)|mailer error|x-unix|unix-command|operating system error"
        r"|vacation program|\|ifs=|exit \d+|local delivery (failed|agent)|died with|child process"
        r"|returned \d+ from|transport returned|local mailer|unknown mailer|mail filter",
    ),
    (
        Reason.HOST_UNKNOWN,
        r"host (or domain name )?(name )?(not found|unknown|lookup failed)|unknown host|unrouteable"
        r"|unroutable|domain (name )?(does not|doesn't) exist"
        r"|(couldn't|could not) find (any host|a mail exchanger|a gateway)|host not found"
        r"|no such (host|domain)|name or service not known|domain is not reachable|no route to domain"
        r"|bad destination system|invalid domain|domain not found|non-?exist\w* domain"
        r"|domain .{0,60} not (exist|found)|mail exchanger .{0,30}not found"
        r"|cannot find (your|the) (host|domain)|dns\.nonexistentdomain|nxdomain"
        r"|unknown (mail )?(domain|server|destination)|host lookup did not complete"
        r"|no (dns|such) (entry|domain)|domain (is )?(invalid|unknown|unreachable|incorrect|bad)"
        r"|non-?existent (host|domain|name)|invalid (host|domain)"
        r"|name server: .{0,80}(host not found|no data known)|unrout|points to non-existent"
        r"|no data record of requested type|no valid hosts|bad domain|no mail exchanger"
        r"|host.{0,60}(does not|doesn't) exist|server (not found|does not exist)|relevant mx records"
        r"|not a valid (host|domain)",
    ),
    (Reason.USER_UNKNOWN, NOBODY),  # or FILTERED: `reasons` looks further
    (
        Reason.EXPIRED,
        r"(message|envelope|delivery|retry|queue)( \w+){0,3} expired|retry time(out)?|timeout exceeded"
        r"|multiple retries|in( the)? queue too long|could not be delivered for|within \d+ (day|hour)s?"
        r"|connection timed? ?out|timed out|did not accept our requests to connect|too old"
        r"|still undelivered|not be delivered (for|after)|delivery time expired|being unable to connect"
        r"|has not (yet )?been (delivered|collected)|retry time not reached|giving up|too long"
        r"|delivery( \w+){0,3} delayed|delayed|delivery failed \d+ attempts"
        r"|have been failing for a long time|queue\.expired"
        r"|delivery (to|attempt|time).{0,60}(failed after|given up|gave up|abandoned)"
        r"|cannot send message (for|within)|not send message|attempts? .{0,40}(failed|exceeded)"
        r"|unable to deliver .{0,40}(in|after|within|for)|(maximum|max) (retries|time|age|attempts)"
        r"|no response|unable to connect|host .{0,60}not responding|tried .{0,30}times"
        r"|not (yet )?been delivered|could not be delivered within|lifetime|deferred|undelivered for",
    ),
    (
        Reason.NETWORK_ERROR,
        r"not reachable|network (error|unreachable|is unreachable)"
        r"|connection (refused|reset|dropped|failed|lost)|no route to host|mx (record|lookup|host)"
        r"|temporarily unable to resolve|server failure|tcp|socket|lost connection"
        r"|mail exchanger failed|unable to (connect|resolve)|could not connect|no answer from"
        r"|conversation with|host unreachable|unreachable|(host|domain) .{0,60}lookup"
        r"|connect(ion)? (error|closed|timed|time)|remote host|loops? back|loopback"
        r"|points? (back )?to (local ?host|me)|lowest numbered mx|mail for .{0,60}loops"
        r"|malformed or unexpected name server|cname lookup|dns (lookup|failure|query|server)"
        r"|temporar\w+ (dns|lookup|resolution)|closed (the )?connection",
    ),
    (
        Reason.SYSTEM_ERROR,
        r"service (is )?(currently |temporarily )?unavailable|system error"
        r"|internal (server |software )?error|local configuration error|configuration error"
        r"|server error|resources? (temporarily )?unavailable|can't create|cannot create"
        r"|input/output error|unexpected error|processing error|system (is )?not"
        r"|temporary (local )?problem|remote protocol error|local error"
        r"|system (problem|failure|is|unavailable|resource)|temporary (system|local|server|internal) "
        r"|temporarily (unavailable|rejected|deferred)|try again later"
        r"|(out of|not enough|insufficient) memory|i/o error|read-?only|cannot (open|write|access|lock)"
        r"|can't (open|write|access|lock)|could not (open|write|access|lock)|file (system|error)|ldap"
        r"|unable to (process|accept|save|queue|open|create|lock)|too much load|error in processing"
        r"|temporary failure|bad configuration|misconfig|local problem",
    ),
    (
        Reason.SYNTAX_ERROR,
        r"syntax error|command (not )?(unrecognized|recognized|implemented)|bad sequence"
        r"|unrecognized command|unimplemented|protocol error|protocol (violation|error)"
        r"|(unknown|invalid|illegal) (command|argument)|bad (command|recipient address syntax)|syntax"
        r"|pipelin|not implemented|nested mail",
    ),
)
