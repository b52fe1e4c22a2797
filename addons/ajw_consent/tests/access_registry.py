"""What an addon brings, read from the registry and not from its files."""

from odoo.exceptions import AccessError
from odoo.http import _generate_routing_rules
from odoo.orm.model_classes import is_model_definition
from odoo.service.model import get_public_method


def _definitions(model, addon):
    """Classes with which an addon defines or extends a model, mixins of the addon included."""
    return [
        definition
        for definition in type(model).mro()
        if is_model_definition(definition) and definition._module == addon
    ]


def models_of(env, addon):
    """Return the names of the models that an addon defined, those of its tests left out."""
    return sorted(
        name
        for name, model in env.items()
        if model._original_module == addon and not name.startswith("x.")
    )


def _public_names(env, addon):
    """Yield ``(model, method name, whether somebody else defined it first)``."""
    for model in env.values():
        ours = _definitions(model, addon)
        names = {
            name
            for definition in ours
            for name, value in vars(definition).items()
            if not name.startswith("_") and callable(value) and not isinstance(value, type)
        }
        for name in names:
            holders = [cls for cls in type(model).mro() if name in vars(cls)]
            if not any(getattr(vars(cls)[name], "_api_private", False) for cls in holders):
                yield model._name, name, holders[-1] not in ours


def public_methods(env, addon):
    """Return ``model.method`` of all methods that an addon lets be called over RPC."""
    return sorted(
        f"{model}.{name}" for model, name, other in _public_names(env, addon) if not other
    )


def overrides(env, addon):
    """Return ``model.method`` of the public methods of others that an addon extends.

    Those every model has (``create``, ``write``, …) are left out on the addon's own models: the
    rights on the model say who may call them.
    """
    own = set(models_of(env, addon))
    return sorted(
        f"{model}.{name}"
        for model, name, other in _public_names(env, addon)
        if other and model not in own
    )


def inherited_methods(model):
    """Return the names (set) of the public methods that a model of ours has from others."""
    found = set()
    for name in dir(type(model)):
        if name.startswith("_"):
            continue
        holders = [cls for cls in type(model).mro() if name in vars(cls)]
        if holders[-1].__module__.startswith("odoo.addons.ajw_"):
            continue
        try:
            get_public_method(model, name)
        except (AccessError, AttributeError):
            continue
        found.add(name)
    return found


def core_fields(env, addon):
    """Return ``model.field`` of the fields that an addon adds to models of others."""
    own = set(models_of(env, addon))
    return sorted(
        f"{name}.{field.name}"
        for name, model in env.items()
        if name not in own and not model._abstract and not name.startswith("x.")
        for field in model._fields.values()
        if field._modules and field._modules[0] == addon and not field.inherited
    )


def routes_of(registry, addon):
    """Return the endpoints of an addon's controllers.

    :return: dict of ``"GET /path"`` → routing (dict) as Odoo merged it
    """
    found = {}
    for path, endpoint in _generate_routing_rules(registry._init_modules, nodb_only=False):
        if endpoint.func.__module__.startswith(f"odoo.addons.{addon}."):
            for method in endpoint.routing.get("methods") or ["ANY"]:
                found[f"{method} {path}"] = endpoint.routing
    return found
