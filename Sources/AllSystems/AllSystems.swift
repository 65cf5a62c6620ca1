import Reports
import Studies

/// Every system of the package, and the commands that run like one. The list itself is made from Package.swift.
public enum AllSystems {
  /// Makes them known to `SystemList`.
  public static func register() {
    SystemList.add(listedSystems)
    SystemList.add([Deployment.self], commands: true)
  }
}
