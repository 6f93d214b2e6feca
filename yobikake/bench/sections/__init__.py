"""What `yobikake bench report` measures: the commands, short and full, and how the answer of each is read.

Goals that a command knows come with its answer; the others stand beside their reader.
"""

from collections.abc import Sequence

from yobikake.bench.sections import alert, connectors, contracts, engine, mail, shelters
from yobikake.bench.sections.section import Section

__all__ = ["ALL", "Section"]

ALL: Sequence[Section] = (
    Section(
        name="mail",
        title="Mail: hand-over",
        about="The mail connector by itself, against Postfix's `smtp-sink`, beside what else could hand mail over: "
        "[decision 0019](decisions/0019-measuring-mail.md) says who and why. Before the clock runs it is verified "
        "that everyone arrives exactly once.",
        short=("mail", "--delay", "0,50", "--rounds", "3"),
        full=("mail", "--delay", "0,10,50", "--rounds", "7"),
        read=mail.mail,
    ),
    Section(
        name="alert",
        title="The whole hub, embedded",
        about="From the second person's click over HTTP to the last of 114,000 residents acknowledged by the smarthost, "
        "all by mail: accepted durably, planned, rendered in eight languages and twelve zones, claimed, opened, sent, "
        "recorded durably. The hub is one process with SQLite, the smarthost another, which counts distinct recipients. "
        "One alert before them warms up and does not count.",
        short=("alert", "--delay", "0,10,50", "--rounds", "3"),
        full=("alert", "--delay", "0,10,50", "--rounds", "9"),
        read=alert.embedded,
    ),
    Section(
        name="city",
        title="The whole hub, over Kafka, PostgreSQL and Redis",
        about="The same with a process for the console, one for planning and one for mail, over three Kafka nodes, "
        "PostgreSQL (syncing to disk) and Redis, **all on this one machine**: they share its processors with the hub, "
        "which no city's would.",
        short=("alert", "--shape", "city", "--delay", "0", "--rounds", "3"),
        full=("alert", "--shape", "city", "--delay", "0,10,50", "--rounds", "7"),
        read=alert.city,
    ),
    Section(
        name="line",
        title="LINE",
        about="LINE allows 200 multicasts a second, of 500 people each. What counts is how much of that is used without "
        "ever exceeding it; line-bot-sdk by itself is the peer. The gateway is the rehearsal's, in another process.",
        short=("line", "--rounds", "2", "--requests", "600"),
        full=("line", "--rounds", "5", "--requests", "2000"),
        read=contracts.line,
    ),
    Section(
        name="voice",
        title="Voice",
        about="Calls go out one by one, as fast as the contract allows and never faster.",
        short=("voice", "--rounds", "1", "--seconds", "10"),
        full=("voice", "--rounds", "3", "--seconds", "30"),
        read=contracts.voice,
    ),
    Section(
        name="webpush",
        title="A push message before it leaves",
        about="Reading the subscription, the token, the encryption: everything but the request. "
        "[Decision 0049](decisions/0049-web-push.md) says what of it can be saved.",
        short=("webpush", "--rounds", "5"),
        full=("webpush", "--rounds", "15"),
        read=connectors.push,
    ),
    Section(
        name="connectors",
        title="Every connector at a city's size",
        about="One alert to everybody on one channel at a time: the hub as `yobikake serve` runs it, the connector, the "
        "rehearsal's gateway in another process. From the second person's click to the first and the last recipient that "
        "the gateway took, and until everyone has an outcome in the ledger. What the ledger says of each recipient is "
        "compared with what the gateway took for them. Then a smaller city, where of a hundred recipients one is refused "
        "for good and one the first time, and of a thousand requests one comes too often and five are carried out and "
        "never answered.",
        short=("connectors",),
        full=("connectors", "--faulty", "20000"),
        read=connectors.connectors,
    ),
    Section(
        name="ingest",
        title="Readings",
        about="Sensor readings by HTTP and MQTT until they are counted in the shelters' occupancy: fifty together, beside "
        "one by one. Each arrives exactly once.",
        short=("ingest", "--rounds", "3"),
        full=("ingest", "--rounds", "9"),
        read=shelters.ingest,
    ),
    Section(
        name="readings",
        title="From a reading to the page",
        about="Sensors report over MQTT at a steady pace; now and then a group of people comes in, and a reader of the "
        "residents' page looks for it, over bus, estimate, Redis and event stream, while an alert goes out by mail.",
        short=("readings", "--seconds", "20", "--recipients", "5000"),
        full=("readings",),
        read=shelters.readings,
    ),
    Section(
        name="page",
        title="The residents' page",
        about="The page kept ready by the listener, the same listener rendering it for every request, and nginx with the "
        "exported files; and open pages that are told of a change.",
        short=("page", "--rounds", "3", "--seconds", "1"),
        full=("page", "--rounds", "9"),
        read=shelters.page,
    ),
    Section(
        name="lanes",
        title="Urgent behind routine",
        about="An urgent alert alone, and behind a backlog of routine news to the same people, through a smarthost that "
        "passes on so many recipients a second.",
        short=("lanes", "--recipients", "4000", "--drain", "400"),
        full=("lanes",),
        read=engine.lanes,
    ),
    Section(
        name="isolation",
        title="A gateway that never answers",
        about="How much longer the other channels take while one channel's gateway is a black hole.",
        short=("isolation", "--recipients", "1000", "--rounds", "2"),
        full=("isolation", "--recipients", "4000", "--rounds", "5"),
        read=engine.isolation,
    ),
    Section(
        name="accept",
        title="The operator's answer under load",
        about="Approvals while the hub fans out to the whole register and takes 500 readings a second, in turn with the "
        "least that a durable answer can cost on the same disk.",
        short=("accept", "--accepts", "100"),
        full=("accept", "--accepts", "1000"),
        read=engine.accept,
    ),
    Section(
        name="plan",
        title="Audiences of any size",
        about="The planner over a register of so many sealed addresses, embedded; the bus takes the records and forgets "
        "them. What it means for a city and for Tokyo: [capacity](capacity.md).",
        short=("plan", "--residents", "100000,1000000"),
        full=("plan", "--residents", "100000,1000000,14000000"),
        read=engine.plan,
    ),
)
