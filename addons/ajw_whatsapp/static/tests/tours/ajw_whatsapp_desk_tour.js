import { registry } from "@web/core/registry";

const BOARD = ".o_ajw_whatsapp_desk";
const EMPTY =
    ".o_list_view:not(:has(.o_data_row)), .o_kanban_view:not(:has(.o_kanban_record:not(.o_kanban_ghost)))";
const CARD = ".o_kanban_record";

registry.category("web_tour.tours").add("ajw_whatsapp_desk", {
    steps: () => [
        {
            content: "The account's card says what to do",
            trigger: ".o_ajw_whatsapp_overview .o_kanban_record .alert:contains(uncertain)",
        },
        {
            content: "A reason of failure opens its messages",
            trigger: ".o_ajw_whatsapp_reasons a:contains(131026)",
            run: "click",
        },
        {
            trigger: ".o_data_row:contains(Customer 1), .o_kanban_record:contains(Customer 1)",
        },
        {
            content: "Back to the overview",
            trigger: ".o_back_button, .breadcrumb-item a",
            run: "click",
        },
        {
            trigger: ".o_ajw_whatsapp_overview a[name=action_view_uncertain]",
            run: "click",
        },
        {
            content: "What uncertain means stands above",
            trigger: ".o_ajw_whatsapp_explained:contains(may have arrived)",
        },
        {
            trigger: "button[name=action_mark_arrived]:visible",
            run: "click",
        },
        {
            trigger: EMPTY,
        },
        {
            content: "To the desk, over the overview's own figures",
            trigger: ".o_back_button, .breadcrumb-item a",
            run: "click",
        },
        {
            trigger: ".o_ajw_whatsapp_overview a[name=action_view_queue]",
            run: "click",
        },
        {
            trigger: "button[name=action_desk_cancel]:visible",
            run: "click",
        },
        {
            content: "Asked once more",
            trigger: ".modal footer .btn-primary",
            run: "click",
        },
        {
            trigger: EMPTY,
        },
        {
            trigger: ".o_back_button, .breadcrumb-item a",
            run: "click",
        },
        {
            trigger: ".o_ajw_whatsapp_overview a[name=action_view_failures]",
            run: "click",
        },
        {
            trigger: "button[name=action_desk_retry]:visible",
            run: "click",
        },
        {
            trigger: ".o_notification:contains(1 queued again)",
        },
    ],
});

registry.category("web_tour.tours").add("ajw_whatsapp_desk_views", {
    steps: () => [
        {
            content: "The board, with what failed before what arrived",
            trigger: `${BOARD} .o_kanban_group:first-child:has(${CARD}:contains(Customer 1))`,
        },
        {
            trigger: `${BOARD} .o_kanban_group:nth-child(2):has(${CARD}:contains(Customer 2))`,
        },
        {
            content: "Cards cannot be dragged to another state",
            trigger: `${BOARD} ${CARD}:not(.o_draggable)`,
        },
        {
            trigger: `${BOARD} ${CARD} button[name=action_desk_retry]`,
        },
    ],
});

const next = (title) => [
    {
        trigger: "button[name=action_setup_next]:visible",
        run: "click",
    },
    {
        trigger: `.o_ajw_whatsapp_setup h2:contains(${title}):visible`,
    },
];

registry.category("web_tour.tours").add("ajw_whatsapp_setup", {
    steps: () => [
        {
            trigger: ".o_ajw_whatsapp_setup h2:contains(Your business at Meta)",
        },
        ...next("An app of your own"),
        {
            trigger: "[name=app_id] input",
            run: "edit 700800900",
        },
        {
            trigger: "[name=app_secret] input",
            run: "edit secret-for-tests",
        },
        ...next("A new number"),
        {
            trigger: "[name=phone_number_id] input",
            run: "edit 100200300",
        },
        {
            trigger: "[name=waba_id] input",
            run: "edit 400500600",
        },
        ...next("A permanent token"),
        {
            content: "A wrong token is recognised",
            trigger: "[name=access_token] input",
            run: "edit wrong",
        },
        {
            trigger: "button[name=action_setup_check]:visible",
            run: "click",
        },
        {
            trigger: "li[data-key=token][data-result=bad]",
        },
        {
            trigger: "[name=access_token] input",
            run: "edit token-for-tests",
        },
        {
            trigger: "button[name=action_setup_check]:visible",
            run: "click",
        },
        {
            trigger: "li[data-key=token][data-result=ok]",
        },
        ...next("Register the number"),
        {
            trigger: ".o_ajw_whatsapp_register button:disabled",
        },
        {
            trigger: "#ajw_whatsapp_pin",
            run: "edit 135791",
        },
        {
            trigger: ".o_ajw_whatsapp_register button:enabled",
            run: "click",
        },
        {
            content: "The first PIN is wrong",
            trigger: ".o_ajw_whatsapp_register .alert-danger:contains(not the PIN)",
        },
        {
            trigger: "#ajw_whatsapp_pin",
            run: "edit 246813",
        },
        {
            trigger: ".o_ajw_whatsapp_register button:enabled",
            run: "click",
        },
        {
            trigger: ".o_ajw_whatsapp_register .alert-success",
        },
        ...next("Reports from Meta"),
        {
            trigger: ".o_ajw_whatsapp_verify_token button",
            run: "click",
        },
        {
            content: "The verify token shows, once",
            trigger: ".o_ajw_whatsapp_verify_token code",
        },
        {
            trigger: "button[name=action_subscribe_app]",
            run: "click",
        },
        {
            trigger: "li[data-key=subscribed][data-result=ok]",
        },
        ...next("Display name and payment"),
    ],
});
