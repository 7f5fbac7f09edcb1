"""layer.yaml and town.yaml: nested dicts, written in the order given. Maps inside a top-level key are written on one line each."""
import json
import re


def write_description(path, top, comment=None):
    out = [f"# {comment}"] if comment else []
    for key, value in top.items():
        if key in ("attributes", "hazard"):
            out.append(f"{key}:")
            out += [f"  {scalar(name)}: {flow(inner)}" for name, inner in value.items()]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            out.append(f"{key}:")
            out += [f"  - {flow(inner)}" for inner in value]
        else:
            out.append(f"{key}: {flow(value)}")
    path.write_text("\n".join(out) + "\n", encoding="utf-8")


def flow(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(v) for v in value) + "]"
    return scalar(value)


def scalar(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    plain = re.fullmatch(r"[^\s\d#&*!|>'\"%@`\-?:,\[\]{}=~.+<][^#:,\[\]{}\"'\n]*", value) and value == value.strip()
    date = re.fullmatch(r"\d{4}-\d\d-\d\d", value)
    return value if (plain or date) and value.lower() not in ("null", "true", "false", "yes", "no", "on", "off", "y", "n") else json.dumps(value, ensure_ascii=False)
