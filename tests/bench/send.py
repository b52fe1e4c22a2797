"""Sending: PDFs and texts against a Meta that answers in 150 ms, and a queue of 100,000.

Invoices are real ones with a PDF in the file store (making PDFs is measured by ``batch``), queued
as a user queues them. The scheduler's own code runs the sender. Rates are those that the other
side saw: from its first message to its last, and over the whole run with its start and end.
"""

from pathlib import Path

from tests.bench._stand_in import stand_in
from tests.support.figures import Figure

FOLDER = Path(__file__).parent
LATENCY_MS = 150
DOCUMENTS = 1000
FEW, MANY, SENT = 1000, 100_000, 5000
PDF_RATE, TEXT_RATE = 80, 1000
LOOP = 30


def run(bench):
    """Measure, and return the figures.

    :param harness.bench.Bench bench: databases and Odoo's shell
    """
    database = bench.copy_database()
    company = bench.odoo_shell(database, FOLDER / "_batch_seed.py", DOCUMENTS)["company"]
    with stand_in(bench, LATENCY_MS) as meta:
        seeded = bench.odoo_shell(
            database, FOLDER / "_send_seed.py", company, meta.url, meta.account
        )

        def send(kind, queued, wanted, rate):
            return _measured(meta, bench.odoo_shell, database, "_send_run.py")(
                company, seeded[kind], queued, wanted, rate
            )

        def loop(kind):
            return _measured(meta, bench.odoo_shell, database, "_send_loop.py")(
                company, seeded[kind], LOOP
            )

        pdf_loop, text_loop = loop("pdf"), loop("text")
        pdf = send("pdf", DOCUMENTS, DOCUMENTS, PDF_RATE)
        few = [send("text", FEW, FEW, TEXT_RATE) for _round in range(SENT // FEW)]
        text = send("text", SENT, SENT, TEXT_RATE)
        many = send("text", MANY, SENT, TEXT_RATE)
    few_rate = sum(each["rate"] for each in few) / len(few)
    few_memory = max(each["memory"] for each in few)
    return [
        Figure(f"PDFs a second, bucket at {PDF_RATE}", pdf["rate"], "/s", 75, "higher"),
        Figure("… over the whole run", pdf["sent"] / pdf["seconds"], "/s"),
        Figure("PDFs a second in a loop, one by one", pdf_loop["rate"], "/s"),
        Figure("PDFs against the loop", pdf["rate"] / pdf_loop["rate"], "×", 20, "higher"),
        Figure("size of a PDF", seeded["bytes"] / 1024, "KB"),
        Figure(f"texts a second, bucket at {TEXT_RATE:,}", text["rate"], "/s", 400, "higher"),
        Figure("… over the whole run", text["sent"] / text["seconds"], "/s"),
        Figure("texts a second in a loop, one by one", text_loop["rate"], "/s"),
        Figure("texts against the loop", text["rate"] / text_loop["rate"], "×", 20, "higher"),
        Figure("SQL queries a message, PDFs", pdf["queries"], target=3),
        Figure("SQL queries a message, texts", text["queries"], target=3),
        Figure(f"SQL queries a message, {MANY:,} queued", many["queries"], target=3),
        Figure("processor time of the sender a PDF", 1000 * pdf["processor"], "ms"),
        Figure("processor time of the sender a text", 1000 * text["processor"], "ms"),
        Figure(f"texts a second, {FEW:,} queued, {SENT:,} sent in turns", few_rate, "/s"),
        Figure(
            f"texts a second, {MANY:,} queued, {SENT:,} sent",
            many["rate"],
            "/s",
            0.9 * min(few_rate, text["rate"]),
            "higher",
        ),
        Figure(f"memory the sender takes, {FEW:,} queued", few_memory, "MB"),
        Figure(f"memory the sender takes, {MANY:,} queued", many["memory"], "MB", few_memory + 32),
    ]


def _measured(meta, shell, database, script):
    """Return a function that runs a script and adds the rate that the other side saw."""

    def run_script(*arguments):
        since = meta.received()
        result = shell(database, FOLDER / script, *arguments)
        times = [
            entry["time"]
            for entry in meta.journal(kind="send", since=since)
            if entry["status"] == 200
        ]
        assert len(times) == result["sent"], (len(times), result)
        return {**result, "rate": (len(times) - 1) / (max(times) - min(times))}

    return run_script
