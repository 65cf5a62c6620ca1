import Chips
import Reports
import Runs
import Settings
import TestSupport
import Testing

@Suite("Configuration") struct ConfigurationTests {
  private func specification(_ yaml: String, _ assignments: [String] = []) throws -> RunSpecification {
    try RunSpecification(
      sums.keys, file: ConfigurationFile(tree: ConfigurationValue(yaml: yaml)), assignments: assignments)
  }

  @Test("a file goes over the defaults, assignments over the file")
  func overlay() throws {
    let s = try specification(
      "{ schema: 2, system: sums, seed: 7, configuration: { count: 5, inner: { width_m: 2 } }, substrate: { kind: analog } }",
      ["count=6", "weights=[1, 2.5, 4]", "substrate.device.readNoise=0.02", "name=02"])
    #expect(s.seed == 7)
    #expect(s.configuration["count"] == .integer(6))
    #expect(s.configuration["inner.width_m"]?.double == 2)
    #expect(s.configuration["weights"] == .list([.integer(1), .number(2.5), .integer(4)]))
    #expect(s.configuration["name"] == .string("2"))
    #expect(s.substrate["kind"] == .string("analog"))
    #expect(s.substrate["device.readNoise"] == .number(0.02))
  }

  @Test("the YAML form of a specification gives it again")
  func roundTrip() throws {
    let s = try specification("{ schema: 2 }", ["name=it's \"quoted\" \\ : #", "count=4"])
    let again = try RunSpecification(sums.keys, file: ConfigurationFile(tree: ConfigurationValue(yaml: s.yaml)))
    #expect(again == s)
  }

  @Test(
    "wrong input names the key, what was found and what is accepted",
    arguments: [
      ("colour=3", "no key `colour`"), ("count=many", "`count`"), ("count=-1", "0 or more"),
      ("count=2.5", "whole number"),
      ("kind=loud", "one of plain, noisy"), ("inner=3", "a group of keys"), ("inner.width_m=wide", "unit"),
      ("inner.height=1", "inner.height"), ("weights=[a]", "weights.0"), ("nothing", "key=value"),
      ("substrate.kind=wood", "digital, fixed-point, analog"), ("substrate.macro.colums=3", "substrate.macro.colums"),
      ("substrate.macro.output.bits=99", "substrate.macro.output.bits"), ("seed=-3", "seed"),
    ])
  func wrong(assignment: String, expected: String) throws {
    let error = try #require(throws: ConfigurationError.self) { try specification("schema: 2", [assignment]) }
    #expect(error.description.contains(expected), "\(error)")
  }

  @Test(
    "files that are no configuration are refused with the reason",
    arguments: [
      ("", "empty"), ("[1]", "keys and values"), ("schema: 1\nschema: 1", "duplicated"), ("a: [", "YAML"),
      ("schema: 1\nsytem: x", "sytem"), ("schema: 1\nsystem: other", "system"),
      ("schema: 1\nscale: huge", "smallest, quick, paper"),
      ("schema: 1\nconfiguration: 3", "keys and values"), ("seed: 1", "schema"), ("schema: 99", "newer version"),
      ("schema: 0", "no released version"), ("schema: -5", "no released version"), ("schema: one", "whole number"),
    ])
  func refused(yaml: String, expected: String) throws {
    let error = try #require(throws: ConfigurationError.self) { try specification(yaml) }
    #expect(error.description.contains(expected), "\(error)")
  }

  @Test("a file of version 1 is read: its device, converters, costs and measured device are where they are now")
  func version1() throws {
    let s = try specification(
      "{ schema: 1, substrate: { macro: { inputBits: 6, outputRange: 4.5, device: { readNoise: 0.02 } }, cost: { pulse_J: 1e-12 } } }"
    )
    #expect(s.substrate["macro.input.bits"] == .integer(6) && s.substrate["macro.output.ranging"] == .string("fixed"))
    #expect(s.substrate["device.readNoise"] == .number(0.02) && s.substrate["macro.output.range"] == .number(4.5))
    #expect(s.substrate["components.pulse.energy_J"] == .number(1e-12))
  }

  @Test("a word selects the device's keys, whatever the order; another device's keys are refused")
  func device() throws {
    let s = try specification("schema: 2", ["substrate.device.pulseStep=0.1", "substrate.device.kind=ideal"])
    #expect(s.substrate["device.pulseStep"] == .number(0.1) && s.substrate["device.writeResidue"] == nil)
    for (wrong, expected) in [
      (["substrate.device.kind=rrma"], "`rram`"),
      (["substrate.device.kind=ideal", "substrate.device.writeResidue=0.1"], "substrate.device.writeResidue"),
      (["substrate.macro.mapping.kind=diferential"], "`differential`"),
      (["substrate.components.memoryBite.energy_J=1"], "`memoryByte`"),
    ] {
      let error = try #require(throws: ConfigurationError.self) { try specification("schema: 2", wrong) }
      #expect(error.description.contains(expected), "\(error)")
    }
  }

