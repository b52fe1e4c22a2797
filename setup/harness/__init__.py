"""What setup/demo, setup/test and setup/odoo are made of."""
