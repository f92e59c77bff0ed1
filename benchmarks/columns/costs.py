"""What it costs when a column of one kind is taken for another: (label, decided)."""

COSTS = {
    (
        "count",
        "measurement",
    ): "little: a density on whole numbers, in the block with covariances; Families has the loss",
    ("count", "ordered"): "none on what was seen; a count larger than any seen has no probability",
    ("count", "binary"): "none on what was seen; a count larger than any seen has no probability",
    ("measurement", "ordered"): "distances are lost, order is kept; the column leaves the covariances",
    ("measurement", "count"): "the column leaves the covariances",
    ("measurement", "nominal"): "order is lost, and each component pays a parameter for each value",
    ("measurement", "identifier"): "the column is lost",
    ("ordered", "nominal"): "order is lost: text does not show it, and each component pays for each level",
    ("ordered", "count"): "one or two parameters must describe all levels; levels that cannot be get probability",
    ("ordered", "measurement"): "little: levels count as distances",
    ("nominal", "ordered"): "components can only shift codes up or down",
    ("nominal", "measurement"): "components part rows by distances that mean nothing",
    ("nominal", "count"): "components part rows by distances that mean nothing",
    ("nominal", "identifier"): "the column is lost",
    ("identifier", "measurement"): "components cut up the order in which rows were numbered",
    ("identifier", "ordered"): "components cut up the order in which rows were numbered",
    ("identifier", "nominal"): "a parameter for each identifier and component, for nothing",
    ("date", "identifier"): "none: dates are left out, too; the note gives another reason",
    ("date", "nominal"): "a parameter for each date and component",
    ("text", "identifier"): "none: text has no decision of its own",
    ("text", "nominal"): "a parameter for each text and component",
}
#: cells that lose nothing or little
HARMLESS = frozenset(pair for pair, cost in COSTS.items() if cost.startswith(("none", "little")))
