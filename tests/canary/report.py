"""The result of a run as the tables of ``docs/canary.md``.

python -m tests.canary.report canary-plain.json canary-trail.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PEOPLE = {
    "single": "a customer with an account, whose name nobody shares",
    "one of two": "a customer below a company, with a namesake",
    "worker": "an employee who left, with an internal account",
    "here": "a customer whom another company of the database serves, too",
}


def counts(told: dict[str, int]) -> str:
    return f"{told['columns']} / {told['tables']} / {told['files']}"


def tables(result: dict[str, Any]) -> str:
    """One run as Markdown."""
    trail = "with" if result["audit_trail"] else "without"
    failed = [name for name, trace in result["flows"].items() if trace]
    lines = [
        f"### {trail.title()} a restrictive audit trail",
        "",
        f"{result['modules']} add-ons, {len(result['flows'])} flows ({len(failed)} of them failed),"
        f" {len(result['unclassified'])} fields unclassified of {result.get('fields', 0)},"
        f" seed {result['seed']}.",
        "",
        "| Person | columns / tables / files before | after | seconds | end |",
        "| --- | ---: | ---: | ---: | --- |",
    ]
    for key, told in result["people"].items():
        after = counts(told["after"]) if "after" in told else "–"
        lines.append(
            f"| {PEOPLE.get(key, key)} | {counts(told['before'])} | {after} "
            f"| {told.get('seconds', '–')} | {told.get('state', 'refused')} |"
        )
    lines += ["", "| Left in | rows | of | kept under |", "| --- | ---: | --- | --- |"]
    left: dict[str, dict[str, int]] = {}
    laws: dict[str, set[str]] = {}
    for key, told in result["people"].items():
        for place, kinds in told.get("after", {}).get("places", {}).items():
            left.setdefault(place, {})[key] = max(kinds.values())
            laws.setdefault(place, set()).update(told["laws"].get(place, ()))
            if open_ := told["lawless"].get(place):
                laws[place].add(f"nothing ({', '.join(open_)}): open")
    lines += [
        f"| `{place}` | {sum(rows.values())} | {', '.join(rows)} "
        f"| {'; '.join(sorted(laws[place]))} |"
        for place, rows in sorted(left.items())
    ]
    if "bystanders" in result:
        lines += ["", "| Bystander | rows | changed |", "| --- | ---: | ---: |"]
        lines += [
            f"| {key} | {told['rows']} | {len(told['changed'])} |"
            for key, told in result["bystanders"].items()
        ]
        lines += ["", "| Changed elsewhere | rows | columns |", "| --- | ---: | --- |"]
        elsewhere: dict[tuple, int] = {}
        for table, _row, columns in result["changed_elsewhere"]:
            elsewhere[table, " ".join(columns)] = elsewhere.get((table, " ".join(columns)), 0) + 1
        lines += [f"| `{t}` | {n} | {c} |" for (t, c), n in sorted(elsewhere.items())]
    seconds = ", ".join(f"{what} {took}" for what, took in result["seconds"].items())
    return "\n".join([*lines, "", f"Seconds: {seconds}."])


if __name__ == "__main__":
    print("\n\n".join(tables(json.loads(Path(path).read_text())) for path in sys.argv[1:]))
