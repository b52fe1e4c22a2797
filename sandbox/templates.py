"""Message templates: list with paging, create, edit, delete, review, and moves by Meta."""

import base64
import bisect
import time
from dataclasses import asdict, dataclass, field

from . import template_rules as rules
from .errors import MetaError, invalid

STATUSES = (
    "APPROVED",
    "PENDING",
    "REJECTED",
    "PAUSED",
    "DISABLED",
    "IN_APPEAL",
    "FLAGGED",
    "REINSTATED",
    "LIMIT_EXCEEDED",
    "PENDING_DELETION",
    "DELETED",
    "LOCKED",
    "ARCHIVED",
    "UNARCHIVED",
)
QUALITIES = ("GREEN", "YELLOW", "RED", "UNKNOWN")
_SENDABLE = ("APPROVED", "FLAGGED", "REINSTATED", "UNARCHIVED")
_EDITABLE = ("APPROVED", "REJECTED", "PAUSED")
_DEFAULT_FIELDS = (
    "name",
    "parameter_format",
    "components",
    "language",
    "status",
    "category",
    "id",
)
_FIELDS = (
    *_DEFAULT_FIELDS,
    "quality_score",
    "rejected_reason",
    "previous_category",
    "last_updated_time",
)
TEMPLATE_LIMIT = 6000
PAGE_DEFAULT = 25
PAGE_LIMIT = 1000


@dataclass
class Template:
    id: str
    waba_id: str
    name: str
    language: str
    category: str
    parameter_format: str
    components: list
    status: str = "PENDING"
    quality: str = "UNKNOWN"
    rejected_reason: str = "NONE"
    previous_category: str | None = None
    revision: int = 0
    updated: float = field(default_factory=time.time)

    def read(self, names=None):
        """Return the fields asked for (Meta's names), always with the id."""
        values = {
            "name": self.name,
            "parameter_format": self.parameter_format,
            "components": self.components,
            "language": self.language,
            "status": self.status,
            "category": self.category,
            "id": self.id,
            "quality_score": {"score": self.quality, "date": int(self.updated)},
            "rejected_reason": self.rejected_reason,
            "previous_category": self.previous_category,
            "last_updated_time": int(self.updated),
        }
        names = names or _DEFAULT_FIELDS
        return {key: values[key] for key in values if key in names or key == "id"}


