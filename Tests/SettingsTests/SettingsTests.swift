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
