"""Recognise which column of a network's file holds what; nothing is guessed silently."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lembas.formats import listed
from lembas.plain_text import quoted, short

# What a column may hold, and how a message calls it.
ROLES: Mapping[str, str] = {
    "tf": "TF",
    "gene": "gene",
    "sign": "sign",
    "confidence": "confidence",
    "stimulation": "stimulation",
    "inhibition": "inhibition",
    "consensus_stimulation": "stimulation by consensus",
    "consensus_inhibition": "inhibition by consensus",
}
# Roles that a profile may give a column of its own name.
NAMED_ROLES = ("tf", "gene", "sign", "confidence")
_CONFIDENCE = ("confidence", "score", "level", "dorothea_level")
SIF, NAMED, EDGE_LIST, STUDY, OMNIPATH = "sif", "named columns", "edge list", "study", "omnipath"


@dataclass(frozen=True)
class Layout:
    """Say how a source spells its columns.

    Attributes:
        name: What a profile calls it.
        words: What a page calls it.
        spellings: Role to the column names it goes by, in lower case.
        needed: Roles without which a table is not of this layout.
    """

    name: str
    words: str
    spellings: Mapping[str, tuple[str, ...]]
    needed: tuple[str, ...]

    def found(self, columns: Mapping[str, str]) -> dict[str, list[str]]:
        """List the columns that go by each role's names, roles without any left out.

        Args:
            columns: Column names in lower case to those of the file.
        """
        by_role = {
            role: [columns[name] for name in names if name in columns]
            for role, names in self.spellings.items()
        }
        return {role: names for role, names in by_role.items() if names}

    def fits(self, columns: Mapping[str, str]) -> bool:
        """Whether the columns hold every needed role."""
        return set(self.needed) <= set(self.found(columns))

    def described(self) -> str:
        """Name the layout with its columns, for messages."""
        parts = ["/".join(self.spellings[role]) for role in self.needed]
        return f"{self.name} ({', '.join(parts) or 'no header'})"


LAYOUTS: Mapping[str, Layout] = {
    layout.name: layout
    for layout in (
        Layout(
            STUDY,
            "the original study's table",
            {"tf": ("tf",), "gene": ("gene",), "sign": ("interaction",), "confidence": _CONFIDENCE},
            ("tf", "gene", "sign"),
        ),
        Layout(
            OMNIPATH,
            "an OmniPath export, such as CollecTRI",
            {
                "tf": ("source_genesymbol",),
                "gene": ("target_genesymbol",),
                "stimulation": ("is_stimulation",),
                "inhibition": ("is_inhibition",),
                "consensus_stimulation": ("consensus_stimulation",),
                "consensus_inhibition": ("consensus_inhibition",),
                "confidence": ("dorothea_level",),
            },
            ("tf", "gene", "stimulation", "inhibition"),
        ),
        Layout(
            "dorothea",
            "a DoRothEA table",
            {
                "tf": ("tf", "source"),
                "gene": ("target",),
                "sign": ("mor", "weight"),
                "confidence": ("confidence",),
            },
            ("tf", "gene", "sign", "confidence"),
        ),
        Layout(
            "decoupler",
            "a decoupler table, such as CollecTRI",
            {
                "tf": ("source",),
                "gene": ("target",),
                "sign": ("weight", "mor"),
                "confidence": _CONFIDENCE,
            },
            ("tf", "gene", "sign"),
        ),
        Layout(
            EDGE_LIST,
            "an edge list",
            {
                "tf": ("tf", "source", "regulator"),
                "gene": ("gene", "target"),
                "sign": ("interaction", "sign", "weight", "mor", "effect"),
                "confidence": _CONFIDENCE,
            },
            ("tf", "gene"),
        ),
        Layout(SIF, "SIF, the simple interaction format", {}, ()),
    )
}


@dataclass(frozen=True)
class ReadAs:
    """Hold what a network's header is read as.

    Attributes:
        layout: A key of ``LAYOUTS``, or ``NAMED``.
        columns: Role to the column, as the file spells it.
    """

    layout: str
    columns: Mapping[str, str]

    @property
    def words(self) -> str:
        """Name the layout for a page."""
        return LAYOUTS[self.layout].words if self.layout in LAYOUTS else "a table of named columns"


def matching(header: Iterable[str]) -> list[Layout]:
    """List the layouts that a header fits, an edge list only where none of the others does."""
    columns = {name.strip().casefold(): name for name in header}
    fitting = [
        layout
        for layout in LAYOUTS.values()
        if layout.name not in (SIF, EDGE_LIST) and layout.fits(columns)
    ]
    # With a column of confidence, a table of decoupler's is one of DoRothEA's.
    names = [layout.name for layout in fitting]
    if "dorothea" in names:
        fitting = [layout for layout in fitting if layout.name != "decoupler"]
    edge_list = LAYOUTS[EDGE_LIST]
    return fitting or ([edge_list] if edge_list.fits(columns) else [])


def read_as(
    header: list[str],
    origin: str,
    *,
    layout: str | None = None,
    named: Mapping[str, str] | None = None,
) -> ReadAs:
    """Find out which column holds what.

    Args:
        header: Column names.
        origin: Where they come from; named in messages.
        layout: Key of ``LAYOUTS`` that it must be; None: any that fits.
        named: Role to the column that holds it, where the names say too little or too much.

    Raises:
        ValueError: If no layout fits, several do, a role has several columns, a named column is
            not there, or TF and gene are to be in one column.
    """
    columns = _by_lower_case(header, origin)
    own = {role: _column(name, columns, role, origin) for role, name in (named or {}).items()}
    if {"tf", "gene"} <= set(own):
        return ReadAs(NAMED, _apart(own, origin))
    chosen = LAYOUTS[layout] if layout else _only_layout(header, origin)
    found = chosen.found(columns)
    lacking = [role for role in chosen.needed if role not in found and role not in own]
    if lacking:
        raise ValueError(
            f"{origin} is no {chosen.described()}: it has no column of {listed(lacking)}; found "
            f"{listed(header, most=12)}; {_remedy()}"
        )
    several = {role: names for role, names in found.items() if len(names) > 1 and role not in own}
    if several:
        role, names = next(iter(several.items()))
        raise ValueError(
            f"{origin} has {len(names)} columns that may hold the {ROLES[role]}: "
            f"{listed(names)}; name the one that does, such as columns: {{{role}: {names[0]}}}"
        )
    by_layout = {role: names[0] for role, names in found.items()}
    return ReadAs(chosen.name, _apart({**by_layout, **own}, origin))


def _apart(columns: dict[str, str], origin: str) -> dict[str, str]:
    """Refuse one column for both ends of an edge."""
    if columns["tf"] == columns["gene"]:
        raise ValueError(
            f"{origin}: its column {columns['tf']} would hold TFs and genes; name one column for "
            "each, such as columns: {tf: Regulator, gene: Target}"
        )
    return columns


def _by_lower_case(header: list[str], origin: str) -> dict[str, str]:
    """Key the column names by lower case, or say which are then alike."""
    columns: dict[str, str] = {}
    for name in header:
        key = name.strip().casefold()
        if key in columns:
            raise ValueError(
                f"{origin} has two columns called alike: {short(columns[key])} and {short(name)} "
                "(the case of letters does not count); rename or remove one"
            )
        columns[key] = name
    return columns


def _column(name: str, columns: Mapping[str, str], role: str, origin: str) -> str:
    """Look up a column that was named for a role."""
    key = str(name).strip().casefold()
    if key not in columns:
        raise ValueError(
            f"{origin} has no column {quoted(name)} for the {ROLES[role]}; found "
            f"{listed(columns.values(), most=12)}"
        )
    return columns[key]


def _only_layout(header: list[str], origin: str) -> Layout:
    """Find the one layout that fits."""
    fitting = matching(header)
    if len(fitting) > 1:
        raise ValueError(
            f"{origin} fits several layouts of a network: "
            f"{', '.join(layout.described() for layout in fitting)}; found the columns "
            f"{listed(header, most=12)}; choose one, such as layout: {fitting[0].name}"
        )
    if not fitting:
        known = "; ".join(layout.described() for layout in LAYOUTS.values())
        raise ValueError(
            f"{origin} fits no layout of a network: its first line is "
            f"{listed(header, most=12)}; known layouts: {known}; {_remedy()}"
        )
    return fitting[0]


def _remedy() -> str:
    return "name the columns, such as columns: {tf: Regulator, gene: Target, sign: Effect}"
