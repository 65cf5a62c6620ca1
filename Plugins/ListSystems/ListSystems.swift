import Foundation
import PackagePlugin

/// Writes the list of the systems that a target depends on, so that adding one takes one line in Package.swift.
///
/// Each module has a type of its own name with a static `systems`.
@main struct ListSystems: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: Target) throws -> [Command] {
    let names = target.dependencies.compactMap { dependency -> String? in
      guard case .target(let system) = dependency else { return nil }
      return system.directoryURL.pathComponents.contains("Systems") ? system.name : nil
    }
    let list = context.pluginWorkDirectoryURL.appending(path: "ListedSystems.swift")
    let text =
      (["import Reports"] + names.map { "import \($0)" }).joined(separator: "\n")
      + "\n\nlet listedSystems: [any System.Type] = [\n"
      + names.map { "  \($0).systems," }.joined(separator: "\n") + "\n].flatMap { $0 }\n"
    return [
      .buildCommand(
        displayName: "List the systems", executable: URL(filePath: "/bin/sh"),
        arguments: ["-c", "printf '%s' \"$1\" > \"$2\"", "sh", text, list.path()], outputFiles: [list])
    ]
  }
}