class Templates:
    """The templates of every account."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.by_id = {}
        self.by_key = {}
        self.handles = set()

    # --- reading ---

    def of(self, waba_id):
        return [t for t in self.by_id.values() if t.waba_id == waba_id]

    def sendable(self, waba_id, name, language):
        """Return the template to send.

        :raises MetaError: 132001 unknown or not approved, 132015 paused, 132016 disabled.
        """
        template = self.by_key.get((waba_id, name, language))
        if template is None:
            raise MetaError(132001, f"template name ({name}) does not exist in {language}")
        if template.status in _SENDABLE:
            return template
        if template.status == "PAUSED":
            raise MetaError(132015, f"template ({name}) is paused because of low quality")
        if template.status == "DISABLED":
            raise MetaError(132016, f"template ({name}) is disabled because of low quality")
        raise MetaError(
            132001,
            f"template name ({name}) does not exist in {language}: its status is "
            f"{template.status}, not APPROVED",
        )

    def page(self, waba_id, query, url):
        """Return one page of an account's templates.

        :param query: mapping with fields, limit, after, before and filters.
        :param str url: address of this edge, for `paging.next`.
        """
        names = fields_of(query)
        rows = [t for t in self.of(waba_id) if _matches(t, query)]
        ids = [t.id for t in rows]
        limit = _limit(query.get("limit"))
        after, before = query.get("after"), query.get("before")
        start, stop = 0, limit
        if after:
            start = _position(ids, after) + 1
            stop = start + limit
        elif before:
            stop = max(0, _position(ids, before))
            start = max(0, stop - limit)
        chosen = rows[start:stop]
        answer = {"data": [t.read(names) for t in chosen]}
        if chosen:
            cursors = {"before": _cursor(chosen[0].id), "after": _cursor(chosen[-1].id)}
            answer["paging"] = {"cursors": cursors}
            kept = {
                key: value
                for key, value in query.items()
                if key not in ("after", "before", "access_token", "appsecret_proof")
            }
            if stop < len(rows):
                answer["paging"]["next"] = str(
                    url.with_query({**kept, "limit": limit, "after": cursors["after"]})
                )
            if start > 0:
                answer["paging"]["previous"] = str(
                    url.with_query({**kept, "limit": limit, "before": cursors["before"]})
                )
        return answer

    # --- changing ---

    def create(self, waba_id, values):
        """Submit a template for review; return Meta's answer."""
        checked = rules.check_new(values, self.handles.__contains__)
        key = (waba_id, checked["name"], checked["language"])
        if key in self.by_key:
            raise MetaError(
                100,
                message="Invalid parameter",
                subcode=2388024,
                user_title="Content in this language already exists",
                user_message=(
                    f"There is already {checked['language']} content for this template. "
                    "You can create a new template and try again."
                ),
            )
        if len(self.by_id) >= TEMPLATE_LIMIT:
            raise MetaError(
                80007, message="(#80007) Too many templates", details="Delete unused templates"
            )
        template = Template(id=self.sandbox.new_id(), waba_id=waba_id, **checked)
        self.by_id[template.id] = template
        self.by_key[key] = template
        self.submit(template)
        return {"id": template.id, "status": template.status, "category": template.category}

    def edit(self, template, values):
        """Change components or category; the template goes back into review."""
        if template.status not in _EDITABLE:
            raise MetaError(
                100,
                message="Invalid parameter",
                subcode=2388025,
                user_title="Message template cannot be edited",
                user_message=f"A template of status {template.status} cannot be edited.",
            )
        if values.get("components") is None and not values.get("category"):
            raise invalid("components or category is required")
        category = rules.check_category(values.get("category") or template.category)
        if category != template.category and template.status == "APPROVED":
            raise MetaError(
                100,
                message="Invalid parameter",
                subcode=2388026,
                user_title="Category cannot be changed",
                user_message="The category of an approved template cannot be edited.",
            )
        components = template.components
        if values.get("components") is not None:
            components = rules.check_components(
                values["components"],
                category,
                template.parameter_format,
                self.handles.__contains__,
            )
        # A new list, never a changed one: messages keep the layout they were sent with.
        template.category, template.components = category, components
        self.submit(template)
        return {
            "success": True,
            "id": template.id,
            "name": template.name,
            "category": template.category,
        }

    def delete(self, waba_id, query):
        """Delete by `name` (every language) or by `hsm_id` and `name`."""
        name, hsm_id = query.get("name"), query.get("hsm_id")
        if not name and not hsm_id:
            raise MetaError(100, message="(#100) The parameter name is required.")
        chosen = [
            t
            for t in self.of(waba_id)
            if (not name or t.name == name) and (not hsm_id or t.id == hsm_id)
        ]
        if not chosen:
            raise MetaError(
                100,
                message="Invalid parameter",
                subcode=2593002,
                user_title="Message template was not found",
                user_message="The message template does not exist.",
            )
        for template in chosen:
            self.remove(template)
        return {"success": True}

    def remove(self, template):
        self.by_id.pop(template.id, None)
        self.by_key.pop((template.waba_id, template.name, template.language), None)
        template.status = "DELETED"
        self._tell_status(template, reason=None)

    def submit(self, template):
        """Put a template into review; the outcome and delay are settings."""
        template.status, template.rejected_reason = "PENDING", "NONE"
        template.revision += 1
        template.updated = time.time()
        self.sandbox.touch()
        self._plan_review(template)

    def _plan_review(self, template):
        settings = self.sandbox.settings
        if settings.template_review_result != "PENDING":
            self.sandbox.scheduler.after(
                settings.template_review_ms, self._review, template, template.revision
            )

    def _review(self, template, revision):
        still_asked = self.by_id.get(template.id) is template and template.revision == revision
        if still_asked and template.status == "PENDING":
            settings = self.sandbox.settings
            reason = settings.template_review_reason
            self.move(template, settings.template_review_result, reason)

    def move(self, template, status, reason="NONE"):
        """Give a template a status, as Meta does, and fire the webhook.

        :raises ValueError: for an unknown status.
        """
        if status not in STATUSES:
            raise ValueError(f"status must be one of {', '.join(STATUSES)}")
        if status == "DELETED":
            self.remove(template)
            return
        template.status = status
        template.rejected_reason = reason if status == "REJECTED" else "NONE"
        template.updated = time.time()
        self.sandbox.touch()
        self._tell_status(template, reason)

    def recategorise(self, template, category):
        """Move a template to another category, as Meta may, and fire the webhook.

        :raises ValueError: for an unknown category.
        """
        if category not in rules.CATEGORIES:
            raise ValueError(f"category must be one of {', '.join(rules.CATEGORIES)}")
        previous, template.category = template.category, category
        template.previous_category = previous
        template.updated = time.time()
        self.sandbox.touch()
        value = {**_identity(template), "previous_category": previous, "new_category": category}
        self.sandbox.webhooks.post_change(
            template.waba_id, "template_category_update", value, to_app=True
        )

    def rate(self, template, quality):
        """Change the quality of a template and fire the webhook.

        :raises ValueError: for an unknown quality.
        """
        if quality not in QUALITIES:
            raise ValueError(f"quality must be one of {', '.join(QUALITIES)}")
        previous, template.quality = template.quality, quality
        template.updated = time.time()
        self.sandbox.touch()
        value = {
            **_identity(template),
            "previous_quality_score": previous,
            "new_quality_score": quality,
        }
        self.sandbox.webhooks.post_change(
            template.waba_id, "message_template_quality_update", value, to_app=True
        )

    def _tell_status(self, template, reason):
        value = {"event": template.status, **_identity(template), "reason": reason}
        if template.status == "REJECTED":
            value["rejection_info"] = {
                "reason": "The sandbox was set to reject templates.",
                "recommendation": "Change the setting, edit the template and submit it again.",
            }
        if template.status == "DISABLED":
            value["disable_info"] = {"disable_date": str(int(template.updated))}
        if template.status in ("PAUSED", "LOCKED"):
            value["other_info"] = {
                "title": "FIRST_PAUSE",
                "description": "The template was paused because of low quality.",
            }
        self.sandbox.webhooks.post_change(
            template.waba_id, "message_template_status_update", value, to_app=True
        )

    # --- keeping ---

    def dump(self):
        return {
            "templates": [asdict(t) for t in self.by_id.values()],
            "handles": sorted(self.handles),
        }

    def load(self, data):
        self.handles = set(data["handles"])
        for row in data["templates"]:
            template = Template(**row)
            self.by_id[template.id] = template
            self.by_key[(template.waba_id, template.name, template.language)] = template
            if template.status == "PENDING":
                self._plan_review(template)


