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


def properties(path, type_name):
    """Stored public properties of a type with their comments and defaults, from its source."""
    text = (root / path).read_text()
    body = text[text.index(f"public struct {type_name}"):]
    found = re.findall(r"((?:^  ///.*\n)+)^  public var (\w+)(?:: [\w<>\[\] ]+)? = (.+)$", body.split("\n}\n")[0], re.M)
    return [(name, default, " ".join(line.strip()[4:] for line in comment.strip().split("\n"))) for comment, name, default in found]


def comment(path, type_name):
    """The doc comment of a type, without its list."""
    text = (root / path).read_text()
    block = re.search(r"((?:^///.*\n)+)public struct " + type_name, text, re.M).group(1)
    return "\n".join(line[4:] if len(line) > 3 else "" for line in block.strip().split("\n"))


def reference(title, intro, entries):
    lines = [f"# {title}", "", intro, ""]
    for prefix, path, name in entries:
        lines += [f"## {name}", "", comment(path, name), "", "| key | default | meaning |", "|---|---|---|"]
        lines += [f"| `{prefix}{key}` | `{default}` | {text} |" for key, default, text in properties(path, name)]
        lines.append("")
    return "\n".join(lines)


for page in sorted((root / "docs").glob("*.md")):
    pages[page.stem] = page.read_text()
systems = []
for folder in sorted((root / "Sources" / "Systems").iterdir()):
    if folder.is_dir():
        pages[f"system-{folder.name}"] = (folder / "README.md").read_text()
        systems.append(f"system-{folder.name}")
pages["devices"] = reference("Devices", "Keys of the cells, made from the code.", [("substrate.macro.device.", "Sources/Devices/RRAM.swift", "RRAM")])
pages["components"] = reference("Arrays and components", "Keys of arrays, converters and costs, made from the code.", [
    ("substrate.macro.", "Sources/Circuits/Macro.swift", "Macro"), ("substrate.cost.", "Sources/Chips/CostModel.swift", "CostModel")])
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
    topic("Systems", systems), topic("Reference", ["devices", "components", "configuration", "data", "onnx"]),
    topic("Validation", ["validation", "performance"]), topic("Libraries", ["first-network", "tensors"])]))
