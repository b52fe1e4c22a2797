/**
 * WhatsApp's own marks for emphasis. They count only next to a word's edge: "2*3*4" is no bold.
 */
const MARKS = [
    { mark: "```", style: "monospace" },
    { mark: "*", style: "bold" },
    { mark: "_", style: "italic" },
    { mark: "~", style: "strike" },
];

const isWord = (char) => char !== undefined && /[\p{L}\p{N}]/u.test(char);

/**
 * Split a message as WhatsApp shows it.
 *
 * @param {string} text
 * @returns {{ text: string, styles: string[] }[]} pieces in order; the marks themselves are gone
 */
export function parseWhatsappText(text, styles = []) {
    for (let start = 0; start < text.length; start++) {
        for (const { mark, style } of MARKS) {
            if (styles.includes(style) || !text.startsWith(mark, start) || isWord(text[start - 1])) {
                continue;
            }
            const from = start + mark.length;
            const end = closing(text, mark, from);
            if (end < 0) {
                continue;
            }
            const inner = text.slice(from, end);
            return [
                ...plain(text.slice(0, start), styles),
                ...(style === "monospace"
                    ? plain(inner, [...styles, style])
                    : parseWhatsappText(inner, [...styles, style])),
                ...parseWhatsappText(text.slice(end + mark.length), styles),
            ];
        }
    }
    return plain(text, styles);
}

function closing(text, mark, from) {
    if (/\s/.test(text[from] || " ")) {
        return -1;
    }
    for (let end = text.indexOf(mark, from + 1); end > 0; end = text.indexOf(mark, end + 1)) {
        const inner = text.slice(from, end);
        if (mark !== "```" && inner.includes("\n")) {
            return -1;
        }
        if (!/\s$/.test(inner) && !isWord(text[end + mark.length])) {
            return end;
        }
    }
    return -1;
}

function plain(text, styles) {
    return text ? [{ text, styles }] : [];
}
