import Reports
import Settings

/// Everything that can be run by its name.
public enum AllSystems {
  public static let list: [AnySystem] = [
    AnySystem(Spirals.self), AnySystem(DiffusionSolver.self), AnySystem(KoopmanBurgers.self),
    AnySystem(KoopmanKuramotoSivashinsky.self), AnySystem(KoopmanNavierStokes.self), AnySystem(MIMOOFDM.self),
    AnySystem(Deployment.self),
  ]

  /// The system of a name.
  ///
  /// - Throws: `ConfigurationError` that lists the names.
  public static func named(_ name: String) throws -> AnySystem {
    guard let system = list.first(where: { $0.card.name == name }) else {
      throw ConfigurationError.invalidValue(
        key: "system", found: name, expected: "one of \(list.map(\.card.name).joined(separator: ", "))")
    }
    return system
  }
}
