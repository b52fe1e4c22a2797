import { registry } from "@web/core/registry";

const HEADER = "Number,Name,Purposes,Notice version,Date,Proof";
const GOOD = "+919876543210,Test Customer,invoice,1,2025-05-04,Form 1";
const BROKEN = [
    HEADER,
    GOOD,
    "+919876543211,Second Customer,invoice,1,2025-02-31,Form 2",
    "+919876543210,Test Customer,invoice,1,2025-06-01,Form 3",
    "+919999999999,Nobody,invoice,1,2025-05-04,Form 5",
    "+919876543212,Stopped Customer,invoice,1,2025-05-04,Form 6",
    // The last one: nobody knows what a line after it is.
    '+919876543211,"Second Customer,invoice,1,2025-05-04,Form 4',
];
const COMPLETE = [HEADER, GOOD, "+919876543211,Second Customer,invoice,1,2025-05-04,Form 2"];
const REASONS = {
    3: "There is no such date: 2025-02-31",
    4: "The same consent stands in row 2 already",
    5: "No contact of yours fits",
    6: "suppression list",
    7: "A quotation mark is not closed",
};
const LIST = ".o_field_widget[name=problem_ids]";

/** Choose a list of the computer and say where it comes from. */
function choose(lines) {
    return [
        {
            content: "Choose the list",
            trigger: ".o_field_widget[name=file]",
            run() {
                const input = this.anchor.querySelector("input[type=file]");
                const chosen = new DataTransfer();
                chosen.items.add(new File([lines.join("\n")], "list.csv", { type: "text/csv" }));
                input.files = chosen.files;
                input.dispatchEvent(new Event("change", { bubbles: true }));
            },
        },
        {
            content: "It is uploaded",
            trigger: ".o_field_widget[name=file] .o_clear_file_button",
        },
        {
            trigger: ".o_field_widget[name=proof] textarea",
            run: "edit Forms of 2025, in the archive",
        },
    ];
}

const CHECK = { trigger: "button[name=action_check]", run: "click" };
const EACH_REASON = Object.entries(REASONS).map(([row, reason]) => ({
    content: `Row ${row}`,
    trigger: `${LIST} .o_data_row:has([name=row]:contains(/^${row}$/)):contains(${reason})`,
}));
const IMPORT = [
    { trigger: "button[name=action_import]", run: "click" },
    { trigger: ".modal .modal-footer .btn-primary", run: "click" },
];

registry.category("web_tour.tours").add("ajw_consent_import", {
    steps: () => [
        ...choose(BROKEN),
        CHECK,
        ...EACH_REASON,
        { trigger: ".alert[name=some]:contains(Only the good rows)" },
        { trigger: ".o_field_widget[name=good_count]:contains(1)" },
        { trigger: ".o_field_widget[name=bad_rows] a, .o_field_widget[name=bad_rows] .fa-download" },
        {
            content: "Nothing sticks out",
            trigger: ".o_form_view",
            run() {
                if (document.documentElement.scrollWidth > window.innerWidth) {
                    throw new Error("The page is wider than the screen");
                }
                for (const cell of document.querySelectorAll(`${LIST} td[name=reason]`)) {
                    if (cell.scrollWidth > cell.clientWidth) {
                        throw new Error("A reason cannot be read in full");
                    }
                }
            },
        },
        ...IMPORT,
        { trigger: "body:not(:has(.modal)) .alert[name=done]:contains(Recorded: 1)" },
        { trigger: "body:not(:has(button[name=action_import])) .o_form_view" },
    ],
});

const ONLY_COMPLETE = {
    trigger: ".o_field_widget[name=only_complete] input",
    run: "click",
};

registry.category("web_tour.tours").add("ajw_consent_import_nothing", {
    steps: () => [
        ...choose(BROKEN),
        ONLY_COMPLETE,
        CHECK,
        ...EACH_REASON,
        { trigger: ".alert[name=nothing]:contains(nothing is imported)" },
        { trigger: "body:not(:has(button[name=action_import])) .o_form_view" },
    ],
});

registry.category("web_tour.tours").add("ajw_consent_import_complete", {
    steps: () => [
        ...choose(COMPLETE),
        ONLY_COMPLETE,
        CHECK,
        { trigger: `body:not(:has(${LIST} .o_data_row)) .o_field_widget[name=good_count]:contains(2)` },
        ...IMPORT,
        { trigger: "body:not(:has(.modal)) .alert[name=done]:contains(Recorded: 2)" },
    ],
});