def _identity(template):
    return {
        # A number in webhooks, a string everywhere else.
        "message_template_id": int(template.id),
        "message_template_name": template.name,
        "message_template_language": template.language,
    }


def fields_of(query):
    """Return the names of `fields=` or None; refuse unknown ones."""
    if not query.get("fields"):
        return None
    names = [name.strip() for name in query["fields"].split(",") if name.strip()]
    for name in names:
        if name not in _FIELDS:
            raise MetaError(
                100,
                message=(
                    f"(#100) Tried accessing nonexisting field ({name}) on node type "
                    "(WhatsAppMessageTemplate)"
                ),
            )
    return names


def _matches(template, query):
    for name in ("name", "status", "language", "category"):
        wanted = query.get(name)
        if wanted and str(getattr(template, name)).lower() != wanted.lower():
            return False
    text = query.get("name_or_content")
    return not text or text.lower() in f"{template.name} {template.components}".lower()


def _limit(value):
    if value in (None, ""):
        return PAGE_DEFAULT
    if not str(value).isdigit() or not 1 <= int(value) <= PAGE_LIMIT:
        raise invalid(f"Param limit must be a number from 1 to {PAGE_LIMIT}")
    return int(value)


def _cursor(template_id):
    return base64.urlsafe_b64encode(template_id.encode()).decode().rstrip("=")


def _position(ids, cursor):
    """Return the place of the last row up to the cursor's, which may be deleted by now."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        wanted = int(base64.urlsafe_b64decode(padded))
    except ValueError:
        raise MetaError(100, message="(#100) Invalid cursor", subcode=1349154) from None
    # Identifiers only grow, so the rows are in their order.
    return bisect.bisect_right(ids, wanted, key=int) - 1
