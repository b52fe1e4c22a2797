{
    "name": "WhatsApp Invoicing with Job Queue",
    "summary": "The queue of an account is sent by a job of the OCA's queue_job",
    "version": "19.0.1.2.0",
    "category": "Accounting/Accounting",
    "author": "AJ Works",
    "license": "LGPL-3",
    "depends": ["ajw_whatsapp", "queue_job"],
    "data": ["data/queue_job_channel.xml", "data/queue_job_function.xml"],
    "uninstall_hook": "uninstall_hook",
}
