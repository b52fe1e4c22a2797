import { describe, expect, test } from "@odoo/hoot";

import { parseWhatsappText } from "@ajw_whatsapp/components/preview/whatsapp_text";

describe.current.tags("headless");

/** One line a piece: its styles, then its text. */
function shown(text) {
    return parseWhatsappText(text).map((piece) => `${piece.styles.join("+")}|${piece.text}`);
}

test("plain text stays as it is", () => {
    expect(shown("")).toEqual([]);
    expect(shown("Hello\n\n2 * 3 and a_b")).toEqual(["|Hello\n\n2 * 3 and a_b"]);
});

test("marks become styles and disappear", () => {
    expect(shown("a *b* _c_ ~d~ ```e```")).toEqual([
        "|a ",
        "bold|b",
        "| ",
        "italic|c",
        "| ",
        "strike|d",
        "| ",
        "monospace|e",
    ]);
});

test("styles nest, but not inside monospace", () => {
    expect(shown("*a _b_*")).toEqual(["bold|a ", "bold+italic|b"]);
    expect(shown("```*a*```")).toEqual(["monospace|*a*"]);
});

test("marks within words or over lines count for nothing", () => {
    expect(shown("2*3*4 snake_case_name")).toEqual(["|2*3*4 snake_case_name"]);
    expect(shown("*a\nb*")).toEqual(["|*a\nb*"]);
    expect(shown("* a* *b")).toEqual(["|* a* *b"]);
});

test("other scripts and punctuation", () => {
    expect(shown("*नमस्ते*!")).toEqual(["bold|नमस्ते", "|!"]);
});

test("nothing becomes markup", () => {
    expect(shown("*<b>x</b>*")).toEqual(["bold|<b>x</b>"]);
});
