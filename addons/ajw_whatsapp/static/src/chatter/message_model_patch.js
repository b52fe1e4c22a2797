import { fields } from "@mail/core/common/record";
import { Message } from "@mail/core/common/message_model";

import { patch } from "@web/core/utils/patch";

patch(Message.prototype, {
    setup() {
        super.setup(...arguments);
        /** @type {{ state: string, detail: string } | undefined} the message this note stands for */
        this.ajw_whatsapp = fields.Attr();
    },
});
