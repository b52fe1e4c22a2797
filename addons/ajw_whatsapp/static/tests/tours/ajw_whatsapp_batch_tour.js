import { rpc } from "@web/core/network/rpc";
import { registry } from "@web/core/registry";

const WIZARD = ".o_ajw_whatsapp_batch_wizard";
const BATCH = ".o_ajw_whatsapp_batch";

const selectInList = [
    {
        trigger: ".o_list_view thead .o_list_record_selector input",
        run: "click",
    },
];

const confirm = [
    {
        content: "It says how many get it",
        trigger: `${WIZARD} [data-count=sending]:contains(2)`,
    },
    {
        content: "and how many not",
        trigger: `${WIZARD} [data-count=blocked]:contains(1)`,
    },
    {
        content: "and why",
        trigger: `${WIZARD} .o_ajw_whatsapp_reasons:contains(has not agreed)`,
    },
    {
        content: "and what it costs, by a dated card",
        trigger: `${WIZARD} .alert-info:contains(0.5000 INR):contains(2026-02-03)`,
    },
];

const send = [
    {
        trigger: "button[name=action_send]:visible",
        run: "click",
    },
    {
        content: "The batch shows its progress",
        trigger: `${BATCH} .o_ajw_whatsapp_batch_progress [data-count=preparing]:contains(2)`,
    },
];

registry.category("web_tour.tours").add("ajw_whatsapp_batch", {
    steps: () => [
        ...selectInList,
        {
            trigger: ".o_control_panel .o_cp_action_menus .dropdown-toggle:contains(Actions)",
            run: "click",
        },
        {
            trigger: ".o-dropdown--menu .dropdown-item:contains(Send via WhatsApp)",
            run: "click",
        },
        ...confirm,
        {
            content: "Only those that are left out",
            trigger: `${WIZARD} [name=show] input[data-value=blocked]`,
            run: "click",
        },
        {
            trigger: `${WIZARD} .o_ajw_whatsapp_lines tbody tr.o_data_row:contains(has not agreed)`,
        },
        ...send,
    ],
});

registry.category("web_tour.tours").add("ajw_whatsapp_batch_phone", {
    steps: () => [
        ...confirm,
        {
            content: "The documents are cards",
            trigger: `${WIZARD} .o_ajw_whatsapp_lines .o_kanban_record:contains(Record consent)`,
        },
        {
            content: "Sending is one tap, not in a menu",
            trigger: `button[name=action_send]:visible`,
            run: "click",
        },
        {
            trigger: `${BATCH} .o_ajw_whatsapp_batch_progress [data-count=preparing]:contains(2)`,
        },
    ],
});

registry.category("web_tour.tours").add("ajw_whatsapp_batch_follow", {
    steps: () => [
        {
            content: "Somebody else, elsewhere, takes the batch back",
            trigger: `${BATCH} .o_ajw_whatsapp_batch_progress[data-under-way='1']`,
            run: async () => {
                const id = Number(window.location.pathname.split("/").pop());
                const [model, method] = ["ajw.whatsapp.batch", "action_cancel"];
                await rpc(`/web/dataset/call_kw/${model}/${method}`, {
                    model,
                    method,
                    args: [[id]],
                    kwargs: {},
                });
            },
        },
        {
            content: "Without anything being pressed here, the figures follow",
            trigger: `${BATCH} .o_ajw_whatsapp_batch_progress[data-under-way='0'] [data-count=cancelled]:contains(2)`,
        },
    ],
});
