"""The canary: invented people go through every app, are erased, and are looked for everywhere."""