  @Test("an older schema is brought to the current one step by step")
  func migration() throws {
    // Made up, as there is only one released schema: version 1 said `settings`, version 2 `parameters`.
    let versions = SchemaVersions(
      current: 3,
      steps: [
        1: { entries throws(ConfigurationError) in
          var new = entries
          new["parameters"] = new.removeValue(forKey: "settings")
          return new
        },
        2: { entries throws(ConfigurationError) in
          var new = entries
          new["configuration"] = new.removeValue(forKey: "parameters")
          return new
        },
      ])
    let file = try ConfigurationFile(
      tree: ConfigurationValue(yaml: "{ schema: 1, settings: { count: 8 } }"), schema: versions)
    #expect(file.configuration["count"] == .integer(8))
  }
}

@Suite("Sweeps") struct SweepTests {
  private func sweep(_ text: String) throws -> Sweep {
    try Sweep(yaml: "schema: 1\nsystem: sums\n\(text)", named: "test") { _ in sums.keys }
  }

  @Test("a grid visits every combination once")
  func grid() throws {
    let s = try sweep(
      "sweep: { axes: { count: [1, 2], seed: { from: 1, to: 3, count: 3 }, inner.width_m: { from: 1, to: 100, count: 3, logarithmic: true } } }"
    )
    #expect(s.points.count == 18)
    #expect(Set(s.points.map { "\($0.settings.map { "\($0.key)\($0.value.text)" })" }).count == 18)
    #expect(Set(s.points.compactMap { $0.configuration["inner.width_m"]?.double?.rounded() }) == [1, 10, 100])
  }

  @Test("a Latin hypercube has one point in each slice of every axis, random points stay inside")
  func hypercube() throws {
    let axes = "axes: { count: { from: 0, to: 99 }, inner.width_m: { from: 2.0, to: 4.0 } }"
    let s = try sweep("sweep: { method: latin-hypercube, points: 20, seed: 3, \(axes) }")
    let slices = s.points.map { Int(($0.configuration["inner.width_m"]?.double ?? 0) * 10) - 20 }
    #expect(slices.sorted() == Array(0..<20))
    #expect(Set(s.points.compactMap { $0.configuration["count"]?.double.map { Int($0) / 5 } }).count == 20)
    let random = try sweep("sweep: { method: random, points: 50, \(axes) }")
    #expect(random.points.allSatisfy { (2...4).contains($0.configuration["inner.width_m"]?.double ?? 0) })
    #expect(try sweep("sweep: { method: random, points: 50, \(axes) }").points == random.points)
  }

  @Test("a list is taken as it stands; the same file has the same name, another file another")
  func list() throws {
    let s = try sweep("sweep: { method: list, list: [{ count: 1 }, { count: 2, inner: { width_m: 3 } }] }")
    #expect(s.points.map { $0.configuration["count"] } == [.integer(1), .integer(2)])
    #expect(s.axes == ["count", "inner.width_m"])
    #expect(
      try s.name == sweep("sweep: { method: list, list: [{ count: 1 }, { count: 2, inner: { width_m: 3 } }] }").name)
    #expect(try s.name != sweep("sweep: { method: list, list: [{ count: 1 }] }").name)
  }

  @Test(
    "wrong sweeps are refused by key",
    arguments: [
      ("", "sweep"), ("sweep: { axes: { count: [] } }", "count"), ("sweep: { axes: { colour: [1] } }", "colour"),
      ("sweep: { method: guess, axes: { count: [1] } }", "latin-hypercube"),
      ("sweep: { method: random, axes: { count: [1] } }", "points"),
      ("sweep: { axes: { count: { from: 3, to: 1, count: 2 } } }", "from"),
      ("sweep: { axes: { count: [1, -4] } }", "point 1"),
      ("sweep: { axes: { count: { from: 0, to: 1, count: 2, logarithmic: true } } }", "above 0"),
      ("sweep: { axes: { count: [1] } }\nworkers: 0", "workers"),
      ("sweep: { axes: { count: [1] } }\nslurm: { queue: x }", "queue"),
      ("sweep: { axes: { count: [1] } }\nslurm: { partition: \"a b; rm\" }", "partition"),
      ("sweep: { axes: { count: { from: 1, to: 2, count: 90000 }, seed: { from: 1, to: 9, count: 9 } } }", "points"),
    ])
  func wrong(text: String, expected: String) throws {
    let error = try #require(throws: ConfigurationError.self) { try sweep(text) }
    #expect(error.description.contains(expected), "\(error)")
  }
}
