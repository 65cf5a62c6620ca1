import Settings
import Testing

@Suite("Settings") struct SettingsTests {
  private let variants = Variants([
    "top.shape": [
      "circle": .map(["kind": .string("circle"), "radius_m": .number(1.5)]),
      "box": .map(["kind": .string("box"), "width_m": .number(2), "height_m": .number(3)]),
    ]
  ])
  private let tree = ConfigurationValue.map([
    "shape": .map(["kind": .string("circle"), "radius_m": .number(4)]), "count": .integer(1),
  ])

  @Test("another kind brings its own keys and their defaults; the same kind keeps what was set")
  func kinds() throws {
    let box = try tree.setting("shape.kind=box", at: "top", variants: variants)
    #expect(box["shape.width_m"] == .number(2) && box["shape.radius_m"] == nil)
    #expect(try tree.setting("shape.kind=circle", at: "top", variants: variants) == tree)
    let both = try tree.overlaid(
      with: ConfigurationValue(yaml: "shape: { kind: box, height_m: 9.5 }"), at: "top", variants: variants)
    #expect(both["shape.height_m"] == .number(9.5) && both["shape.width_m"] == .number(2))
  }

  @Test("unknown kinds and keys of another kind are refused, with the nearest word")
  func refusals() throws {
    let kind = try #require(throws: ConfigurationError.self) {
      try tree.setting("shape.kind=bxo", at: "top", variants: variants)
    }
    #expect(kind.description.contains("top.shape.kind") && kind.description.contains("`box`"))
    let key = try #require(throws: ConfigurationError.self) {
      try tree.setting("shape.width_m=1", at: "top", variants: variants)
    }
    #expect(key == .unknownKey(key: "top.shape.width_m", accepted: ["kind", "radius_m"]))
    let near = try #require(throws: ConfigurationError.self) { try tree.setting("shape.radus_m=1") }
    #expect(near.description.contains("did you mean `radius_m`"))
  }

  @Test("the nearest word is one that a slip of the fingers makes, and no other")
  func words() {
    #expect(nearest(to: "differental", in: ["differential", "offset"]) == "differential")
    #expect(nearest(to: "xyz", in: ["differential", "offset"]) == nil)
  }
}

@Suite("Ranges of settings") struct SettingRangesTests {
  private let ranges: SettingRanges = [
    "a.count": .within(1...1e6), "b": .above(0), "c": .fraction, "d": .atLeast(-1000), "e": .between(0, 1),
  ]

  private func check(_ yaml: String) -> String? {
    do {
      let own = try ConfigurationValue(yaml: yaml)
      let all = try ConfigurationValue(yaml: "{ a: { count: 1 }, b: 1, c: [0, 1], d: -1000, e: 0.5 }").overlaid(
        with: own)
      try ranges.check(all)
      return nil
    } catch { return "\(error)" }
  }

  @Test("bounds count where they should, lists are checked one by one, infinite numbers never pass")
  func accepts() {
    #expect(check("{ a: { count: 1000000 } }") == nil && check("{ b: 1e-300 }") == nil && check("{ c: [] }") == nil)
    #expect(check("{ a: { count: 1000001 } }")?.contains("`a.count` is 1000001, expected 1 to 1,000,000") == true)
    #expect(check("{ b: 0 }")?.contains("above 0") == true && check("{ c: [0.5, 1.5] }")?.contains("1.5") == true)
    #expect(check("{ d: -1001 }")?.contains("−1,000 or more") == true)
    #expect(
      check("{ e: 1 }")?.contains("above 0, below 1") == true && check("{ b: .inf }") != nil
        && check("{ b: .nan }") != nil)
  }

  @Test("a range for a key that is not there is found out")
  func unknown() {
    let wrong: SettingRanges = ["nothing": .above(0)]
    #expect(throws: ConfigurationError.self) { try wrong.check(ConfigurationValue(yaml: "{ a: 1 }")) }
  }
}
