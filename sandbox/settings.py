"""What can be tuned while the sandbox runs (`/_sandbox/settings`)."""

from dataclasses import asdict, dataclass, fields


@dataclass
class Settings:
    """Delays are in milliseconds."""

    auto_statuses: bool = True
    sent_delay_ms: int = 200
    delivered_delay_ms: int = 700
    template_review_ms: int = 1000
    template_review_result: str = "APPROVED"
    template_review_reason: str = "NONE"
    window_hours: int = 24
    # Meta answers some sends outside the window with an error and some with a failed status.
    window_error: str = "answer"
    # Meta's limits: sends a second and number (0: any number), the pair rate, people in 24 hours.
    limit_per_second: int = 0
    limit_pair: bool = False
    messaging_limit_tier: str = "TIER_UNLIMITED"
    throughput_level: str = "STANDARD"
    webhook_batch_size: int = 50
    webhook_batch_ms: int = 50
    webhook_concurrency: int = 2
    webhook_retry_ms: int = 1000
    webhook_retry_max_ms: int = 60_000
    webhook_give_up_hours: int = 168
    webhook_timeout_ms: int = 10_000

    CHOICES = {
        "window_error": ("answer", "webhook"),
        "messaging_limit_tier": (
            "TIER_50",
            "TIER_250",
            "TIER_1K",
            "TIER_2K",
            "TIER_10K",
            "TIER_100K",
            "TIER_UNLIMITED",
        ),
        "throughput_level": ("STANDARD", "HIGH", "NOT_APPLICABLE"),
        "template_review_result": ("APPROVED", "REJECTED", "PENDING"),
    }
    MINIMUM = {"webhook_batch_size": 1, "webhook_concurrency": 1, "webhook_timeout_ms": 1}

    def update(self, values):
        """Change settings, all or none.

        :param dict values: new values by name.
        :raises ValueError: for an unknown name or a value of the wrong kind.
        """
        known = {field.name: field.type for field in fields(self)}
        for name, value in values.items():
            kind = known.get(name)
            if kind is None:
                raise ValueError(f"unknown setting: {name}; known are {', '.join(sorted(known))}")
            if type(value) is not kind:
                raise ValueError(f"{name} must be of type {kind.__name__}")
            if name in self.CHOICES and value not in self.CHOICES[name]:
                raise ValueError(f"{name} must be one of {', '.join(self.CHOICES[name])}")
            if kind is int and value < self.MINIMUM.get(name, 0):
                raise ValueError(f"{name} must be at least {self.MINIMUM.get(name, 0)}")
        for name, value in values.items():
            setattr(self, name, value)

    def as_dict(self):
        return asdict(self)
