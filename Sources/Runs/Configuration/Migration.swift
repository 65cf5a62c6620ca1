import Chips
import Settings

extension SubstrateChoice {
  /// Files of version 1 had a device inside the macro, converters' bits beside each other, and costs as single figures.
  @Sendable static func migratedFromVersion1(_ entries: [String: ConfigurationValue]) throws(ConfigurationError)
    -> [String: ConfigurationValue]
  {
    var entries = entries
    entries["schema"] = .integer(2)
    guard case .map(var substrate)? = entries["substrate"] else { return entries }
    if case .map(var macro)? = substrate["macro"] {
      if case .map(var device)? = macro.removeValue(forKey: "device") {
        device["kind"] = .string("rram")
        substrate["device"] = .map(device)
      }
      if let bits = macro.removeValue(forKey: "inputBits") { macro["input"] = .map(["bits": bits]) }
      var output: [String: ConfigurationValue] = [:]
      output["bits"] = macro.removeValue(forKey: "outputBits")
      output["outputsPerConverter"] = macro.removeValue(forKey: "outputsPerConverter")
      if let range = macro.removeValue(forKey: "outputRange") {
        (output["range"], output["ranging"]) = (range, .string("fixed"))
      }
      if !output.isEmpty { macro["output"] = .map(output) }
      substrate["macro"] = .map(macro)
    }
    if case .string(let file)? = substrate.removeValue(forKey: "measuredDevice"), !file.isEmpty {
      substrate["device"] = .map(["kind": .string("measured"), "file": .string(file)])
    }
    if case .map(let costs)? = substrate.removeValue(forKey: "cost") {
      substrate["components"] = try components(version1: costs)
    }
    entries["substrate"] = .map(substrate)
    return entries
  }

  /// Where each figure of version 1 is now.
  private static let figures: [String: (component: String, figure: String)] = [
    "inputConversion_J": ("inputConversion", "energy_J"), "outputConversion_J": ("outputConversion", "energy_J"),
    "settling_s": ("arrayStep", "time_s"), "conversion_s": ("outputConversion", "time_s"),
    "pulse_s": ("pulse", "time_s"),
    "pulse_J": ("pulse", "energy_J"), "cell_mm2": ("cell", "area_mm2"),
    "converter_mm2": ("outputConversion", "area_mm2"),
    "digitalOperation_J": ("floatMultiplyAccumulate", "energy_J"), "memoryByte_J": ("memoryByte", "energy_J"),
    "amplifier_W": ("amplifier", "energy_J"),
  ]

  private static func components(version1 costs: [String: ConfigurationValue]) throws(ConfigurationError)
    -> ConfigurationValue
  {
    var components: [String: [String: ConfigurationValue]] = [:]
    for (key, value) in costs {
      if key == "digitalOperationsPerSecond", let rate = value.double, rate > 0 {
        components["floatMultiplyAccumulate", default: [:]]["time_s"] = .number(1 / rate)
      } else if let place = figures[key] {
        components[place.component, default: [:]][place.figure] = value
      } else {
        throw .unknownKey(key: "substrate.cost.\(key)", accepted: figures.keys.sorted())
      }
    }
    return .map(components.mapValues { .map($0) })
  }
}
