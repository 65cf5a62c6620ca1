"""Puts the documentation together as a DocC catalogue: the pages of this folder, one page for each system from its
folder, and references made from the doc comments of the code.  make_site.py CATALOGUE"""
import pathlib
import re
import shutil
import sys

root = pathlib.Path(__file__).resolve().parent.parent
site = pathlib.Path(sys.argv[1])
shutil.rmtree(site, ignore_errors=True)
site.mkdir(parents=True)
pages = {}


def link(text):
    """Links between files become links between pages; other files of the project become plain text."""
    def replace(match):
        label, target = match.groups()
        if "://" in target:
            return match.group(0)
        stem = pathlib.Path(target.split("#")[0]).stem
        return f"<doc:{stem}>" if (root / "docs" / f"{stem}.md").exists() else label
    return re.sub(r"\[([^\]]+)\]\(([^)]+)\)", replace, text)


def source(folder, type_name):
    """The Swift file of a folder in which a public type is declared."""
    for path in sorted((root / "Sources" / folder).rglob("*.swift")):
        text = path.read_text()
        if re.search(rf"^public struct {type_name}\b", text, re.M):
            return text
    sys.exit(f"Sources/{folder} has no public struct {type_name}")


def conforming(folder, protocol):
    """Public types of a folder that conform to a protocol, by their words."""
    found = {}
    for path in sorted((root / "Sources" / folder).rglob("*.swift")):
        text = path.read_text()
        for name in re.findall(rf"^public struct (\w+): {protocol}\b", text, re.M):
            body = text[text.index(f"public struct {name}"):]
            found[re.search(r'static let kind = "([^"]+)"', body).group(1)] = name
    return found


def properties(text, type_name):
    """Stored public properties of a type with their defaults and comments, from its source. All of them: one that has no comment
    must be a group of keys, which are described where they stand."""
    body = re.split(rf"^public struct {type_name}\b.*$", text, maxsplit=1, flags=re.M)[1].split("\n}\n")[0]
    found = []
    for comment, name, default in re.findall(r"((?:^  ///.*\n)*)^  public var (\w+)(?:: [\w<>\[\] ]+)? = (.+)$", body, re.M):
        if not comment and "(" not in default:
            sys.exit(f"{type_name}.{name} has no comment that says what it is")
        found.append((name, default, " ".join(line.strip()[4:] for line in comment.strip().split("\n")) or "See below."))
    return found


def comment(text, type_name):
    """The doc comment of a type."""
    block = re.search(r"((?:^///.*\n)+)public struct " + type_name + r"\b", text, re.M).group(1)
    return "\n".join(line[4:] if len(line) > 3 else "" for line in block.strip().split("\n"))


def default_text(default):
    """`Over.column` is `column` in a configuration; what is made by `Amplifier()` has keys of its own."""
    return "keys of its own" if "(" in default else "`" + re.sub(r"^[A-Z]\w*\.", "", default) + "`"


def section(heading, prefix, folder, name):
    text = source(folder, name)
    lines = [f"## {heading}", "", comment(text, name), ""]
    keys = properties(text, name)
    if keys:
        lines += ["| key | default | meaning |", "|---|---|---|"]
        lines += [f"| `{prefix}{key}` | {default_text(default)} | {text} |" for key, default, text in keys]
    return lines + [""]


def devices():
    lines = ["# Devices", "", "Keys of the cells, made from the code. `substrate.device.kind` chooses one.", ""]
    for kind, name in conforming("Devices", "DeviceModel").items():
        lines += section(kind, "substrate.device.", "Devices", name)
    return "\n".join(lines)


def figures():
    """The standard component figures, as they stand in the library."""
    text = source("Chips", "ComponentLibrary")
    names = dict(re.findall(r'let (\w+) = "?([^"\n]+)', text))
    body = text[text.index("components = ["):]
    found = re.findall(r'"(\w+)": Component\((.*?mark: \.\w+)\)', body, re.S)
    if len(found) != body.count(": Component("):
        sys.exit("not every component figure of Sources/Chips/ComponentLibrary.swift could be read")
    lines = ["## Component figures", "", comment(text, "ComponentLibrary"), "",
             "| `substrate.components.` | energy | time | area | at bits | source | mark |", "|---|---|---|---|---|---|---|"]
    for name, arguments in found:
        def value(key, unit=""):
            match = re.search(rf"\b{key}: ([^,\n]+)", arguments)
            return f"{names.get(match.group(1), match.group(1))}{unit}" if match else "–"
        words = re.search(r'source: (?:"([^"]*)"|(\w+))', arguments)
        words = re.sub(r"\\\((\w+)\)", lambda match: names[match.group(1)], words.group(1) or names[words.group(2)])
        cells = [value("energy_J", " J"), value("time_s", " s"), value("area_mm2", " mm²"), value("bits"), words, value("mark")[1:]]
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return lines + [""]


def circuits():
    lines = ["# Arrays and components", "", "Keys of arrays, converters, loops, logic and costs, made from the code.", ""]
    for heading, prefix, name in [
            ("Array", "", "Macro"), ("Input converters", "input.", "InputConverter"),
            ("Output converters", "output.", "OutputConverter"), ("Wires", "wires.", "WireChoice"), ("Amplifiers", "amplifier.", "Amplifier"),
            ("Loops that integrate", "loop.", "IntegratorLoop")]:
        lines += section(heading, f"substrate.macro.{prefix}", "Circuits", name)
    for kind, name in conforming("Circuits", "WeightMapping").items():
        lines += section(f"Mapping: {kind}", "substrate.macro.mapping.", "Circuits", name)
    lines += section("Scales of mappings", "substrate.macro.mapping.scaling.", "Circuits", "WeightScaling")
    lines += section("Rounded logic", "substrate.fixedPoint.", "Substrates", "FixedPoint")
    return "\n".join(lines + figures())


for page in sorted((root / "docs").glob("*.md")):
    pages[page.stem] = page.read_text()
systems = []
for folder in sorted((root / "Systems").iterdir()) + [root / "Sources" / "Studies" / "Deployment"]:
    pages[f"system-{folder.name}"] = (folder / "README.md").read_text()
    systems.append(f"system-{folder.name}")
pages["devices"] = devices()
pages["components"] = circuits()
for name, text in pages.items():
    title, rest = text.lstrip().split("\n", 1)
    (site / f"{name}.md").write_text(title + "\n" + link(rest))


def topic(title, names):
    return f"### {title}\n\n" + "\n".join(f"- <doc:{name}>" for name in names) + "\n"


(site / "Kirchhoff.md").write_text("""# Kirchhoff

@Metadata {
  @TechnologyRoot
}

What happens to a computation on memristive hardware: write it once, run it exactly or on simulated arrays, and see
quality, energy, latency and area side by side.

## Topics

""" + "\n".join([
    topic("Start", ["getting-started", "concepts", "from-pytorch", "bring-your-device", "cluster"]),
    topic("Building on it", ["extending", "architecture"]),
    topic("Systems", systems), topic("Reference", ["devices", "components", "configuration", "data", "onnx"]),
    topic("Validation", ["validation", "performance"]), topic("Licences", ["licences"]),
    topic("Libraries", ["first-network", "tensors", "charts"])]))
