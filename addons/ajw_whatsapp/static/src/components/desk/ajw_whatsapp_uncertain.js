import { registry } from "@web/core/registry";
import { KanbanController } from "@web/views/kanban/kanban_controller";
import { kanbanView } from "@web/views/kanban/kanban_view";
import { ListController } from "@web/views/list/list_controller";
import { listView } from "@web/views/list/list_view";

/** The uncertain messages, below a few words on what uncertain means. */
class AjwWhatsappUncertainListController extends ListController {
    static template = "ajw_whatsapp.UncertainList";
}

class AjwWhatsappUncertainKanbanController extends KanbanController {
    static template = "ajw_whatsapp.UncertainKanban";
}

registry.category("views").add("ajw_whatsapp_uncertain_list", {
    ...listView,
    Controller: AjwWhatsappUncertainListController,
});
registry.category("views").add("ajw_whatsapp_uncertain_kanban", {
    ...kanbanView,
    Controller: AjwWhatsappUncertainKanbanController,
});
