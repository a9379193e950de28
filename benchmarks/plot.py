"""Draws `docs/benchmarks-peers.svg` and writes the table of docs/benchmarks.md from result.json. See README.md."""

import json
import math
from pathlib import Path

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs"
BEGIN, END = "<!-- peers: written by benchmarks/plot.py -->", "<!-- end of peers -->"
COLUMNS = [("p50", "p50 ms"), ("p99", "p99 ms"), ("recall", "recall@10"), ("build_s", "build s"),
           ("add_ms", "one add ms"), ("memory_mb", "memory MB"), ("disk_mb", "disk MB")]
LEFT, BAR, GAP, WIDE = 190, 16, 6, 420


def number(key: str, value) -> str:
    if value is None:
        return "–"
    if key == "recall":
        return f"{value:.4f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2g}"


def table(size: str, one: dict) -> list[str]:
    loads = [row["load"] for row in one["rows"] if "load" in row]
    title = f"**{size.replace('x', ' × ')}**, {one['data']}; load {min(loads):.0f} to {max(loads):.0f}"
    lines = [title, "", "| | " + " | ".join(name for _, name in COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for row in one["rows"]:
        if "failed" in row:
            lines.append(f"| {row['name']} | not measured: {row['failed']} |" + " |" * (len(COLUMNS) - 1))
        else:
            cells = [number(key, row.get(key)) for key, _ in COLUMNS]
            lines.append(f"| {row['name']} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def plot(result: dict) -> str:
    """Bars on a logarithmic scale: the middle search of each library at each size."""
    groups = {size: [row for row in one["rows"] if "p50" in row] for size, one in result["sizes"].items()}
    times = [row["p50"] for rows in groups.values() for row in rows]
    low, high = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)))

    def across(value: float) -> float:
        return LEFT + WIDE * (math.log10(value) - low) / (high - low)

    parts, top = [], 40
    for size, rows in groups.items():
        parts.append(f'<text x="8" y="{top}" font-weight="bold">{size.replace("x", " × ")}</text>')
        top += 8
        for row in sorted(rows, key=lambda row: row["p50"]):
            ours = row["name"] == "papr-index"
            parts.append(f'<text x="{LEFT - 8}" y="{top + 12}" text-anchor="end">{row["name"]}</text>')
            parts.append(f'<rect x="{LEFT}" y="{top}" width="{max(1, across(row["p50"]) - LEFT):.1f}" height="{BAR}" '
                         f'fill="{"#3b6fd4" if ours else "#a9b4c4"}"/>')
            parts.append(f'<text x="{across(row["p50"]) + 5:.1f}" y="{top + 12}">{number("p50", row["p50"])} ms, '
                         f'{number("recall", row["recall"])}</text>')
            top += BAR + GAP
        top += 22
    lines = []
    for power in range(low, high + 1):
        at = across(10.0**power)
        lines.append(f'<line x1="{at:.1f}" y1="26" x2="{at:.1f}" y2="{top - 22}" stroke="#d8dde5"/>')
        lines.append(f'<text x="{at:.1f}" y="18" text-anchor="middle" fill="#667">{10.0**power:g} ms</text>')
    style = "font-family: system-ui, sans-serif; font-size: 12px; fill: #223"
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDE + 130} {top}" style="{style}" '
            f'role="img" aria-label="Middle search time and recall of each library">\n'
            '<rect width="100%" height="100%" fill="#fff"/>\n' + "\n".join(lines + parts) + "\n</svg>\n")


def main() -> None:
    result = json.loads((HERE / "result.json").read_text())
    (DOCS / "benchmarks-peers.svg").write_text(plot(result))
    head = f"{result['processor']}, {result['cores']} cores, {result['date']}."
    missing = f" Could not be installed: {', '.join(result['missing'])}." if result["missing"] else ""
    lines = [head + missing, ""]
    for size, one in result["sizes"].items():
        lines += table(size, one)
    page = DOCS / "benchmarks.md"
    text = page.read_text()
    before, after = text.split(BEGIN)[0], text.split(END)[-1]
    page.write_text(before + BEGIN + "\n" + "\n".join(lines) + END + after)


if __name__ == "__main__":
    main()
