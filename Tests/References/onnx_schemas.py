"""Writes what the ONNX standard says of its operators as Sources/Networks/ONNX/Graph/ONNXSchema+Table.swift has it.

Needs the package onnx: python Tests/References/onnx_schemas.py > Sources/Networks/ONNX/Graph/ONNXSchema+Table.swift
"""

import collections

import onnx.defs

LETTERS = {"FLOAT": "f", "INT": "i", "STRING": "s", "TENSOR": "t", "GRAPH": "g", "SPARSE_TENSOR": "p", "TYPE_PROTO": "y"}


def letter(attribute):
    name = attribute.type.name
    return LETTERS[name] if name in LETTERS else LETTERS[name.rstrip("S")].upper()


def line(history, lowest):
    """name|first version|last|inputs|outputs|attributes with their type and versions where not all have them."""
    history = sorted(history, key=lambda schema: schema.since_version)
    last = history[-1].since_version - 1 if history[-1].deprecated else None
    current = history if history[-1].name == "GroupNormalization" else [s for s in history if not s.deprecated]
    if not current or (last is not None and last < lowest):
        return None
    first, versions = current[0].since_version, {}
    for i, schema in enumerate(history):
        until = history[i + 1].since_version - 1 if i + 1 < len(history) else None
        for name, attribute in schema.attributes.items():
            since = versions[name][0] if name in versions else schema.since_version
            versions[name] = (since, until, letter(attribute))
    attributes = []
    for name, (since, until, kind) in sorted(versions.items()):
        if until is not None and until < lowest:
            continue
        limited = since > max(first, lowest) or until != last
        attributes.append(name + ":" + kind + (f":{since}-{until or ''}" if limited else ""))
    newest = current[-1]

    def count(low, high):
        return f"{low}-{high if high < 1000 else ''}"

    fewest = min(schema.min_input for schema in current if schema is newest or schema.since_version >= lowest)
    most = max(schema.max_input for schema in current)
    outputs = max(schema.max_output for schema in current)
    return "|".join([
        newest.name, str(first), str(last or ""), count(fewest, most), count(newest.min_output, outputs),
        " ".join(attributes)])


operators = collections.defaultdict(list)
for schema in onnx.defs.get_all_schemas_with_history():
    operators[schema.domain, schema.name].append(schema)
# Operators of ai.onnx.ml that others replace, and the first GroupNormalization, are in models still.
for (domain, name), history in operators.items():
    if domain == "ai.onnx.ml":
        operators[domain, name] = [schema for schema in history if not schema.deprecated]

print("// Written by Tests/References/onnx_schemas.py; facts of the ONNX standard (github.com/onnx/onnx, docs/Operators.md).\n")
print("extension ONNXSchema {")
for domain, variable, lowest in [("", "standard", 7), ("ai.onnx.ml", "learning", 1)]:
    print(f'  static let {variable} = """')
    for (own, name), history in sorted(operators.items()):
        if own == domain:
            text = line(history, lowest)
            if text:
                print("    " + text)
    print('    """')
print("}")
