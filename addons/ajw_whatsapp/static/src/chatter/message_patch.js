import { Message } from "@mail/core/common/message";

import { AjwWhatsappStatus } from "../components/status/ajw_whatsapp_status";

Message.components = { ...Message.components, AjwWhatsappStatus };
