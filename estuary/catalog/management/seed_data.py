"""The marketplace that ``manage.py seed`` writes: people, services, prices and dates, as plain data."""

from dataclasses import dataclass, field

MON, TUE, WED, THU, FRI, SAT, SUN = range(7)


@dataclass(frozen=True, slots=True)
class Person:
    """A buyer or a member of staff."""

    email: str
    first_name: str
    last_name: str
    is_staff: bool = False


@dataclass(frozen=True, slots=True)
class Host:
    """A practitioner; ``hours`` are ``(weekdays, starts, ends)`` in the practitioner's own time zone."""

    person: Person
    slug: str
    headline: str
    bio: str
    time_zone: str
    hours: tuple[tuple[tuple[int, ...], str, str], ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A venue; ``host`` is whose place it is, empty for one that any practitioner may use."""

    host: str
    name: str
    address: str
    time_zone: str
    directions: str


@dataclass(frozen=True, slots=True)
class Dates:
    """Weekly meetings at ``(weekday, local start)``; one capacity per meeting, so their number is the length."""

    weekday: int
    starts: str
    capacities: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """A service; ``usd`` and ``eur`` are decimal prices, ``holds`` the slugs inside a package."""

    host: str
    type: str
    slug: str
    name: str
    category: str
    summary: str
    usd: str
    eur: str
    duration_min: int = 60
    location: str = "Online"
    venue: str = ""  # its name
    description: str = ""
    dates: Dates | None = None
    holds: tuple[str, ...] = ()
    bundle_of: str = ""
    bundle_quantity: int = 0
    bundle_bonus: int = 0
    rules: dict[str, int | bool] = field(default_factory=dict)


STAFF = Person("staff@estuary.example", "Sam", "Okafor", is_staff=True)
BUYERS = (
    Person("maya@estuary.example", "Maya", "Lindqvist"),
    Person("tom@estuary.example", "Tom", "Achterberg"),
)

HOSTS = (
    Host(
        Person("ana@estuary.example", "Ana", "Ribeiro"),
        "ana-ribeiro",
        "Yoga and breath, by the sea and on screen",
        "Ana has taught hatha yoga and breathwork in Lisbon for twelve years.",
        "Europe/Lisbon",
        (((MON, TUE, WED, THU, FRI), "09:00", "13:00"), ((MON, WED), "15:00", "19:00")),
    ),
    Host(
        Person("jonas@estuary.example", "Jonas", "Keller"),
        "jonas-keller",
        "Somatic bodywork for people who sit too much",
        "Jonas is a physiotherapist and somatic practitioner in Berlin.",
        "Europe/Berlin",
        (((TUE, WED, THU, FRI), "10:00", "18:00"),),
    ),
    Host(
        Person("priya@estuary.example", "Priya", "Raman"),
        "priya-raman",
        "Ayurveda for an ordinary kitchen",
        "Priya is an Ayurvedic doctor who now mostly teaches people to cook.",
        "Asia/Kolkata",
        (((MON, TUE, THU, FRI), "14:30", "20:30"),),
    ),
    Host(
        Person("grace@estuary.example", "Grace", "Whitfield"),
        "grace-whitfield",
        "Mindfulness, taught plainly",
        "Grace teaches mindfulness-based stress reduction in New York hospitals and online.",
        "America/New_York",
        (((MON, TUE, WED, THU), "08:00", "12:00"), ((TUE, THU), "13:00", "17:00")),
    ),
    Host(
        Person("mateo@estuary.example", "Mateo", "Silva"),
        "mateo-silva",
        "Meditation, sound and silence",
        "Mateo plays singing bowls and guides meditation from São Paulo.",
        "America/Sao_Paulo",
        (((MON, TUE, WED, THU, FRI), "10:00", "16:00"),),
    ),
)

PLACES = (
    Place(
        "jonas-keller",
        "Studio Kreuzberg",
        "Oranienstraße 25, Hinterhof\n10999 Berlin\nGermany",
        "Europe/Berlin",
        "Through the gate, second courtyard, bell “Keller”, third floor. Kottbusser Tor (U1, U8) is four minutes away.",
    ),
    Place(
        "",
        "Praia de Carcavelos",
        "Avenida Marginal, posto 3\n2775-604 Carcavelos\nPortugal",
        "Europe/Lisbon",
        "Meet at the lifeguards’ post 3. The train from Cais do Sodré takes 25 minutes, and then it is ten on foot.",
    ),
)

_SESSIONS = (
    Offer(
        "ana-ribeiro", "session", "private-yoga", "Private yoga session", "Yoga",
        "An hour of yoga that starts from where your body is today.", "85.00", "78.00",
        description="We begin with ten minutes of talk and end with ten minutes of rest. Bring a mat.",
    ),
    Offer(
        "jonas-keller", "session", "somatic-bodywork", "Somatic bodywork", "Bodywork",
        "Ninety minutes of hands-on work and slow movement.", "140.00", "129.00",
        duration_min=90, location="Studio Kreuzberg, Berlin", venue="Studio Kreuzberg", rules={"free_cancel_hours": 48},
    ),
    Offer(
        "priya-raman", "session", "ayurvedic-consultation", "Ayurvedic consultation", "Nutrition",
        "Your constitution, your habits, and three changes worth making.", "95.00", "88.00", duration_min=75,
    ),
    Offer(
        "grace-whitfield", "session", "mindfulness-coaching", "Mindfulness coaching", "Mindfulness",
        "Fifty minutes, one question, and a practice to take home.", "120.00", "110.00", duration_min=50,
    ),
    Offer(
        "mateo-silva", "session", "guided-meditation", "Guided meditation, 1-on-1", "Meditation",
        "Half an hour of guided stillness.", "45.00", "42.00", duration_min=30, rules={"free_cancel_hours": 12},
    ),
    Offer(
        "mateo-silva", "session", "distance-reiki", "Reiki at a distance (no longer offered)", "Meditation",
        "Withdrawn from the catalogue; kept because old orders name it.", "60.00", "55.00", rules={"active": False},
    ),
)  # fmt: skip

_GROUPS = (
    Offer(
        "ana-ribeiro", "workshop", "breath-and-cold-water", "Breath and cold water", "Breathwork",
        "A morning of breathwork and, for those who like, the Atlantic.", "65.00", "60.00",
        duration_min=150, location="Praia de Carcavelos, Lisbon", venue="Praia de Carcavelos",
        dates=Dates(SAT, "10:00", (12, 12, 12, 12)),
    ),
    Offer(
        "jonas-keller", "workshop", "desk-workers-back", "The desk worker's back", "Bodywork",
        "Release what eight hours of sitting did. Very small groups.", "55.00", "50.00",
        # `taken` counts real seats only, so a date that nobody can book any more has no capacity at all.
        duration_min=120, location="Studio Kreuzberg, Berlin", venue="Studio Kreuzberg",
        dates=Dates(SAT, "14:00", (2, 0, 8)),
    ),
    Offer(
        "priya-raman", "workshop", "cooking-for-your-dosha", "Cooking for your dosha", "Nutrition",
        "Three dishes, one spice box, and why they suit you.", "40.00", "37.00",
        duration_min=120, dates=Dates(SUN, "16:00", (20, 20, 20)),
    ),
    Offer(
        "mateo-silva", "workshop", "sound-bath-at-dusk", "Sound bath at dusk", "Sound",
        "Lie down, listen, and let ninety minutes pass.", "35.00", "32.00",
        duration_min=90, dates=Dates(FRI, "18:00", (30, 30, 30, 30)),
    ),
    Offer(
        "mateo-silva", "workshop", "five-second-seats", "Try it out: seats held for only 5 seconds", "Sound",
        "A workshop to watch a hold expire: an unpaid seat is soon given back.", "20.00", "18.00",
        duration_min=60, dates=Dates(SUN, "11:00", (6, 6, 6)), rules={"hold_s": 5},
    ),
    Offer(
        "ana-ribeiro", "course", "yoga-foundations", "Yoga foundations in six weeks", "Yoga",
        "Six Tuesday evenings that build on each other.", "210.00", "195.00",
        duration_min=75, dates=Dates(TUE, "18:30", (10,) * 6), rules={"free_cancel_hours": 72},
    ),
    Offer(
        "grace-whitfield", "course", "stress-reduction", "Stress reduction in eight weeks", "Mindfulness",
        "The classic eight-week course, with daily practice in between.", "480.00", "440.00",
        duration_min=120, dates=Dates(WED, "18:00", (16,) * 8), rules={"free_cancel_hours": 72},
    ),
)  # fmt: skip

_SETS = (
    Offer(
        "ana-ribeiro", "package", "reset-week", "The reset week", "Packages",
        "Yoga, bodywork and a sound bath: three practitioners, one price.", "230.00", "210.00",
        holds=("private-yoga", "somatic-bodywork", "sound-bath-at-dusk"), rules={"validity_days": 90},
    ),
    Offer(
        "grace-whitfield", "package", "clear-mind", "A clear mind", "Packages",
        "Coaching, guided meditation and breathwork, to be scheduled when you like.", "199.00", "183.00",
        holds=("mindfulness-coaching", "guided-meditation", "breath-and-cold-water"), rules={"validity_days": 120},
    ),
    Offer(
        "ana-ribeiro", "bundle", "private-yoga-5-plus-1", "Private yoga, 5 + 1", "Bundles",
        "Five private sessions, and the sixth is on the house.", "425.00", "390.00",
        bundle_of="private-yoga", bundle_quantity=5, bundle_bonus=1, rules={"validity_days": 180},
    ),
    Offer(
        "mateo-silva", "bundle", "guided-meditation-10", "Ten guided meditations", "Bundles",
        "Ten half hours, used within a year.", "380.00", "350.00", duration_min=30,
        bundle_of="guided-meditation", bundle_quantity=10, rules={"validity_days": 365},
    ),
)  # fmt: skip

OFFERS = _SESSIONS + _GROUPS + _SETS  # what a set holds comes before the set
